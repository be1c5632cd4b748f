"""Take an identity provider in. Its people come in from then on; which roles their groups carry is said apart."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from identities import ids
from identities.chronicle import append_identity_event
from identities.models import Identity, IdentityProvider
from identities.seal import seal
from identities.sso.described import Described, check_described, check_slug
from identities.sso.reach import demand_reach
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Conflict, NotAllowed

Source = IdentityProvider.Source


def add_provider(*, slug: str, said: Described, by: Identity | None, now: datetime, source: str = Source.PAGE) -> IdentityProvider:
    """Add a provider; `by=None` is the operator.

    Refuses with `sso.slug`, `sso.slug_taken`, `sso.already_added`, `sso.reach` (its issuer is already that of other teams' people),
    `permission.missing` or as `check_described` does.
    """
    check_slug(slug)
    said = check_described(said, is_operator=by is None)
    if by is not None and said.second_factor:
        raise NotAllowed("sso.operator_only", "got a second_factor, which only the operator's file says: approvals are weighed by it")
    demand_reach(by, said.issuer)
    pk = ids.new_identity_provider_id()
    if IdentityProvider.objects.filter(slug=slug).exists():
        raise Conflict("sso.slug_taken", f"got the short name {slug}, which a provider here has or had; expected another")
    try:
        with transaction.atomic():
            provider = IdentityProvider.objects.create(
                id=pk,
                slug=slug,
                name=said.name,
                protocol=said.protocol,
                issuer=said.issuer,
                client_id=said.client_id,
                sealed_secret=seal(said.client_secret, owner=pk) if said.client_secret else None,
                config=said.config(),
                groups_claim=said.groups_claim,
                admits_unregistered=said.admits_unregistered,
                source=source,
                added_by=by,
                added_at=now,
                changed_at=now,
            )
            if by is not None:
                provider.set_up_by.add(by)
            append_identity_event(event="identity_provider.added", document=provider_document(provider), by=by, now=now)
    except IntegrityError as error:
        raise Conflict("sso.already_added", f"{said.issuer} is an identity provider here already") from error
    return provider


def provider_document(provider: IdentityProvider) -> dict[str, object]:
    """Return what the ledger's document says of a provider; of its secret only whether there is one."""
    return {
        "identityProvider": provider.pk,
        "slug": provider.slug,
        "name": provider.name,
        "protocol": str(provider.protocol),
        "issuer": provider.issuer,
        "clientId": provider.client_id,
        "hasSecret": bool(provider.sealed_secret),
        "configSha256": sha256_hex(canonical_bytes(provider.config)),
        "groupsClaim": provider.groups_claim,
        "admitsUnregistered": provider.admits_unregistered,
        "source": str(provider.source),
    }
