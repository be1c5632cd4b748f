"""Pages that read across rooms: the list of artifacts, and the pack of a request."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from approvals.models import Request
from approvals.packs.build import build_pack
from attestations.collection.receive import may_send
from attestations.models import Artifact
from attestations.names import with_proven_names
from identities.audit.exports import PRIVATE_PACK, NamedDownload
from identities.permissions import Role, may, person_of, readable_projects, requires
from proofs.digest import parse_digest
from proofs.errors import Refusal
from reports.archive import zip_pack

PAGE_SIZE = 50


@requires("artifacts.read")
def artifacts(request: HttpRequest) -> HttpResponse:
    """List artifacts, newest first; a whole digest in the search leads straight to its page."""
    query = request.GET.get("q", "").strip()
    try:
        return redirect("reports:artifact", digest=str(parse_digest(query if ":" in query else f"sha256:{query}")))
    except Refusal:
        pass
    rows = with_proven_names(Artifact.objects.all()).order_by("-first_seen_at", "digest")
    if query:
        rows = rows.filter(Q(proven_name__icontains=query) | Q(digest__contains=query.lower()))
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "reports/artifacts.html", {"page": page, "query": query, "may_send": may_send(person_of(request)).allowed})


@requires("packs.read")
def pack(request: HttpRequest, request_id: str) -> HttpResponse:
    """Send the pack of a request: the files with which anyone checks its approvals offline. Auditors of the project get its private files too."""
    readable = readable_projects(person_of(request), "packs.read")
    asked = get_object_or_404(Request.objects.select_related("project"), pk=request_id, project__in=readable)
    reads_private = may(person_of(request), "packs.read", project=asked.project, role=Role.AUDITOR).allowed
    content = zip_pack(build_pack(request=asked, now=timezone.now(), with_private=reads_private))
    response = NamedDownload(content, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{asked.pk}.pack.zip"'
    response.taken_as = PRIVATE_PACK if reads_private else ""
    return response
