"""One's own open sessions: list them, and end one or all others. An ended session is gone at once: its next request is a stranger's.

What a browser says about itself is shown as it says it; nothing is decided by it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from allauth.usersessions.models import UserSession

from identities.models import User
from identities.sign_in.end_sessions import end_sessions
from proofs.errors import NotFound

BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl", "curl"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One open session as its page shows it. `is_this` marks the one that asks."""

    id: int
    browser: str
    address: str
    since: datetime
    last_seen: datetime
    is_this: bool


def list_sessions(user: User, *, current: str) -> list[OpenSession]:
    """Return the person's open sessions: this one (whose key is `current`) first, then the last seen. Forgets those that ran out."""
    rows = UserSession.objects.purge_and_list(user)
    shown = [
        OpenSession(row.pk, name_browser(row.user_agent), row.ip, row.created_at, row.last_seen_at, row.session_key == current)
        for row in rows
    ]
    return sorted(shown, key=lambda session: (not session.is_this, -session.last_seen.timestamp()))


def end_session(*, user: User, session_id: int) -> None:
    """End one session of the person, whichever it is. Refuses with `session.unknown` for one that is not theirs or has ended."""
    row = UserSession.objects.filter(user=user, pk=session_id).first()
    if row is None:
        raise NotFound("session.unknown", "There is no such session of yours; it may have ended already.")
    row.end()


def end_other_sessions(*, user: User, keep: str) -> int:
    """End every session of the person but the one with the key `keep`, also one that no list shows; return how many that were."""
    listed = list(UserSession.objects.purge_and_list(user))
    for row in listed:
        if row.session_key != keep:
            row.end()
    unlisted = end_sessions(identity=user.identity, keep=keep) if user.identity is not None else 0
    return sum(row.session_key != keep for row in listed) + unlisted


def name_browser(user_agent: str) -> str:
    """Return "Firefox on Linux", as far as the browser says so."""
    browser = next((name for mark, name in BROWSERS if re.search(rf"\b{re.escape(mark)}/", user_agent)), "")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    return f"{browser} on {system}" if browser and system else browser or system or "Unknown browser"
