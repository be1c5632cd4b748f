"""The form that leaves a request to others. It calls one act and goes back to the request's page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from approvals.attention.forms import InputReason
from approvals.attention.pass_turn import pass_turn
from approvals.models import Request
from identities.permissions import person_of, readable_projects, requires
from proofs.errors import Malformed


@require_POST
@requires("requests.pass")
def leave(request: HttpRequest, request_id: str) -> HttpResponse:
    """Leave a request to others."""
    asked, form = _get_request(request, request_id), InputReason(request.POST)
    if not form.is_valid():
        raise Malformed("request.text", "got no reason, or more than 500 characters, expected a few words")
    pass_turn(request=asked, reason=form.cleaned_data["reason"], by=person_of(request), now=timezone.now())
    messages.success(request, "It waits for others now. A new revision may bring it back to you.")
    return redirect("approvals:request", asked.pk)


def _get_request(request: HttpRequest, request_id: str) -> Request:
    rows = Request.objects.select_related("project__team", "environment", "requester__owner", "on_behalf_of")
    return get_object_or_404(rows, pk=request_id, project__in=readable_projects(person_of(request), "requests.read"))
