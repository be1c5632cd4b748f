"""Until when a revision should be answered: so many hours after it was frozen, by the tier of where it goes. Reads no database.

Only people are reminded by it. No answer is given when it is over, and nothing is approved or let through.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from approvals.models import Request

# An agent waits for its answer, and the approval of its action lives a quarter of an hour.
AGENT_ACTION = timedelta(minutes=10)


def time_to_answer(*, kind: str, tier: int) -> timedelta:
    """Return how long people have for an answer; a tier nobody set a time for has that of the highest."""
    if kind == Request.Kind.AGENT_ACTION:
        return AGENT_ACTION
    hours: dict[int, int] = settings.ANSWER_HOURS
    return timedelta(hours=hours.get(tier, hours[max(hours)]))


def due_at(*, kind: str, tier: int, frozen_at: datetime) -> datetime:
    """Return until when a revision should be answered."""
    return frozen_at + time_to_answer(kind=kind, tier=tier)
