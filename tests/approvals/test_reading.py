"""How long people look at reviews: their own to see, counted for a team without names, forgotten after a while."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from approvals.models import Reading, Request
from approvals.reading.indicators import FEWEST, Indicator, read_indicators
from approvals.reading.note_reading import KEPT, MOST_SECONDS, forget_readings, note_reading
from identities.models import Identity
from proofs.errors import NotAllowed
from tests import cast
from tests import make_approvals as make
from tests import make_releases as of

pytestmark = pytest.mark.django_db


def client_of(person: Identity) -> Client:
    client = Client()
    client.force_login(cast.account_of(person))
    return client


@pytest.fixture
def request_() -> Request:
    make.set_stage(source=make.NO_EVIDENCE)
    return make.ask()


class TestNote:
    def test_adds_up_and_keeps_the_most_that_was_opened(self, request_: Request) -> None:
        revision = request_.revisions.get()
        note_reading(revision=revision, seconds=20, opened=3, by=cast.alice(), now=make.NOW)
        row = note_reading(revision=revision, seconds=5, opened=1, by=cast.alice(), now=make.NOW)
        assert (row.seconds, row.opened, Reading.objects.count()) == (25, 3, 1)

    def test_what_a_browser_makes_up_is_cut(self, request_: Request) -> None:
        row = note_reading(revision=request_.revisions.get(), seconds=10**8, opened=10**6, by=cast.alice(), now=make.NOW)
        assert (row.seconds, row.opened) == (MOST_SECONDS, 200)

    def test_is_of_those_alone_who_may_read_the_request(self, request_: Request) -> None:
        with pytest.raises(NotAllowed):
            note_reading(revision=request_.revisions.get(), seconds=1, opened=0, by=cast.person("zed", "Zed"), now=make.NOW)

    def test_is_forgotten(self, request_: Request) -> None:
        note_reading(revision=request_.revisions.get(), seconds=1, opened=0, by=cast.alice(), now=make.NOW)
        assert forget_readings(now=make.NOW + KEPT) == 0
        assert forget_readings(now=make.NOW + KEPT + timedelta(seconds=1)) == 1
        assert not Reading.objects.exists()


class TestDoors:
    def test_a_page_tells_and_only_its_reader_sees_it(self, request_: Request) -> None:
        said = {"snapshot": request_.revisions.get().snapshot_id, "seconds": 42, "opened": 2}
        assert client_of(cast.alice()).post(reverse("approvals:reading", args=[request_.pk]), said).status_code == 204
        own = reverse("approvals:own_readings")
        assert "42 s" in client_of(cast.alice()).get(own).content.decode()
        assert "42 s" not in client_of(cast.carol()).get(own).content.decode()

    @pytest.mark.parametrize(
        ("said", "status"),
        [({}, 400), ({"snapshot": "0" * 64, "seconds": 1, "opened": 0}, 404), ({"snapshot": "0" * 64, "seconds": -1, "opened": 0}, 400)],
    )
    def test_what_no_page_says_is_refused(self, request_: Request, said: dict[str, object], status: int) -> None:
        assert client_of(cast.alice()).post(reverse("approvals:reading", args=[request_.pk]), said).status_code == status
        assert not Reading.objects.exists()


class TestIndicators:
    def approve_many(self, count: int, *, seconds: int = 4) -> None:
        stage = make.set_stage()
        of.approved(stage, rollout=of.rollout(identities=[]))
        people = [cast.alice(), cast.person("ann", "Ann Roe", "approver:release"), cast.person("ben", "Ben Day", "approver:release")]
        for number in range(count):
            at = of.later(60 * (number + 1))
            robot = {**of.RUNNER, "subject": f"robot-{number}", "name": f"robot-{number}"}
            request = of.release(stage, f"2.0.{number}", now=at, rollout=of.rollout(identities=[robot]))
            revision = request.revisions.get()
            person = people[number % 3]
            note_reading(revision=revision, seconds=seconds, opened=0, by=person, now=at)
            make.approve(request, person, now=at)

    def read(self, now: datetime) -> tuple[Indicator, ...]:
        return read_indicators(cast.payments(), now=now).indicators

    def test_say_nothing_of_a_few(self) -> None:
        self.approve_many(2)
        assert read_indicators(cast.payments(), now=of.later(600)).indicators == ()

    def test_count_without_names(self) -> None:
        self.approve_many(FEWEST)
        found = {item.title: item for item in self.read(of.later(60 * 30))}
        assert found["Answers that were no"].words.startswith(f"0 of {FEWEST + 1}")
        quick = found["Approved within 10 s although something was to be ticked"]
        assert (quick.words, quick.is_notable) == (f"{FEWEST} of {FEWEST}", True)
        assert found["Approved without looking into any changed area, although something was to be ticked"].words == f"{FEWEST} of {FEWEST}"
        page = client_of(cast.carol()).get(reverse("approvals:indicators")).content.decode()
        assert "How reviews go" in page
        assert "Alice Chen" not in page and "Ann Roe" not in page

    def test_are_not_for_approvers(self) -> None:
        assert client_of(cast.alice()).get(reverse("approvals:indicators")).status_code == 403
