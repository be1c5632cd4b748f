"""End approval keys: one, for whoever may already, or every key of a person who is no longer one of the portal's people.

Approvals signed before stay what they are: the revocation says from when on the key signs nothing more. A key that somebody else may have
had takes with it those it introduced since: an introduction is something it signed, and nobody can tell who asked for it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from identities.keys.directory import log_directory
from identities.models import Identity, SigningKey
from ledger.append import append_dsse
from ledger.recorder import recorder_key
from proofs.approval.enrollment import build_enrollment
from proofs.canonical import canonical_bytes
from proofs.errors import Conflict, Malformed
from proofs.moment import rfc3339

INTRODUCED_BY_A_LOST_KEY = "introduced by a key that was lost, since somebody else may have had that"


@transaction.atomic
def end_signing_key(
    *, key: SigningKey, by: Identity | None, reason: str, now: datetime, compromised_from: datetime | None = None
) -> SigningKey:
    """Revoke a key for ever, with its signed revocation and ledger entries; with `compromised_from`, also the live keys it introduced since.

    Not checked: whether `by` may; the caller has.

    Refuses with `signer.reason`, `signer.compromised_in_future`, `signer.compromised_too_early` or `signer.revoked`.
    """
    if not reason.strip() or len(reason.strip()) > 200:
        raise Malformed("signer.reason", "got a reason of no or more than 200 characters, expected a short one for the record")
    key = SigningKey.objects.select_for_update(no_key=True, of=("self",)).select_related("identity").get(pk=key.pk)
    if key.revoked_at is not None:
        raise Conflict("signer.revoked", f"{key.label} is revoked already")
    if compromised_from is not None and compromised_from > now:
        raise Malformed("signer.compromised_in_future", f"got {rfc3339(compromised_from)}, expected a time that is not in the future")
    if compromised_from is not None and compromised_from < key.enrolled_at:
        raise Malformed("signer.compromised_too_early", f"got a time before the key was enrolled, {rfc3339(key.enrolled_at)}")
    _revoke(key, reason=reason.strip(), now=now, compromised_from=compromised_from)
    for other in _introduced_since(key, compromised_from) if compromised_from is not None else ():
        _revoke(other, reason=INTRODUCED_BY_A_LOST_KEY, now=now, compromised_from=other.enrolled_at)
    log_directory(by=by, now=now)
    return key


def end_keys(*, identity: Identity, reason: str, now: datetime) -> list[SigningKey]:
    """Revoke every live approval key of `identity` for ever, each with its own signed revocation and ledger entry; return them.

    Must run in the transaction of the act that lets the person go, which has checked who may. Does nothing where no key is live.
    """
    live = SigningKey.objects.select_for_update(no_key=True, of=("self",)).filter(identity=identity, revoked_at__isnull=True)
    keys = list(live.select_related("identity").order_by("pk"))
    for key in keys:
        _revoke(key, reason=reason, now=now)
    if keys:
        log_directory(by=None, now=now)
    return keys


def named_in_statement(key: SigningKey) -> dict[str, Any]:
    """Return the person and the key as statements of enrolment and revocation name them."""
    return {
        "kind": key.identity.kind,
        "issuer": key.identity.issuer,
        "subject": key.identity.subject,
        "spki": bytes(key.spki),
        "credential_id": bytes(key.credential_id),
        "rp_id": key.rp_id,
        "backup_eligible": key.backup_eligible,
    }


def _introduced_since(key: SigningKey, since: datetime) -> list[SigningKey]:
    """Return the live keys that `key` brought in from `since` on, itself or through those it brought in, in the order they came."""
    found: list[SigningKey] = []
    asked = [key]
    while asked:
        rows = SigningKey.objects.select_for_update(no_key=True, of=("self",)).filter(introduced_by__in=asked, enrolled_at__gte=since)
        asked = list(rows.select_related("identity").order_by("enrolled_at", "pk"))
        found += asked
    return [row for row in found if row.revoked_at is None]


def _revoke(key: SigningKey, *, reason: str, now: datetime, compromised_from: datetime | None = None) -> None:
    key.revoked_at, key.revoked_reason, key.compromised_from = now, reason, compromised_from
    payload = build_enrollment(event="revoked", at=now, reason=reason, compromised_from=compromised_from, **named_in_statement(key))
    envelope = recorder_key().sign(payload)
    key.revocation = canonical_bytes(envelope)
    key.save(update_fields=["revoked_at", "revoked_reason", "revocation", "compromised_from"])
    append_dsse(event="signer.revoked", envelope=envelope, now=now)
