"""Change a group as its provider says: its name, and who is in it. What group rules make of it is done at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import IntegrityError, transaction

from identities.chronicle import append_identity_event
from identities.models import ProvisionedGroup
from identities.scim.describe import describe_group
from identities.scim.membership import apply_membership, hold_members
from identities.scim.precondition import refuse_other_version
from identities.scim.provision_group import external_id_of, find_members, name_of, taken
from identities.scim.shapes import Group
from proofs.errors import NotFound


def change_group(*, group: ProvisionedGroup, edit: Callable[[Group], Group], if_match: str, now: datetime) -> ProvisionedGroup:
    """Change a group to what `edit` makes of it; return the row. What changes nothing leaves the version as it was.

    Refuses with `scim.unknown`, `scim.version`, `scim.value`, `scim.uniqueness`, and as `edit` and `apply_groups` do.
    """
    wanted = Group()
    try:
        with transaction.atomic():
            row = lock_group(group)
            refuse_other_version(row, if_match)
            wanted = edit(describe_group(row))
            name, external_id = name_of(wanted), external_id_of(wanted)
            before = {person.pk: person for person in row.members.all()}
            after = {person.pk: person for person in find_members(wanted, provider=row.provider)}
            renamed = name != row.display_name
            changed = before | after if renamed else {pk: (before | after)[pk] for pk in before.keys() ^ after.keys()}
            if not changed and not renamed and external_id == row.external_id:
                return row
            hold_members(changed.values(), provider=row.provider)
            row.display_name, row.external_id, row.version, row.changed_at = name, external_id, row.version + 1, now
            row.save(update_fields=["display_name", "external_id", "version", "changed_at"])
            document = {"resource": row.pk, "version": row.version, "members": sorted(after)}
            append_identity_event(event="provisioned_group.changed", document=document, by=None, now=now, provider=row.provider)
            row.members.set(after.values())
            for key in sorted(changed):
                apply_membership(changed[key], now=now)
            return row
    except IntegrityError as error:
        raise taken(wanted) from error


def lock_group(group: ProvisionedGroup) -> ProvisionedGroup:
    """Return the row, held. Must run in the transaction of the act; refuses with `scim.unknown` when it is gone."""
    rows = ProvisionedGroup.objects.select_for_update(no_key=True, of=("self",)).select_related("provider")
    row = rows.filter(pk=group.pk).first()
    if row is None:
        raise NotFound("scim.unknown", f"there is no group {group.pk}")
    return row
