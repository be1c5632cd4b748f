"""End every approval key of a person who is no longer one of the portal's people.

The holder revokes a single key (`identities.keys.enrol`); this is what follows when the person goes. Approvals signed before stay what they
are: the revocation says from when on the key signs nothing more.
"""

from __future__ import annotations

from datetime import datetime

from identities.models import Identity, SigningKey
from ledger.append import append_dsse
from ledger.recorder import recorder_key
from proofs.approval.enrollment import build_enrollment
from proofs.canonical import canonical_bytes


def end_keys(*, identity: Identity, reason: str, now: datetime) -> list[SigningKey]:
    """Revoke every live approval key of `identity` for ever, each with its own signed revocation and ledger entry; return them.

    Must run in the transaction of the act that lets the person go, which has checked who may. Does nothing where no key is live.
    """
    live = SigningKey.objects.select_for_update(no_key=True, of=("self",)).filter(identity=identity, revoked_at__isnull=True)
    keys = list(live.select_related("identity").order_by("pk"))
    for key in keys:
        key.revoked_at, key.revoked_reason = now, reason
        envelope = recorder_key().sign(_revocation(key, now))
        key.revocation = canonical_bytes(envelope)
        key.save(update_fields=["revoked_at", "revoked_reason", "revocation"])
        append_dsse(event="signer.revoked", envelope=envelope, now=now)
    return keys


def _revocation(key: SigningKey, now: datetime) -> bytes:
    return build_enrollment(
        event="revoked",
        at=now,
        kind=key.identity.kind,
        issuer=key.identity.issuer,
        subject=key.identity.subject,
        spki=bytes(key.spki),
        credential_id=bytes(key.credential_id),
        rp_id=key.rp_id,
        backup_eligible=key.backup_eligible,
        reason=key.revoked_reason,
    )
