"""Freeze a waiting request anew when what its page is compared with is gone: a tag moved, or came back, or the baseline was taken back.

Each change freezes once, because the new page is compared with what is there then. What somebody said no to stays as it was answered, and
what is approved is for gates to look at. Safe to run twice and by several processes; the worker calls it.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from approvals.comparison.baseline import COMPARED
from approvals.comparison.since import is_ground_gone
from approvals.models import Approval, Request, RequestState, Revision
from approvals.requests.revise import lock_state, revise_request
from approvals.requests.snapshot import read_snapshot
from approvals.requests.status import PENDING
from attestations.blobs import bytes_of
from proofs.errors import Refusal

BATCH = 50

log = structlog.get_logger(__name__)


def follow_ground(*, now: datetime, limit: int = BATCH) -> int:
    """Look at `limit` waiting requests, those unseen for longest first, and return how many were frozen anew.

    One that cannot be evaluated, or whose evaluation kills the process, is left as it is, which nobody can approve, and is looked at again in its turn.
    """
    frozen = 0
    for state in _waiting()[:limit]:
        # Before anything else: one on which the worker itself dies does not come first for ever.
        RequestState.objects.filter(pk=state.pk).update(ground_at=now)
        try:
            frozen += _follow(state.request, now=now)
        except Refusal as refusal:
            log.warning("follow_ground_refused", request=state.request_id, code=refusal.code)
        except Exception:
            log.exception("follow_ground_failed", request=state.request_id)
    return frozen


def is_followed(request: Request) -> bool:
    """Say whether `request` waits as it must to be frozen anew when its ground is gone: undecided, and nobody's no stands against it."""
    return _waiting().filter(request=request).exists()


def _waiting() -> QuerySet[RequestState]:
    noes = Approval.objects.filter(revision=OuterRef("revision"), end__isnull=True).exclude(decision=Approval.Decision.APPROVE)
    states = RequestState.objects.filter(~Exists(noes), status__in=PENDING, request__kind__in=COMPARED, revision__isnull=False)
    related = ("request__project__team", "request__environment", "request__requester", "request__on_behalf_of")
    return states.select_related(*related).order_by(F("ground_at").asc(nulls_first=True), "pk")


def _follow(request: Request, *, now: datetime) -> bool:
    # Most have nothing to follow, and are not locked for it.
    if not _is_gone(request):
        return False
    with transaction.atomic():
        state = lock_state(request, now=now)
        if state.status not in PENDING or _said_no(request, state.revision_number) or not _is_gone(request):
            return False
        revise_request(request=request, by=None, now=now)
    return True


def _said_no(request: Request, number: int) -> bool:
    given = Approval.objects.filter(revision__request=request, revision__number=number, end__isnull=True)
    return given.exclude(decision=Approval.Decision.APPROVE).exists()


def _is_gone(request: Request) -> bool:
    newest = Revision.objects.filter(request=request).select_related("snapshot").order_by("-number").first()
    return newest is not None and is_ground_gone(request, read_snapshot(bytes_of(newest.snapshot)).get("comparison"))
