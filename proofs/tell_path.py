"""The answer to "was the path intact?", told from how every known place stands. Pure; no observation is never a yes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from proofs.path import AS_APPROVED, SUSPENDED, PathCheck, check_freshness

MAX_REASONS = 8
_LONG_DIGEST = re.compile(r"\b(sha(?:256|384|512):[0-9a-f]{12})[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class PlaceStands:
    """One place and how it stands. `check.about` is what was seen there last; `observer` and `owner` are names."""

    check: PathCheck
    observer: str
    owner: str
    received_at: datetime

    @property
    def words(self) -> str:
        """The place as people write it."""
        return self.check.about.words if self.check.about else ""

    @property
    def told_by(self) -> str:
        """Who said it, and who answers for that program."""
        return f"{self.observer}, owned by {self.owner}" if self.owner else self.observer

    def has(self, digest: str) -> bool:
        """Say whether the artifact is what was seen there last."""
        return self.check.about is not None and self.check.about.digest == digest

    def expects(self, digest: str) -> bool:
        """Say whether the artifact should have been seen there."""
        return self.check.expected is not None and self.check.expected.digest == digest


@dataclass(frozen=True, slots=True)
class PathAnswer:
    """The answer (yes, no, unknown), its tone, a stable code, a sentence and its reasons."""

    answer: str
    tone: str
    code: str
    words: str
    reasons: tuple[str, ...] = ()


def tell_path(digest: str, places: Sequence[PlaceStands], *, settled: Sequence[str] = (), at: datetime) -> PathAnswer:
    """Answer for one artifact. `places` come newest first; `settled` are sentences of contradictions that stand no longer."""
    wrong = [item for item in places if item.check.is_contradiction and (item.has(digest) or item.expects(digest))]
    right = [item for item in places if item.check.code == AS_APPROVED and item.has(digest)]
    others = [item for item in places if item not in wrong and item not in right]
    notes = (*(_note(item, digest) for item in others), *(f"Settled since: {_shortened(sentence)}" for sentence in settled))
    if wrong:
        also = (*(_said(item) for item in wrong[1:]), *(_agrees(item) for item in right), *notes)
        return PathAnswer("no", "bad", wrong[0].check.code, _said(wrong[0]), _short(also))
    if right:
        newest = right[0].check.about
        age = check_freshness(newest.observed_at if newest else None, at=at)
        also = _short((*(_agrees(item) for item in right), *notes, *right[0].check.not_looked_at))
        if age.outcome != "pass":
            words = f"It was as approved when it was looked at, but nobody has looked lately. {age.sentence}"
            return PathAnswer("unknown", "unknown", age.code, words, also)
        where = f"in {len(right)} places" if len(right) > 1 else f"at {right[0].words}"
        return PathAnswer("yes", "ok", AS_APPROVED, f"The approved digest is what was seen {where}.", also)
    if any(item.has(digest) for item in others):
        code = next(item.check.code for item in others if item.has(digest))
        words = (
            "It was seen, but what was seen settles nothing."
            if code == SUSPENDED
            else "It was seen, but it has no approval to compare it with."
        )
        return PathAnswer("unknown", "unknown", code, words, _short(notes))
    if others:
        words = "No place has it now; those that had it, or keep its name, have something else that was approved."
        return PathAnswer("unknown", "unknown", "path.gone", words, _short(notes))
    never = check_freshness(None, at=at)
    return PathAnswer("unknown", "unknown", never.code, "No observation from a registry or a cluster says what became of it.")


def _said(item: PlaceStands) -> str:
    return f"{_shortened(item.check.sentence)} Seen by {item.told_by}."


def _agrees(item: PlaceStands) -> str:
    return f"{item.words} has the approved digest. Seen by {item.told_by}."


def _shortened(sentence: str) -> str:
    """Return the sentence with the first twelve characters of each digest; the whole ones stand beside the place."""
    return _LONG_DIGEST.sub(r"\1…", sentence)


def _note(item: PlaceStands, digest: str) -> str:
    if item.has(digest):
        return _said(item)
    return f"{item.words} has something else now: {_shortened(item.check.sentence)}"


def _short(reasons: Sequence[str]) -> tuple[str, ...]:
    distinct = tuple(dict.fromkeys(reasons))
    left = len(distinct) - MAX_REASONS
    return distinct if left <= 0 else (*distinct[:MAX_REASONS], f"And {left} more.")
