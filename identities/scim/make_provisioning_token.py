"""Make the secret that an identity provider provisions with.

Whoever holds it says who people are, so it takes whoever may change the provider itself (`identities.sso.reach`). The secret is returned once and
only its SHA-256 is kept: 256 random bits need no slow hash. It always expires.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import transaction

from identities.chronicle import append_identity_event
from identities.models import Identity, IdentityProvider, ProvisioningToken
from identities.sso.reach import demand_reach
from proofs.errors import Conflict, Malformed

TOKEN_PREFIX = "csp"  # noqa: S105 - the visible start of every token, so that leaks can be searched for
LONGEST_LIFE = timedelta(days=366)
ID_PREFIX = "pvt_"
# One to use and one to change over to.
MAX_LIVE = 5


def make_provisioning_token(
    *, provider: IdentityProvider, expires_at: datetime, by: Identity | None, now: datetime
) -> tuple[ProvisioningToken, str]:
    """Return a new token and its secret `csp_<id>_<secret>`, which cannot be shown again. `by=None` is the operator.

    Refuses with `provisioning_token.expiry`, `provisioning_token.too_many`, `sso.provider_removed`, `sso.reach` or `permission.missing`.
    """
    demand_reach(by, provider.issuer, provider)
    if not now < expires_at <= now + LONGEST_LIFE:
        words = f"got {expires_at:%Y-%m-%d}, expected a day within {LONGEST_LIFE.days} days from now"
        raise Malformed("provisioning_token.expiry", words)
    with transaction.atomic():
        row = IdentityProvider.objects.select_for_update(no_key=True, of=("self",)).get(pk=provider.pk)
        if row.removed_at is not None:
            raise Conflict("sso.provider_removed", f"{row} was removed; expected a provider people sign in at")
        live = ProvisioningToken.objects.filter(provider=row, revoked_at__isnull=True, expires_at__gt=now).count()
        if live >= MAX_LIVE:
            raise Conflict("provisioning_token.too_many", f"{row} has {live} tokens; revoke one before you make another")
        secret = secrets.token_urlsafe(32)
        token = ProvisioningToken.objects.create(
            provider=row, secret_sha256=hash_secret(secret), made_by=by, created_at=now, expires_at=expires_at
        )
        if by is not None:
            row.set_up_by.add(by)
        document = {"token": token.pk, "provider": row.pk, "expires": f"{expires_at:%Y-%m-%d}"}
        append_identity_event(event="provisioning_token.made", document=document, by=by, now=now)
    return token, f"{TOKEN_PREFIX}_{token.pk.removeprefix(ID_PREFIX)}_{secret}"


def hash_secret(secret: str) -> str:
    """Return what is stored of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
