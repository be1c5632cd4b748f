"""Give a program a new API credential in place of one it has, with the same scopes.

When a stored credential ends is said once, when it is issued. So the old one is revoked at once, or it counts until that end unless
somebody revokes it earlier. Not checked here: that the program uses the new one.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from identities.chronicle import append_identity_event
from identities.issue import issue_credential, revoke_credential
from identities.models import ApiCredential, Identity, TokenExchange
from identities.permissions import demand
from proofs.errors import Conflict, NotAllowed
from proofs.moment import rfc3339


@transaction.atomic
def rotate_credential(
    *, credential: ApiCredential, expires_at: datetime, keep_old: bool, by: Identity | None, now: datetime
) -> tuple[ApiCredential, str]:
    """Return the new credential and its token, which cannot be shown again; the old one is revoked now, or with `keep_old` left as it is.

    Refuses with `credential.revoked`, `credential.expired`, `credential.exchanged`, `permission.missing`, or as `issue_credential` does.
    """
    old = ApiCredential.objects.select_for_update(no_key=True, of=("self",)).select_related("identity__team").get(pk=credential.pk)
    if by is not None and by.pk != old.identity.owner_id:
        demand(by, "identities.steward", team=old.identity.team)
    if TokenExchange.objects.filter(credential=old).exists():
        raise NotAllowed("credential.exchanged", f"{old.pk} was had for a workload token; the job exchanges its next token for another")
    if old.revoked_at is not None:
        raise Conflict("credential.revoked", f"{old.pk} is revoked already; issue another")
    if old.expires_at <= now:
        raise Conflict("credential.expired", f"{old.pk} ran out at {rfc3339(old.expires_at)}; issue another")
    new, token = issue_credential(identity=old.identity, scopes=old.scopes, expires_at=expires_at, by=by, now=now)
    if not keep_old:
        revoke_credential(credential=old, by=by, now=now)
    until = rfc3339(old.expires_at if keep_old else now)
    document = {"identity": old.identity_id, "old": old.pk, "new": new.pk, "oldUntil": until}
    append_identity_event(event="credential.rotated", document=document, by=by, now=now)
    return new, token
