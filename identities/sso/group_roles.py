"""Give a person what the groups of their provider carry, and end at once what they no longer carry.

The newest version of the group rules decides. A role that was granted to somebody otherwise is left alone. Nobody gains anything by a rule they
wrote themselves, nor power to approve by one of whoever registered them or set up their provider. The last administrator of a team stays one, whatever the groups say:
a wrong rule or a provider that forgot a group must not lock a team out; the ledger's document, the log and the page say so, and an administrator
who names another one ends it at the next sign-in. Not checked here: that the groups are the provider's word.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from identities.actors import portal_actor
from identities.administrators import lasting_administrators
from identities.chronicle import append_identity_event
from identities.models import GroupRules, HeldGroups, Identity, IdentityProvider, Project, RoleAssignment, Team
from identities.people.roles import NEEDS_A_SECOND_PERSON, close_lapsed, end_of_group_role
from identities.providers import who_could_be
from identities.sso.compare_roles import (
    GroupRule,
    Place,
    RoleChanges,
    authors_of,
    clean_groups,
    compare_roles,
    parse_rules,
    places_given,
)
from proofs.errors import Conflict
from proofs.moment import rfc3339

log = structlog.get_logger("identities.sso")


@dataclass(frozen=True, slots=True)
class Rules:
    """The newest version of a provider's rules, with who first wrote each of them (None is the operator). Version 0 is none yet."""

    version: int
    rules: tuple[GroupRule, ...]
    authors: dict[GroupRule, str | None]


@dataclass(frozen=True, slots=True)
class AppliedGroups:
    """What came of applying groups: the changes, what groups give and this person may not have that way, and what stays for want of another."""

    version: int
    changes: RoleChanges
    withheld: tuple[Place, ...]
    stays: tuple[Place, ...]


def read_rules(provider: IdentityProvider) -> Rules:
    """Return the rules that count for a provider from the next sign-in on."""
    versions = list(GroupRules.objects.filter(provider=provider).order_by("version"))
    if not versions:
        return Rules(0, (), {})
    read = [(row.made_by_id, parse_rules(row.rules)) for row in versions]
    return Rules(versions[-1].version, read[-1][1], dict(authors_of(read)))


def compare_groups(*, identity: Identity, provider: IdentityProvider, groups: Iterable[str], rules: Rules) -> AppliedGroups:
    """Return what these groups would change for a person under `rules`, and change nothing."""
    held = {place_of(role): role for role in _running(identity)}
    by_groups = {place for place, role in held.items() if role.provider_id == provider.pk}
    given = _places_that_exist(places_given(rules.rules, groups))
    withheld = {place for place in given if place not in held and not _may_gain(identity, place, given[place], rules)}
    if identity.status != Identity.Status.ACTIVE:
        # Whoever is suspended gains nothing; what is no longer given ends all the same.
        withheld |= {place for place in given if place not in held}
    changes = compare_roles(given=set(given) - withheld, by_groups=by_groups, directly=set(held) - by_groups)
    stays = tuple(place for place in changes.lost if _is_last_administrator(held[place]))
    return AppliedGroups(rules.version, changes, tuple(sorted(withheld)), stays)


@transaction.atomic
def apply_groups(*, identity: Identity, provider: IdentityProvider, groups: Iterable[str], source: str, now: datetime) -> AppliedGroups:
    """Keep which groups the provider says a person is in, grant what they newly give and end what they no longer give.

    Safe to run twice. Refuses with `sso.provider_removed`, `sso.groups` or, for a stored version that cannot be read, `sso.rules`.
    """
    names = clean_groups(groups)
    # The provider first, as removing it takes it: nobody is given a role by one that is gone a moment later.
    provider = IdentityProvider.objects.select_for_update(no_key=True).get(pk=provider.pk)
    if provider.removed_at is not None:
        raise Conflict("sso.provider_removed", f"{provider} was removed; expected a provider people sign in at")
    # Then teams, as ending a role takes them: two who lose theirs at the same moment would leave no administrator.
    held_in = RoleAssignment.objects.filter(identity=identity, ended_at__isnull=True)
    list(Team.objects.select_for_update(no_key=True).filter(pk__in=held_in.values("team")).order_by("pk"))
    identity = Identity.objects.select_for_update(no_key=True, of=("self",)).get(pk=identity.pk)
    # And the roles before the ledger is held, for whoever else closes one waits for it.
    list(held_in.select_for_update(no_key=True).order_by("pk"))
    rules = read_rules(provider)
    HeldGroups.objects.update_or_create(
        identity=identity, provider=provider, defaults={"groups": list(names), "source": source, "as_of": now}
    )
    applied = compare_groups(identity=identity, provider=provider, groups=names, rules=rules)
    given = places_given(rules.rules, names)
    for place in applied.changes.lost:
        if place not in applied.stays:
            _end(identity, provider, place, applied.version, now)
    for place in applied.changes.gained:
        _grant(identity, provider, place, given[place], applied.version, now)
    if applied.stays:
        # No name of a person: this line goes wherever logs go.
        log.warning("the last administrator stays one", identity=identity.pk, provider=provider.slug, version=applied.version)
        words = {"kept": [str(place) for place in applied.stays], **_which(identity, applied.version)}
        append_identity_event(event="group_role.kept", document=words, by=None, now=now, provider=provider)
    return applied


@transaction.atomic
def end_group_roles(*, provider: IdentityProvider, now: datetime) -> tuple[int, list[RoleAssignment]]:
    """End every role that groups of a provider gave; return how many, and those that stay because they are a team's last administrator."""
    roles = RoleAssignment.objects.filter(provider=provider, ended_at__isnull=True).select_related("identity", "team", "project")
    list(Team.objects.select_for_update(no_key=True).filter(pk__in=roles.values("team")).order_by("pk"))
    version, ended, stays = read_rules(provider).version, 0, []
    for role in list(roles.order_by("pk")):
        if _is_last_administrator(role):
            stays.append(role)
            continue
        _end(role.identity, provider, place_of(role), version, now)
        ended += 1
    return ended, stays


def place_of(role: RoleAssignment) -> Place:
    """Return what a role is, as rules name it."""
    return Place(team=role.team.slug, project=role.project.slug if role.project else "", role=str(role.role))


def _running(identity: Identity) -> QuerySet[RoleAssignment]:
    return RoleAssignment.objects.held().filter(identity=identity).select_related("team", "project")


def _places_that_exist(given: dict[Place, tuple[str, ...]]) -> dict[Place, tuple[str, ...]]:
    """Leave out what no longer exists: such a rule gives nothing, and nobody is refused for it."""
    teams = set(Team.objects.filter(slug__in={place.team for place in given}).values_list("slug", flat=True))
    projects = set(Project.objects.filter(slug__in={place.project for place in given}).values_list("team__slug", "slug"))
    roles = set(RoleAssignment.Role.values)
    return {
        place: groups
        for place, groups in given.items()
        if place.team in teams and place.role in roles and (not place.project or (place.team, place.project) in projects)
    }


def _may_gain(identity: Identity, place: Place, groups: tuple[str, ...], rules: Rules) -> bool:
    """Say whether one of the rules that give this place may give it to this person, by who wrote it."""
    authors = [rules.authors.get(GroupRule(group, place)) for group in groups]
    if place.role in NEEDS_A_SECOND_PERSON:
        could_be = who_could_be(identity)
        authors = [author for author in authors if author is None or author not in could_be]
    return any(author is None or author != identity.pk for author in authors)


def _is_last_administrator(role: RoleAssignment) -> bool:
    if role.role != RoleAssignment.Role.ADMINISTRATOR or role.project_id is not None:
        return False
    return not lasting_administrators(role.team).exclude(identity=role.identity_id).exists()


def _grant(
    identity: Identity, provider: IdentityProvider, place: Place, groups: tuple[str, ...], version: int, now: datetime
) -> RoleAssignment | None:
    team = Team.objects.get(slug=place.team)
    project = Project.objects.get(slug=place.project) if place.project else None
    # A role that ran out by itself still stands in the way of the same one.
    for gone in RoleAssignment.objects.lapsed().filter(identity=identity, role=place.role, team=team, project=project):
        close_lapsed(gone, by=None, now=now, actor=portal_actor())
    try:
        with transaction.atomic():
            role = RoleAssignment.objects.create(
                identity=identity,
                role=place.role,
                team=team,
                project=project,
                provider=provider,
                granted_at=now,
                valid_until=end_of_group_role(place.role, now),
            )
    except IntegrityError:
        # Somebody granted it by hand in this moment; their grant stands.
        return None
    document = {**_what(role), **_which(identity, version), "groups": list(groups)}
    append_identity_event(event="role.granted", document=document, by=None, now=now, provider=provider)
    return role


def _end(identity: Identity, provider: IdentityProvider, place: Place, version: int, now: datetime) -> None:
    rows = RoleAssignment.objects.select_for_update(no_key=True, of=("self",)).select_related("team", "project")
    for role in rows.filter(identity=identity, provider=provider, role=place.role, team__slug=place.team, ended_at__isnull=True):
        if place_of(role) == place:
            role.ended_at = now
            role.save(update_fields=["ended_at"])
            document = {**_what(role), **_which(identity, version)}
            append_identity_event(event="role.ended", document=document, by=None, now=now, provider=provider)


def _what(role: RoleAssignment) -> dict[str, object]:
    what: dict[str, object] = {"assignment": role.pk, "role": str(role.role), "team": role.team_id, "project": role.project_id}
    return what | ({"validUntil": rfc3339(role.valid_until)} if role.valid_until else {})


def _which(identity: Identity, version: int) -> dict[str, object]:
    return {"identity": identity.pk, "rulesVersion": version}
