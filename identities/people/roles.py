"""Give a person a role in a team or in one of its projects, and take it back.

Nobody grants to themselves, whoever registered a person does not also give them power to approve, and a team never loses its
last administrator. `by=None` is the operator at the console, whom none of this binds; the ledger says that it was the operator.
Not checked: whether two administrators act together.
"""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from identities.chronicle import append_identity_event
from identities.models import Identity, Project, RoleAssignment, Team
from identities.permissions import APPROVERS, demand
from proofs.errors import Conflict, Malformed, NotAllowed

Role = RoleAssignment.Role
# With these a made-up person could approve, raise another who does, or be the second officer of the first.
NEEDS_A_SECOND_PERSON = APPROVERS | {Role.ADMINISTRATOR, Role.IDENTITY_STEWARD, Role.POLICY_OWNER, Role.OFFICER}


def grant_role(
    *, identity: Identity, role: str, team: Team, by: Identity | None, now: datetime, project: Project | None = None
) -> RoleAssignment:
    """Grant `role` from now on.

    Refuses with `role.unknown`, `role.project_of_other_team`, `role.people_only`, `role.self_grant`, `role.second_person`,
    `role.already_held`, `identity.not_active` or `permission.missing`.
    """
    if role not in RoleAssignment.Role.values:
        raise Malformed("role.unknown", f"got the role {role!r}, expected one of {', '.join(RoleAssignment.Role.values)}")
    if project is not None and project.team_id != team.pk:
        raise Malformed("role.project_of_other_team", f"got the project {project.slug}, expected one of the team {team.slug}")
    if not identity.is_person:
        raise NotAllowed("role.people_only", f"{identity.name} is not a person; roles are for people, programs get scoped credentials")
    if identity.status != Identity.Status.ACTIVE:
        raise Conflict("identity.not_active", f"{identity.name} is {identity.status}, expected active")
    if by is not None:
        if by.pk == identity.pk:
            raise NotAllowed("role.self_grant", "Nobody grants a role to themselves; ask another administrator.")
        demand(by, "identities.steward", team=team)
        if role == RoleAssignment.Role.ADMINISTRATOR:
            # A steward looks after identities; making administrators would let one climb by way of a friend.
            demand(by, "identities.steward", team=team, role=RoleAssignment.Role.ADMINISTRATOR)
        if role in NEEDS_A_SECOND_PERSON and identity.registered_by_id == by.pk:
            # Whoever registers a person chooses how they first sign in, and could be that person at another keyboard.
            raise NotAllowed("role.second_person", f"You registered {identity.name}; another administrator or steward grants them {role}.")
    try:
        with transaction.atomic():
            assignment = RoleAssignment.objects.create(
                identity=identity, role=role, team=team, project=project, granted_by=by, granted_at=now
            )
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
    if assignment.ended_at is not None:
        raise Conflict("role.ended", f"{assignment} ended already")
    if assignment.role == RoleAssignment.Role.ADMINISTRATOR and not _has_other_administrator(assignment):
        raise Conflict("role.last_administrator", f"{assignment.identity} is the last administrator of {team}; grant another one first")
    assignment.ended_at = now
    assignment.save(update_fields=["ended_at"])
    append_identity_event(event="role.ended", document=_document(assignment), by=by, now=now)
    return assignment


def _has_other_administrator(assignment: RoleAssignment) -> bool:
    others = RoleAssignment.objects.filter(
        team_id=assignment.team_id,
        project__isnull=True,
        role=RoleAssignment.Role.ADMINISTRATOR,
        ended_at__isnull=True,
        identity__status=Identity.Status.ACTIVE,
    )
    return others.exclude(pk=assignment.pk).exists()


def _document(assignment: RoleAssignment) -> dict[str, object]:
    return {
        "assignment": assignment.pk,
        "identity": assignment.identity_id,
        "role": str(assignment.role),
        "team": assignment.team_id,
        "project": assignment.project_id,
    }
