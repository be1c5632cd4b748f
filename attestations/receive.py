"""Take evidence in: exactly the bytes that were sent, stored before they are acknowledged.

Checked here: size, strict JSON (depth, duplicate keys) and that it is a kind we know. Nothing here says that it holds.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from attestations.blobs import store_blob
from attestations.models import Attestation, Blob, Submission, VerificationJob
from identities.actors import actor_of
from identities.models import Identity
from ledger.append import append_event
from proofs.errors import Malformed, TooLarge
from proofs.evidence import detect_format


def receive_attestation(*, content: bytes, by: Identity, now: datetime) -> tuple[Attestation, bool]:
    """Store evidence and the job of verifying it; return the attestation and whether its bytes are new.

    Refuses with `evidence.empty`, `evidence.too_large`, `evidence.unknown_format` or a `json.*` code, and then keeps nothing.
    The same bytes are the same attestation: another sender adds a submission, the same one adds nothing.
    """
    return keep_attestation(content=content, evidence_format=demand_evidence(content), by=by, now=now)


def demand_evidence(content: bytes) -> str:
    """Return the format of bytes that can be taken in. Refuses as `receive_attestation` does; keeps nothing."""
    if not content:
        raise Malformed("evidence.empty", "got no bytes, expected a Sigstore bundle or a DSSE envelope")
    if len(content) > settings.MAX_EVIDENCE_BYTES:
        raise TooLarge("evidence.too_large", f"got {len(content)} bytes of evidence, expected at most {settings.MAX_EVIDENCE_BYTES}")
    return detect_format(content, max_bytes=None)


def keep_attestation(*, content: bytes, evidence_format: str, by: Identity, now: datetime) -> tuple[Attestation, bool]:
    """Store bytes that `demand_evidence` let through, and the job of verifying them; say whether they are new. Refuses nothing."""
    with transaction.atomic():
        blob = store_blob(content, now)
        attestation, created = _find_or_store(blob, evidence_format, now)
        submission = Submission(attestation=attestation, identity=by, submitted_at=now)
        Submission.objects.bulk_create([submission], ignore_conflicts=True)
        if created:
            append_event(event="evidence.received", ref_digest=blob.digest, actor=actor_of(by), now=now)
            VerificationJob.objects.create(attestation=attestation, next_try_at=Now())
    return attestation, created


def _find_or_store(blob: Blob, evidence_format: str, now: datetime) -> tuple[Attestation, bool]:
    found = Attestation.objects.filter(blob=blob).first()
    if found is not None:
        return found, False
    mine = Attestation(blob=blob, format=evidence_format, received_at=now)
    # The unique blob decides between two senders of the same new bytes: one row is kept, and it tells whose it is.
    Attestation.objects.bulk_create([mine], ignore_conflicts=True)
    kept = Attestation.objects.get(blob=blob)
    return kept, kept.pk == mine.pk
