"""The page that holds a request against another baseline. By GET; nothing is chosen here that anybody signs."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from approvals.beside.compare_beside import NOTHING, RUNNING, compare_beside
from approvals.models import Request
from approvals.pages.comparison_words import describe_comparison
from approvals.pages.review import read_review
from approvals.signing.entitlement import get_current_revision
from attestations.blobs import bytes_of
from identities.permissions import person_of, readable_projects, requires
from identities.read_once import reads_once


@require_safe
@reads_once
@requires("requests.read")
def beside(request: HttpRequest, request_id: str) -> HttpResponse:
    """Show what changed since another release than the one that the signed comparison rests on."""
    rows = Request.objects.select_related("project__team", "environment", "subject")
    asked = get_object_or_404(rows, pk=request_id, project__in=readable_projects(person_of(request), "requests.read"))
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
