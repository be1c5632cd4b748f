"""What would have come of one request under another policy: the same frozen facts and the same answers, weighed by both.

What the draft asks and the frozen facts do not tell is `cannot tell`, never allowed. Not weighed: freezes and hours, which gates judge at
their own moment, and for how long an approval holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from approvals.models import Approval, Revision
from approvals.requests.standing_in import count_answer
from attestations.blobs import bytes_of
from proofs.canonical import parse_canonical
from proofs.errors import Refusal
from proofs.policy.derived import policy_for_exception
from proofs.policy.document import Policy, parse_policy
from proofs.policy.evaluate import count_approvals, evaluate_policy, exclusions
from proofs.policy.rules import ApprovedInRule, ConditionRule, EvidenceRule, Rule, SeparationRule
from proofs.policy.waiving import rule_digest

STILL_ALLOWED, NEWLY_DENIED, NEWLY_ALLOWED = "still_allowed", "newly_denied", "newly_allowed"
STILL_DENIED, CANNOT_TELL = "still_denied", "cannot_tell"
OUTCOMES = (NEWLY_ALLOWED, NEWLY_DENIED, CANNOT_TELL, STILL_ALLOWED, STILL_DENIED)

_HOLDS = ("pass", "waived")
# What gates judge at their own moment says nothing about the past.
_OF_THE_GATE = ("freeze", "hours")


@dataclass(frozen=True, slots=True)
class Weighed:
    """What came of one request: one of `OUTCOMES`, the rules that made the difference, and how many approvals both policies ask for."""

    outcome: str
    rules: tuple[Mapping[str, str], ...]
    approvals_then: int
    approvals_after: int

    @property
    def as_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "outcome": self.outcome,
            "rules": [dict(rule) for rule in self.rules],
            "then": self.approvals_then,
            "after": self.approvals_after,
        }


def weigh_revision(revision: Revision, answers: Sequence[Approval], draft: Policy, document: Mapping[str, Any]) -> Weighed:
    """Weigh a frozen revision and the `answers` given to it under its own policy and under the draft, which was read from `document`.

    Reads what was loaded, nothing else.
    """
    policy_input = parse_canonical(bytes_of(revision.policy_input))
    kind = revision.request.kind
    then, after = parse_policy(bytes_of(revision.policy.document)).for_kind(kind), draft.for_kind(kind)
    before = parse_canonical(bytes_of(revision.policy_result))["rules"]
    before = _with_approvals(then, before, answers, policy_input)
    try:
        seen = _with_kept_waivers(policy_input, bytes_of(revision.policy.document), document)
        now = _with_approvals(after, evaluate_policy(after, seen)["rules"], answers, seen)
    except Refusal as refusal:
        # What the draft makes of these facts is no answer, so it is no yes either.
        now = [_told("policy", "Cannot be weighed", "fail", refusal.code, refusal.reason)]
    if not after.approvals_rules:
        now = [
            *now,
            _told("policy", "No approvals", "fail", "policy.no_approvals", f"No approvals rule applies to requests of kind {kind}."),
        ]
    unknown = {rule.id: missing for rule in after.rules if (missing := _lacks(rule, policy_input, then))}
    against = any(answer.decision != Approval.Decision.APPROVE for answer in answers)
    was_allowed = not against and all(_holds(rule) for rule in before)
    failing = [rule for rule in now if not _holds(rule) and rule["id"] not in unknown]
    needed = (then.required_approvals, after.required_approvals)
    if against or failing:
        outcome = NEWLY_DENIED if was_allowed else STILL_DENIED
        return Weighed(outcome, _short(failing) if was_allowed else (), *needed)
    if unknown:
        lacking = [
            {"id": rule["id"], "title": rule["title"], "code": "", "sentence": unknown[rule["id"]]} for rule in now if rule["id"] in unknown
        ]
        return Weighed(CANNOT_TELL, tuple(lacking), *needed)
    if was_allowed:
        return Weighed(STILL_ALLOWED, (), *needed)
    return Weighed(NEWLY_ALLOWED, _short([rule for rule in before if not _holds(rule)]), *needed)


def _with_kept_waivers(policy_input: dict[str, Any], then: bytes, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts with those waivers alone that would stand under the draft: of rules that say the same, agreed to by the same people."""
    if "waivers" not in policy_input:
        return policy_input
    before = parse_canonical(then)
    same = {rule_digest(rule) for rule in before["rules"]} & {rule_digest(rule) for rule in document["rules"]}
    ids = {rule["id"] for rule in document["rules"] if rule_digest(rule) in same} if _is_waived_alike(before, document) else set()
    return {**policy_input, "waivers": [waiver for waiver in policy_input["waivers"] if waiver["rule"] in ids]}


def _is_waived_alike(before: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    try:
        return policy_for_exception(before) == policy_for_exception(document)
    except Refusal:
        return False


def _with_approvals(
    policy: Policy, rules: Sequence[Mapping[str, Any]], answers: Sequence[Approval], policy_input: dict[str, Any]
) -> list[Mapping[str, Any]]:
    """Return the outcome of every rule, with those that people fulfil counted over these answers."""
    approving = [count_answer(answer, policy, policy_input) for answer in answers if answer.decision == Approval.Decision.APPROVE]
    counted = {rule["id"]: rule for rule in count_approvals(policy, approving, excluded=exclusions(policy, policy_input))}
    return [counted.get(rule["id"], rule) for rule in rules if rule["kind"] not in _OF_THE_GATE]


def _holds(rule: Mapping[str, Any]) -> bool:
    return rule["outcome"] in _HOLDS


def _lacks(rule: Rule, policy_input: Mapping[str, Any], then: Policy) -> str:
    """Return what the facts frozen then do not tell and this rule asks, in words; empty where they tell all."""
    if isinstance(rule, SeparationRule) and rule.exclude and "people" not in policy_input:
        return "Who wrote and built it was not recorded with this request."
    if isinstance(rule, ApprovedInRule) and not _asked_there(rule.environment, then):
        return "Where else it had been approved was not recorded with this request."
    asks_moment = isinstance(rule, ConditionRule) or (isinstance(rule, EvidenceRule) and rule.max_age_hours is not None)
    if asks_moment and "at" not in policy_input:
        return "The moment to weigh it at was not recorded with this request."
    if isinstance(rule, EvidenceRule) and rule.by_project and "expectations" not in policy_input:
        return "The expectations of the project were not recorded with this request."
    return ""


def _asked_there(environment: str, then: Policy) -> bool:
    """Say whether the policy of then asked about this environment: only then an input without an approval there says that there was none."""
    return any(isinstance(rule, ApprovedInRule) and rule.environment == environment for rule in then.rules)


def _short(rules: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, str], ...]:
    return tuple({name: str(rule[name])[:400] for name in ("id", "title", "code", "sentence")} for rule in rules)


def _told(rule_id: str, title: str, outcome: str, code: str, sentence: str) -> dict[str, Any]:
    return {"id": rule_id, "kind": "policy", "title": title, "outcome": outcome, "code": code, "sentence": sentence}
