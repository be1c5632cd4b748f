"""Policies: what must be shown before something may be promoted, read from one canonical document (countersign-policy/v1).

Reading is closed: a policy without rules, a rule of an unknown kind, a field we do not know, a list of accepted builders that is
empty, all refuse. A policy that means less than it seems to is worse than none. Whatever came to the language later is an optional
field or another kind of rule, so that an old document keeps its bytes, its digest and its result. What comes of a policy is in
`proofs.policy.evaluate`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from proofs.approval.record import LEVELS
from proofs.canonical import parse_canonical
from proofs.digest import sha256_hex
from proofs.errors import Malformed, TooLarge
from proofs.fields import Fields
from proofs.policy.bounds import BreakGlass, Share, Waivers, read_break_glass, read_waivers
from proofs.policy.read_rules import read_rule
from proofs.policy.rules import (
    ApprovalsRule,
    ApprovedInRule,
    Builder,
    ConditionRule,
    EvidenceRule,
    FreezeRule,
    HoursRule,
    InputsRule,
    Rule,
    SeparationRule,
    Source,
    Window,
)

__all__ = [
    "ApprovalsRule",
    "ApprovedInRule",
    "BreakGlass",
    "Builder",
    "ConditionRule",
    "EvidenceRule",
    "FreezeRule",
    "HoursRule",
    "InputsRule",
    "Policy",
    "Rule",
    "SeparationRule",
    "Share",
    "Source",
    "Waivers",
    "Window",
    "parse_policy",
    "refuse_widening",
]

POLICY_SCHEMA = "countersign-policy/v1"
MAX_POLICY_BYTES = 256 * 1024
MAX_RULES = 64
MAX_VALIDITY_HOURS = 30 * 24

# Few policies are in force at a time, and each is read many times for one answer. Nothing in what was read can be changed.
MOST_KEPT = 128
# Where a policy says nothing, nobody stands in for anybody in an environment of the highest tier.
DELEGATION_ALLOWED, DELEGATION_NONE, _TIER_WITHOUT_DELEGATION = "allowed", "none", 3

_CODE = "policy.malformed"


@dataclass(frozen=True, slots=True)
class Policy:
    """A parsed policy; `digest` is the SHA-256 of the document it was parsed from.

    Without `waivers` no rule can be waived, without `break_glass` nobody can go past it. `delegation` is empty where the document leaves
    it to the environment's tier.
    """

    id: str
    version: str
    title: str
    rules: tuple[Rule, ...]
    minimum_assurance: str
    validity_hours: int
    digest: str
    waivers: Waivers | None = None
    break_glass: BreakGlass | None = None
    delegation: str = ""

    def lets_stand_in(self, tier: int) -> bool:
        """Return whether an approval that somebody gives in another's stead counts in an environment of this tier."""
        if self.delegation:
            return self.delegation == DELEGATION_ALLOWED
        return tier < _TIER_WITHOUT_DELEGATION

    def for_kind(self, kind: str) -> Policy:
        """Return the policy as it is for one kind of request: with the rules that apply to it. Without any rule for approvals it fails."""
        rules = tuple(rule for rule in self.rules if not rule.kinds or kind in rule.kinds)
        return self if rules == self.rules else replace(self, rules=rules)

    @property
    def approvals_rules(self) -> tuple[ApprovalsRule, ...]:
        """The rules that people fulfil, in the order of the document."""
        return tuple(rule for rule in self.rules if isinstance(rule, ApprovalsRule))

    @property
    def separation_rules(self) -> tuple[SeparationRule, ...]:
        """The rules about who may not approve: whom one of them excludes is excluded. None means the strict one."""
        return tuple(rule for rule in self.rules if isinstance(rule, SeparationRule))

    @property
    def separation_rule(self) -> SeparationRule | None:
        """The first rule about who may not approve, which signed statements name, or None."""
        return next(iter(self.separation_rules), None)

    @property
    def asks_expectations(self) -> bool:
        """Whether a rule leaves it to the project's expectations whose evidence counts."""
        return any(isinstance(rule, EvidenceRule) and rule.by_project for rule in self.rules)

    @property
    def asks_moment(self) -> bool:
        """Whether a rule can only be weighed at a known moment, so that the policy input must have one."""
        return any(
            isinstance(rule, (ConditionRule, ApprovedInRule)) or (isinstance(rule, EvidenceRule) and rule.max_age_hours is not None)
            for rule in self.rules
        )

    @property
    def required_approvals(self) -> int:
        """How many approvals all rules ask for together; one person may fill one place only."""
        return sum(rule.count for rule in self.approvals_rules)


def parse_policy(document: bytes) -> Policy:
    """Parse the canonical bytes of a policy; the same bytes again are the same value again.

    Refuses with `policy.empty` (no rules), `policy.no_approvals` (nobody would have to approve), `policy.unknown_rule`,
    `policy.condition` (an expression that cannot be weighed), `policy.malformed`, `policy.too_large` or `json.*`.
    """
    if len(document) > MAX_POLICY_BYTES:
        raise TooLarge("policy.too_large", f"got a policy of {len(document)} bytes, expected at most {MAX_POLICY_BYTES}")
    return _read_policy(bytes(document))


@lru_cache(maxsize=MOST_KEPT)
def _read_policy(document: bytes) -> Policy:
    value = parse_canonical(document)
    fields = Fields(value, path="policy", code=_CODE)
    fields.only("schema", "id", "version", "title", "rules", "minimumAssurance", "validityHours", "waivers", "breakGlass", "delegation")
    fields.choice("schema", (POLICY_SCHEMA,))
    if value.get("rules") == []:
        raise Malformed(
            "policy.empty",
            "got a policy without rules, expected at least one: an empty policy would let everything pass",
            path="policy.rules",
        )
    rules = tuple(read_rule(item) for item in fields.each("rules", low=1, high=MAX_RULES))
    _refuse_odd_sets(rules)
    return Policy(
        id=fields.text("id", limit=80),
        version=fields.text("version", limit=40),
        title=fields.text("title", limit=200),
        rules=rules,
        minimum_assurance=fields.choice("minimumAssurance", LEVELS[1:]),
        validity_hours=fields.integer("validityHours", low=1, high=MAX_VALIDITY_HOURS),
        digest=sha256_hex(document),
        waivers=read_waivers(fields.fields("waivers")) if fields.has("waivers") else None,
        break_glass=read_break_glass(fields.fields("breakGlass")) if fields.has("breakGlass") else None,
        delegation=fields.choice("delegation", (DELEGATION_NONE, DELEGATION_ALLOWED)) if fields.has("delegation") else "",
    )


def refuse_widening(policy: Policy) -> None:
    """Return when a new policy only narrows; refuses with `policy.widening` where a rule lets through what no rule would stop without it.

    Only what is stored anew is asked: `parse_policy` reads the documents of before, which keep their result.
    """
    wide = next((rule for rule in policy.separation_rules if rule.requester_may_approve), None)
    if wide is not None:
        raise Malformed(
            "policy.widening",
            f"got requesterMayApprove: true in rule {wide.id}, expected no rule that lets through more than none would",
            path=f"policy.rules[{policy.rules.index(wide)}].requesterMayApprove",
        )


def _refuse_odd_sets(rules: Iterable[Rule]) -> None:
    ids = [rule.id for rule in rules]
    if len(set(ids)) != len(ids):
        second = next(index for index, rule_id in enumerate(ids) if rule_id in ids[:index])
        raise Malformed(_CODE, "got a rule id twice, expected every rule to have its own", path=f"policy.rules[{second}].id")
    if not any(isinstance(rule, ApprovalsRule) for rule in rules):
        raise Malformed(
            "policy.no_approvals", "got a policy without an approvals rule, expected at least one person to approve", path="policy.rules"
        )
