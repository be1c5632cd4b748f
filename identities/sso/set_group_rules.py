"""Say which roles the groups of a provider carry: a new version, whole. It counts for each person from their next sign-in on.

A version is written by an administrator for their own teams, the operator for any; what stands there for other teams is carried over as it is.
Nobody raises themselves: neither by a group they are known to be in, nor (`group_roles`) by any they come to be in later. Not checked: whether
two administrators act together, or who may put people into a group at the provider.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from identities.chronicle import append_identity_event
from identities.models import GroupRules, HeldGroups, Identity, IdentityProvider, Project, RoleAssignment, Team
from identities.people.roles import NEEDS_A_SECOND_PERSON
from identities.permissions import demand, may
from identities.sso.add_provider import Source
from identities.sso.change_provider import locked_provider
from identities.sso.compare_roles import GroupRule, Place, parse_rules
from identities.sso.group_roles import place_of, read_rules
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Conflict, Malformed, NotAllowed


@transaction.atomic
def set_group_rules(
    *, provider: IdentityProvider, rules: object, seen: int, by: Identity | None, now: datetime, source: str = Source.PAGE
) -> GroupRules | None:
    """Write the next version of a provider's rules, a list as in a file; None where it says what stands already.

    `seen` is the version that whoever writes has seen. Refuses with `sso.rules`, `sso.rules_unknown` (a team, project or role there is not),
    `sso.rules_changed` (another version came meanwhile), `role.self_grant`, `role.second_person`, `sso.other_team`,
    `sso.provider_removed`, `sso.from_file` or `permission.missing`.
    """
    if by is not None:
        demand(by, "sign_in.change")
    wanted = parse_rules(rules)
    row = locked_provider(provider, source)
    current = read_rules(row)
    if seen != current.version:
        words = f"got rules written over version {seen}, and version {current.version} counts by now; look at it and write them again"
        raise Conflict("sso.rules_changed", words)
    if wanted == current.rules and current.version:
        return None
    added, taken = set(wanted) - set(current.rules), set(current.rules) - set(wanted)
    refuse_unknown(added)
    if by is not None:
        _refuse_other_teams(by, added | taken)
        _refuse_self_grant(by, row, wanted, added)
        _refuse_made_up_people(by, row, added)
    made = GroupRules.objects.create(
        provider=row, version=current.version + 1, rules=[rule.document() for rule in wanted], made_by=by, made_at=now
    )
    document = {
        "identityProvider": row.pk,
        "version": made.version,
        "rulesSha256": sha256_hex(canonical_bytes(made.rules)),
        "added": [rule.document() for rule in sorted(added)],
        "removed": [rule.document() for rule in sorted(taken)],
    }
    append_identity_event(event="group_rules.set", document=document, by=by, now=now)
    return made


def refuse_unknown(rules: Iterable[GroupRule]) -> None:
    """Refuse with `sso.rules_unknown` a rule whose role, team or project there is not, or whose project is another team's."""
    teams = set(Team.objects.values_list("slug", flat=True))
    projects = set(Project.objects.values_list("team__slug", "slug"))
    for rule in sorted(rules):
        place = rule.place
        if place.role not in RoleAssignment.Role.values:
            raise Malformed("sso.rules_unknown", f"got the role {place.role!r}, expected one of {', '.join(RoleAssignment.Role.values)}")
        if place.team not in teams:
            raise Malformed("sso.rules_unknown", f"got the team {place.team!r} for {rule.group}, expected one there is")
        if place.project and (place.team, place.project) not in projects:
            raise Malformed(
                "sso.rules_unknown", f"got the project {place.project!r} for {rule.group}, expected one of the team {place.team}"
            )


def _refuse_other_teams(by: Identity, changed: Iterable[GroupRule]) -> None:
    teams = {team.slug: team for team in Team.objects.filter(slug__in={rule.place.team for rule in changed})}
    for rule in sorted(changed):
        team = teams.get(rule.place.team)
        if team is not None and not may(by, "sign_in.change", team=team).allowed:
            raise NotAllowed(
                "sso.other_team", f"you administer no team {team.slug}; what its groups carry is changed there, or by the operator"
            )


def _refuse_self_grant(by: Identity, provider: IdentityProvider, wanted: Iterable[GroupRule], added: set[GroupRule]) -> None:
    """Refuse a new rule by which whoever writes it gains what they do not hold; what an older rule of another gives them is no gain."""
    held_groups: set[str] = set()
    for row in HeldGroups.objects.filter(identity=by, provider=provider):
        held_groups |= set(row.groups)
    holds: set[Place] = {place_of(role) for role in RoleAssignment.objects.held().filter(identity=by).select_related("team", "project")}
    stands = {rule.place for rule in wanted if rule.group in held_groups and rule not in added}
    for rule in sorted(added):
        if rule.group in held_groups and rule.place not in holds | stands:
            raise NotAllowed(
                "role.self_grant", f"you are in {rule.group}, and nobody gives themselves {rule.place}; ask another administrator"
            )


def _refuse_made_up_people(by: Identity, provider: IdentityProvider, added: Iterable[GroupRule]) -> None:
    """Refuse whoever set up a provider a new rule that gives its people power: they could make up the people, too."""
    strong = [rule for rule in sorted(added) if rule.place.role in NEEDS_A_SECOND_PERSON]
    if strong and provider.set_up_by.filter(pk=by.pk).exists():
        raise NotAllowed(
            "role.second_person",
            f"you set up {provider}; another administrator writes the rule that gives {strong[0].group} {strong[0].place}",
        )
