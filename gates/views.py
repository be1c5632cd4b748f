"""The page that lists what gates answered."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from gates.models import Decision
from identities.permissions import requires

PAGE_SIZE = 50


@requires("gates.read")
def decisions(request: HttpRequest) -> HttpResponse:
    """Show the newest decisions first, filtered by outcome."""
    rows = Decision.objects.select_related("environment", "asked_by", "request").order_by("-decided_at", "-id")
    outcome = request.GET.get("outcome", "")
    if outcome in Decision.Outcome.values:
        rows = rows.filter(outcome=outcome)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "gates/decisions.html", {"page": page, "outcome": outcome})
