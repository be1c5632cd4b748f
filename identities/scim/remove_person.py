"""Take a person out of what a provider provisions. They are deactivated; what they signed, and their name, stay."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from identities.chronicle import append_identity_event
from identities.models import ProvisionedPerson
from identities.scim.change_person import lock_person, turn
from identities.scim.membership import apply_membership, hold_members
from identities.scim.precondition import refuse_other_version


@transaction.atomic
def remove_person(*, person: ProvisionedPerson, if_match: str, now: datetime) -> None:
    """Remove a person; provisioned again under the same externalId, they are the same person. Refuses with `scim.unknown` or `scim.version`."""
    row = lock_person(person)
    refuse_other_version(row, if_match)
    row.active, row.removed_at, row.changed_at, row.version = False, now, now, row.version + 1
    row.save(update_fields=["active", "removed_at", "changed_at", "version"])
    hold_members([row], provider=row.provider)
    turn(row, now=now)
    document = {"resource": row.pk, "identity": row.identity_id, "version": row.version}
    append_identity_event(event="provisioned_person.removed", document=document, by=None, now=now, provider=row.provider)
    row.groups.clear()
    apply_membership(row, now=now)
