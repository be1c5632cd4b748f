"""Put requests off until a day, and take them back. It hides lines of one's own list: it stays one's turn, reminders come as before, and
nothing anybody signs or a gate decides looks at it. Nothing of it stands in the ledger; the audit table keeps that it was done.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, tzinfo

from django.db import transaction

from approvals.models import Attention, Snooze
from identities.models import Identity
from identities.permissions import demand
from proofs.errors import Conflict, Malformed

MOST_DAYS = 90
TOMORROW, NEXT_WEEK = "tomorrow", "next-week"


def until_of(choice: str, day: date | None, *, zone: tzinfo, now: datetime) -> datetime:
    """Return the beginning of the chosen day where the reader is: tomorrow, the next Monday, or `day`.

    Refuses with `snooze.day` for a day that is not after today, or more than `MOST_DAYS` away.
    """
    today = now.astimezone(zone).date()
    if choice == TOMORROW:
        day = today + timedelta(days=1)
    elif choice == NEXT_WEEK:
        day = today + timedelta(days=7 - today.weekday())
    if day is None or not today < day <= today + timedelta(days=MOST_DAYS):
        raise Malformed("snooze.day", f"got {day or 'no day'}, expected a day after today and at most {MOST_DAYS} days away")
    return datetime.combine(day, time.min, tzinfo=zone)


@transaction.atomic
def snooze_requests(*, requests: Iterable[str], until: datetime, by: Identity, now: datetime) -> int:
    """Hide those of these requests that wait for `by` from their list until then; return how many.

    Refuses with `permission.missing`, or `attention.not_yours` where none of them waits for `by`.
    """
    demand(by, "requests.snooze")
    waiting = sorted(Attention.objects.filter(identity=by, request__in=list(requests)).values_list("request_id", flat=True))
    if not waiting:
        raise Conflict("attention.not_yours", "got no request that waits for you, expected at least one")
    Snooze.objects.bulk_create(
        [Snooze(identity=by, request_id=request, until=until, snoozed_at=now) for request in waiting],
        update_conflicts=True,
        unique_fields=["identity", "request"],
        update_fields=["until", "snoozed_at"],
    )
    return len(waiting)


@transaction.atomic
def unsnooze_requests(*, requests: Iterable[str], by: Identity) -> int:
    """Let these requests be seen again at once; return how many were put off. Refuses with `permission.missing`."""
    demand(by, "requests.snooze")
    return Snooze.objects.filter(identity=by, request__in=list(requests)).delete()[0]
