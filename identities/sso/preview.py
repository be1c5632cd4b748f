"""What pages show of group rules: each version against the one before, and whom which rules would give or take what at their next sign-in.

Only what concerns the given teams is shown; what belongs to others is theirs to see. Nothing is changed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from identities.models import GroupRules, HeldGroups, Identity, IdentityProvider
from identities.sso.compare_roles import GroupRule, Place, authors_of, parse_rules
from identities.sso.group_roles import AppliedGroups, Rules, compare_groups, read_rules

MOST_PEOPLE = 200


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a provider's rules, as far as it concerns the teams asked for."""

    number: int
    made_by: Identity | None
    made_at: datetime
    rules: tuple[GroupRule, ...]
    added: tuple[GroupRule, ...]
    taken: tuple[GroupRule, ...]


@dataclass(frozen=True, slots=True)
class Awaited:
    """What one person's next sign-in would change, by the groups their provider last said."""

    identity: Identity
    as_of: datetime
    gained: tuple[Place, ...]
    lost: tuple[Place, ...]
    withheld: tuple[Place, ...]
    stays: tuple[Place, ...]


def list_versions(provider: IdentityProvider, teams: frozenset[str]) -> list[Version]:
    """Return every version, the newest first."""
    found: list[Version] = []
    before: set[GroupRule] = set()
    for row in GroupRules.objects.filter(provider=provider).select_related("made_by").order_by("version"):
        rules = tuple(rule for rule in parse_rules(row.rules) if rule.place.team in teams)
        here = set(rules)
        changed = (tuple(sorted(here - before)), tuple(sorted(before - here)))
        found.append(Version(row.version, row.made_by, row.made_at, rules, *changed))
        before = here
    return found[::-1]


def rules_if(provider: IdentityProvider, wanted: Sequence[GroupRule], by: Identity | None) -> Rules:
    """Return the rules as they would count if `by` wrote these now."""
    versions = GroupRules.objects.filter(provider=provider).order_by("version")
    read = [(row.made_by_id, parse_rules(row.rules)) for row in versions]
    number = read_rules(provider).version + 1
    return Rules(number, tuple(sorted(set(wanted))), dict(authors_of([*read, (by.pk if by else None, wanted)])))


def preview_rules(provider: IdentityProvider, rules: Rules, teams: frozenset[str]) -> list[Awaited]:
    """Return whom these rules would change anything for, by name. Looks at the first `MOST_PEOPLE` people of the provider."""
    held = HeldGroups.objects.filter(provider=provider).select_related("identity").order_by("identity__name", "pk")
    found = []
    for row in held[:MOST_PEOPLE]:
        would = compare_groups(identity=row.identity, provider=provider, groups=row.groups, rules=rules, source=row.source)
        seen = [tuple(place for place in places if place.team in teams) for places in _parts(would)]
        gained, lost, withheld, stays = seen
        lost = tuple(place for place in lost if place not in stays)
        if gained or lost or withheld or stays:
            found.append(Awaited(row.identity, row.as_of, gained, lost, withheld, stays))
    return found


def _parts(would: AppliedGroups) -> tuple[tuple[Place, ...], ...]:
    return would.changes.gained, would.changes.lost, would.withheld, would.stays
