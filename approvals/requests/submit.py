"""Submit a draft: from now on people are asked."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from approvals.models import Request, RequestState, RequestSubmission
from approvals.requests.happened import append_request_event, refuse_if_not_asker
from approvals.requests.refresh import is_outdated
from approvals.requests.revise import lock_state, revise_request
from approvals.requests.status import refresh_state, refuse_if_shut, shut_because
from approvals.requests.supersede import hold_older, hold_project, supersede_older
from identities.models import Identity
from identities.permissions import demand
from proofs.errors import Conflict


@transaction.atomic
def submit_request(*, request: Request, by: Identity, now: datetime) -> RequestSubmission:
    """Put a draft to people, frozen anew where evidence or policy changed meanwhile; older requests about the same are superseded.

    Refuses with `permission.missing`, `request.not_yours`, with `request.not_a_draft` for what was submitted or never was a draft, with
    `request.withdrawn`, `request.superseded` or `request.expired`, and as `revise_request` does.
    """
    demand(by, "requests.open", project=request.project)
    refuse_if_not_asker(request, by)
    hold_project(request.project)
    older = hold_older(request, now=now)
    state = lock_state(request, now=now)
    if shut_because(request) != RequestState.Status.DRAFT:
        refuse_if_shut(request)
        raise Conflict("request.not_a_draft", "this request was put to people already")
    newest = request.revisions.order_by("-number").first()
    if newest is None or is_outdated(newest, now=now):
        revise_request(request=request, by=by, now=now)
        state.refresh_from_db()
    entry = append_request_event(event="request.submitted", request=request, document={}, by=by, now=now)
    row = RequestSubmission.objects.create(request=request, by=by, entry=entry, submitted_at=now)
    refresh_state(state, now=now)
    supersede_older(request=request, older=older, by=by, now=now)
    return row
