"""Rows as resources: what a provider reads back of a person and of a group. Reads only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from scim2_models import GroupMembership, Meta

from identities.models import ProvisionedGroup, ProvisionedPerson
from identities.scim.shapes import Group, GroupMember, User


def base_address() -> str:
    """Return the address of `/scim/v2` as providers spell it."""
    return f"{settings.ORIGIN}/scim/v2"


def describe_person(row: ProvisionedPerson) -> User:
    """Return a person as their provider reads them; `active` is what the provider said last, and absent where it took that back."""
    found = User.model_validate({"userName": row.user_name, **row.attributes})
    found.id, found.external_id = row.pk, row.external_id or None
    memberships = [
        GroupMembership(value=group.pk, ref=_at("Groups", group.pk), display=group.display_name, type="direct")
        for group in sorted(row.groups.all(), key=lambda group: group.pk)
    ]
    found.groups = memberships or None
    found.meta = _meta("User", "Users", row)
    return found


def describe_group(row: ProvisionedGroup, *, with_members: bool = True) -> Group:
    """Return a group with the people in it."""
    found = Group(id=row.pk, external_id=row.external_id or None, display_name=row.display_name, meta=_meta("Group", "Groups", row))
    if with_members:
        people = sorted(row.members.all(), key=lambda person: person.pk)
        found.members = [GroupMember(value=person.pk, ref=_at("Users", person.pk), type="User") for person in people] or None
    return found


def version_of(row: ProvisionedPerson | ProvisionedGroup) -> str:
    """Return the entity tag of a resource (RFC 7644 section 3.14)."""
    return f'W/"{row.version}"'


def _at(where: str, key: str) -> Any:
    return f"{base_address()}/{where}/{key}"


def _meta(kind: str, where: str, row: ProvisionedPerson | ProvisionedGroup) -> Meta:
    created, changed = (_whole(moment) for moment in (row.created_at, row.changed_at))
    return Meta(resource_type=kind, created=created, last_modified=changed, location=_at(where, row.pk), version=version_of(row))


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
