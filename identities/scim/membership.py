"""What a provider's groups give a person, now that it said who is in which."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from identities.models import HeldGroups, Identity, IdentityProvider, ProvisionedPerson, RoleAssignment
from identities.sso.group_roles import apply_groups, hold_people


def hold_members(people: Iterable[ProvisionedPerson], *, provider: IdentityProvider) -> None:
    """Hold the rows of these people and all that applying their groups takes. Must run before the act appends to the ledger."""
    keys = [person.pk for person in people]
    rows = ProvisionedPerson.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk")
    hold_people(provider=provider, people=[row.identity_id for row in rows])


def apply_membership(person: ProvisionedPerson, *, now: datetime) -> None:
    """Apply the group rules to the groups the person is in, at once. Must run in the transaction of the act; refuses as `apply_groups` does.

    The person's row is held first: of two groups that change at once, the second sees the first.
    """
    row = ProvisionedPerson.objects.select_for_update(no_key=True, of=("self",)).select_related("identity", "provider").get(pk=person.pk)
    names = list(row.groups.order_by("display_name").values_list("display_name", flat=True))
    apply_groups(identity=row.identity, provider=row.provider, groups=names, source=HeldGroups.Source.SCIM, now=now)
    if row.identity.team_id is None:
        # Whose people look after them: the team in which they first hold a role.
        first = RoleAssignment.objects.filter(identity=row.identity, provider=row.provider, ended_at__isnull=True).order_by("pk").first()
        if first is not None:
            Identity.objects.filter(pk=row.identity_id, team__isnull=True).update(team=first.team_id)
