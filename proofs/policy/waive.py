"""Waivers: what covers a rule that failed, for a while, because people signed that it may.

A waiver in the policy input is {"digest", "rule", "policy", "artifacts": [...] or null, "until"}. Whether it was signed, and is alive, is for
whoever puts it there to know. Nothing waives a rule about approvals, and nothing waives anything under a policy that knows no waivers.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from proofs.policy.document import Policy
from proofs.policy.outcome import FAIL, WAIVED, RuleOutcome
from proofs.policy.reading import moment_of, objects, texts
from proofs.policy.rules import ApprovalsRule, Rule


def waive(policy: Policy, rule: Rule, outcome: RuleOutcome, policy_input: dict[str, Any], at: datetime | None) -> RuleOutcome:
    """Return the outcome, `waived` where it is a failure that a waiver covers at this moment for every artifact."""
    if outcome.outcome != FAIL or policy.waivers is None or isinstance(rule, ApprovalsRule) or at is None:
        return outcome
    covering = [waiver for waiver in objects(policy_input.get("waivers")) if _covers(waiver, policy, rule, policy_input, at)]
    if not covering:
        return outcome
    last = max(covering, key=lambda waiver: (waiver["until"], waiver["digest"]))
    return RuleOutcome(WAIVED, outcome.code, f"Waived until {last['until']}. {outcome.sentence}", outcome.evidence, last["digest"])


def _covers(waiver: dict[str, Any], policy: Policy, rule: Rule, policy_input: dict[str, Any], at: datetime) -> bool:
    until = moment_of(waiver.get("until"))
    if until is None or at >= until or (waiver.get("policy"), waiver.get("rule")) != (policy.id, rule.id):
        return False
    if not isinstance(waiver.get("digest"), str) or "artifacts" not in waiver:
        return False
    asked = [str(artifact.get("digest")) for artifact in objects(policy_input.get("artifacts"))]
    return waiver["artifacts"] is None or (bool(asked) and set(asked) <= set(texts(waiver["artifacts"])))
