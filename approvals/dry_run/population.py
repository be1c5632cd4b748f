"""Which requests a draft is tried on, and how they are loaded: a fixed number of queries for any number of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import F, Max, Prefetch, Q, QuerySet

from approvals.models import Approval, Request, RequestState, Revision
from identities.models import Environment, Project

MAX_REQUESTS = 1000
# Decided by the people whom the main policy's own rules are not about.
OTHER_POLICIES = (Request.Kind.POLICY_CHANGE, Request.Kind.EXCEPTION)
_IN_USE = (RequestState.Status.APPROVED, RequestState.Status.PROMOTED)


def list_population(*, project: Project, environment: Environment, days: int, now: datetime) -> QuerySet[Request]:
    """Return the requests of the last `days` in one place, and whatever is in use there now; the newest first."""
    there = Request.objects.filter(project=project, environment=environment, state__revision_number__gt=0).exclude(kind__in=OTHER_POLICIES)
    recent = Q(opened_at__gt=now - timedelta(days=days)) & Q(opened_at__lte=now)
    return there.filter(recent | Q(state__status__in=_IN_USE)).order_by("-opened_at", "pk")


def list_in_use(*, project: Project, environment: Environment) -> QuerySet[Request]:
    """Return the requests that are approved in one place now."""
    return Request.objects.filter(project=project, environment=environment, state__status__in=_IN_USE).exclude(kind__in=OTHER_POLICIES)


def load_revisions(request_ids: Sequence[str]) -> dict[str, Revision]:
    """Return the newest revision of each request, with all that weighing it needs; two queries, however many there are."""
    answers = Approval.objects.filter(end__isnull=True).select_related("identity").order_by("signed_at", "pk")
    newest = Revision.objects.filter(request__in=request_ids).annotate(last=Max("request__revisions__number")).filter(number=F("last"))
    loaded = newest.select_related("request__state", "policy__document", "policy_input", "policy_result")
    return {row.request_id: row for row in loaded.prefetch_related(Prefetch("approvals", queryset=answers))}


def is_in_use(revision: Revision, *, now: datetime) -> bool:
    """Say whether a loaded revision is what an approved request rests on: approved, and not lapsed."""
    return revision.request.state.status in _IN_USE and any(answer.not_after > now for answer in revision.approvals.all())
