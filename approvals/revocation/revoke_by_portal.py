"""Revoke an approval by the portal itself, for good: its key, or that of the delegation it rests on, may have been somebody else's
when it signed, or its evidence does not hold.

No person signs such a revocation, and it says so. Good news that comes later takes nothing back: somebody has to approve anew. The worker
calls `revoke_compromised`; `gates.revoke_invalid` weighs evidence. Both are safe to run twice and by several processes.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from approvals.models import Approval, AutomaticRevocation
from approvals.requests.revise import lock_state
from approvals.requests.standing_in import maybe_of_others
from approvals.revocation.revoke_approval import REASON_WORDS, end_revoked
from identities.models import Identity, SigningKey
from ledger.append import append_dsse
from ledger.recorder import recorder_key
from proofs.approval.portal_revocation import KEY_COMPROMISE, MAX_BECAUSE, PortalRevocation, build_portal_revocation
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Refusal

BATCH = 50
EVENT = "revocation"

log = structlog.get_logger(__name__)


@transaction.atomic
def revoke_by_portal(*, approval: Approval, reason: str, because: str, now: datetime) -> AutomaticRevocation | None:
    """Sign that `approval` counts no more, write it into the ledger, and end it; None where it ended already, or was a no.

    `because` says in words what was found. The caller has found it; that it is so is not checked. Refuses with `revocation.malformed`.
    """
    lock_state(approval.revision.request, now=now)
    # Read under the lock: somebody may have revoked it a moment ago.
    row = Approval.objects.select_related("revision__request__project__team", "identity", "end").get(pk=approval.pk)
    if row.decision != Approval.Decision.APPROVE or hasattr(row, "end"):
        return None
    at = now.replace(microsecond=0)
    said = PortalRevocation(row.payload_digest, reason, because[:MAX_BECAUSE], settings.ORIGIN, at)
    payload = build_portal_revocation(said)
    envelope = recorder_key().sign(payload)
    entry = append_dsse(event=EVENT, envelope=envelope, now=now)
    digest = sha256_hex(payload)
    revoked = AutomaticRevocation.objects.create(
        approval=row, reason=reason, envelope=canonical_bytes(envelope), digest=digest, entry=entry, signed_at=now
    )
    words = f"{row.identity} approved, and the portal revoked it by itself at {now:%Y-%m-%d %H:%M} UTC: {REASON_WORDS[reason]}"
    end_revoked(approval=row, words=words, reason=reason, by=None, now=now, also=digest)
    return revoked


def revoke_compromised(*, now: datetime, limit: int = BATCH) -> int:
    """Revoke at most `limit` approvals that somebody else may have signed; return how many were.

    One that cannot be revoked is logged, and holds up no other.
    """
    done = 0
    for approval in list(list_compromised()):
        if done >= limit:
            break
        try:
            done += revoke_by_portal(approval=approval, reason=KEY_COMPROMISE, because=_found(approval), now=now) is not None
        except Refusal as refusal:
            log.warning("revoke_refused", approval=approval.pk, code=refusal.code)
    return done


def list_compromised() -> QuerySet[Approval]:
    """Return the approvals that count and that somebody else may have signed, or the delegation they rest on; the oldest first."""
    given = Approval.objects.filter(maybe_of_others(), decision=Approval.Decision.APPROVE, end__isnull=True)
    delegation = "in_stead__delegation__signed"
    related = ("revision__request", "signing_key", "identity", "in_stead__person", f"{delegation}__signing_key")
    return given.select_related(*related).order_by("signed_at", "pk")


def _found(approval: Approval) -> str:
    found = _since("approval", approval.signed_at, approval.signing_key, approval.identity)
    if not found and hasattr(approval, "in_stead"):
        signed = approval.in_stead.delegation.signed
        found = _since("delegation it rests on", signed.signed_at, signed.signing_key, approval.in_stead.person)
    return found


def _since(what: str, signed_at: datetime, key: SigningKey | None, person: Identity) -> str:
    known = [at for at in (key.compromised_from if key else None, person.compromised_from) if at is not None and at <= signed_at]
    if not known:
        return ""
    return (
        f"The {what} was signed at {signed_at:%Y-%m-%d %H:%M:%S} UTC, and from {min(known):%Y-%m-%d %H:%M:%S} UTC on "
        "somebody else may have signed with that key."
    )
