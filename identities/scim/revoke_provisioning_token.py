"""Revoke a secret that an identity provider provisions with."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from identities.chronicle import append_identity_event
from identities.models import Identity, ProvisioningToken
from identities.sso.reach import demand_reach
from proofs.errors import Conflict


@transaction.atomic
def revoke_provisioning_token(*, token: ProvisioningToken, by: Identity | None, now: datetime) -> ProvisioningToken:
    """Revoke from now on; who was provisioned with it stays. Refuses with `provisioning_token.revoked`, `sso.reach` or `permission.missing`."""
    row = ProvisioningToken.objects.select_for_update(no_key=True, of=("self",)).select_related("provider").get(pk=token.pk)
    demand_reach(by, row.provider.issuer, row.provider)
    if row.revoked_at is not None:
        raise Conflict("provisioning_token.revoked", f"{row.pk} is revoked already")
    row.revoked_at = now
    row.save(update_fields=["revoked_at"])
    document = {"token": row.pk, "provider": row.provider_id}
    append_identity_event(event="provisioning_token.revoked", document=document, by=by, now=now)
    return row
