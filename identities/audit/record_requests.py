"""Keep one row for each request by which a signed-in person or a program changed or took something, or tried to.

A row names the page, the path without its query, the address as sign-ins name it, and how it was answered. No body, no query and no header
is kept, and of addresses that carry a secret only their pattern. Strangers leave no row here: their sign-ins and failures have a table of
their own, and a credential that proves nobody belongs to nobody. What a change was stands in the ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from allauth.account.adapter import get_adapter as get_account_adapter
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import resolve
from django.utils import timezone

from identities.api_authentication import Caller
from identities.audit.exports import is_download, is_export
from identities.models import AuditEvent, Identity, ProvisioningToken

SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
# Their path is a secret that was mailed.
SECRET_PATHS = frozenset({"account_reset_password_from_key", "account_confirm_email"})
NOWHERE = "nowhere"
log = structlog.get_logger("identities.audit")


class AuditMiddleware:
    """Stands inside authentication and outside everything that may refuse, so that it sees who asks and the answer they get."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        changes = request.method not in SAFE
        # Asked first: after a sign-out nobody is there any more.
        asker = _asker(request.user) if changes else None
        path = request.path
        response = self.get_response(request)
        act = request.resolver_match.view_name if request.resolver_match else NOWHERE
        if changes or is_export(act) or is_download(response):
            who = asker or _program(request) or (None if changes else _asker(request.user))
            if who is not None:
                _keep(request, getattr(response, "taken_as", "") or act or NOWHERE, who, response.status_code, path=path)
        if asker and request.path != path:
            # Somebody proved themselves again, and the library made this very request into the one that had waited for it.
            _keep(request, resolve(request.path).view_name, asker, response.status_code, path=request.path)
        return response


def _asker(user: Any) -> tuple[Identity | None, str] | None:
    if not user.is_authenticated or isinstance(user, Caller):
        return None
    return getattr(user, "identity", None), user.get_username()


def _program(request: HttpRequest) -> tuple[Identity | None, str] | None:
    """Return whom a credential proved; the API puts both onto the request while it answers."""
    proof = getattr(request, "auth", None)
    if isinstance(proof, ProvisioningToken):
        return None, f"provisioning by {proof.provider.slug}"
    caller: Any = request.user
    return (caller.identity, "") if isinstance(caller, Caller) else None


def _keep(request: HttpRequest, act: str, who: tuple[Identity | None, str], status: int, *, path: str) -> None:
    identity, username = who
    match = request.resolver_match
    path = f"/{match.route}" if match and act in SECRET_PATHS else path
    try:
        AuditEvent.objects.create(
            identity=identity,
            username=username[:150],
            act=act[:80],
            path=path[:300],
            address=_address(request),
            status=status,
            happened_at=timezone.now(),
        )
    except DatabaseError:
        # It is done, and to say otherwise now would be false. The log has the same facts without the row.
        log.exception("a request is not kept", act=act, status=status)


def _address(request: HttpRequest) -> str:
    # As for sign-ins: the proxies in front, and no others, are believed about it.
    try:
        return str(get_account_adapter().get_client_ip(request))[:64]
    except (PermissionDenied, ImproperlyConfigured):
        return ""
