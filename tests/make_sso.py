"""Identity providers with group rules, and people who come in through them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from identities.models import GroupRules, Identity, IdentityProvider, User
from identities.sso.come_in import come_in
from tests import cast

ISSUER = "https://idp.payments.example"


def provider(slug: str = "corp", *, issuer: str = ISSUER, now: datetime = cast.NOW, **more: Any) -> IdentityProvider:
    """An OpenID provider that admits whoever a group gives a role to."""
    fields = {"name": "Payments Corp", "protocol": "oidc", "client_id": "countersign", "admits_unregistered": True, **more}
    made = IdentityProvider.objects.get_or_create(slug=slug, defaults={"issuer": issuer, "added_at": now, "changed_at": now, **fields})
    return made[0]


def rule(group: str, role: str, *, team: str = "payments", project: str | None = None) -> dict[str, str | None]:
    """One rule as it is written in files."""
    return {"group": group, "team": team, "project": project, "role": role}


def rules(*wanted: dict[str, str | None], by: Identity | None = None, slug: str = "corp", now: datetime = cast.NOW) -> GroupRules:
    """The next version of a provider's rules, written down without asking whether it may be."""
    cast.payments_api()
    to = provider(slug)
    version = GroupRules.objects.filter(provider=to).count() + 1
    return GroupRules.objects.create(provider=to, version=version, rules=list(wanted), made_by=by, made_at=now)


def arrive(subject: str = "s-erin", *groups: str, now: datetime = cast.NOW, **more: Any) -> User:
    """Erin, whom nobody registered, comes in with these groups."""
    said: dict[str, Any] = {
        "username": "erin", "name": "Erin Malik", "email": "erin@payments.example", "groups": list(groups), "provider": provider(), **more,
    }  # fmt: skip
    return come_in(subject=subject, now=now, **said)
