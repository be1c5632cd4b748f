"""Give a person a role in a team or in one of its projects, for a time or until it is ended, and take it back.

Nobody grants to themselves, whoever registered a person or set up where they sign in does not also give them power to approve, auditors look in
for a time, and a team never loses its last administrator. `by=None` is the operator at the console, who may do all but the last; the ledger says that it
was the operator. Not checked: whether two administrators act together.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from identities.administrators import LAST, lasting_administrators, refuse_to_lose_administrator
from identities.chronicle import append_identity_event
from identities.models import Identity, Project, RoleAssignment, Team
from identities.permissions import APPROVERS, demand
from identities.providers import who_could_be
from proofs.errors import Conflict, Malformed, NotAllowed
from proofs.moment import rfc3339

Role = RoleAssignment.Role
# With these a made-up person could approve, raise another who does, or be the second officer of the first.
NEEDS_A_SECOND_PERSON = APPROVERS | {Role.ADMINISTRATOR, Role.IDENTITY_STEWARD, Role.POLICY_OWNER, Role.OFFICER}
# Reads everything of the team, often from outside the firm: somebody has to think of it again.
NEEDS_AN_END = frozenset({Role.AUDITOR})
LONGEST_DAYS = 366


def grant_role(
    *,
    identity: Identity,
    role: str,
    team: Team,
    by: Identity | None,
    now: datetime,
    project: Project | None = None,
    valid_until: datetime | None = None,
) -> RoleAssignment:
    """Grant `role` from now on, until it is ended, or until `valid_until`. One of the same that ran out is closed in the same act.

    Refuses with `role.unknown`, `role.project_of_other_team`, `role.people_only`, `role.expiry`, `role.needs_an_end` (an auditor's that a
    person grants), `role.self_grant`, `role.second_person`, `role.already_held`, `role.last_administrator` (an administrator's that runs
    out where no other stays), `identity.not_active` or `permission.missing`.
    """
    if role not in RoleAssignment.Role.values:
        raise Malformed("role.unknown", f"got the role {role!r}, expected one of {', '.join(RoleAssignment.Role.values)}")
    if project is not None and project.team_id != team.pk:
        raise Malformed("role.project_of_other_team", f"got the project {project.slug}, expected one of the team {team.slug}")
    if not identity.is_person:
        raise NotAllowed("role.people_only", f"{identity.name} is not a person; roles are for people, programs get scoped credentials")
    if identity.status != Identity.Status.ACTIVE:
        raise Conflict("identity.not_active", f"{identity.name} is {identity.status}, expected active")
    _refuse_end(role, valid_until, by, now)
    if by is not None:
        _demand_granter(identity, role, team, by)
    held = {"identity": identity, "role": role, "team": team, "project": project}
    try:
        with transaction.atomic():
            Team.objects.select_for_update(no_key=True).get(pk=team.pk)
            # As they are now that nobody else changes them: whoever was let go a moment ago neither gives nor gets a role.
            people = [identity.pk, *([by.pk] if by is not None else [])]
            rows = Identity.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=people).order_by("pk")
            current = {row.pk: row for row in rows}
            if current[identity.pk].status != Identity.Status.ACTIVE:
                raise Conflict("identity.not_active", f"{identity.name} is {current[identity.pk].status}, expected active")
            if by is not None:
                _demand_granter(current[identity.pk], role, team, current[by.pk])
            for gone in RoleAssignment.objects.lapsed().filter(**held):
                close_lapsed(gone, by=by, now=now)
            if role == Role.ADMINISTRATOR and valid_until is not None and project is None and not lasting_administrators(team).exists():
                raise Conflict(
                    LAST, f"got an end for the first administrator of {team}, expected none: nobody would be left when it runs out"
                )
            assignment = RoleAssignment.objects.create(**held, granted_by=by, granted_at=now, valid_until=valid_until)
            append_identity_event(event="role.granted", document=_document(assignment), by=by, now=now)
    except IntegrityError as error:
        raise Conflict("role.already_held", f"{identity.name} holds {role} in {project or team} already") from error
    return assignment


@transaction.atomic
def end_role(*, assignment: RoleAssignment, by: Identity | None, now: datetime) -> RoleAssignment:
    """End a role from now on; the row stays as history. People may lay down their own roles.

    Refuses with `role.ended`, `role.last_administrator` or `permission.missing`.
    """
    # Two administrators who end each other at the same moment would leave none: the team's row is their queue.
    team = Team.objects.select_for_update(no_key=True).get(pk=assignment.team_id)
    assignment = RoleAssignment.objects.select_related("identity").get(pk=assignment.pk)
    if by is not None and by.pk != assignment.identity_id:
        demand(by, "identities.steward", team=team)
        if assignment.role == RoleAssignment.Role.ADMINISTRATOR:
            demand(by, "identities.steward", team=team, role=RoleAssignment.Role.ADMINISTRATOR)
    if assignment.ended_at is not None or RoleAssignment.objects.lapsed().filter(pk=assignment.pk).exists():
        raise Conflict("role.ended", f"{assignment} ended already")
    if assignment.role == RoleAssignment.Role.ADMINISTRATOR and assignment.project_id is None:
        refuse_to_lose_administrator(assignment.identity, team=team)
    assignment.ended_at = now
    assignment.save(update_fields=["ended_at"])
    append_identity_event(event="role.ended", document=_document(assignment), by=by, now=now)
    return assignment


def close_lapsed(assignment: RoleAssignment, *, by: Identity | None, now: datetime, actor: str | None = None) -> bool:
    """Write down that a role ran out, with the time at which it did; return False where somebody closed it already.

    Must run inside the caller's transaction, with the row from `RoleAssignment.objects.lapsed()`. `actor` stands for `by` where the portal
    itself acts. Refuses nothing.
    """
    row = RoleAssignment.objects.select_for_update(no_key=True).get(pk=assignment.pk)
    if row.ended_at is not None:
        return False
    row.ended_at = row.valid_until
    row.save(update_fields=["ended_at"])
    append_identity_event(event="role.lapsed", document=_document(row), by=by, now=now, actor=actor)
    return True


def end_of_group_role(role: str, now: datetime) -> datetime | None:
    """Return until when a group gives `role` at most; None where it needs no end. A later sign-in with the group gives it again."""
    return now + timedelta(days=LONGEST_DAYS) if role in NEEDS_AN_END else None


def _refuse_end(role: str, valid_until: datetime | None, by: Identity | None, now: datetime) -> None:
    if valid_until is not None and valid_until <= now:
        raise Malformed("role.expiry", f"got {rfc3339(valid_until)}, expected a time that is yet to come")
    if by is None or role not in NEEDS_AN_END:
        return
    if valid_until is None or valid_until > now + timedelta(days=LONGEST_DAYS):
        got = rfc3339(valid_until) if valid_until else "no end"
        raise Malformed("role.needs_an_end", f"got {got}, expected an end within {LONGEST_DAYS} days: {role} is granted for a time")


def _demand_granter(identity: Identity, role: str, team: Team, by: Identity) -> None:
    if by.pk == identity.pk:
        raise NotAllowed("role.self_grant", "Nobody grants a role to themselves; ask another administrator.")
    # In the whole team, also for a role in one project: a steward of one project would otherwise raise whom they like in it.
    demand(by, "identities.steward", team=team)
    if role == RoleAssignment.Role.ADMINISTRATOR:
        # A steward looks after identities; making administrators would let one climb by way of a friend.
        demand(by, "identities.steward", team=team, role=RoleAssignment.Role.ADMINISTRATOR)
    if role in NEEDS_A_SECOND_PERSON and by.pk in who_could_be(identity):
        did = f"registered {identity.name}" if identity.registered_by_id == by.pk else f"set up where {identity.name} signs in"
        raise NotAllowed("role.second_person", f"You {did}; another administrator or steward grants them {role}.")


def _document(assignment: RoleAssignment) -> dict[str, object]:
    document: dict[str, object] = {
        "assignment": assignment.pk,
        "identity": assignment.identity_id,
        "role": str(assignment.role),
        "team": assignment.team_id,
        "project": assignment.project_id,
    }
    return document | ({"validUntil": rfc3339(assignment.valid_until)} if assignment.valid_until else {})
