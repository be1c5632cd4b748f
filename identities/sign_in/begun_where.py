"""Where a browser session was begun: at an identity provider, or here with a password or a passkey. The sign-in library notes it in the session.

Sessions keep all they know in sealed content, so that every one is looked at. Nothing is checked here: the acts that call it decide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session

AT_A_PROVIDER = "socialaccount"


def providers_of_session(content: Mapping[str, Any]) -> set[str]:
    """Return the short names of the providers that vouched in a session; empty for one that was begun here."""
    records = content.get(AUTHENTICATION_METHODS_SESSION_KEY)
    known = [record for record in records if isinstance(record, dict)] if isinstance(records, list) else []
    return {str(record.get("provider", "")) for record in known if record.get("method") == AT_A_PROVIDER}


def end_sessions_begun_at(slug: str) -> int:
    """Delete the sessions that the provider vouched for, those that wait for a second factor among them, and return how many there were.

    Must run in the transaction of the act.
    """
    return _end(lambda content: slug in providers_of_session(content))


def end_local_sessions(*, but: str) -> int:
    """Delete the sessions of people that no provider vouched for, except the one with the key `but`. Must run in the transaction of the act."""
    # One without anybody signed in is somebody's half-filled form.
    return _end(lambda content: bool(content.get(SESSION_KEY)) and not providers_of_session(content), but=but)


def _end(fits: Callable[[Mapping[str, Any]], bool], *, but: str = "") -> int:
    ended = []
    for row in Session.objects.exclude(pk=but).iterator():
        if fits(row.get_decoded()):
            ended.append(row.pk)
    Session.objects.filter(pk__in=ended).delete()
    return len(ended)
