"""Report what became of an approved action or rotation, by the program that a gate let do it; or note that nobody reported anything.

The states are computed from rows: claimed once a gate let it through, then executed, failed, or outcome_unknown where no report came in
time. A report that comes later still counts, and the note that it was missing stays.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from approvals.models import ApprovalUse, Execution, Request
from approvals.requests.revise import lock_state
from approvals.requests.uses import has_uses
from identities.models import Identity
from ledger.append import append_dsse
from ledger.recorder import recorder_key
from proofs.approval.execution import OUTCOME_UNKNOWN, REPORTED, ExecutionStatement, build_execution
from proofs.canonical import canonical_bytes
from proofs.errors import Conflict, Malformed, NotAllowed, Refusal

BATCH = 50
CLAIMED = "claimed"

log = structlog.get_logger(__name__)


@transaction.atomic
def report_execution(*, request: Request, outcome: str, by: Identity, now: datetime, result: str = "", detail: str = "") -> Execution:
    """Keep the one report on `request` and return it, signed; the same report once more returns the row that is there.

    `outcome` is `executed` or `failed`, `result` a SHA-256 (hex) or empty. Refuses with `execution.not_claimed` before a gate let it
    through, with `execution.not_yours` for another program than the one that was let through, with `execution.reported` where another
    report stands, and with `execution.malformed` or `subject.secret` for what cannot be said. Not checked: whether it is so.
    """
    if outcome not in REPORTED:
        raise Malformed("execution.malformed", f"got the outcome {outcome[:40]!r}, expected {' or '.join(REPORTED)}")
    lock_state(request, now=now)
    use = ApprovalUse.objects.filter(request=request).select_related("by").first()
    if use is None:
        raise Conflict("execution.not_claimed", "no gate has let this through, expected a report only after one answered allow")
    if use.by_id != by.pk:
        raise NotAllowed("execution.not_yours", f"the gate let {use.by} do this, and the report is from {by}; expected the same program")
    known = Execution.objects.filter(use=use, is_reported=True).first()
    if known is None:
        return _sign(use, outcome, now=now, result=result, detail=detail)
    if (known.outcome, known.result, known.detail) != (outcome, result, detail):
        raise Conflict("execution.reported", f"got {outcome} after the report {known.outcome}, expected one report; the first stays")
    return known


def note_missing_reports(*, now: datetime, limit: int = BATCH) -> int:
    """Note as outcome_unknown what was let through and not reported for `settings.EXECUTION_MINUTES`; return how many. Safe to run twice.

    One that cannot be noted is logged and holds up no other.
    """
    noted = 0
    for use in list_unreported(now)[:limit]:
        try:
            noted += _note_missing(use, now=now)
        except Refusal as refusal:
            log.warning("note_missing_refused", request=use.request_id, code=refusal.code)
    return noted


def list_unreported(now: datetime) -> QuerySet[ApprovalUse]:
    """Return the uses on which a report is overdue and nothing is noted yet, oldest first."""
    late = now - timedelta(minutes=settings.EXECUTION_MINUTES)
    return (
        ApprovalUse.objects.filter(claimed_at__lte=late, executions__isnull=True)
        .select_related("request", "by")
        .order_by("claimed_at", "pk")
    )


@transaction.atomic
def _note_missing(use: ApprovalUse, *, now: datetime) -> bool:
    lock_state(use.request, now=now)
    if Execution.objects.filter(use=use).exists():
        # Somebody was quicker.
        return False
    _sign(use, OUTCOME_UNKNOWN, now=now)
    return True


def _sign(use: ApprovalUse, outcome: str, *, now: datetime, result: str = "", detail: str = "") -> Execution:
    payload = build_execution(
        ExecutionStatement(
            document=use.request.subject_id or "",
            request=use.request_id,
            decision=use.decision_id,
            executor_issuer=use.by.issuer,
            executor_subject=use.by.subject,
            outcome=outcome,
            claimed_at=use.claimed_at,
            at=now,
            result=result,
            detail=detail,
        )
    )
    envelope = recorder_key().sign(payload)
    entry = append_dsse(event="execution", envelope=envelope, now=now)
    return Execution.objects.create(
        use=use,
        outcome=outcome,
        is_reported=outcome in REPORTED,
        result=result,
        detail=detail,
        envelope=canonical_bytes(envelope),
        entry=entry,
        at=now,
    )


def read_execution(request: Request) -> tuple[str, ApprovalUse, Execution | None] | None:
    """Return how far a request was carried out: `claimed` or an outcome, the use and what was said last; None before a gate let it through."""
    use = ApprovalUse.objects.filter(request=request).select_related("by").first() if has_uses(request) else None
    if use is None:
        return None
    said = use.executions.select_related("entry").order_by("-is_reported").first()
    return said.outcome if said else CLAIMED, use, said
