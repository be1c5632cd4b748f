"""After an answer: the next request whose turn is this person's, in the queue's order, and the way back to the queue."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from approvals.desk.next_turn import find_next
from approvals.desk.read_queue import read_queue
from approvals.desk.snooze import snooze_requests
from approvals.models import Request
from identities.models import Identity, Team
from tests import cast
from tests import make_approvals as make
from tests.approvals.test_pages import client_of, read
from tests.make_queue import copy_request

pytestmark = pytest.mark.django_db
BACK = f'href="{reverse("approvals:queue")}">Back to the queue</a>'


def ready() -> Request:
    cast.alice()
    make.send_provenance(make.set_stage())
    return make.ask()


def answer(client: Client, request: Request, person: Identity, decision: str) -> str:
    """Answer a request, and return the page of the record."""
    passkey, key = make.enrol(person)
    why = "" if decision == "approve" else "Not on a Friday."
    given = make.complete(make.begin(request, person, key, decision=decision, reason=why), passkey)
    return read(client, "record", given.record.digest)


def link(request: Request) -> str:
    return f'href="{reverse("approvals:request", args=[request.pk])}"><span>Next: <bdi>{request.title}</bdi>'


class TestFindNext:
    def test_is_the_first_line_of_the_queue(self) -> None:
        request = ready()
        copy_request(request, 3)
        copy_request(request, 1, kind="agent-action", title="scale db-main")
        first, second = read_queue(cast.alice(), now=make.NOW).rows[:2]
        assert find_next(cast.alice(), besides=second.request, now=make.NOW) == first.request
        assert find_next(cast.alice(), besides=first.request, now=make.NOW) == second.request

    def test_is_nothing_that_was_put_off(self) -> None:
        request = ready()
        (snoozed,) = copy_request(request, 1)
        snooze_requests(requests=[snoozed.pk], until=make.NOW + timedelta(days=1), by=cast.alice(), now=make.NOW)
        assert find_next(cast.alice(), besides=request, now=make.NOW) is None

    def test_is_nothing_that_waits_for_others(self) -> None:
        request = ready()
        copy_request(request, 2)
        assert find_next(cast.carol(), besides=request, now=make.NOW) is None
        stranger = cast.person("zoe", "Zoe Park", "approver:release", team=Team.objects.create(slug="other", name="Other"))
        assert find_next(stranger, besides=request, now=make.NOW) is None

    def test_takes_as_many_queries_for_many_as_for_one(self) -> None:
        request = ready()
        copy_request(request, 1)
        with CaptureQueriesContext(connection) as few:
            find_next(cast.alice(), besides=request, now=make.NOW)
        copy_request(request, 60)
        with CaptureQueriesContext(connection) as many:
            find_next(cast.alice(), besides=request, now=make.NOW)
        assert len(many) == len(few)


class TestRecordPage:
    @pytest.mark.parametrize("decision", ["approve", "reject", "request_changes"])
    def test_leads_on_after_every_answer(self, decision: str) -> None:
        request = ready()
        (waiting,) = copy_request(request, 1, title="payments/api 1.5.0")
        page = answer(client_of(cast.alice()), request, cast.alice(), decision)
        assert link(waiting) in page
        assert BACK in page

    def test_says_when_nothing_else_waits(self) -> None:
        page = answer(client_of(cast.alice()), ready(), cast.alice(), "approve")
        assert "Nothing else waits for you." in page
        assert "Next:" not in page
        assert BACK in page

    def test_leads_nobody_on_from_somebody_elses_record(self) -> None:
        request = ready()
        copy_request(request, 1)
        page = answer(client_of(cast.carol()), request, cast.alice(), "approve")
        assert "Nothing else waits for you." not in page
        assert BACK not in page
