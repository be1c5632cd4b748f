"""Leave a revision to others, with a reason. It gives nobody anything: whoever passed may still answer, and is asked again about the next revision."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from approvals.models import Attention, Request, TurnPassed
from approvals.requests.plain_text import clean_text
from approvals.requests.revise import lock_state
from approvals.requests.status import refresh_state
from approvals.signing.entitlement import get_current_revision
from attestations.blobs import store_blob
from identities.actors import actor_of
from identities.models import Identity
from identities.permissions import demand
from ledger.append import append_event
from proofs.canonical import canonical_bytes
from proofs.errors import Conflict
from proofs.moment import rfc3339

MAX_REASON = 500


@transaction.atomic
def pass_turn(*, request: Request, reason: str, by: Identity, now: datetime) -> TurnPassed:
    """Take `by` off those a request waits for. Refuses with `permission.missing`, `request.text`, or `attention.not_yours` where it waits for others."""
    demand(by, "requests.pass", project=request.project)
    now = now.replace(microsecond=0)
    state = refresh_state(lock_state(request, now=now), now=now)
    revision = get_current_revision(request)
    if not Attention.objects.filter(request=request, identity=by).exists():
        raise Conflict("attention.not_yours", "this request does not wait for you, so there is nothing to leave to others")
    said = clean_text(reason, "the reason", MAX_REASON, required=True, lines=True)
    document = {
        "schema": "countersign-turn-passed/v1",
        "request": request.pk,
        "revision": revision.number,
        "at": rfc3339(now),
        "reason": said,
    }
    blob = store_blob(canonical_bytes(document), now)
    entry = append_event(event="request.passed", ref_digest=blob.digest, actor=actor_of(by), now=now)
    row = TurnPassed.objects.create(revision=revision, identity=by, reason=said, entry=entry, passed_at=now)
    refresh_state(state, now=now)
    return row
