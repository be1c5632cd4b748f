"""Sessions in the database as the framework keeps them, each read together with the note of when it was last in use."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.sessions.backends import db
from django.core.exceptions import SuspiciousOperation
from django.db.models import OuterRef, Subquery
from django.utils import timezone

# Of sessions begun before, which stay good: the same way to sign in under the name it had.
FORMER_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
BACKEND = "identities.sign_in.accounts.AccountBackend"


class SessionStore(db.SessionStore):
    """A session. `seen` is who used it last and when, as it was noted when the session was read; None where nobody noted it."""

    seen: tuple[int, datetime] | None = None

    def load(self) -> dict[str, Any]:
        """Return what the session holds; nothing, and no key, where it is over or there is none."""
        noted = UserSession.objects.filter(session_key=OuterRef("session_key")).order_by("pk")
        rows = self.model.objects.annotate(seen_by=Subquery(noted.values("user")[:1]), seen_at=Subquery(noted.values("last_seen_at")[:1]))
        try:
            row = rows.get(session_key=self.session_key, expire_date__gt=timezone.now())
        except (self.model.DoesNotExist, SuspiciousOperation):
            self._session_key = None
            return {}
        self.seen = (row.seen_by, row.seen_at) if row.seen_by is not None else None
        data: dict[str, Any] = self.decode(row.session_data)
        if data.get(BACKEND_SESSION_KEY) == FORMER_BACKEND:
            data[BACKEND_SESSION_KEY] = BACKEND
        return data
