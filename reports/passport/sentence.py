"""The one sentence on top of a passport, told from facts: what it was built from, for what it was approved, where it runs, whether it was altered.

Pure. Every clause says what is not known, or what is wrong, in the place where the good news would stand; none is left out. What a statement
merely claims is called claimed. Not decided here: whether a gate opens, which the gate says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from proofs.answers.told import count

OK, WARN, BAD, UNKNOWN, GLASS = "ok", "warn", "bad", "unknown", "glass"
_SYMBOLS = {OK: "check", WARN: "alert", BAD: "cross", UNKNOWN: "question", GLASS: "alert"}
PROVED, CLAIMED, MISSING = "proved", "claimed", "missing"
# How an environment stands, the good ones first.
APPROVED, PROMOTED, WAITING, LAPSED, STALE, REVOKED, REFUSED, BLOCKED, OVER = (
    "approved",
    "promoted",
    "waiting",
    "lapsed",
    "stale",
    "revoked",
    "refused",
    "blocked",
    "over",
)
# What became of it downstream.
AS_APPROVED, ALTERED, MISPLACED, UNAPPROVED = "as_approved", "altered", "misplaced", "unapproved"
GONE, NOT_COMPARED, NOT_SEEN = "gone", "not_compared", "not_seen"
MAX_NAMED = 3
_WORKFLOW = re.compile(r"/\.github/workflows/([^/@]+)")


@dataclass(frozen=True, slots=True)
class Made:
    """From what and by what it was built, each with how well that is known: proved, claimed or missing."""

    source: str = ""
    source_state: str = MISSING
    builder: str = ""
    builder_state: str = MISSING


@dataclass(frozen=True, slots=True)
class Answered:
    """How the question stands for one environment: a state from above, and how many different people approve, of how many needed (0: not known)."""

    environment: str
    state: str
    people: int = 0


@dataclass(frozen=True, slots=True)
class Downstream:
    """What observers saw: in how many places it runs and is kept, what that means, and the newest look. `places` are those that are wrong.

    Of the places `running`, nobody has looked lately at `unseen_running`; of those that have it as approved, not at `unseen_right` of `right`.
    """

    state: str = NOT_SEEN
    running: int = 0
    kept: int = 0
    places: tuple[str, ...] = ()
    seen_at: datetime | None = None
    is_fresh: bool = False
    unseen_running: int = 0
    right: int = 0
    unseen_right: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the sentence is told from. `glass` names the environments for which the glass was broken and nobody has reviewed it yet."""

    made: Made = Made()
    answered: tuple[Answered, ...] = ()
    downstream: Downstream = Downstream()
    glass: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause: its words, whether it is good (ok, warn, bad, unknown, glass), the part of the page it rests on, and a moment to say after it."""

    words: str
    tone: str
    anchor: str
    at: datetime | None = None

    @property
    def symbol(self) -> str:
        """The icon that stands beside the words, so that colour is never alone."""
        return _SYMBOLS[self.tone]


def tell_sentence(facts: Facts) -> tuple[Clause, ...]:
    """Return the clauses of the sentence in their order; a semicolon between them and a full stop after them make it whole."""
    glass = (Clause(f"the glass was broken for {_listed(facts.glass)} and nobody has reviewed that yet", GLASS, "approvals"),)
    return (_made(facts.made), *_answered(facts.answered), *(glass if facts.glass else ()), *_downstream(facts.downstream))


def short_source(repository: str, commit: str) -> str:
    """Return a repository and commit as people say them: `payments/api@b7e2f4a`."""
    path = re.sub(r"^(git\+)?[a-z]+://[^/]+/", "", repository).removesuffix(".git").strip("/") or repository
    return f"{path}@{commit[:7]}" if commit else path


def short_builder(builder: str) -> str:
    """Return a workflow's file name, or the last part of what else built it."""
    workflow = _WORKFLOW.search(builder)
    return workflow[1] if workflow else builder.removeprefix("https://").rstrip("/")


def _made(made: Made) -> Clause:
    states = {made.source_state, made.builder_state}
    if states == {MISSING}:
        return Clause("What it was built from, and by what, is not known", UNKNOWN, "chain")
    if made.source_state == MISSING:
        words = f"Built by {made.builder}" if made.builder_state == PROVED else f"Said to be built by {made.builder}, which nothing proves"
        return Clause(f"{words}; from what source is not known", UNKNOWN if made.builder_state == PROVED else WARN, "chain")
    if made.builder_state == MISSING:
        words = f"Built from {made.source}" if made.source_state == PROVED else f"Said to be built from {made.source}, which nothing proves"
        return Clause(f"{words}; by what is not known", UNKNOWN if made.source_state == PROVED else WARN, "chain")
    if states == {PROVED}:
        return Clause(f"Built from {made.source} by {made.builder}", OK, "chain")
    if states == {CLAIMED}:
        return Clause(f"Said to be built from {made.source} by {made.builder}, which is only claimed", WARN, "chain")
    if made.source_state == CLAIMED:
        return Clause(f"Built by {made.builder}, from {made.source} as is only claimed", WARN, "chain")
    return Clause(f"Built from {made.source}, by {made.builder} as is only claimed", WARN, "chain")


def _answered(answered: Sequence[Answered]) -> list[Clause]:
    if not answered:
        return [Clause("nobody has been asked to approve it, as far as you may know", UNKNOWN, "approvals")]
    return [_stands(item) for item in answered[:MAX_NAMED]] + _and_more(answered)


def _and_more(answered: Sequence[Answered]) -> list[Clause]:
    left = answered[MAX_NAMED:]
    if not left:
        return []
    good = sum(item.state in (APPROVED, PROMOTED) for item in left)
    words = f"asked for {count(len(left), 'more environment')}, and approved for {good} of them"
    return [Clause(words, OK if good == len(left) else UNKNOWN, "environments")]


def _stands(item: Answered) -> Clause:
    there = item.environment
    people = f"by {item.people} {'person' if item.people == 1 else 'people'}" if item.people else "by policy, without people"
    words, tone = {
        APPROVED: (f"approved for {there} {people}", OK),
        PROMOTED: (f"approved for {there} {people} and promoted", OK),
        WAITING: (f"not approved yet for {there}" + (f": {item.people} so far" if item.people else ""), UNKNOWN),
        LAPSED: (f"its approval for {there} ran out", WARN),
        STALE: (f"its approval for {there} is stale, because something changed since", BAD),
        REVOKED: (f"its approval for {there} was revoked", BAD),
        REFUSED: (f"not approved for {there}: somebody answered no", BAD),
        BLOCKED: (f"blocked for {there}: a rule of the policy is not met", BAD),
        OVER: (f"no longer asked for {there}", UNKNOWN),
    }[item.state]
    return Clause(words, tone, "approvals")


def _downstream(found: Downstream) -> list[Clause]:
    seen = found.running + found.kept
    if found.running and found.unseen_running == found.running:
        where = Clause(f"last seen running in {count(found.running, 'place')}, where nobody has looked lately", UNKNOWN, "environments")
    elif found.running:
        old = f", and last seen in {found.unseen_running} more where nobody has looked lately" if found.unseen_running else ""
        tone = OK if found.state == AS_APPROVED and not old else UNKNOWN
        where = Clause(f"running in {count(found.running - found.unseen_running, 'place')}{old}", tone, "environments")
    elif found.kept:
        where = Clause(f"not seen running, and kept in {count(found.kept, 'place')}", UNKNOWN, "environments")
    else:
        where = Clause(
            "where it runs is not known" if found.state == NOT_SEEN else "running nowhere that anybody looked", UNKNOWN, "environments"
        )
    return [where, _intact(found, seen)]


def _intact(found: Downstream, seen: int) -> Clause:
    if found.state == ALTERED:
        return Clause(
            f"altered downstream: {_listed(found.places)} {'have' if len(set(found.places)) > 1 else 'has'} another digest in its place, seen at",
            BAD,
            "places",
            found.seen_at,
        )
    if found.state == MISPLACED:
        return Clause(f"found where another artifact was approved: {_listed(found.places)}, seen at", BAD, "places", found.seen_at)
    if found.state == UNAPPROVED:
        return Clause(f"found where nobody approved it: {_listed(found.places)}, seen at", BAD, "places", found.seen_at)
    if found.state == AS_APPROVED and found.is_fresh and found.unseen_right:
        words = f"unmodified in {found.right - found.unseen_right} of {found.right} places, and not known in the others, where nobody has looked lately, at"
        return Clause(words, WARN, "places", found.seen_at)
    if found.state == AS_APPROVED and found.is_fresh:
        return Clause("unmodified at", OK, "places", found.seen_at)
    if found.state == AS_APPROVED:
        return Clause("whether it was modified since is not known; it was not when anybody last looked, at", WARN, "places", found.seen_at)
    # Where only its name leads to something else, it never was in any place that anybody looked at.
    if found.state == GONE and found.seen_at:
        return Clause("replaced in the places that had it, last seen at", UNKNOWN, "places", found.seen_at)
    if seen:
        return Clause(
            "whether it was modified is not known, because what was seen settles nothing, last at", UNKNOWN, "places", found.seen_at
        )
    return Clause("whether it was modified since is not known", UNKNOWN, "places")


def _listed(names: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(names))
    shown = distinct[:MAX_NAMED]
    left = len(distinct) - len(shown)
    if left:
        return f"{', '.join(shown)} and {left} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else ""
