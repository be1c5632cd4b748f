"""Whether one person's answer stands now, and why not: from facts that were read from signed material a moment ago. Pure.

The first of these that holds is the verdict; what cannot be shown is UNKNOWN, never VALID:

| verdict | because |
|---|---|
| UNKNOWN | signature, record or ledger entry does not verify, or something could not be read |
| REVOKED_KEY | the key was revoked before the signature was checked, or may have been somebody else's by then |
| SOD_VIOLATION | the person had to stay out of it, as is known today |
| WITHDRAWN | the answer ended, or the request was withdrawn |
| SUPERSEDED | a newer request took the place of this one |
| STALE | the request was frozen anew since; the delta says what changed |
| EXPIRED | an approval's validity is over, or nobody else answered the request in time |
| VALID | none of these |
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from proofs.approval.delta import Change
from proofs.moment import rfc3339


class Verdict(StrEnum):
    """How an answer stands."""

    VALID = "VALID"
    STALE = "STALE"
    EXPIRED = "EXPIRED"
    SUPERSEDED = "SUPERSEDED"
    WITHDRAWN = "WITHDRAWN"
    SOD_VIOLATION = "SOD_VIOLATION"
    REVOKED_KEY = "REVOKED_KEY"
    UNKNOWN = "UNKNOWN"


# As which the answer, or its request, is over, whatever was signed.
OVER = {
    "withdrawn": (Verdict.WITHDRAWN, "The request was withdrawn."),
    "superseded": (Verdict.SUPERSEDED, "A newer request took the place of this one."),
    "expired": (Verdict.EXPIRED, "The request was not answered in time."),
}
# Refusals of the verification that say the key did not count; every other one says that nothing is shown.
_KEY_CODES = ("signer.revoked", "signer.compromised")


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """What is known of one answer. `refused` is the code and reason with which its verification refused, if it did."""

    decision: str
    revision: int
    newest_revision: int
    not_after: datetime
    refused: tuple[str, str] | None = None
    barred_because: tuple[str, ...] = ()
    ended: str = ""
    over: str = ""
    delta: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class WeighedAnswer:
    """The verdict, why, and what changed since, where that is the reason."""

    verdict: Verdict
    sentence: str
    delta: tuple[Change, ...] = ()


def weigh_answer(facts: AnswerFacts, *, at: datetime) -> WeighedAnswer:
    """Return how an answer stands at `at`."""
    if facts.refused is not None:
        code, reason = facts.refused
        verdict = Verdict.REVOKED_KEY if code in _KEY_CODES else Verdict.UNKNOWN
        return WeighedAnswer(verdict, f"{reason[:1].upper()}{reason[1:]} ({code}).")
    if facts.barred_because:
        return WeighedAnswer(Verdict.SOD_VIOLATION, f"This person had to stay out of it: {', '.join(facts.barred_because)}.")
    if facts.ended:
        return WeighedAnswer(Verdict.WITHDRAWN, f"{facts.ended}.")
    if facts.over:
        return WeighedAnswer(*OVER.get(facts.over, (Verdict.UNKNOWN, f"The request is {facts.over}, which nothing here knows.")))
    if facts.revision != facts.newest_revision:
        return WeighedAnswer(Verdict.STALE, _stale(facts), facts.delta)
    if facts.decision == "approve" and at >= facts.not_after:
        return WeighedAnswer(Verdict.EXPIRED, f"The approval was valid until {rfc3339(facts.not_after)}.")
    return WeighedAnswer(Verdict.VALID, "Signature, record and ledger entry verify, and nothing has changed since.")


def _stale(facts: AnswerFacts) -> str:
    words = f"Signed for revision {facts.revision}; the request is at revision {facts.newest_revision}."
    count = len(facts.delta)
    return f"{words} {count} thing{'' if count == 1 else 's'} changed since." if count else f"{words} Nothing a reader decides by changed."
