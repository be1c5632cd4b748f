"""End one way an identity signs evidence: from a time on, what is signed this way no longer counts.

The time may lie in the past, as when a key turns out to have been stolen: what was signed from then on is answered for by nobody, what was there before keeps its signer.
Gates stay shut for either, until somebody else signs it.
It is said once: a key once said to be stolen does not become good again.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from identities.chronicle import append_identity_event
from identities.models import EvidenceSigner, Identity
from identities.permissions import demand
from identities.signals import evidence_signer_changed
from proofs.errors import Conflict, Malformed
from proofs.moment import rfc3339


@transaction.atomic
def revoke_signer(*, signer: EvidenceSigner, revoked_from: datetime, reason: str, by: Identity | None, now: datetime) -> EvidenceSigner:
    """Revoke a registered signer from `revoked_from` on; saying the same again changes nothing.

    Refuses with `signer.revoked_in_future`, `signer.reason`, `signer.already_revoked` when it was revoked from another time on, or
    `permission.missing`. `by` is None at the server's own console.
    """
    if by is not None:
        demand(by, "identities.steward", team=signer.identity.team)
    if revoked_from > now:
        raise Malformed("signer.revoked_in_future", f"got {rfc3339(revoked_from)}, expected a time that is not in the future")
    if not reason.strip():
        raise Malformed("signer.reason", "got no reason, expected one that whoever finds rejected evidence can understand")
    row = EvidenceSigner.objects.select_for_update(no_key=True, of=("self",)).select_related("identity").get(pk=signer.pk)
    if row.revoked_at == revoked_from:
        return row
    if row.revoked_at is not None:
        raise Conflict("signer.already_revoked", f"{row} is revoked from {rfc3339(row.revoked_at)} on already, and that stays")
    row.revoked_at = revoked_from
    row.save(update_fields=["revoked_at"])
    document = {
        "identity": row.identity_id,
        "method": str(row.method),
        "certificateIssuer": row.certificate_issuer,
        "certificateIdentity": row.certificate_identity,
        "keyId": row.key_id,
        "revokedFrom": rfc3339(revoked_from),
        "reason": reason.strip()[:200],
    }
    append_identity_event(event="evidence_signer.revoked", document=document, by=by, now=now)
    evidence_signer_changed.send(EvidenceSigner, signer=row, now=now)
    return row
