"""Let a new key, or a new certificate name, take over from the one an identity signs with: both count for a while, then only the new one.

What the old one signed in its time stays what it is. Not checked here: that anybody holds the new private key, or stopped using the old one.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from identities.chronicle import append_identity_event
from identities.lifecycle.change_status import demand_stewardship, reason_of
from identities.models import EvidenceSigner, Identity
from identities.register import register_signer
from identities.signals import evidence_signer_changed
from proofs.errors import Conflict, Malformed, NotAllowed
from proofs.moment import rfc3339

LONGEST_OVERLAP_DAYS = 90


@transaction.atomic
def rotate_signer(
    *,
    identity: Identity,
    signer: EvidenceSigner,
    overlap_days: int,
    reason: str,
    by: Identity | None,
    now: datetime,
    public_key_pem: bytes | None = None,
    certificate_identity: str = "",
) -> EvidenceSigner:
    """Register what takes over from `signer` and return it; the old one ends after the overlap, or earlier where its end was set before.

    A key is replaced by a key (PEM), a certificate name by another name of the same issuer, on any ref as the old one is.
    Refuses with `signer.overlap`, `signer.end_stays`, `signer.incomplete`, what `refuse_rotation` refuses with, `identity.reason`,
    `identity.oneself`, `permission.missing`, or as `register_signer` does.
    """
    demand_stewardship(identity, by)
    said = reason_of(reason)
    if not 0 <= overlap_days <= LONGEST_OVERLAP_DAYS:
        raise Malformed("signer.overlap", f"got an overlap of {overlap_days} days, expected 0 to {LONGEST_OVERLAP_DAYS}")
    row = EvidenceSigner.objects.select_for_update(no_key=True, of=("self",)).select_related("identity__team").get(pk=signer.pk)
    refuse_rotation(row, identity=identity, now=now)
    is_key = row.method == EvidenceSigner.Method.PUBLIC_KEY
    if (public_key_pem is not None) != is_key or bool(certificate_identity.strip()) == is_key:
        raise Malformed("signer.incomplete", f"expected {'a public key' if is_key else 'a certificate name'} alone, as {row} is one")
    # Whole seconds, as signing times are: in the second it ends in, only the new one counts.
    ends = (now + timedelta(days=overlap_days)).replace(microsecond=0)
    if row.valid_until is not None and row.valid_until > ends:
        raise Conflict(
            "signer.end_stays",
            f"{row} was given until {rfc3339(row.valid_until)}, which stays; expected an overlap that reaches there, or the new one "
            "registered beside it and the old one revoked once nothing signs with it",
        )
    new = register_signer(
        identity=row.identity,
        public_key_pem=public_key_pem,
        certificate_issuer=row.certificate_issuer,
        certificate_identity=certificate_identity.strip(),
        any_ref=row.any_ref,
        replaces=row,
        by=by,
        now=now,
    )
    if row.valid_until is None:
        row.valid_until = ends
        row.save(update_fields=["valid_until"])
    document = {"identity": row.identity_id, "old": str(row), "new": str(new), "oldUntil": rfc3339(row.valid_until), "reason": said}
    append_identity_event(event="evidence_signer.rotated", document=document, by=by, now=now)
    evidence_signer_changed.send(EvidenceSigner, signer=row, now=now)
    return new


def refuse_rotation(signer: EvidenceSigner, *, identity: Identity, now: datetime) -> None:
    """Return when another may take over from this signer of `identity`.

    Refuses with `signer.other_identity`, `signer.already_replaced`, `signer.already_revoked`, `signer.expired` or `identity.not_active`.
    """
    if signer.identity_id != identity.pk:
        raise NotAllowed("signer.other_identity", f"got {signer}, which another identity than {identity} signs with")
    if signer.revoked_at is not None:
        raise Conflict("signer.already_revoked", f"{signer} is revoked, and nothing takes over from it; register the new one")
    successor = EvidenceSigner.objects.filter(replaces=signer).first()
    if successor is not None:
        raise Conflict("signer.already_replaced", f"{successor} takes over from {signer} already; rotate that one")
    if signer.valid_until is not None and signer.valid_until <= now:
        raise Conflict("signer.expired", f"{signer} ran out at {rfc3339(signer.valid_until)}; register the new one")
    if signer.identity.status != Identity.Status.ACTIVE:
        raise Conflict("identity.not_active", f"{identity} is {signer.identity.status}, expected active")
