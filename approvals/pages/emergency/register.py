"""The register of break-glass: which wait for their review, which of those are overdue, and which were cleared. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet
from django.db.models.expressions import RawSQL

from approvals.declaration.declare_break_glass import refuse_if_not_breakable
from approvals.emergency.live import bounds_of, list_unreviewed
from approvals.models import Approval, BreakGlass, Request
from approvals.revocation.may_revoke import refuse_if_not_revocable
from identities.models import Environment, Identity, Project
from identities.permissions import is_allowed, readable_projects, roles_of
from proofs.errors import Refusal

SHOWN_CLEARED = 100


@dataclass(frozen=True)
class ShownBreakGlass:
    """One break-glass: how often it was used, whether gates still open for it, whether its review is late, and whether the reader may end it.

    `found_wrong` is that one reviewer rejected it while others still have to answer.
    """

    row: BreakGlass
    used: int
    is_live: bool
    is_overdue: bool
    may_take_back: bool
    found_wrong: bool


@dataclass(frozen=True)
class Register:
    """What the page shows: each is in exactly one of the three."""

    overdue: list[ShownBreakGlass]
    open: list[ShownBreakGlass]
    cleared: list[ShownBreakGlass]


def read_register(reader: Identity, *, now: datetime) -> Register:
    """Return every break-glass of the projects whose requests `reader` may read."""
    projects = readable_projects(reader, "requests.read")
    waiting = [_show(row, reader, now) for row in list_unreviewed(projects=projects)]
    rows = BreakGlass.objects.filter(project__in=projects, concluded__isnull=False).annotate(used=Count("uses"))
    rows = rows.select_related("signed__identity", "environment", "project", "review", "end", "concluded")
    return Register(
        overdue=[item for item in waiting if item.is_overdue],
        open=[item for item in waiting if not item.is_overdue],
        cleared=[_show(row, reader, now) for row in rows.order_by("-declared_at", "-pk")[:SHOWN_CLEARED]],
    )


def read_banner(
    reader: Identity,
    *,
    now: datetime,
    digests: list[str] | None = None,
    request: Request | None = None,
    projects: QuerySet[Project] | Sequence[str] | RawSQL | None = None,
) -> list[ShownBreakGlass]:
    """Return what the banner names: every break-glass the reader may know of that waits for its review.

    Of `digests` if given; with `request` what it reviews, and those of its artifacts. `projects` are those whose requests the reader may read, where
    the caller has looked them up.
    """
    named = readable_projects(reader, "requests.read") if projects is None else projects
    return [_show(row, reader, now) for row in list_unreviewed(projects=named, digests=digests, request=request)]


def _show(row: BreakGlass, reader: Identity, now: datetime) -> ShownBreakGlass:
    used = int(getattr(row, "used", 0))
    is_over = row.until <= now or hasattr(row, "end") or hasattr(row, "concluded")
    found_wrong = bool(getattr(row, "found_wrong", False))
    return ShownBreakGlass(
        row=row,
        used=used,
        is_live=not is_over and not found_wrong and used < row.max_uses,
        is_overdue=not hasattr(row, "concluded") and row.review_due_at <= now,
        may_take_back=not is_over and row.signed.identity_id == reader.pk,
        found_wrong=found_wrong,
    )


def list_breakable(*, request: Request, digests: Iterable[str], reader: Identity, now: datetime) -> list[str]:
    """Return those artifacts of a request for which `reader` may break the glass now; none of a request about a document."""
    if request.subject_id is not None or not is_allowed(reader, "break_glass.declare", project=request.project):
        return []
    found = []
    for digest in sorted(digests):
        try:
            refuse_if_not_breakable(project=request.project, environment=request.environment, digest=digest, by=reader, now=now)
        except Refusal:
            continue
        found.append(digest)
    return found


def may_declare(reader: Identity) -> bool:
    """Say whether a policy in force somewhere lets `reader` break the glass."""
    projects = readable_projects(reader, "break_glass.declare").filter(policy_activations__isnull=False).distinct()
    for project in projects.select_related("team"):
        held = {str(role.role) for role in roles_of(reader, project=project)}
        for environment in Environment.objects.filter(team_id=project.team_id):
            bounds = bounds_of(project=project, environment=environment)
            if bounds is not None and held & set(bounds.roles):
                return True
    return False


def list_revocable(answers: Iterable[Approval], reader: Identity) -> list[Approval]:
    """Return those of `answers` that `reader` may revoke, or sign the revocation of."""
    found = []
    for answer in answers:
        try:
            refuse_if_not_revocable(approval=answer, by=reader)
        except Refusal:
            continue
        found.append(answer)
    return found
