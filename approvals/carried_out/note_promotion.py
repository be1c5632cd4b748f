"""Note that a gate let a request through, once: from then on it is promoted. Gates call it in the transaction of their answer."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from approvals.models import Promotion, Request, RequestState
from approvals.requests.happened import append_request_event
from approvals.requests.revise import lock_state
from approvals.requests.status import refresh_state, refuse_if_shut
from identities.models import Identity
from proofs.errors import Conflict

Status = RequestState.Status


@transaction.atomic
def note_promotion(*, request: Request, decision_id: str, by: Identity, now: datetime) -> Promotion:
    """Return the row of the first time a gate let `request` through, writing it now where this is it. `by` asked the gate.

    Refuses with `request.withdrawn`, `request.superseded`, `request.expired` or `request.draft` where it is shut, and with
    `request.not_approved` where not everybody has approved it.
    """
    state = refresh_state(lock_state(request, now=now), now=now)
    refuse_if_shut(request)
    known = Promotion.objects.filter(request=request).first()
    if known is not None:
        return known
    if state.status != Status.APPROVED:
        raise Conflict("request.not_approved", f"this request is {state.get_status_display().lower()}, expected approved")
    entry = append_request_event(event="request.promoted", request=request, document={"decision": decision_id}, by=by, now=now)
    row = Promotion.objects.create(request=request, decision_id=decision_id, entry=entry, promoted_at=now)
    refresh_state(state, now=now)
    return row
