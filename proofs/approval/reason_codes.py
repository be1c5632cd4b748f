"""Why somebody answers no, as a closed list of codes that can be counted; the sentence beside them says it in their own words."""

from __future__ import annotations

REASON_CODES: dict[str, str] = {
    "evidence-missing": "Evidence is missing",
    "evidence-wrong": "Evidence is wrong or contradicts itself",
    "wrong-artifact": "It is the wrong artifact",
    "wrong-place": "It is the wrong environment",
    "too-risky": "The risk is too high",
    "too-large": "It is too much for one decision",
    "not-now": "It is the wrong moment",
    "not-explained": "What it is for is not explained",
    "known-fault": "It has a known fault",
    "not-allowed": "A rule outside the policy forbids it",
}
# Who approves gives no reason against.
DECISIONS_WITH_CODES = ("reject", "request_changes")
