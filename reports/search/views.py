"""The search page, and the page of all artifacts that hold a package."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from identities.permissions import person_of, requires
from identities.read_once import reads_once
from reports.search.find import MAX_QUERY, search, whole_digest
from reports.search.in_evidence import find_package


@require_safe
@reads_once
@requires("search.use")
def search_all(request: HttpRequest) -> HttpResponse:
    """Show what was found, grouped; a whole digest leads straight to its passport."""
    query = request.GET.get("q", "").strip()
    digest = whole_digest(query)
    if digest:
        return redirect("reports:artifact", digest=digest)
    return render(
        request, "reports/search/search.html", {"results": search(query, reader=person_of(request)) if query else None, "query": query}
    )


@require_safe
@reads_once
@requires("attestations.read")
def holding(request: HttpRequest) -> HttpResponse:
    """Show every artifact in which a verified bill of materials lists a package, a page at a time."""
    written = request.GET.get("purl", "").strip()[:MAX_QUERY]
    page = find_package(written, after=request.GET.get("after", "")) if written else None
    return render(request, "reports/search/holding.html", {"page": page, "written": written})
