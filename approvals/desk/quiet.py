"""What a queue says where nothing waits for its reader: what their teams have to answer next, and what was approved today.

Reads only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q
from django.utils.timezone import localtime

from approvals.desk.tabs import Reader
from approvals.models import Approval, Request, RequestState

# Among so many of the newest approvals of all teams it is counted; in a portal where more come in a day the page says "at least".
LOOKED_AT = 500
APPROVED = (RequestState.Status.APPROVED, RequestState.Status.PROMOTED)


@dataclass(frozen=True)
class Quiet:
    """What others in the reader's teams have to answer first (None where nothing), until when, and how many requests that are approved got an
    approval since the reader's day began: at least so many, where `is_more`."""

    next: Request | None
    due: datetime | None
    approved_today: int
    is_more: bool


def read_quiet(reader: Reader, first: RequestState | None) -> Quiet:
    """Return it for `reader`, where `first` is what is due first of what waits for others. One query, whatever there is."""
    midnight = localtime(reader.now).replace(hour=0, minute=0, second=0, microsecond=0)
    today = Q(decision=Approval.Decision.APPROVE, signed_at__gte=midnight, revision__request__state__status__in=APPROVED)
    newest = Approval.objects.filter(pk__in=Approval.objects.order_by("-pk").values("pk")[:LOOKED_AT])
    told = newest.aggregate(
        count=Count("revision__request", distinct=True, filter=today & Q(revision__request__project__in=reader.projects)),
        looked_at=Count("pk", distinct=True),
        oldest=Min("signed_at"),
    )
    return Quiet(
        next=first.request if first is not None else None,
        due=first.due_at if first is not None else None,
        approved_today=told["count"],
        is_more=told["looked_at"] >= LOOKED_AT and told["oldest"] >= midnight,
    )
