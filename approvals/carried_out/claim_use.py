"""One use of an approved action or rotation: whoever carries it out is let through once. Gates call it in the transaction of their answer."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from approvals.models import ApprovalUse, Request
from approvals.requests.happened import append_request_event
from approvals.requests.revise import lock_state
from approvals.requests.status import refuse_if_shut
from approvals.requests.uses import USED, is_used
from attestations.blobs import bytes_of
from identities.models import Identity
from proofs.approval.subjects import parse_subject
from proofs.errors import Conflict, NotAllowed
from proofs.fields import Fields


@transaction.atomic
def claim_use(*, request: Request, decision_id: str, by: Identity, now: datetime) -> ApprovalUse:
    """Take the one use there is of an approved action or rotation, for `by`, which asked the gate; a later revision brings no second one.

    Checks nobody's approval: the gate has. Refuses with `approval.used`, with `approval.not_executor` where `by` asked for it or
    may not carry it out, and with `request.withdrawn` and its like where the request is shut.
    """
    lock_state(request, now=now)
    refuse_if_shut(request)
    if is_used(request):
        raise Conflict(USED, "this was let through once already; ask people again for another time")
    if request.subject is None or not _may_carry_out(request, by):
        raise NotAllowed(
            "approval.not_executor", "this is carried out by the program it names, or by a gate of the team, and not by who asked"
        )
    revision = request.revisions.latest("number")
    entry = append_request_event(event="request.claimed", request=request, document={"decision": decision_id}, by=by, now=now)
    return ApprovalUse.objects.create(request=request, revision=revision, n=1, by=by, decision_id=decision_id, entry=entry, claimed_at=now)


def _may_carry_out(request: Request, by: Identity) -> bool:
    """Say whether `by` is the program the document names, or where it is another, a program of the team that is no agent."""
    assert request.subject is not None  # the caller looked
    subject = parse_subject(bytes_of(request.subject), kind=request.kind)
    asks = by.pk == request.requester_id or (request.kind == Request.Kind.AGENT_ACTION and _is_party(subject, "agent", by))
    if by.is_person or asks or by.team_id != request.project.team_id:
        return False
    named = subject.raw("executor") is not None and _is_party(subject, "executor", by)
    return named or by.kind != Identity.Kind.AGENT


def _is_party(subject: Fields, name: str, by: Identity) -> bool:
    party = subject.fields(name)
    return (party.text("issuer"), party.text("subject")) == (by.issuer, by.subject)
