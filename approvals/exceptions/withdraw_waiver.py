"""Withdraw a waiver before its time: the rule is asked again from this moment on. It only takes away, so one person suffices."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from approvals.models import Waiver, WaiverEnd
from approvals.requests.plain_text import clean_text
from approvals.requests.revise import lock_state
from attestations.blobs import store_blob
from identities.actors import actor_of
from identities.models import Identity
from identities.permissions import may
from ledger.append import append_event
from proofs.canonical import canonical_bytes
from proofs.errors import Conflict, NotAllowed
from proofs.moment import rfc3339

MAX_REASON = 400


@transaction.atomic
def withdraw_waiver(*, waiver: Waiver, reason: str, by: Identity, now: datetime) -> WaiverEnd:
    """End `waiver` now.

    Refuses with `waiver.not_yours` unless `by` answers for it or is a policy owner of its project, with `waiver.ended` when it is over
    already, and with `request.text`.
    """
    if not may_withdraw(waiver, by):
        raise NotAllowed("waiver.not_yours", "whoever answers for a waiver withdraws it, or a policy owner of its project")
    lock_state(waiver.request, now=now)
    if waiver.until <= now or WaiverEnd.objects.filter(waiver=waiver).exists():
        raise Conflict("waiver.ended", "this waiver is over already")
    words = clean_text(reason, "the reason", MAX_REASON, required=True, lines=True)
    document = canonical_bytes(
        {"schema": "countersign-waiver-end/v1", "waiver": {"sha256": waiver.pk}, "reason": words, "at": rfc3339(now)}
    )
    blob = store_blob(document, now)
    entry = append_event(event="waiver.withdrawn", ref_digest=blob.digest, actor=actor_of(by), now=now)
    return WaiverEnd.objects.create(waiver=waiver, by=by, reason=words, entry=entry, ended_at=now)


def may_withdraw(waiver: Waiver, by: Identity) -> bool:
    """Say whether `by` may end the waiver: who answers for it, while active, or a policy owner of the project."""
    is_owner = waiver.owner_id == by.pk and by.status == Identity.Status.ACTIVE
    return by.is_person and (is_owner or may(by, "policies.decide", project=waiver.project).allowed)
