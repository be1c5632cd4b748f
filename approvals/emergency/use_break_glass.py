"""Use a break-glass: part of the gate's act that would have denied, and never one of its own."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from approvals.emergency.live import bounds_of, list_live, still_stands
from approvals.models import BreakGlass, BreakGlassUse
from approvals.requests.revise import lock_state
from attestations.blobs import store_blob
from identities.actors import actor_of
from identities.models import Environment, Identity, Project
from ledger.append import append_event
from proofs.canonical import canonical_bytes
from proofs.moment import rfc3339


@transaction.atomic
def use_break_glass(
    *, digest: str, project: Project, environment: Environment, decision: str, by: Identity, now: datetime
) -> BreakGlassUse | None:
    """Take one use of a break-glass that covers `digest` there now, for the answer `decision`; None where there is none.

    The policy in force has to allow a break-glass still. Two gates at once take two uses, or one of them none.
    """
    if bounds_of(project=project, environment=environment) is None:
        return None
    for found in list_live(digest=digest, project=project, environment=environment, now=now).select_related("review"):
        lock_state(found.review, now=now)
        # Another gate may have taken the last use while this one waited, and whoever reviews may have concluded.
        live = list_live(digest=digest, project=project, environment=environment, now=now).filter(pk=found.pk)
        row = live.select_related("signed__identity", "signed__signing_key").first()
        if row is not None and still_stands(row):
            return _take(row, decision=decision, by=by, now=now)
    return None


def _take(row: BreakGlass, *, decision: str, by: Identity, now: datetime) -> BreakGlassUse:
    n = BreakGlassUse.objects.filter(break_glass=row).count() + 1
    document = canonical_bytes(
        {
            "schema": "countersign-break-glass-use/v1",
            "statement": {"sha256": row.signed.payload_digest},
            "decision": decision,
            "use": n,
            "of": row.max_uses,
            "at": rfc3339(now.replace(microsecond=0)),
        }
    )
    entry = append_event(event="break_glass.used", ref_digest=store_blob(document, now).digest, actor=actor_of(by), now=now)
    return BreakGlassUse.objects.create(break_glass=row, n=n, decision=decision, entry=entry, used_at=now)
