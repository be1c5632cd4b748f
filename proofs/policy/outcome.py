"""What comes of one rule, and how it stands in a result document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from proofs.policy.rules import Rule

PASS, FAIL, AWAITING, WAIVED = "pass", "fail", "awaiting", "waived"
TIME_MISSING = "policy.time_missing"


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What came of one rule: pass, fail, awaiting or waived, a code for programs ("" for pass), a sentence for people, the items that count.

    A rule that is waived keeps the code it failed with; `waiver` is the digest of what covers it.
    """

    outcome: str
    code: str
    sentence: str
    evidence: tuple[str, ...] = ()
    waiver: str = ""


def as_document(rule: Rule, outcome: RuleOutcome) -> dict[str, Any]:
    """Return an outcome as it stands in a result document."""
    return {
        "id": rule.id,
        "kind": rule.kind,
        "title": rule.title,
        "outcome": outcome.outcome,
        "code": outcome.code,
        "sentence": outcome.sentence,
        "evidence": list(outcome.evidence),
        **({"waiver": outcome.waiver} if outcome.waiver else {}),
    }


def nobody_approves(outcome: str) -> dict[str, Any]:
    """Return what stands in a result where no rule asks anybody to approve this kind of request: never a pass, and nothing can waive it."""
    return {
        "id": "no-approvals",
        "kind": "approvals",
        "title": "Somebody approves",
        "outcome": outcome,
        "code": "policy.no_approvals",
        "sentence": "The policy has no approvals rule for this kind of request, so nobody could approve it.",
        "evidence": [],
    }
