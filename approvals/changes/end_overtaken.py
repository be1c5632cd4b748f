"""Close changes of policies and expectations that another one overtook: what they would replace is not in force any more, so nobody can answer them.

The worker calls it; safe to run twice and by several processes.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from approvals.changes.replaced import OVERTAKEN, change_of, refuse_if_overtaken
from approvals.models import ExpectationsActivation, PolicyActivation, Request, RequestState, Supersession
from approvals.policies.expectations import activation_of_expectations
from approvals.policies.versions import activation_in_force
from approvals.requests.happened import append_request_event
from approvals.requests.revise import lock_state
from approvals.requests.status import PENDING, refresh_state
from proofs.approval.expectations_change import ExpectationsChange
from proofs.approval.policy_change import PolicyChange
from proofs.errors import Refusal

BATCH = 50


def end_overtaken(*, now: datetime, limit: int = BATCH) -> int:
    """Close at most `limit` changes of policy that were overtaken, each as superseded by the change that is in force; return how many."""
    return sum(_end(state.request, now=now) for state in _list_perhaps()[:limit])


def _list_perhaps() -> QuerySet[RequestState]:
    """Changes that wait although another came into force at their place after they were proposed, the oldest first."""
    since = Q(request__isnull=False, activated_at__gte=OuterRef("request__opened_at"))
    there = PolicyActivation.objects.filter(project=OuterRef("request__project"), environment=OuterRef("request__environment"))
    expected = ExpectationsActivation.objects.filter(expectations__project=OuterRef("request__project"))
    later, newer = (rows.filter(since).exclude(request=OuterRef("request")) for rows in (there, expected))
    waiting = RequestState.objects.filter(Exists(later) | Exists(newer), request__kind=Request.Kind.POLICY_CHANGE, status__in=PENDING)
    return waiting.select_related("request__project", "request__environment", "request__requester").order_by("request__opened_at", "pk")


@transaction.atomic
def _end(request: Request, *, now: datetime) -> bool:
    state = refresh_state(lock_state(request, now=now), now=now)
    change = change_of(request)
    activation = _in_force_instead(request, change)
    if state.status not in PENDING or activation is None or activation.request is None:
        return False
    try:
        refuse_if_overtaken(request, change)
    except Refusal as refusal:
        if refusal.code != OVERTAKEN:
            raise
        document = {"by": activation.request_id, "reason": {"code": refusal.code, "sentence": refusal.reason}}
        entry = append_request_event(event="request.superseded", request=request, document=document, by=None, now=now)
        Supersession.objects.create(request=request, by_request=activation.request, entry=entry, superseded_at=now)
        refresh_state(state, now=now)
        return True
    return False


def _in_force_instead(request: Request, change: PolicyChange | ExpectationsChange) -> PolicyActivation | ExpectationsActivation | None:
    if isinstance(change, ExpectationsChange):
        return activation_of_expectations(request.project)
    return activation_in_force(project=request.project, environment=request.environment)
