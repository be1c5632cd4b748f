"""What the demo tells a visitor who has not signed in: who they can be, and what waits. A real portal tells strangers nothing."""

from __future__ import annotations

from typing import Any

from approvals.models import Request, RequestState
from portal.demo.accounts import ACCOUNTS, demo_password

SHOWN = 5


def welcome_context() -> dict[str, Any]:
    """Return the template context of the demo's front page."""
    waiting = (RequestState.Status.READY, RequestState.Status.IN_REVIEW)
    return {
        "accounts": [
            {"username": username, "name": name, "does": does, "password": demo_password(username)}
            for username, (name, does) in ACCOUNTS.items()
        ],
        "waiting": Request.objects.filter(state__status__in=waiting).select_related("environment", "state").order_by("-opened_at")[:SHOWN],
    }
