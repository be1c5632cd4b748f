"""The rest of what lives beside the frozen snapshot: whose turn it is, until when, who can unblock the request, and what was said.

Reads only. None of it is part of what is signed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from approvals.attention.blockers import Blocker
from approvals.attention.due import due_at
from approvals.attention.turns import WAITING
from approvals.attention.unblock import read_blockers
from approvals.conversation.timeline import Happened, read_timeline
from approvals.models import Attention, Request, Revision
from approvals.requests.status import Standing
from identities.models import Identity
from identities.permissions import is_allowed
from identities.preferences.current import list_away

SHOWN_TURNS = 8


@dataclass(frozen=True)
class Waits:
    """Somebody a request waits for: the row, and the words where they are away."""

    row: Attention
    away: str


@dataclass(frozen=True)
class LiveSide:
    """What stands beside the snapshot. `mine` is the reader's own turn, `others` and how many `more` have it as well; `due` is None where
    nobody has to answer."""

    mine: Attention | None
    others: list[Waits]
    more: int
    due: datetime | None
    is_overdue: bool
    blockers: list[Blocker]
    timeline: list[Happened]
    may_comment: bool


def read_live(*, request: Request, revision: Revision, standing: Standing, reader: Identity, now: datetime) -> LiveSide:
    """Return the live side of a request's page for `reader`."""
    rows = list(Attention.objects.filter(request=request).select_related("identity").order_by("since", "identity__name", "pk"))
    away = list_away([row.identity_id for row in rows], now=now)
    others = sorted((row for row in rows if row.identity_id != reader.pk), key=lambda row: row.identity_id in away)
    due = due_of(request, revision) if str(standing.status) in WAITING else None
    return LiveSide(
        mine=next((row for row in rows if row.identity_id == reader.pk), None),
        others=[Waits(row, away.get(row.identity_id, "")) for row in others[:SHOWN_TURNS]],
        more=max(0, len(others) - SHOWN_TURNS),
        due=due,
        is_overdue=due is not None and due <= now,
        blockers=read_blockers(request=request, standing=standing, reader=reader, now=now),
        timeline=read_timeline(request, reader=reader),
        may_comment=is_allowed(reader, "requests.comment", project=request.project),
    )


def due_of(request: Request, revision: Revision) -> datetime:
    """Return until when a revision of a request should be answered."""
    return due_at(kind=str(request.kind), tier=request.environment.tier, frozen_at=revision.frozen_at)
