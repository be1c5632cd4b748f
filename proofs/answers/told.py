"""What the four answers are made from, and what an answer is. Values only; nothing is judged here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

YES, NO, UNKNOWN = "yes", "no", "unknown"
OK, BAD = "ok", "bad"
MOST_NAMED = 8
NEVER_CHECKED = "Whether a statement is true: a signature proves who said it, not that it is so."


@dataclass(frozen=True, slots=True)
class Cited:
    """One piece of evidence that an answer names: its id, and what it is in words."""

    id: str
    words: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a check found about one of the four questions.

    `answer` is yes, no or unknown; `tone` says whether that is good (ok), bad or unknown. `evidence` is what it rests on, or what it is about.
    """

    check: str
    code: str
    question: str
    answer: str
    tone: str
    words: str
    reasons: tuple[str, ...] = ()
    evidence: tuple[Cited, ...] = ()
    not_looked_at: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToldEvidence:
    """One newest verdict about the artifact. `facts` is None unless its signatures verified.

    `identity` is the registered and granted identity that answers for the signature today, or None; then `signer_code` and `signer_words` are
    the finding that says why not. `is_ours` says that the identity belongs to the teams the telling is for, `is_accepted` that a project of
    theirs accepts the item under its expectations.
    """

    id: str
    result: str
    reason: str
    facts: Mapping[str, Any] | None
    identity: str | None
    owner: str | None
    at: datetime
    signer_code: str = ""
    signer_words: str = ""
    is_ours: bool = True
    is_accepted: bool = False
    also_signed: str = ""

    @property
    def is_verified(self) -> bool:
        """Whether its newest verdict says verified."""
        return self.result == "verified"

    @property
    def counts(self) -> bool:
        """Whether it is verified, and somebody registered and granted answers for its signature."""
        return self.is_verified and self.identity is not None

    @property
    def is_build_record(self) -> bool:
        """Whether it is verified and says how something was built, in a form that is read here."""
        return self.is_verified and bool(self.claims.get("understood"))

    @property
    def signer(self) -> Mapping[str, Any]:
        """What certificate or key prove of whoever signed; of no kind where nothing is proved."""
        return self.facts["signer"] if self.facts else {"kind": ""}

    @property
    def claims(self) -> Mapping[str, Any]:
        """What the statement merely says."""
        return self.facts["claims"] if self.facts else {}

    @property
    def signed_as(self) -> str:
        """The name that certificate or key prove, registered or not."""
        return str(self.signer.get("identity") or self.signer.get("keyId") or "an unknown signer")

    @property
    def answered_by(self) -> str:
        """Who answers for the signature, with the person behind it; else the name that certificate or key prove."""
        if self.identity is None:
            return self.signed_as
        return f"{self.identity}, owned by {self.owner}" if self.owner else self.identity

    @property
    def cited(self) -> Cited:
        """The item as an answer names it: short, because it leads to the whole."""
        claim = short_type(str((self.facts or {}).get("predicateType") or ""))
        if not self.is_verified:
            return Cited(self.id, f"{claim}, {self.result}")
        return Cited(self.id, f"{claim}, signed by {self.identity}" if self.identity else claim)


@dataclass(frozen=True, slots=True)
class GateReason:
    """Why a gate stays shut: a stable code and a sentence."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class ReviewFacts:
    """How the review of the artifact stands for one project and environment, as `target` names them, and what the gate says there.

    `opens` is the gate's own answer. `given` approvals of `needed` are on the newest revision of the request that counts (the one that opens
    the gate, else the newest), `is_whole` when they fill every role, lapsed or not; `approved_by` also holds those of an earlier revision, and then `is_of_earlier` is true. `changed` is evidence
    that is otherwise now, `replaced` says which documents are, `newer` is what came in since and was in no review, `of_others` such items of signers of other teams.
    """

    target: str
    opens: bool = False
    given: int = 0
    needed: int = 0
    is_whole: bool = False
    approved_by: tuple[str, ...] = ()
    refused_by: tuple[str, ...] = ()
    is_of_earlier: bool = False
    has_lapsed: bool = False
    changed: tuple[Cited, ...] = ()
    replaced: tuple[str, ...] = ()
    newer: tuple[Cited, ...] = ()
    of_others: tuple[Cited, ...] = ()
    gate: tuple[GateReason, ...] = ()


def short_type(predicate_type: str) -> str:
    """Return a predicate type without the scheme that all of them have."""
    return predicate_type.removeprefix("https://") or "unreadable claim"


def soften(answer: Answer, *, opens: Sequence[str]) -> Answer:
    """Return the answer without its alarm where gates open all the same, and say so: a page must not call bad what a gate lets through."""
    if answer.tone != BAD or not opens:
        return answer
    words = f"The gate opens all the same for {' and '.join(opens)}: what the policy asks for there does not rest on this."
    return replace(answer, tone=UNKNOWN, reasons=(words, *answer.reasons))


def name_some(items: Sequence[str]) -> tuple[str, ...]:
    """Return distinct sentences, and how many were left out beyond the first few."""
    distinct = tuple(dict.fromkeys(items))
    left = len(distinct) - MOST_NAMED
    return distinct if left <= 0 else (*distinct[:MOST_NAMED], f"And {left} more.")


def cite_some(items: Sequence[Cited]) -> tuple[Cited, ...]:
    """Return the first few, each once."""
    return tuple(dict.fromkeys(items))[:MOST_NAMED]


def count(number: int, noun: str) -> str:
    """Return a number with its noun, as people write it."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
