"""Close requests that nobody answered in the time there is for it. The worker calls it; safe to run twice and by several processes."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from approvals.models import Approval, Request, RequestExpiry, RequestState
from approvals.requests.happened import append_request_event
from approvals.requests.revise import lock_state
from approvals.requests.status import PENDING, refresh_state
from proofs.errors import Refusal

BATCH = 50

log = structlog.get_logger(__name__)


def expire_unanswered(*, now: datetime, limit: int = BATCH) -> int:
    """Close at most `limit` requests that wait for longer than their environment's tier allows; return how many were closed.

    One that cannot be looked at is logged and holds up no other.
    """
    closed = 0
    for state in list_overdue(now)[:limit]:
        try:
            closed += _expire(state.request, now=now)
        except Refusal as refusal:
            log.warning("expire_refused", request=state.request_id, code=refusal.code)
    return closed


def list_overdue(now: datetime) -> QuerySet[RequestState]:
    """Return the requests that nobody has ever answered and that were put to people too long ago, oldest first."""
    answered = Approval.objects.filter(revision__request=OuterRef("request"))
    late = Q()
    for tier, days in settings.REQUEST_EXPIRY_DAYS.items():
        late |= Q(request__environment__tier=tier, asked_at__lte=now - timedelta(days=days))
    # Nobody waits the review of a break-glass out.
    waiting = RequestState.objects.filter(~Exists(answered), status__in=PENDING).exclude(request__kind=Request.Kind.BREAK_GLASS_REVIEW)
    asked = waiting.annotate(asked_at=Coalesce("request__submission__submitted_at", "request__opened_at"))
    return asked.filter(late).select_related("request__requester__owner", "request__on_behalf_of").order_by("asked_at", "pk")


@transaction.atomic
def _expire(request: Request, *, now: datetime) -> bool:
    state = refresh_state(lock_state(request, now=now), now=now)
    if state.status not in PENDING or Approval.objects.filter(revision__request=request).exists():
        # Somebody was quicker.
        return False
    entry = append_request_event(event="request.expired", request=request, document={}, by=None, now=now)
    RequestExpiry.objects.create(request=request, entry=entry, expired_at=now)
    refresh_state(state, now=now)
    return True
