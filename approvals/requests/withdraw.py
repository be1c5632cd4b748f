"""Withdraw a request: who asked takes it back, and nothing is decided about it any more.

What was signed stays in the ledger and opens no gate from now on. A withdrawn request does not come back; another one is opened.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from approvals.models import Request, RequestState, Withdrawal
from approvals.policies.effects import has_taken_effect
from approvals.requests.happened import append_request_event, refuse_if_not_asker
from approvals.requests.plain_text import MAX_NOTE, clean_text
from approvals.requests.revise import lock_state
from approvals.requests.status import PENDING, refresh_state, refuse_if_shut, shut_because
from approvals.requests.uses import USED, is_used
from identities.models import Identity
from identities.permissions import demand
from proofs.errors import Conflict

Status = RequestState.Status


@transaction.atomic
def withdraw_request(*, request: Request, reason: str, by: Identity, now: datetime) -> Withdrawal:
    """Take a request back, a draft too. An approved one as well, as long as no gate let it through.

    Refuses with `break_glass.review_stays`, `request.not_yours`, `request.text`, with `approval.used` where a gate let the action of an agent
    through, with `request.in_effect` where a policy or a waiver came of it, and with `request.withdrawn`, `request.superseded`,
    `request.expired`, `request.promoted` or `request.closed` where there is nothing left to take back.
    """
    demand(by, "requests.withdraw", project=request.project)
    refuse_if_not_asker(request, by)
    if request.kind == Request.Kind.BREAK_GLASS_REVIEW:
        raise Conflict("break_glass.review_stays", "the review of a break-glass is not taken back; others have to conclude it")
    state = refresh_state(lock_state(request, now=now), now=now)
    if shut_because(request) != Status.DRAFT:
        refuse_if_shut(request)
    if has_taken_effect(request):
        # It would read as taken back, and the policy or the waiver would go on.
        raise Conflict("request.in_effect", "this is in effect; propose another change, or withdraw the waiver, to undo it")
    # Claimed under the same lock: of a gate and whoever withdraws, one comes first.
    if is_used(request):
        raise Conflict(USED, "a gate let this action through already; withdrawing it would take nothing back")
    if state.status == Status.PROMOTED:
        raise Conflict("request.promoted", "a gate let this through already; withdrawing it would take nothing back")
    if state.status not in {*PENDING, Status.DRAFT, Status.APPROVED}:
        raise Conflict("request.closed", f"this request is closed: {state.get_status_display().lower()}")
    words = clean_text(reason, "the reason", MAX_NOTE, required=True, lines=True)
    entry = append_request_event(event="request.withdrawn", request=request, document={"reason": words}, by=by, now=now)
    row = Withdrawal.objects.create(request=request, by=by, reason=words, entry=entry, withdrawn_at=now)
    refresh_state(state, now=now)
    return row
