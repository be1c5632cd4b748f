"""Who may not approve: whoever asks, and whom the policy's rules about separation of duties exclude besides.

The facts about people are the policy input's, {"because", "account", "issuer", "subject"}: an account, and who is known to have it. Where a
rule excludes somebody whom nobody knows, it fails: a stranger could be anybody.
"""

from __future__ import annotations

from typing import Any

from proofs.policy.document import Policy
from proofs.policy.outcome import RuleOutcome
from proofs.policy.reading import objects
from proofs.policy.rules import EXCLUDABLE, SeparationRule

UNKNOWN = "sod.unknown_people"
# What signed statements say of those whom every policy excludes.
_ALWAYS = (("requester", "requester"), ("onBehalfOf", "on-behalf-of"), ("owner", "owner"))


def exclusions(policy: Policy, policy_input: dict[str, Any]) -> list[dict[str, Any]]:
    """Return who may not approve and why: [{"issuer", "subject", "because": [...]}], in a fixed order.

    The requester, the person it asks for, and the person who answers for the program that asks (a program can name anybody as the one
    it asks for, and its owner may hold its credential) are excluded, unless an old policy says in so many words that they may approve.
    Whom any rule for this kind of request excludes is excluded as well, as far as it is known who that is.
    """
    rules = policy.for_kind(policy_input.get("kind", "release")).separation_rules
    if rules and all(rule.requester_may_approve for rule in rules):
        return []
    because: dict[tuple[str, str], list[str]] = {}
    for party, reason in ((policy_input[name], reason) for name, reason in _ALWAYS):
        if party is not None:
            because.setdefault((party["issuer"], party["subject"]), []).append(reason)
    wanted = {name for rule in rules for name in rule.exclude}
    for reason in (reason for name, reason in EXCLUDABLE.items() if name in wanted):
        for person in sorted(filter(None, map(_known, _named(policy_input, reason)))):
            reasons = because.setdefault(person, [])
            if reason not in reasons:
                reasons.append(reason)
    return [{"issuer": issuer, "subject": subject, "because": reasons} for (issuer, subject), reasons in sorted(because.items())]


def evaluate_separation(rule: SeparationRule, policy_input: dict[str, Any]) -> RuleOutcome:
    """Return pass when it is known whom the rule excludes, else fail with what is not known."""
    asked = policy_input["requester"]
    who = f"{asked['kind']} {asked['subject']}"
    if rule.requester_may_approve:
        return RuleOutcome("pass", "", f"{rule.title}: asked for by {who}; this policy lets the requester approve.")
    strangers = []
    for name in rule.exclude:
        named = _named(policy_input, EXCLUDABLE[name])
        if not named:
            strangers.append(f"nobody is named for {name}")
        strangers += [
            f"nobody is known to have the account {str(one.get('account'))[:100]!r} ({name})" for one in named if _known(one) is None
        ]
    if strangers:
        return RuleOutcome("fail", UNKNOWN, f"{rule.title} cannot be shown: {'; '.join(strangers)}.")
    others = f", nor may {' or '.join(rule.exclude)}" if rule.exclude else ""
    return RuleOutcome("pass", "", f"{rule.title}: asked for by {who}, who may not approve it{others}.")


def _named(policy_input: dict[str, Any], reason: str) -> list[dict[str, Any]]:
    """Return whom the input names for a reason, and whoever it names without any that could be read."""
    reasons = EXCLUDABLE.values()
    return [one for one in objects(policy_input.get("people")) if one.get("because") == reason or one.get("because") not in reasons]


def _known(one: dict[str, Any]) -> tuple[str, str] | None:
    issuer, subject = one.get("issuer"), one.get("subject")
    if (
        one.get("because") not in EXCLUDABLE.values()
        or not isinstance(issuer, str)
        or not isinstance(subject, str)
        or not issuer
        or not subject
    ):
        return None
    return issuer, subject
