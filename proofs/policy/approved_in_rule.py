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

# How many artifacts a sentence names.
_NAMED = 5


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
    grounds: list[str] = []
    for artifact in artifacts:
        name = artifact["name"] or artifact["digest"]
        known = [
            (time, str(fact.get("request")))
            for fact in here
            if fact.get("digest") == artifact["digest"] and (time := moment_of(fact.get("at")))
        ]
        first, request = min(known, default=(None, ""))
        if first is None:
            return RuleOutcome("fail", "policy.not_approved_before", f"{rule.title}: {name} was not approved in {rule.environment}.")
        counts_from = first + timedelta(hours=rule.minimum_hours)
        if counts_from > at:
            waits = f"which counts {rule.minimum_hours} hours later, from {rfc3339(counts_from)} on; this was weighed at {rfc3339(at)}"
            sentence = f"{rule.title}: {name} was approved in {rule.environment} at {rfc3339(first)}, {waits}."
            return RuleOutcome("fail", "policy.approved_too_late", sentence)
        grounds.append(f"{name} at {rfc3339(first)} (request {request})")
    named = "; ".join([*grounds[:_NAMED], *([f"and {len(grounds) - _NAMED} more"] if len(grounds) > _NAMED else [])])
    sentence = f"{rule.title}: approved in {rule.environment}, at least {rule.minimum_hours} hours before: {named}."
    return RuleOutcome("pass", "", sentence)
