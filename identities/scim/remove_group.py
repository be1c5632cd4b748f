"""Remove a group: what it gave its members ends at once."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from identities.chronicle import append_identity_event
from identities.models import ProvisionedGroup
from identities.scim.change_group import lock_group
from identities.scim.membership import apply_membership, hold_members
from identities.scim.precondition import refuse_other_version


@transaction.atomic
def remove_group(*, group: ProvisionedGroup, if_match: str, now: datetime) -> None:
    """Remove a group; its members stay. Refuses with `scim.unknown`, `scim.version`, and as `apply_groups` does."""
    row = lock_group(group)
    refuse_other_version(row, if_match)
    members, key = list(row.members.order_by("pk")), row.pk
    hold_members(members, provider=row.provider)
    append_identity_event(event="provisioned_group.removed", document={"resource": key}, by=None, now=now, provider=row.provider)
    row.members.clear()
    row.delete()
    for person in members:
        apply_membership(person, now=now)
