"""The page that lists what gates answered."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from gates.models import Decision
from identities.models import Project
from identities.permissions import person_of, readable_teams, requires

PAGE_SIZE = 50


@requires("gates.read")
def decisions(request: HttpRequest) -> HttpResponse:
    """Show the decisions of the reader's teams, newest first, filtered by outcome."""
    projects = Project.objects.filter(readable_teams(person_of(request), "gates.read"))
    rows = Decision.objects.filter(asked_by__team__projects__in=projects).distinct()
    rows = rows.select_related("environment", "asked_by", "request").order_by("-decided_at", "-id")
    outcome = request.GET.get("outcome", "")
    if outcome in Decision.Outcome.values:
        rows = rows.filter(outcome=outcome)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "gates/decisions.html", {"page": page, "outcome": outcome})
