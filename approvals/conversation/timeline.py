"""Everything that happened to a request, as one list, oldest first: revisions, answers and how they ended, comments, reminders, who left it to others.

Reads only, with a fixed number of queries. Text of people and programs is given as it was kept, to be quoted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from approvals.models import Approval, ApprovalEnd, Comment, Reminder, Request, TurnPassed
from identities.models import Identity

ANSWERED = {
    Approval.Decision.APPROVE: "approved",
    Approval.Decision.REJECT: "rejected it",
    Approval.Decision.REQUEST_CHANGES: "asked for changes",
}
REMINDED = {
    Reminder.Stage.REMINDED: "reminded those whose turn it is: half of the time to answer has passed",
    Reminder.Stage.ESCALATED: "told more people: four fifths of the time to answer have passed",
    Reminder.Stage.OVERDUE: "told who asks and the officers: the time to answer is over",
}
PORTAL = "The portal"


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of the list. `quote` is text from outside; `comment` the row where it is one; `gone` says what became of it instead."""

    at: datetime
    kind: str
    who: str
    is_program: bool
    words: str
    revision: int
    quote: str = ""
    gone: str = ""
    comment: Comment | None = None
    record: str = ""
    is_own: bool = False


def read_timeline(request: Request, *, reader: Identity | None = None) -> list[Happened]:
    """Return the list; `reader` is whose own comments are marked."""
    found = [
        *_revisions(request),
        *_answers(request),
        *_ends(request),
        *_passed(request),
        *_reminders(request),
        *_comments(request, reader),
    ]
    # Sorting keeps the order in which they stand here where two happened in the same second.
    return sorted(found, key=lambda item: item.at)


def _revisions(request: Request) -> Iterable[Happened]:
    for number, at in request.revisions.order_by("number").values_list("number", "frozen_at"):
        first = number == 1
        asked = request.requester
        who, is_program = (asked.name, not asked.is_person) if first else (PORTAL, False)
        yield Happened(at, "revision", who, is_program, "asked for it" if first else "froze it anew", number)


def _answers(request: Request) -> Iterable[Happened]:
    rows = Approval.objects.filter(revision__request=request).select_related("identity", "record", "revision").order_by("signed_at", "pk")
    for row in rows:
        words = ANSWERED[Approval.Decision(row.decision)]
        record = row.record.digest if hasattr(row, "record") else ""
        yield Happened(row.signed_at, "answer", row.identity.name, False, words, row.revision.number, record=record)


def _ends(request: Request) -> Iterable[Happened]:
    rows = ApprovalEnd.objects.filter(approval__revision__request=request).select_related("approval__revision").order_by("ended_at")
    for row in rows:
        yield Happened(
            row.ended_at, "ended", PORTAL, False, f"wrote down that an approval ended: {row.sentence}", row.approval.revision.number
        )


def _passed(request: Request) -> Iterable[Happened]:
    rows = TurnPassed.objects.filter(revision__request=request).select_related("identity", "revision").order_by("entry_id")
    for row in rows:
        yield Happened(row.passed_at, "passed", row.identity.name, False, "left it to others", row.revision.number, quote=row.reason)


def _reminders(request: Request) -> Iterable[Happened]:
    for row in Reminder.objects.filter(request=request).select_related("revision").order_by("entry_id"):
        yield Happened(row.reminded_at, "reminder", PORTAL, False, REMINDED[Reminder.Stage(row.stage)], row.revision.number)


def _comments(request: Request, reader: Identity | None) -> Iterable[Happened]:
    rows = list(Comment.objects.filter(request=request).select_related("author", "withdrawal").order_by("entry_id"))
    better = {row.replaces_id for row in rows}
    for row in rows:
        gone = "taken back by its author" if hasattr(row, "withdrawal") else "said better below" if row.pk in better else ""
        yield Happened(
            at=row.commented_at,
            kind="comment",
            who=row.author.name,
            is_program=not row.author.is_person,
            words="said better" if row.replaces_id else "said",
            revision=row.revision_number,
            quote="" if gone else row.text,
            gone=gone,
            comment=row,
            is_own=reader is not None and row.author_id == reader.pk and not gone,
        )
