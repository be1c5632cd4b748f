"""The page that lists what gates answered."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from gates.models import Decision
from gates.queries import readable_decisions
from identities.permissions import person_of, requires

PAGE_SIZE = 50


@requires("gates.read")
def decisions(request: HttpRequest) -> HttpResponse:
    """Show the decisions of the reader's teams, newest first, filtered by outcome."""
    rows = readable_decisions(person_of(request)).select_related("environment", "asked_by", "request").order_by("-decided_at", "-id")
    outcome = request.GET.get("outcome", "")
    if outcome in Decision.Outcome.values:
        rows = rows.filter(outcome=outcome)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "gates/decisions.html", {"page": page, "outcome": outcome})
