"""Take in a group that an identity provider provisions. Its name is what group rules name, and they are applied at once."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from identities.chronicle import append_identity_event
from identities.models import IdentityProvider, ProvisionedGroup, ProvisionedPerson
from identities.plain_text import plain_text
from identities.scim.membership import apply_membership, hold_members
from identities.scim.shapes import Group
from proofs.errors import Conflict, Malformed

MAX_MEMBERS = 10_000


def provision_group(*, provider: IdentityProvider, wanted: Group, now: datetime) -> ProvisionedGroup:
    """Provision a group with its members; return the row. Refuses with `scim.value`, `scim.uniqueness`, and as `apply_groups` does."""
    try:
        with transaction.atomic():
            members = find_members(wanted, provider=provider)
            hold_members(members, provider=provider)
            row = ProvisionedGroup.objects.create(
                provider=provider, display_name=name_of(wanted), external_id=external_id_of(wanted), created_at=now, changed_at=now
            )
            document = {"resource": row.pk, "version": row.version, "members": sorted(person.pk for person in members)}
            append_identity_event(event="provisioned_group.added", document=document, by=None, now=now, provider=provider)
            row.members.set(members)
            for person in members:
                apply_membership(person, now=now)
            return row
    except IntegrityError as error:
        raise taken(wanted) from error


def name_of(wanted: Group) -> str:
    """Return the name of a group. Refuses with `scim.value`."""
    return plain_text(wanted.display_name or "", what="group.displayName", code="scim.value", limit=300)


def external_id_of(wanted: Group) -> str:
    """Return what the provider calls it by itself. Refuses with `scim.value`."""
    return plain_text(wanted.external_id or "", what="group.externalId", code="scim.value", limit=300, empty=True)


def find_members(wanted: Group, *, provider: IdentityProvider) -> list[ProvisionedPerson]:
    """Return the people a group names, by key. Refuses with `scim.value` for whoever is not one of the provider's users."""
    keys = {str(member.value or "") for member in wanted.members or []}
    if len(keys) > MAX_MEMBERS:
        raise Malformed("scim.value", f"got {len(keys)} members, expected at most {MAX_MEMBERS}")
    if any((member.type or "User") != "User" for member in wanted.members or []):
        raise Malformed("scim.value", "got a member that is no user, expected users alone; groups in groups are not taken")
    found = list(ProvisionedPerson.objects.filter(provider=provider, removed_at__isnull=True, pk__in=keys).order_by("pk"))
    missing = sorted(keys - {person.pk for person in found})
    if missing:
        raise Malformed("scim.value", f"got the member {missing[0][:60]!r}, expected the id of a user that you provisioned")
    return found


def taken(wanted: Group) -> Conflict:
    """Return the refusal of a name that another group has."""
    return Conflict("scim.uniqueness", f"got the displayName {str(wanted.display_name)[:80]!r}, which another group of yours has")
