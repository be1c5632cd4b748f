"""The front door, and the two questions an operator's probe asks."""

from __future__ import annotations

from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from identities.permissions import may
from identities.sign_in.adapter import identity_of
from portal.demo.welcome import welcome_context
from portal.prepared import count_missing_migrations
from portal.setup.steps import is_untouched


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Send people to their queue, and everybody else to the sign-in page; in the demo, to who they can be.

    The first administrator of a new portal comes to its set-up instead, until one step of it is answered.
    """
    if request.user.is_authenticated:
        person = identity_of(request.user)
        first = is_untouched() and may(person, "portal.set_up").allowed
        return redirect("portal:set_up" if first else "approvals:queue")
    if settings.DEMO:
        return render(request, "portal/welcome.html", welcome_context())
    return redirect("account_login")


def nothing_here(request: HttpRequest) -> HttpResponse:
    """Answer 404, for an address that a library brings and this portal does not use."""
    raise Http404


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Say that this process answers. Touches nothing else, so that a database outage does not restart the web server."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether this process can do its work: the database answers and has every migration."""
    try:
        missing = count_missing_migrations()
    except DatabaseError:
        return JsonResponse({"status": "unavailable", "reason": "the database does not answer"}, status=503)
    if missing:
        return JsonResponse({"status": "unavailable", "reason": f"{missing} migrations are missing; run manage.py migrate"}, status=503)
    return JsonResponse({"status": "ok"})
