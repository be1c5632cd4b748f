"""Deactivate a person who leaves, and let one come back.

A deactivated person is suspended, and nothing they could act with is left: roles, approval keys and browser sessions end, and so do their
approvals that no gate has acted on (`approvals` hears it). What they signed and a gate used stays, with their name. Credentials of programs
they answer for, and provisioning tokens they made, stay: they are the programs' and the provider's, not theirs.

Somebody at a page never takes a team's last administrator away. An identity provider and the operator do: who has left has left, and the
ledger then says `team.without_administrator`; the operator grants the role to another (`manage.py grant_role`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from identities.administrators import LAST, lasting_administrators
from identities.chronicle import append_identity_event
from identities.keys.end_keys import end_keys
from identities.lifecycle.change_status import demand_stewardship, order_another_look, reason_of
from identities.models import Identity, IdentityProvider, RoleAssignment, Team
from identities.permissions import demand
from identities.sign_in.end_sessions import end_sessions
from identities.signals import person_deactivated
from identities.standing import is_only_deactivated
from proofs.errors import Conflict, NotAllowed

Role = RoleAssignment.Role
Status = Identity.Status


@transaction.atomic
def deactivate_person(
    *, identity: Identity, reason: str, by: Identity | None, now: datetime, provider: IdentityProvider | None = None
) -> Identity:
    """Deactivate a person from now on; doing it twice changes nothing. `by=None` is the operator, or `provider` where it is given.

    Refuses with `identity.people_only`, `identity.reason`, `identity.retired`, `identity.oneself`, `permission.missing` (only an
    administrator deactivates an administrator), or `role.last_administrator` where somebody at a page asks.
    """
    if not identity.is_person:
        raise NotAllowed("identity.people_only", f"{identity} is not a person; a program is suspended or retired")
    demand_stewardship(identity, by)
    said = reason_of(reason)
    # Teams first, as ending a role takes them: two administrators who deactivate each other at once would leave none.
    administers = _lock_administered_teams(identity)
    row = Identity.objects.select_for_update(no_key=True, of=("self",)).get(pk=identity.pk)
    if row.deactivated_at is not None:
        return row
    if row.status == Status.RETIRED:
        raise Conflict("identity.retired", f"{row} is retired, and that stays")
    abandoned = [team for team in administers if not lasting_administrators(team).exclude(identity=row).exists()]
    if by is not None and administers:
        demand(by, "identities.steward", team=identity.team, role=Role.ADMINISTRATOR)
        if abandoned:
            raise Conflict(
                LAST, f"{row} is the last administrator of {abandoned[0]}; grant the role to somebody else first, without an end"
            )
    # Whole seconds, as signing times are. Both are one moment only where the person was not under suspicion before.
    since = now.replace(microsecond=0)
    row.deactivated_at = since + timedelta(seconds=1) if row.suspended_at == since else since
    row.suspended_at = row.suspended_at or since
    row.status = Status.SUSPENDED
    row.save(update_fields=["status", "suspended_at", "deactivated_at"])
    # All that ends is held before the ledger is, which every act takes last: roles and keys here, requests by whoever hears the signal.
    list(RoleAssignment.objects.select_for_update(no_key=True).filter(identity=row, ended_at__isnull=True).order_by("pk"))
    person_deactivated.send(Identity, identity=row, by=by, now=now)
    append_identity_event(event="identity.deactivated", document={"identity": row.pk, "reason": said}, by=by, now=now, provider=provider)
    _end_roles(row, by=by, now=now, provider=provider)
    end_keys(identity=row, reason=said, now=now)
    end_sessions(identity=row)
    for team in abandoned:
        document = {"team": team.pk, "last": row.pk}
        append_identity_event(event="team.without_administrator", document=document, by=by, now=now, provider=provider)
    order_another_look(row, now=now)
    return row


@transaction.atomic
def reactivate_person(
    *, identity: Identity, reason: str, by: Identity | None, now: datetime, provider: IdentityProvider | None = None
) -> Identity:
    """Let a deactivated person act again; doing it twice changes nothing. Roles and keys do not come back: they are granted and enrolled anew.

    Refuses with `identity.people_only`, `identity.reason`, `identity.retired`, `identity.oneself`, `permission.missing`, or
    `identity.under_suspicion` for somebody whom a steward suspended besides: only `resume_identity` lifts that.
    """
    if not identity.is_person:
        raise NotAllowed("identity.people_only", f"{identity} is not a person; a program is resumed")
    demand_stewardship(identity, by)
    said = reason_of(reason)
    row = Identity.objects.select_for_update(no_key=True, of=("self",)).get(pk=identity.pk)
    if row.status == Status.ACTIVE:
        return row
    if row.status == Status.RETIRED:
        raise Conflict("identity.retired", f"{row} is retired, and that stays; register another identity")
    if not is_only_deactivated(row):
        raise Conflict("identity.under_suspicion", f"a steward suspended {row}, and only a steward lets them act again")
    row.status, row.suspended_at, row.deactivated_at = Status.ACTIVE, None, None
    row.save(update_fields=["status", "suspended_at", "deactivated_at"])
    append_identity_event(event="identity.reactivated", document={"identity": row.pk, "reason": said}, by=by, now=now, provider=provider)
    order_another_look(row, now=now)
    return row


def _lock_administered_teams(identity: Identity) -> list[Team]:
    live = RoleAssignment.objects.held().filter(identity=identity, role=Role.ADMINISTRATOR, project__isnull=True)
    return list(Team.objects.select_for_update(no_key=True).filter(pk__in=live.values("team")).order_by("pk"))


def _end_roles(row: Identity, *, by: Identity | None, now: datetime, provider: IdentityProvider | None) -> None:
    # What ran out by itself is closed as such (`identities.people.end_lapsed`).
    for assignment in RoleAssignment.objects.held().filter(identity=row).order_by("pk"):
        assignment.ended_at = now
        assignment.save(update_fields=["ended_at"])
        document = {
            "assignment": assignment.pk,
            "identity": assignment.identity_id,
            "role": str(assignment.role),
            "team": assignment.team_id,
            "project": assignment.project_id,
        }
        append_identity_event(event="role.ended", document=document, by=by, now=now, provider=provider)
