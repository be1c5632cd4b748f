"""Whether this session proved the person a short while ago, which pages that change keys, roles or settings ask for."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY, get_authentication_records
from allauth.account.internal.flows.reauthentication import get_reauthentication_flows
from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from identities.models import User

# What such a field holds must not lie in the session, readable, while the person is asked.
SECRET_FIELDS = frozenset({"client_secret"})


def proved_recently(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Ask for a fresh proof of the person before a page that changes keys: an unlocked screen must not be enough."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not signed_in_recently(request):
            if isinstance(request.user, User) and not get_reauthentication_flows(request.user):
                return ask_at_provider(request)
            if request.FILES or SECRET_FIELDS & request.POST.keys():
                return _ask_and_keep_nothing(request)
            # What was sent waits in the session, and is done once the person proved themselves.
            raise ReauthenticationRequired
        return view(request, *args, **kwargs)

    return guarded


def ask_at_provider(request: HttpRequest) -> HttpResponseRedirect:
    """Send somebody who has nothing here to prove themselves with to where their provider asks them; they come back to this address."""
    return HttpResponseRedirect(f"{reverse('sign_in_again')}?{urlencode({'next': _way_back(request)})}")


def _way_back(request: HttpRequest) -> str:
    """Return where somebody comes back to: this page, or, where a form was sent, the page that showed it. A form's own address may show nothing."""
    shown = urlsplit(request.headers.get("Referer", ""))
    if request.method == "POST" and f"{shown.scheme}://{shown.netloc}" == settings.ORIGIN:
        return shown._replace(scheme="", netloc="", fragment="").geturl()
    return request.get_full_path()


def _ask_and_keep_nothing(request: HttpRequest) -> HttpResponseRedirect:
    """Ask for a proof and lead back to the empty form: no session holds a file or a secret."""
    asks = get_account_adapter().get_reauthentication_methods(request.user)[0]["url"]
    return HttpResponseRedirect(f"{asks}?{urlencode({'next': _way_back(request)})}")


def signed_in_recently(request: HttpRequest) -> bool:
    """Say whether this session proved the person, at sign-in or again, within the re-authentication time."""
    if not isinstance(request.user, User):
        return False
    proofs = [_proved_at(record) for record in get_authentication_records(request, request.user)]
    limit = float(getattr(settings, "ACCOUNT_REAUTHENTICATION_TIMEOUT", 300))
    return bool(proofs) and timezone.now().timestamp() - max(proofs) < limit


def _proved_at(record: dict[str, Any]) -> float:
    """When a proof was given. A provider may let people in without asking them: only its signed word on when it asked counts (`told_at`)."""
    return float(record.get("told_at", 0) if record["method"] == "socialaccount" else record["at"])


def note_told_at(request: HttpRequest, told_at: float | None) -> None:
    """Keep, with the newest sign-in by a provider in this session, when the provider says that it asked the person."""
    records = request.session.get(AUTHENTICATION_METHODS_SESSION_KEY) or []
    newest = next((record for record in reversed(records) if record["method"] == "socialaccount"), None)
    if newest is not None and told_at is not None:
        newest["told_at"] = min(told_at, float(newest["at"]))
        request.session[AUTHENTICATION_METHODS_SESSION_KEY] = records
