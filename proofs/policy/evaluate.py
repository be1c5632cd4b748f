"""Weigh a policy: what comes of it, who is excluded, and which approvals count.

Only verdict documents are looked at, and in them only what a certificate or key proved, never what a predicate says of its own
builder. What is missing fails its rule, with a sentence that names it. Verdicts are taken as they are here;
`proofs.pack.verify` verifies the evidence behind them again. Nothing here reads a clock: the moment is the input's, or named.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Malformed
from proofs.moment import parse_moment
from proofs.policy.approved_in_rule import evaluate_approved_in
from proofs.policy.condition_rule import Conditions
from proofs.policy.count import CountedApproval, count_approvals
from proofs.policy.document import (
    ApprovalsRule,
    ApprovedInRule,
    Builder,
    ConditionRule,
    EvidenceRule,
    FreezeRule,
    HoursRule,
    Policy,
    Rule,
    SeparationRule,
    Source,
    parse_policy,
)
from proofs.policy.evidence_rule import evaluate_evidence_rule
from proofs.policy.expectations_document import ProjectExpectations, read_carried
from proofs.policy.indexed_input import IndexedInput
from proofs.policy.outcome import FAIL, PASS, RuleOutcome, as_document, nobody_approves
from proofs.policy.people_rule import evaluate_separation, exclusions
from proofs.policy.policy_input import INPUT_CODE, INPUT_SCHEMA, build_policy_input, is_within, project_scope, team_scope
from proofs.policy.rules import RELEASE, REQUEST_KINDS
from proofs.policy.time_rules import describe_times, evaluate_times
from proofs.policy.waive import waive

__all__ = [
    "ApprovalsRule",
    "Builder",
    "CountedApproval",
    "EvidenceRule",
    "Policy",
    "SeparationRule",
    "Source",
    "build_policy_input",
    "count_approvals",
    "evaluate_policy",
    "evaluate_rules",
    "evaluate_times",
    "exclusions",
    "is_within",
    "parse_policy",
    "project_scope",
    "team_scope",
]

RESULT_SCHEMA = "countersign-policy-result/v1"


def evaluate_policy(policy: Policy, policy_input: dict[str, Any], *, at: datetime | None = None) -> dict[str, Any]:
    """Return the result document (countersign-policy-result/v1): pass or fail, with a sentence for every rule that applies to the request.

    Rules that count approvals are `awaiting` and do not fail the result: `count_approvals` judges them over the signed records. So are
    rules about the clock, which `evaluate_times` judges at the gate. `at` is the moment it is weighed at, without one the input's.
    Refuses with `policy.input_malformed` when the input is not one that `build_policy_input` makes.
    """
    expected = _carried_expectations(policy_input)
    rules = evaluate_rules(policy, policy_input, at=at, expected=expected)
    return {
        "schema": RESULT_SCHEMA,
        "policy": {"id": policy.id, "version": policy.version, "digest": policy.digest},
        **({"expectations": {"project": expected.project, "version": expected.version, "digest": expected.digest}} if expected else {}),
        "inputDigest": sha256_hex(canonical_bytes(policy_input)),
        "result": FAIL if any(rule["outcome"] == FAIL for rule in rules) else PASS,
        "rules": rules,
    }


def evaluate_rules(
    policy: Policy, policy_input: dict[str, Any], *, at: datetime | None = None, expected: ProjectExpectations | None = None
) -> list[dict[str, Any]]:
    """Return the outcome of every rule that applies to the request, in the policy's order, as rule documents: the weighing alone.

    `expected` are the expectations that the input carries, where they have been read. Refuses as `evaluate_policy` does.
    """
    kind = policy_input.get("kind", RELEASE)
    if policy_input.get("schema") != INPUT_SCHEMA or kind not in REQUEST_KINDS:
        got = f"schema {str(policy_input.get('schema'))[:60]!r}, kind {str(kind)[:60]!r}"
        raise Malformed(INPUT_CODE, f"got {got}, expected {INPUT_SCHEMA} about one of {', '.join(REQUEST_KINDS)}")
    if at is None and "at" in policy_input:
        at = parse_moment(policy_input["at"], code=INPUT_CODE, what="policy input.at")
    weighing = _Weighing(policy, IndexedInput(policy_input), at, expected or _carried_expectations(policy_input))
    applied = policy.for_kind(kind)
    rules = [as_document(rule, weighing.outcome_of(rule)) for rule in applied.rules]
    return rules if applied.approvals_rules else [*rules, nobody_approves(FAIL)]


class _Weighing:
    """One policy weighed on one input, at one moment."""

    __slots__ = ("_at", "_conditions", "_expected", "_input", "_policy")

    def __init__(self, policy: Policy, policy_input: IndexedInput, at: datetime | None, expected: ProjectExpectations | None) -> None:
        self._policy, self._input, self._at, self._expected = policy, policy_input, at, expected
        self._conditions = Conditions(policy_input, at)

    def outcome_of(self, rule: Rule) -> RuleOutcome:
        return waive(self._policy, rule, self._evaluate(rule), self._input, self._at)

    def _evaluate(self, rule: Rule) -> RuleOutcome:
        match rule:
            case EvidenceRule():
                return evaluate_evidence_rule(rule, self._input, self._expected, self._at)
            case ApprovalsRule():
                needs = f"needs {rule.count} approval{'s' if rule.count > 1 else ''} by {rule.role}"
                level = f" at level {rule.minimum_assurance} or higher" if rule.minimum_assurance else ""
                return RuleOutcome("awaiting", "", f"{rule.title}: {needs}{level}.")
            case SeparationRule():
                return evaluate_separation(rule, self._input)
            case FreezeRule() | HoursRule():
                return describe_times(rule)
            case ConditionRule():
                return self._conditions.evaluate(rule)
            case ApprovedInRule():
                return evaluate_approved_in(rule, self._input, self._at)


def _carried_expectations(policy_input: dict[str, Any]) -> ProjectExpectations | None:
    if "expectations" not in policy_input:
        return None
    return read_carried(policy_input["expectations"], project=str(policy_input.get("project")), code=INPUT_CODE)
