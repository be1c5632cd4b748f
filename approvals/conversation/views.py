"""The forms of talking about a request. Each calls one act and goes back to the request's page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from approvals.conversation.add_comment import add_comment, withdraw_comment
from approvals.conversation.forms import InputComment
from approvals.models import Request
from identities.permissions import person_of, readable_projects, requires
from proofs.errors import Malformed


@require_POST
@requires("requests.comment")
def comment(request: HttpRequest, request_id: str) -> HttpResponse:
    """Say something about a request, or say it better."""
    asked, form = _get_request(request, request_id), InputComment(request.POST)
    if not form.is_valid():
        raise Malformed("request.text", "got nothing for the comment, or more than 2000 characters, expected a few words")
    given = form.cleaned_data
    added = add_comment(request=asked, text=given["text"], replaces=given["replaces"], by=person_of(request), now=timezone.now())
    messages.success(request, "Your comment stands below. It is no answer.")
    if added.unknown:
        names = ", ".join(f"@{name}" for name in added.unknown)
        messages.warning(request, f"Nobody who may read this request is called {names}, so nobody was told of that.")
    return redirect("approvals:request", asked.pk)


@require_POST
@requires("requests.comment")
def comment_withdraw(request: HttpRequest, request_id: str, comment_id: str) -> HttpResponse:
    """Take one's own comment back."""
    asked = _get_request(request, request_id)
    withdraw_comment(request=asked, comment_id=comment_id, by=person_of(request), now=timezone.now())
    messages.success(request, "Your comment is taken back. That there was one stays.")
    return redirect("approvals:request", asked.pk)


def _get_request(request: HttpRequest, request_id: str) -> Request:
    rows = Request.objects.select_related("project__team", "environment", "requester__owner", "on_behalf_of")
    return get_object_or_404(rows, pk=request_id, project__in=readable_projects(person_of(request), "requests.read"))
