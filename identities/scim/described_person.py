"""What a User resource says of a person, checked: what becomes columns, and what is kept as it was sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from identities.plain_text import plain_text
from identities.scim.shapes import User
from proofs.errors import Malformed

MAX_EMAILS = 10


@dataclass(frozen=True, slots=True)
class DescribedPerson:
    """A person as their provider describes them. `attributes` is JSON; `active` is None where nothing is said, and nothing changes then."""

    user_name: str
    external_id: str
    name: str
    email: str
    active: bool | None
    attributes: dict[str, Any]

    @property
    def username(self) -> str:
        """The name of their account: the same without capitals."""
        return self.user_name.lower()

    @property
    def subject(self) -> str:
        """What names them beside the provider's issuer."""
        return self.external_id or self.user_name


def read_person(said: User) -> DescribedPerson:
    """Return what a resource says. Refuses with `scim.value` for a text that is missing, too long, or hides something."""
    user_name = _text(said.user_name or "", "userName", 150)
    if " " in user_name:
        raise Malformed("scim.value", f"got the userName {user_name!r}, expected one without spaces")
    emails = [email for email in said.emails or [] if email.value]
    if len(emails) > MAX_EMAILS:
        raise Malformed("scim.value", f"got {len(emails)} addresses, expected at most {MAX_EMAILS}")
    first = next((email for email in emails if email.primary), emails[0] if emails else None)
    name = said.name
    parts = " ".join(part for part in (name.given_name, name.family_name) if part) if name else ""
    shown = said.display_name or (name.formatted if name else "") or parts or user_name
    kept = User(name=said.name, display_name=said.display_name, active=said.active, emails=said.emails).model_dump()
    kept.pop("schemas", None)
    return DescribedPerson(
        user_name=user_name,
        external_id=_text(said.external_id or "", "externalId", 300, empty=True),
        name=_text(shown, "displayName", 200),
        email=_text(str(first.value), "emails", 254) if first else "",
        active=said.active,
        attributes=kept,
    )


def _text(text: str, what: str, limit: int, *, empty: bool = False) -> str:
    return plain_text(text, what=f"user.{what}", code="scim.value", limit=limit, empty=empty)
