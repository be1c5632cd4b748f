"""The page of what was signed with one approval key, for the person who holds it."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from approvals.models import Approval
from identities.models import SigningKey
from identities.permissions import person_of, requires
from proofs.errors import NotFound

ROWS = 25


@never_cache
@require_safe
@requires("keys.own")
def key_signatures(request: HttpRequest, key_id: str) -> HttpResponse:
    """List the answers signed with one of one's own keys, the newest first."""
    key = SigningKey.objects.filter(pk=key_id, identity=person_of(request)).first()
    if key is None:
        raise NotFound("signer.unknown", "There is no such key, or it is not yours.")
    rows = Approval.objects.filter(signing_key=key).select_related("record", "revision__request__environment").order_by("-signed_at", "-pk")
    page = Paginator(rows, ROWS).get_page(request.GET.get("page"))
    return render(request, "reports/key_signatures.html", {"key": key, "page": page})
