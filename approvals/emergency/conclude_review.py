"""Conclude the review of a break-glass, in the transaction of the answer that did. From then on no gate opens for it."""

from __future__ import annotations

from datetime import datetime

from approvals.models import BreakGlass, BreakGlassReview, RequestState
from attestations.blobs import store_blob
from identities.actors import portal_actor
from ledger.append import append_event
from proofs.canonical import canonical_bytes
from proofs.moment import rfc3339

Verdict = BreakGlassReview.Verdict
_VERDICTS = {RequestState.Status.APPROVED: Verdict.RIGHT, RequestState.Status.REJECTED: Verdict.WRONG}


def conclude_review(*, state: RequestState, now: datetime) -> BreakGlassReview | None:
    """Write down what came of the review whose request is `state`'s, when as many as it takes have answered.

    It was right when all of them approved, and not right when one of them rejected.

    The caller holds `state`. None while it is still open.
    """
    verdict = _VERDICTS.get(RequestState.Status(state.status))
    row = BreakGlass.objects.select_related("signed").filter(review=state.request).first()
    if verdict is None or row is None:
        return None
    known = BreakGlassReview.objects.filter(break_glass=row).first()
    if known is not None:
        return known
    document = canonical_bytes(
        {
            "schema": "countersign-break-glass-reviewed/v1",
            "statement": {"sha256": row.signed.payload_digest},
            "request": state.request_id,
            "verdict": str(verdict),
            "at": rfc3339(now.replace(microsecond=0)),
        }
    )
    entry = append_event(event="break_glass.reviewed", ref_digest=store_blob(document, now).digest, actor=portal_actor(), now=now)
    return BreakGlassReview.objects.create(break_glass=row, verdict=verdict, entry=entry, concluded_at=now)
