"""Ask for a dry run, and call it off. The work itself is done by the worker (`approvals.dry_run.work`)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from approvals.dry_run.population import MAX_REQUESTS, list_population
from approvals.models import DryRun, PolicyDraft
from approvals.policies.source import policy_document
from identities.models import Environment, Identity
from identities.permissions import demand
from proofs.digest import sha256_hex
from proofs.errors import Conflict, Malformed

MAX_DAYS = 90


@transaction.atomic
def ask_dry_run(*, draft: PolicyDraft, environment: Environment, days: int, by: Identity, now: datetime) -> DryRun:
    """Have the draft, exactly as it is now, weighed over the requests of the last `days` in an environment of its project.

    Refuses with `permission.missing`, `dry_run.days`, `dry_run.environment`, and as reading a policy does: what cannot be read cannot be tried.
    """
    row = PolicyDraft.objects.select_for_update(no_key=True, of=("self",)).select_related("project").get(pk=draft.pk)
    demand(by, "policies.edit", project=row.project)
    if not 1 <= days <= MAX_DAYS:
        raise Malformed("dry_run.days", f"got {days} days, expected 1 to {MAX_DAYS}")
    if environment.team_id != row.project.team_id:
        raise Malformed("dry_run.environment", f"got an environment of another team, expected one of {row.project}")
    policy_document(row.source)
    found = list_population(project=row.project, environment=environment, days=days, now=now)
    request_ids = list(found.values_list("pk", flat=True)[:MAX_REQUESTS])
    return DryRun.objects.create(
        draft=row,
        environment=environment,
        days=days,
        source=row.source,
        source_digest=sha256_hex(row.source.encode()),
        request_ids=request_ids,
        left_out=found.count() - len(request_ids),
        asked_by=by,
        asked_at=now,
    )


@transaction.atomic
def cancel_dry_run(*, run: DryRun, by: Identity, now: datetime) -> DryRun:
    """Call a dry run off; what was weighed so far stays. Refuses with `permission.missing`, and with `dry_run.ended` when it has ended."""
    row = DryRun.objects.select_for_update(no_key=True, of=("self",)).select_related("draft__project").get(pk=run.pk)
    demand(by, "policies.edit", project=row.draft.project)
    if row.ended_at is not None:
        raise Conflict("dry_run.ended", "this dry run has ended already")
    row.state, row.lease_until, row.ended_at = DryRun.State.CANCELLED, None, now
    row.save(update_fields=["state", "lease_until", "ended_at"])
    return row
