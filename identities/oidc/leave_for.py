"""The page between the portal and a provider's own. The portal's forms may lead nowhere else (`form-action` of the content security policy,
which browsers hold redirects against too), so a form is answered with this page, which goes on by itself or by its link.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from identities.models import IdentityProvider
from proofs.digest import sha256_hex


def leave_for(request: HttpRequest, *, url: str, provider: IdentityProvider) -> HttpResponse:
    """Answer with the page that goes on to `url`, which comes from `begin_bound_sign_in` or a sign-in and never from a request."""
    response = render(request, "identities/leave_for.html", {"url": url, "provider": provider})
    response["Cache-Control"] = "no-store"
    return response


def session_hash_of(request: HttpRequest) -> str:
    """Return the name that bound sign-ins know this session by; the same as of ceremonies."""
    return sha256_hex((request.session.session_key or "").encode())
