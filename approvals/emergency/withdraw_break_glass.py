"""Take a break-glass back before its time: gates open for it no more. Its review goes on."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from approvals.models import BreakGlass, BreakGlassEnd, BreakGlassReview
from approvals.requests.plain_text import clean_text
from approvals.requests.revise import lock_state
from attestations.blobs import store_blob
from identities.actors import actor_of
from identities.models import Identity
from ledger.append import append_event
from proofs.canonical import canonical_bytes
from proofs.errors import Conflict, NotAllowed
from proofs.moment import rfc3339

MAX_REASON = 400


@transaction.atomic
def withdraw_break_glass(*, break_glass: BreakGlass, reason: str, by: Identity, now: datetime) -> BreakGlassEnd:
    """End `break_glass` now. Refuses with `break_glass.not_yours` for anybody else, `break_glass.over`, and `request.text`."""
    if break_glass.signed.identity_id != by.pk or by.status != Identity.Status.ACTIVE:
        raise NotAllowed("break_glass.not_yours", "whoever broke the glass takes it back; reviewers conclude its review")
    lock_state(break_glass.review, now=now)
    concluded = BreakGlassReview.objects.filter(break_glass=break_glass).exists()
    if concluded or break_glass.until <= now or BreakGlassEnd.objects.filter(break_glass=break_glass).exists():
        raise Conflict("break_glass.over", "this break-glass is over already")
    words = clean_text(reason, "the reason", MAX_REASON, required=True, lines=True)
    document = canonical_bytes(
        {
            "schema": "countersign-break-glass-end/v1",
            "statement": {"sha256": break_glass.signed.payload_digest},
            "reason": words,
            "at": rfc3339(now.replace(microsecond=0)),
        }
    )
    entry = append_event(event="break_glass.withdrawn", ref_digest=store_blob(document, now).digest, actor=actor_of(by), now=now)
    return BreakGlassEnd.objects.create(break_glass=break_glass, by=by, reason=words, entry=entry, ended_at=now)
