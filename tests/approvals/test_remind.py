"""Reminders: at half of the time, at four fifths and at the end, each once for a revision, to more people each time, approving nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from approvals.attention import remind
from approvals.attention.due import time_to_answer
from approvals.attention.remind import remind_requests
from approvals.models import Reminder, Request
from approvals.requests.revise import revise_request
from approvals.requests.status import compute_standing
from identities.models import EventSubject, Identity, Team
from identities.people.roles import end_role
from ledger.models import Entry
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db


def after(hours: float) -> datetime:
    """Four hours is what production, of tier 3, has."""
    return make.NOW + timedelta(hours=hours)


@pytest.fixture
def request_() -> Request:
    cast.alice()
    cast.olga()
    cast.person("anna", "Anna Berg", "approver:release", project=cast.payments_api())
    make.send_provenance(make.set_stage())
    return make.ask()


def told() -> list[tuple[int, set[str]]]:
    return [
        (row.stage, set(EventSubject.objects.filter(entry=row.entry).values_list("identity__name", flat=True)))
        for row in Reminder.objects.order_by("pk")
    ]


def test_more_people_are_told_the_longer_it_waits(request_: Request) -> None:
    done = [remind_requests(now=after(hours)) for hours in (1.9, 2, 2.1, 3.2, 3.3, 4, 400)]
    assert done == [0, 1, 0, 1, 0, 1, 0]
    assert told() == [(50, {"Alice Chen", "Anna Berg"}), (80, {"Alice Chen"}), (100, {"Bob Ruiz", "Olga Petrova"})]


def test_nobody_is_told_who_may_not_read_it(request_: Request) -> None:
    """An officer of another team, and whoever asked and holds no role any more."""
    cast.person("otto", "Otto Kern", "officer", team=Team.objects.create(slug="other", name="Other"))
    for role in cast.bob().roles.all():
        end_role(assignment=role, by=None, now=make.NOW)
    remind_requests(now=after(4))
    assert told() == [(100, {"Olga Petrova"})]


def test_one_that_fails_holds_up_no_other(request_: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    other = make.ask(name="payments/worker")
    honest = remind._whom

    def whom(request: Request, *rest: Any) -> set[str]:
        if request == request_:
            raise DatabaseError("it cannot be read")
        return honest(request, *rest)

    monkeypatch.setattr(remind, "_whom", whom)
    assert remind_requests(now=after(2)) == 1
    assert [row.request for row in Reminder.objects.all()] == [other]


def test_nothing_is_decided_by_it(request_: Request) -> None:
    remind_requests(now=after(9999))
    assert compute_standing(request_, now=after(9999)).approvals == 0
    assert compute_standing(request_, now=after(9999)).status != "approved"


def test_what_was_missed_is_not_made_up_for(request_: Request) -> None:
    remind_requests(now=after(5))
    assert [stage for stage, _ in told()] == [100]


def test_the_officers_where_nobody_in_the_whole_team_is_left(request_: Request) -> None:
    Identity.objects.filter(pk=cast.alice().pk).update(status="suspended")
    remind_requests(now=after(3.5))
    assert told() == [(80, {"Olga Petrova"})]


def test_an_answered_one_is_not_reminded_of(request_: Request) -> None:
    make.approve(request_, cast.alice())
    assert remind_requests(now=after(5)) == 0


def test_a_new_revision_has_its_own_time(request_: Request) -> None:
    remind_requests(now=after(2))
    revise_request(request=request_, by=None, now=after(2))
    assert [remind_requests(now=after(3.9)), remind_requests(now=after(4))] == [0, 1]
    assert [stage for stage, _ in told()] == [50, 50]


def test_each_stage_once_says_the_database_too(request_: Request) -> None:
    remind_requests(now=after(2))
    row = Reminder.objects.get()
    again = {"due_at": row.due_at, "entry": Entry.objects.earliest("pk"), "reminded_at": row.reminded_at}
    with pytest.raises(DatabaseError), transaction.atomic():
        Reminder.objects.create(request=request_, revision=row.revision, stage=row.stage, **again)


def test_hours_by_tier_and_minutes_for_an_agent() -> None:
    hours = [time_to_answer(kind="release", tier=tier) / timedelta(hours=1) for tier in (1, 2, 3, 4)]
    assert hours == [48, 24, 4, 4]
    assert time_to_answer(kind="agent-action", tier=1) == timedelta(minutes=10)
