"""A review held against another baseline than the signed one: a view that changes nothing of what is signed, and says so."""

from __future__ import annotations

import html

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals.beside.compare_beside import Beside, compare_beside
from approvals.models import Request
from attestations.models import Blob
from identities.models import Environment, Team
from ledger.models import Entry
from proofs.errors import Refusal
from tests import cast
from tests import make_approvals as make
from tests import make_observations as observations
from tests import make_releases as of

pytestmark = pytest.mark.django_db
OLDEST = "1.4.0"


@pytest.fixture
def stage() -> make.Stage:
    return make.set_stage()


def third(stage: make.Stage) -> tuple[Request, Request, Request]:
    """Two releases approved one after the other, and the third asked for: lodash left with the second and is back."""
    oldest = of.release(stage, OLDEST, cyclonedx=of.cyclonedx("pkg:npm/lodash@4.17.20"))
    make.approve(oldest, cast.alice())
    before = of.release(stage, of.FIRST, now=of.later(5), cyclonedx=of.cyclonedx("pkg:npm/express@4.18.2"))
    make.approve(before, cast.alice(), now=of.later(6))
    asked = of.release(stage, of.SECOND, now=of.later(), cyclonedx=of.cyclonedx("pkg:npm/lodash@4.17.20", "pkg:npm/express@4.17.0"))
    return oldest, before, asked


def look(request: Request, with_: str = "") -> Beside:
    revision = request.revisions.order_by("-number").first()
    assert revision is not None
    return compare_beside(request=request, revision=revision, with_=with_)


def packages(found: Beside) -> str:
    return str(next(row["token"] for row in found.comparison["areas"] if row["area"] == "packages"))


class TestCompareBeside:
    def test_with_the_signed_baseline_it_says_what_is_signed(self, stage: make.Stage) -> None:
        _, before, asked = third(stage)
        found, signed = look(asked, before.pk), of.comparison_of(asked)
        assert found.signed == before.pk == signed["baseline"]["request"]
        assert found.comparison["areas"] == signed["areas"]
        assert found.comparison["baseline"] == signed["baseline"]

    def test_with_an_earlier_one_it_says_what_changed_since_that(self, stage: make.Stage) -> None:
        oldest, before, asked = third(stage)
        assert packages(look(asked, before.pk)) == "+1 ↓1"
        assert packages(look(asked, oldest.pk)) == "+1"
        assert look(asked, oldest.pk).comparison["baseline"]["approvedBy"] == ["Alice Chen"]

    def test_starts_with_the_newest_that_is_not_the_signed_one(self, stage: make.Stage) -> None:
        oldest, before, asked = third(stage)
        found = look(asked)
        assert (found.shown, [choice.key for choice in found.choices]) == (oldest.pk, [before.pk, oldest.pk])
        assert [choice.is_signed for choice in found.choices] == [True, False]

    def test_with_nothing_all_of_it_is_new(self, stage: make.Stage) -> None:
        *_, asked = third(stage)
        found = look(asked, "nothing")
        assert found.comparison["baseline"] is None
        states = {row["state"] for row in found.comparison["areas"]}
        assert "new" in states and "changed" not in states
        assert found.comparison["signals"] == []

    def test_what_runs_is_what_was_seen_last(self, stage: make.Stage) -> None:
        oldest, _, asked = third(stage)
        assert look(asked).running is None
        observations.observe(observations.runs(tag=of.FIRST, at=of.later(7)), observations.runs(tag=OLDEST, at=of.later(9)))
        found = look(asked, "running")
        assert found.running is not None
        assert (found.running.key, found.shown, packages(found)) == (oldest.pk, "running", "+1")

    def test_what_runs_elsewhere_does_not_run_here(self, stage: make.Stage) -> None:
        *_, asked = third(stage)
        Environment.objects.create(slug="staging", name="Staging", tier=1, team=cast.payments())
        observations.observe(observations.runs(tag=OLDEST, environment="staging"))
        assert look(asked).running is None

    def test_of_an_observer_that_is_suspended_nothing_is_believed(self, stage: make.Stage) -> None:
        *_, asked = third(stage)
        observations.observe(observations.runs(tag=OLDEST))
        watcher = observations.watcher()
        watcher.status = "suspended"
        watcher.save(update_fields=["status"])
        assert look(asked).running is None

    def test_asks_for_nothing_and_forbids_nothing(self, stage: make.Stage) -> None:
        oldest, before, asked = third(stage)
        assert any(signal["asked"] for signal in of.comparison_of(asked)["signals"])
        for with_ in (oldest.pk, before.pk, "nothing"):
            signals = look(asked, with_).comparison["signals"]
            assert [signal for signal in signals if signal["asked"] or signal["level"] == "block"] == []

    @pytest.mark.parametrize("with_", ["running", "req_nobody", "../.."])
    def test_with_what_is_no_choice_it_is_refused(self, stage: make.Stage, with_: str) -> None:
        *_, asked = third(stage)
        with pytest.raises(Refusal) as refused:
            look(asked, with_)
        assert refused.value.code == "comparison.unknown"

    def test_takes_as_many_queries_with_many_approved_as_with_few(self, stage: make.Stage) -> None:
        oldest, *_, asked = third(stage)
        with CaptureQueriesContext(connection) as few:
            look(asked, oldest.pk)
        for number in range(3, 6):
            make.approve(of.release(stage, f"1.3.{number}", now=of.later(10 + number)), cast.alice(), now=of.later(11 + number))
        with CaptureQueriesContext(connection) as many:
            look(asked, oldest.pk)
        assert len(many) == len(few) <= 16


class TestPage:
    def get(self, client: Client, request: Request, with_: str = "", status: int = 200) -> str:
        response = client.get(f"/requests/{request.pk}/compare", {"with": with_} if with_ else {})
        assert response.status_code == status
        return html.unescape(response.content.decode())

    def test_says_that_it_is_no_part_of_what_is_signed_and_leads_back(self, client: Client, stage: make.Stage) -> None:
        oldest, before, asked = third(stage)
        cast.let_in(client, cast.alice())
        page = self.get(client, asked, oldest.pk)
        assert "This is a view, and not what is signed." in page
        assert f"An approval signs the comparison with <bdi>{before.title}</bdi>, approved for <bdi>Production</bdi>" in page
        assert f'Changed since <a href="/requests/{oldest.pk}"><bdi>{oldest.title}</bdi></a>' in page
        assert "You are asked about this." not in page
        assert f'href="/requests/{asked.pk}/compare"' in client.get(f"/requests/{asked.pk}").content.decode()

    def test_changes_nothing(self, client: Client, stage: make.Stage) -> None:
        oldest, _, asked = third(stage)
        cast.let_in(client, cast.alice())
        before = (Blob.objects.count(), Entry.objects.count(), asked.revisions.get().snapshot_id)
        for with_ in ("", oldest.pk, "nothing"):
            self.get(client, asked, with_)
        assert (Blob.objects.count(), Entry.objects.count(), asked.revisions.get().snapshot_id) == before
        assert client.post(f"/requests/{asked.pk}/compare").status_code == 405

    def test_is_there_for_whoever_may_read_the_request(self, client: Client, stage: make.Stage) -> None:
        *_, asked = third(stage)
        cast.let_in(client, cast.person("zoe", "Zoe Park", "approver:release", team=Team.objects.create(slug="other", name="Other")))
        self.get(client, asked, status=404)
