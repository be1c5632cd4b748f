"""What the answer that completes a request about the portal's own rules does: a policy comes into force, a rule is waived,
a break-glass is cleared.

In the transaction of that answer, so that there is no approved change without its effect, and no effect without its approvals.
"""

from __future__ import annotations

from datetime import datetime

from approvals.changes.activate_approved import activate_approved
from approvals.emergency.conclude_review import conclude_review
from approvals.exceptions.grant_waiver import grant_waiver
from approvals.models import Request, RequestState
from approvals.policies.effects import has_taken_effect
from approvals.requests.status import compute_standing
from proofs.errors import Conflict


def take_effect(*, state: RequestState, now: datetime) -> None:
    """Do what an approved request about the portal's own rules calls for; nothing for any other. The caller holds `state`.

    Refuses as `activate_approved` and `grant_waiver` do.
    """
    request = state.request
    if request.kind == Request.Kind.BREAK_GLASS_REVIEW:
        conclude_review(state=state, now=now)
        return
    if state.status != RequestState.Status.APPROVED or request.kind not in (Request.Kind.POLICY_CHANGE, Request.Kind.EXCEPTION):
        return
    approvals = compute_standing(request, now=now).counting
    if request.kind == Request.Kind.POLICY_CHANGE:
        activate_approved(request=request, approvals=approvals, now=now)
    else:
        grant_waiver(request=request, approvals=approvals, now=now)


def refuse_if_in_effect(request: Request) -> None:
    """Refuse with `request.in_effect` when a request about the portal's own rules was decided: what it did is undone by another one."""
    if has_taken_effect(request):
        raise Conflict(
            "request.in_effect", "this was approved and is in effect; propose another change, or withdraw the waiver, to undo it"
        )
