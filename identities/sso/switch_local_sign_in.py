"""Let people sign in with accounts of the portal's own, or no longer; off only where it locks nobody out who could let them in again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from identities.chronicle import append_identity_event
from identities.models import Identity, IdentityProvider, LocalSignIn
from identities.providers import is_local_sign_in_allowed
from identities.sign_in.begun_where import end_local_sessions
from identities.sso.local_guard import guard_local_sign_in
from identities.sso.reach import demand_reach
from proofs.errors import Conflict


@dataclass(frozen=True, slots=True)
class Switched:
    """Whether anything changed, and how many sessions ended with it."""

    changed: bool
    sessions: int


@transaction.atomic
def switch_local_sign_in(*, allowed: bool, by: Identity | None, now: datetime, session_key: str = "") -> Switched:
    """Allow local sign-in or end it, with the sessions begun that way except `session_key`, the one that does it. Twice changes nothing.

    Refuses with `sso.not_proved` when it would be off and no administrator is known to come in otherwise, `sso.reach` (people of other teams have
    such accounts) or `permission.missing`. The operator (`by=None`) may always allow it.
    """
    demand_reach(by, settings.ORIGIN)
    # The providers' rows are the queue: one that is removed in this moment must not have been the last.
    list(IdentityProvider.objects.select_for_update(no_key=True).filter(removed_at__isnull=True).order_by("pk"))
    if is_local_sign_in_allowed() == allowed:
        return Switched(False, 0)
    if not allowed:
        guard = guard_local_sign_in(now=now)
        if not guard.allowed:
            raise Conflict("sso.not_proved", guard.reason)
    LocalSignIn.objects.create(allowed=allowed, changed_by=by, changed_at=now)
    ended = 0 if allowed else end_local_sessions(but=session_key)
    document = {"allowed": allowed, "sessionsEnded": ended}
    append_identity_event(event="local_sign_in.switched", document=document, by=by, now=now)
    return Switched(True, ended)
