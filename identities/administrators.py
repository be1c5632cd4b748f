"""Whether a team keeps an administrator: asked before a role ends, and before a person who holds it is suspended or deactivated.

Only a role that reaches the whole team, has no end, and belongs to an active person counts: one that runs out would leave nobody.
Not checked: whether a group of an identity provider takes a role away at the next sign-in.
"""

from __future__ import annotations

from django.db.models import QuerySet

from identities.models import Identity, RoleAssignment, Team
from proofs.errors import Conflict

LAST = "role.last_administrator"


def lasting_administrators(team: Team) -> QuerySet[RoleAssignment]:
    """Return the roles by which a team is administered until somebody ends them."""
    return RoleAssignment.objects.held().filter(
        team=team,
        project__isnull=True,
        role=RoleAssignment.Role.ADMINISTRATOR,
        valid_until__isnull=True,
        identity__status=Identity.Status.ACTIVE,
    )


def refuse_to_lose_administrator(identity: Identity, *, team: Team | None = None) -> None:
    """Refuse with `role.last_administrator` when `team` (each of theirs, unless told) would have no administrator without this person.

    Must run inside the caller's transaction, before rows of people are locked: the team's row is the queue in which two administrators who
    remove each other at the same moment stand.
    """
    if team is None:
        roles = RoleAssignment.objects.held().filter(identity=identity, role=RoleAssignment.Role.ADMINISTRATOR, project__isnull=True)
        teams = Team.objects.filter(pk__in=roles.values("team"))
    else:
        teams = Team.objects.filter(pk=team.pk)
    for held in teams.select_for_update(no_key=True).order_by("pk"):
        if not lasting_administrators(held).exclude(identity=identity).exists():
            raise Conflict(LAST, f"{identity} is the last administrator of {held}; grant the role to somebody else first, without an end")
