"""Approved elsewhere first: every artifact must have been let through in another environment, some hours ago.

The facts are the policy input's, {"environment", "digest", "at", "request"}: who puts them there knows that it is so.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from proofs.moment import rfc3339
from proofs.policy.outcome import TIME_MISSING, RuleOutcome
from proofs.policy.reading import moment_of, objects
from proofs.policy.rules import ApprovedInRule


def describe_taken_facts(policy_input: dict[str, Any]) -> tuple[str, ...]:
    """Return a sentence for each approval elsewhere that an input rests on: who verifies it takes it from whoever wrote the input."""
    return tuple(
        f"That {fact['digest']} was approved in {fact['environment']} at {fact['at']}: whoever signed saw it said so; the pack of request "
        f"{fact['request']} proves it, this one does not."
        for fact in objects(policy_input.get("approvedIn"))
    )


def evaluate_approved_in(rule: ApprovedInRule, policy_input: dict[str, Any], at: datetime | None) -> RuleOutcome:
    """Return pass when every artifact was approved in the rule's environment at least so many hours before `at`."""
    if at is None:
        return RuleOutcome("fail", TIME_MISSING, f"{rule.title} cannot be shown: no moment is named.")
    artifacts = policy_input["artifacts"]
    if not artifacts:
        return RuleOutcome("fail", "policy.no_artifact", f"{rule.title} cannot be shown: the request names no artifact.")
    here = [fact for fact in objects(policy_input.get("approvedIn")) if fact.get("environment") == rule.environment]
    for artifact in artifacts:
        name = artifact["name"] or artifact["digest"]
        times = [moment_of(fact.get("at")) for fact in here if fact.get("digest") == artifact["digest"]]
        first = min((time for time in times if time is not None), default=None)
        if first is None:
            return RuleOutcome("fail", "policy.not_approved_before", f"{rule.title}: {name} was not approved in {rule.environment}.")
        counts_from = first + timedelta(hours=rule.minimum_hours)
        if counts_from > at:
            waits = f"which counts {rule.minimum_hours} hours later, from {rfc3339(counts_from)} on; this was weighed at {rfc3339(at)}"
            sentence = f"{rule.title}: {name} was approved in {rule.environment} at {rfc3339(first)}, {waits}."
            return RuleOutcome("fail", "policy.approved_too_late", sentence)
    return RuleOutcome("pass", "", f"{rule.title}: approved in {rule.environment}, at least {rule.minimum_hours} hours before.")
