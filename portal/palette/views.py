"""The JSON that the command palette reads as somebody types."""

from __future__ import annotations

from dataclasses import asdict

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from identities.permissions import person_of, requires
from identities.read_once import reads_once
from portal.palette.offer import offer


@never_cache
@require_safe
@reads_once
@requires("search.use")
def palette(request: HttpRequest) -> JsonResponse:
    """Answer with pages and search results, as names, lines and addresses."""
    return JsonResponse(asdict(offer(request.GET.get("q", ""), reader=person_of(request))))
