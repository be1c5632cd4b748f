"""Officers: the people who, two at a time, change what holds for every team.

Whoever holds the role for a whole team counts; a role in one project does not, and neither does an administrator's.
"""

from __future__ import annotations

from django.db.models import QuerySet

from identities.models import Identity, RoleAssignment
from identities.permissions import demand


def list_officers() -> QuerySet[Identity]:
    """Return the active people who are officers now."""
    return Identity.objects.filter(
        kind=Identity.Kind.PERSON,
        status=Identity.Status.ACTIVE,
        roles__in=RoleAssignment.objects.held().filter(role=RoleAssignment.Role.OFFICER, project__isnull=True),
    ).distinct()


def are_two_officers() -> bool:
    """Say whether there are two who could act together. From then on nobody at the console acts alone."""
    return len(list_officers()[:2]) == 2


def were_ever_two_officers() -> bool:
    """Say whether two people have ever been officers, at once or not, whatever became of them. What they were asked is not settled without them."""
    held = RoleAssignment.objects.filter(identity__kind=Identity.Kind.PERSON, role=RoleAssignment.Role.OFFICER, project__isnull=True)
    return held.values("identity").distinct().count() >= 2


def demand_officer(identity: Identity) -> Identity:
    """Return the identity as it is now; refuses with `permission.missing` unless it is an officer's.

    Must run inside the caller's transaction: the role's rows are held, so that it cannot end before the act is done.
    """
    list(RoleAssignment.objects.select_for_update(no_key=True).filter(identity=identity, role=RoleAssignment.Role.OFFICER))
    current = Identity.objects.get(pk=identity.pk)
    demand(current, "trust.change")
    return current
