"""The page that holds a request against another baseline, and the one with every change of an area. By GET; nothing is chosen here that anybody signs."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from approvals.beside.compare_beside import NOTHING, RUNNING, compare_beside
from approvals.comparison.all_changes import all_changes
from approvals.models import Request, Revision
from approvals.pages.comparison_words import SIGNS, describe_comparison
from approvals.pages.review import read_review
from approvals.requests.snapshot import read_snapshot
from approvals.signing.entitlement import get_current_revision
from attestations.blobs import bytes_of
from identities.permissions import person_of, readable_projects, requires
from identities.read_once import reads_once

CHANGES_ON_A_PAGE = 200


@require_safe
@reads_once
@requires("requests.read")
def beside(request: HttpRequest, request_id: str) -> HttpResponse:
    """Show what changed since another release than the one that the signed comparison rests on."""
    asked = _get_request(request, request_id)
    revision = get_current_revision(asked)
    found = compare_beside(request=asked, revision=revision, with_=request.GET.get("with", "")[:64])
    review = read_review(bytes_of(revision.snapshot))
    context = {
        "asked": asked,
        "revision": revision,
        "beside": found,
        "signed": review["comparison"]["baseline"],
        "review": {**review, "comparison": describe_comparison(found.comparison)},
        "running_key": RUNNING,
        "nothing_key": NOTHING,
    }
    return render(request, "approvals/beside.html", context)


@require_safe
@reads_once
@requires("requests.read")
def changes(request: HttpRequest, request_id: str) -> HttpResponse:
    """Show every change of one area of a request's frozen page, a page at a time: of the newest revision, or of the one that is named."""
    asked = _get_request(request, request_id)
    number = request.GET.get("revision", "")
    revision = get_object_or_404(Revision, request=asked, number=int(number[:9])) if number.isdecimal() else get_current_revision(asked)
    review = read_review(bytes_of(revision.snapshot))
    comparison = read_snapshot(bytes_of(revision.snapshot)).get("comparison")
    areas = review["comparison"]["areas"] if comparison is not None else []
    changed = [row for row in areas if row["changes"]] or areas[:1]
    wanted = request.GET.get("area") or (changed[0]["area"] if changed else "")
    area = next((row for row in areas if row["area"] == wanted), None)
    if comparison is None or area is None:
        raise Http404
    found = all_changes(comparison, area["area"])
    page = Paginator(found if found is not None else area["changes"], CHANGES_ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "asked": asked,
        "revision": revision,
        "review": review,
        "area": area,
        "changed": changed,
        "is_whole": found is not None,
        "page": page,
        "changes": [{**change, "sign": SIGNS.get(change["change"], change["change"])} for change in page],
    }
    return render(request, "approvals/changes.html", context)


def _get_request(request: HttpRequest, request_id: str) -> Request:
    rows = Request.objects.select_related("project__team", "environment", "subject")
    # Absent rather than forbidden, as the review page itself.
    return get_object_or_404(rows, pk=request_id, project__in=readable_projects(person_of(request), "requests.read"))
