"""What waits for somebody next, once they have answered: the first line of Your turn, in the order the queue has it.

Reads only. Whether they may really answer it is decided when they do.
"""

from __future__ import annotations

from datetime import datetime

from approvals.desk.filters import Filters
from approvals.desk.tabs import MINE, order_of, read_reader, states_of
from approvals.models import Request
from identities.models import Identity


def find_next(person: Identity, *, besides: Request, now: datetime) -> Request | None:
    """Return the request that waits for `person` first, `besides` the one they have just dealt with; None where nothing does. Three queries, however long the queue is."""
    reader = read_reader(person, now=now)
    order, _ = order_of(MINE, Filters())
    states = states_of(MINE, reader, Filters()).exclude(pk=besides.pk).select_related("request__environment")
    first = states.order_by(*order).first()
    return first.request if first is not None else None
