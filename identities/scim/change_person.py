"""Change a person as their provider says: how they are described, and whether they are active.

What the provider said last counts, and only what it changes does something: a person whom a steward suspended is not let act again by a
provider that repeats that they are active.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import IntegrityError, transaction

from identities.chronicle import append_identity_event
from identities.models import Identity, ProvisionedPerson, User
from identities.people.deactivate import deactivate_person, reactivate_person
from identities.scim.describe import describe_person
from identities.scim.described_person import DescribedPerson, read_person
from identities.scim.membership import apply_membership, hold_members
from identities.scim.precondition import refuse_other_version
from identities.scim.provision_person import refuse_taken
from identities.scim.shapes import User as UserResource
from proofs.errors import Conflict, NotFound


def change_person(
    *, person: ProvisionedPerson, edit: Callable[[UserResource], UserResource], if_match: str, now: datetime
) -> ProvisionedPerson:
    """Change a person to what `edit` makes of them; return the row. What changes nothing leaves the version as it was.

    Refuses with `scim.unknown`, `scim.version`, `scim.uniqueness`, `identity.retired`, `identity.under_suspicion`, and as `edit` and
    `read_person` do.
    """
    try:
        with transaction.atomic():
            row = lock_person(person)
            refuse_other_version(row, if_match)
            wanted = read_person(edit(describe_person(row)))
            if _is_as_it_was(row, wanted):
                return row
            refuse_taken(wanted, provider=row.provider, identity=row.identity, but=row.pk)
            turns = wanted.active is not None and wanted.active != row.active
            hold_members([row], provider=row.provider)
            _write(row, wanted, now)
            if turns:
                turn(row, now=now)
            document = {"resource": row.pk, "identity": row.identity_id, "version": row.version, "active": row.active}
            append_identity_event(event="provisioned_person.changed", document=document, by=None, now=now, provider=row.provider)
            return row
    except IntegrityError as error:
        raise Conflict("scim.uniqueness", "got a userName that another account here has; nobody is taken over") from error


def lock_person(person: ProvisionedPerson) -> ProvisionedPerson:
    """Return the row, held. Must run in the transaction of the act; refuses with `scim.unknown` when it is gone."""
    rows = ProvisionedPerson.objects.select_for_update(no_key=True, of=("self",)).select_related("identity", "provider")
    row = rows.filter(pk=person.pk, removed_at__isnull=True).first()
    if row is None:
        raise NotFound("scim.unknown", f"there is no user {person.pk}")
    return row


def turn(row: ProvisionedPerson, *, now: datetime) -> None:
    """Deactivate the person, or let them act again with what their groups give, as `row.active` says."""
    if row.active:
        reactivate_person(identity=row.identity, reason=f"{row.provider} says so."[:200], by=None, now=now, provider=row.provider)
        apply_membership(row, now=now)
    elif row.identity.status != Identity.Status.RETIRED:
        deactivate_person(identity=row.identity, reason=f"{row.provider} says so."[:200], by=None, now=now, provider=row.provider)


def _is_as_it_was(row: ProvisionedPerson, wanted: DescribedPerson) -> bool:
    kept = (row.user_name, row.external_id, row.attributes)
    return kept == (wanted.user_name, wanted.external_id, wanted.attributes)


def _write(row: ProvisionedPerson, wanted: DescribedPerson, now: datetime) -> None:
    renamed = wanted.user_name.lower() != row.user_name.lower()
    row.user_name, row.external_id, row.attributes = wanted.user_name, wanted.external_id, wanted.attributes
    row.active = row.active if wanted.active is None else wanted.active
    row.version, row.changed_at = row.version + 1, now
    row.save(update_fields=["user_name", "external_id", "attributes", "active", "version", "changed_at"])
    Identity.objects.filter(pk=row.identity_id).update(name=wanted.name)
    described = {"email": wanted.email, "first_name": wanted.name[:150]}
    # An account may have had another name before it was provisioned; only a new name changes it.
    User.objects.filter(identity=row.identity_id).update(**described, **({"username": wanted.username} if renamed else {}))
