"""Work off dry runs, a slice of one at a time, so that nothing else waits long for them.

A slice is claimed with a lease and a fencing count, and kept only by who still holds the claim: a worker that was too slow, or a run that
was called off meanwhile, changes nothing. A slice that fails is tried again, `settings.MAX_ATTEMPTS` times in all for the run.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from approvals.dry_run.population import is_in_use, load_revisions
from approvals.dry_run.weigh import weigh_revision
from approvals.models import DryRun
from approvals.policies.source import policy_document
from proofs.canonical import parse_canonical
from proofs.policy.document import parse_policy

SLICE = 100
log = structlog.get_logger("approvals.dry_run")


def work_dry_runs(*, clock: Callable[[], datetime]) -> int:
    """Weigh the next slice of the oldest dry run that waits. Returns how many requests were weighed."""
    run = claim_dry_run()
    if run is None:
        return 0
    if _spent(run) > settings.MAX_ATTEMPTS:
        _keep(run, clock(), state=DryRun.State.FAILED, last_error="every attempt ended without an answer")
        return 0
    try:
        outcomes = weigh_slice(run, now=clock())
    except Exception as error:
        log.exception("dry run failed", run=run.pk, attempt=run.attempts)
        state = DryRun.State.FAILED if _spent(run) >= settings.MAX_ATTEMPTS else DryRun.State.WAITING
        _keep(run, clock(), state=state, last_error=f"{type(error).__name__}: {error}"[:500])
        return 0
    done = min(run.done + SLICE, len(run.request_ids))
    state = DryRun.State.DONE if done == len(run.request_ids) else DryRun.State.WAITING
    kept = _keep(run, clock(), state=state, done=done, outcomes=[*run.outcomes, *outcomes], last_error="")
    return len(outcomes) if kept else 0


def claim_dry_run() -> DryRun | None:
    """Claim the oldest dry run that waits or whose lease ran out, by the database's clock. Committed when it returns."""
    is_free = Q(state=DryRun.State.WAITING) | Q(state=DryRun.State.CLAIMED, lease_until__lt=Now())
    with transaction.atomic():
        row = DryRun.objects.select_for_update(no_key=True, skip_locked=True).filter(is_free).order_by("asked_at", "pk").first()
        if row is None:
            return None
        lease = Now() + timedelta(seconds=settings.LEASE_SECONDS)
        DryRun.objects.filter(pk=row.pk).update(state=DryRun.State.CLAIMED, attempts=F("attempts") + 1, lease_until=lease)
        row.attempts += 1
    return row


def weigh_slice(run: DryRun, *, now: datetime) -> list[dict[str, Any]]:
    """Return what comes of the next requests of a run. Reads only."""
    document = policy_document(run.source)
    draft, value = parse_policy(document), parse_canonical(document)
    wanted = run.request_ids[run.done : run.done + SLICE]
    revisions = load_revisions(wanted)
    since = run.asked_at - timedelta(days=run.days)
    weighed = []
    for request_id in wanted:
        revision = revisions[request_id]
        outcome = weigh_revision(revision, list(revision.approvals.all()), draft, value)
        weighed.append(
            {
                "request": request_id,
                "inUse": is_in_use(revision, now=now),
                "recent": revision.request.opened_at > since,
                **outcome.as_json,
            }
        )
    return weighed


def _spent(run: DryRun) -> int:
    """Return how many claims brought nothing: every finished slice took one."""
    return run.attempts - run.done // SLICE


def _keep(run: DryRun, now: datetime, *, state: DryRun.State, **changes: Any) -> bool:
    """Write what came of a claim, if it is still ours; say whether it was."""
    ended_at = now if state in (DryRun.State.DONE, DryRun.State.FAILED) else None
    mine = DryRun.objects.filter(pk=run.pk, attempts=run.attempts, state=DryRun.State.CLAIMED)
    return mine.update(state=state, lease_until=None, ended_at=ended_at, **changes) == 1
