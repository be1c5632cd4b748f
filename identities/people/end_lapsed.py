"""Close the roles that ran out, so that the log shows their end. Their power ended by itself, at the time they were granted for."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from identities.actors import portal_actor
from identities.models import RoleAssignment
from identities.people.roles import close_lapsed

BATCH = 200


def end_lapsed_roles(*, now: datetime, limit: int = BATCH) -> int:
    """Close up to `limit` roles that ran out by the database's clock, each in its own transaction; return how many. Safe to run twice, and at once."""
    closed = 0
    for assignment in RoleAssignment.objects.lapsed().order_by("valid_until", "pk")[:limit]:
        with transaction.atomic():
            closed += close_lapsed(assignment, by=None, now=now, actor=portal_actor())
    return closed
