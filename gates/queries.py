"""Reads across gate decisions: which of them a reader may know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet

from approvals.models import Approval
from gates.models import Decision
from identities.models import Identity, Project, RoleAssignment
from identities.permissions import readable_teams


def readable_decisions(reader: Identity) -> QuerySet[Decision]:
    """Return the decisions about the reader's projects; those that met no request at all, by a role in the whole team only."""
    projects = Project.objects.filter(readable_teams(reader, "gates.read"))
    if reader.is_person:
        teams = Q(asked_by__team__in=RoleAssignment.objects.held().filter(identity=reader, project__isnull=True).values("team"))
    else:
        teams = Q(asked_by__team__in=[reader.team_id] if reader.team_id else [])
    return Decision.objects.filter(Q(request__project__in=projects) | Q(teams, request__isnull=True))


def list_used(sender: Any, *, approvals: Sequence[Approval], **_: Any) -> frozenset[str]:
    """Return the ids of those on whose request a gate has let a promotion begin since they were signed; hears `approval_use_asked`."""
    requests = {approval.revision.request_id for approval in approvals}
    # What was let through because nothing is enforced yet was not let through by an approval.
    allowed = Decision.objects.filter(request__in=requests, outcome=Decision.Outcome.ALLOW, enforced=None)
    # Nor does a run act on what was signed since: it goes on with what was promoted before.
    promoted = allowed.exclude(purpose=Decision.Purpose.RUN).values_list("request_id", "decided_at")
    last = dict(promoted.order_by("decided_at"))
    return frozenset(
        approval.pk
        for approval in approvals
        if approval.revision.request_id in last and last[approval.revision.request_id] >= approval.signed_at
    )
