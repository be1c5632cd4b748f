"""Whether this session proved the person a short while ago, which pages that change keys, roles or settings ask for."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from identities.models import User


def proved_recently(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Ask for a fresh proof of the person before a page that changes keys: an unlocked screen must not be enough."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not signed_in_recently(request):
            raise ReauthenticationRequired
        return view(request, *args, **kwargs)

    return guarded


def signed_in_recently(request: HttpRequest) -> bool:
    """Say whether this session proved the person, at sign-in or again, within the re-authentication time."""
    if not isinstance(request.user, User):
        return False
    proofs = [float(record["at"]) for record in get_authentication_records(request, request.user)]
    limit = float(getattr(settings, "ACCOUNT_REAUTHENTICATION_TIMEOUT", 300))
    return bool(proofs) and timezone.now().timestamp() - max(proofs) < limit
