"""Rules of a policy document in words, for people who read a policy: its title and one sentence for each rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proofs.policy.reading import listed


@dataclass(frozen=True, slots=True)
class RuleInWords:
    """One rule as people read it."""

    title: str
    sentence: str


def describe_rule(rule: Mapping[str, Any]) -> RuleInWords:
    """Return the words of one rule of a policy document that was parsed before; of a kind that is not known here they say that."""
    sentence = _sentence(rule)
    if rule.get("kinds"):
        sentence = f"{sentence} Only for requests of kind {listed(list(rule['kinds']), word='or')}."
    return RuleInWords(str(rule["title"]), sentence)


def _sentence(rule: Mapping[str, Any]) -> str:
    match rule["kind"]:
        case "evidence":
            return _evidence(rule)
        case "approvals":
            return _approvals(rule)
        case "separation-of-duties":
            return _separation(rule)
        case "freeze":
            windows = listed([f"from {window['from']} to {window['to']} ({window['why']})" for window in rule["windows"]], word="or")
            return f"Nothing goes {windows}, on the clocks of {rule['zone']}."
        case "hours":
            days = listed(list(rule["days"]), word="or")
            return f"It goes only on {days} from {rule['from']} to {rule['to']}, on the clocks of {rule['zone']}."
        case "condition":
            return f"The condition holds: {rule['expression']}"
        case "approved-in":
            hours = rule.get("minimumHours", 0)
            since = f" at least {hours} hour{'s' if hours > 1 else ''}" if hours else ""
            return f"Every artifact was approved in {rule['environment']}{since} before."
    return f"A rule of kind {rule['kind']}, which has no words here; read it as written."


def _evidence(rule: Mapping[str, Any]) -> str:
    needs = f"Every artifact has a verified {listed(list(rule['predicateTypes']), word='or')}"
    signers = rule.get("signers", 1)
    by = f"{signers} different registered signers" if signers > 1 else "an accepted signer"
    if rule.get("expectations"):
        by = (
            f"{by} of those whom the expectations of the project accept"
            if signers > 1
            else "whoever the expectations of the project accept"
        )
    age = rule.get("maxAgeHours")
    fresh = f", at most {age} hour{'s' if age > 1 else ''} old" if age else ""
    return f"{needs} by {by}{fresh}."


def _approvals(rule: Mapping[str, Any]) -> str:
    role, count, level = rule["role"], rule["count"], rule.get("minimumAssurance")
    if count == 1:
        return f"One person with the role {role} approves{f', at level {level} or higher' if level else ''}."
    return f"{count} different people with the role {role} approve{f', each at level {level} or higher' if level else ''}."


def _separation(rule: Mapping[str, Any]) -> str:
    if rule.get("requesterMayApprove"):
        return "Whoever asks may also approve."
    others = f", nor do {listed(list(rule['exclude']), word='or')}" if rule.get("exclude") else ""
    return f"Whoever asks, or is asked for, does not approve{others}."
