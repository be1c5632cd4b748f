"""Write pages for whoever reads them, and note that their session is in use: as both were read with the session and its account, so it asks nothing by itself.

The API, and what programs ask for, is English whatever is asked for: its words are kept and compared.

Not decided here: whether the session is still good; the session middleware and the sign-in library say that.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.usersessions.models import UserSession
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers

from identities.models import Identity, Preferences
from identities.preferences.current import NOTHING_CHANGED_YET
from identities.preferences.formats import written_for
from identities.preferences.languages import ENGLISH, language_for

# How stale "last seen" may be: a row written for every page would make every page a write.
SEEN_AGAIN = timedelta(minutes=5)


class FollowReaderMiddleware:
    """Puts `request.preferences` there for pages of a signed-in person, and has words, and moments, written as they chose."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/api/"):
            with translation.override(ENGLISH):
                return self.get_response(request)
        person = _reader_of(request)
        if person is None:
            return self._answer(request, "")
        # Read together with the person a moment ago; without a row, the defaults.
        chosen: Preferences = getattr(person, "preferences", None) or Preferences(identity=person, changed_at=NOTHING_CHANGED_YET)
        request.preferences = chosen  # type: ignore[attr-defined]
        note_session(request)
        with written_for(language=chosen.language, time_zone=chosen.time_zone):
            return self._answer(request, chosen.language)

    def _answer(self, request: HttpRequest, chosen: str) -> HttpResponse:
        with translation.override(language_for(chosen, request.headers.get("Accept-Language", ""))):
            response = self.get_response(request)
        if not chosen and response.get("Content-Type", "").startswith("text/html"):
            patch_vary_headers(response, ("Accept-Language",))
        return response


def note_session(request: HttpRequest) -> None:
    """Keep that this session is in use, from where and with which browser, every five minutes at most."""
    key = request.session.session_key
    if not key:
        return
    # Read together with the session a moment ago.
    seen = getattr(request.session, "seen", None)
    if seen is not None and seen[0] == request.user.pk and timezone.now() - seen[1] < SEEN_AGAIN:
        return
    try:
        get_account_adapter().get_client_ip(request)
    except PermissionDenied:
        return
    UserSession.objects.create_from_request(request)


def _reader_of(request: HttpRequest) -> Identity | None:
    """Return the person behind the account, as they were read with it (`identities.sign_in.accounts`)."""
    return getattr(request.user, "identity", None) if request.user.is_authenticated else None
