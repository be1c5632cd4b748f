"""A waiting request is frozen anew when a tag moved or its baseline was taken back, once for each such change."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from approvals.comparison.since import moved_since
from approvals.models import Attention, Request, RequestState, Revision
from approvals.requests import follow_ground as freeze
from approvals.requests.delta import delta_between
from approvals.requests.follow_ground import follow_ground
from approvals.requests.withdraw import withdraw_request
from ledger.models import Entry
from portal.models import Notice
from portal.notices.follow_ledger import follow_ledger
from proofs.errors import Refusal
from tests import cast
from tests import make_approvals as make
from tests import make_observations as seen
from tests import make_releases as of

pytestmark = pytest.mark.django_db
OTHER = "sha256:" + "ee" * 32


def numbers(request: Request) -> list[int]:
    return list(request.revisions.order_by("number").values_list("number", flat=True))


def revision(request: Request, number: int) -> Revision:
    return request.revisions.get(number=number)


def codes(request: Request, number: int) -> list[str]:
    """What the page says changed from the revision before this one."""
    return [change.code for change in delta_between(revision(request, number - 1), revision(request, number))]


@pytest.fixture
def tagged() -> Request:
    """A request for an image whose tag the registry has."""
    stage = make.set_stage()
    seen.observe(seen.said(tag=of.FIRST))
    return of.release(stage, of.FIRST, now=of.later(2))


def move(minutes: int, digest: str = OTHER) -> None:
    seen.observe(seen.said(tag=of.FIRST, digest=digest, at=of.later(minutes)), now=of.later(minutes))


class TestTags:
    def test_one_that_moved_is_told_on_a_new_page(self, tagged: Request) -> None:
        move(3)
        assert follow_ground(now=of.later(4)) == 1
        assert numbers(tagged) == [1, 2]
        assert "ART_RETAGGED" in of.signals_of(tagged)
        assert codes(tagged, 2) == ["comparison.path"]
        assert Entry.objects.filter(event="request.revised").count() == 1

    def test_nothing_moved_freezes_nothing(self, tagged: Request) -> None:
        move(3, make.image(of.FIRST))
        assert [follow_ground(now=of.later(minute)) for minute in (4, 5, 6)] == [0, 0, 0]

    def test_to_and_fro_freezes_once_for_each_change(self, tagged: Request) -> None:
        for minute, digest in ((3, OTHER), (6, make.image(of.FIRST)), (9, OTHER)):
            move(minute, digest)
            assert [follow_ground(now=of.later(minute + after)) for after in (1, 2)] == [1, 0]
            # The same seen again is no change.
            move(minute + 2, digest)
            assert follow_ground(now=of.later(minute + 2)) == 0
        assert numbers(tagged) == [1, 2, 3, 4]
        assert codes(tagged, 3) == ["comparison.path_ended"]

    def test_people_go_on_when_it_is_back(self, tagged: Request) -> None:
        move(3)
        follow_ground(now=of.later(4))
        with pytest.raises(Refusal, match="nobody can approve this"):
            make.approve(tagged, cast.alice(), now=of.later(5))
        move(6, make.image(of.FIRST))
        follow_ground(now=of.later(7))
        make.approve(tagged, cast.alice(), now=of.later(8))
        assert RequestState.objects.get(pk=tagged.pk).status == "approved"

    def test_a_no_stands(self, tagged: Request) -> None:
        passkey, key = make.enrol(cast.alice(), now=of.later(2))
        asked = make.begin(tagged, cast.alice(), key, decision="request_changes", reason="tests, please", now=of.later(3))
        make.complete(asked, passkey, now=of.later(3))
        move(4)
        assert follow_ground(now=of.later(5)) == 0
        assert RequestState.objects.get(pk=tagged.pk).status == "changes_requested"

    def test_what_is_approved_is_left_to_gates(self, tagged: Request) -> None:
        make.approve(tagged, cast.alice(), now=of.later(3))
        move(4)
        assert follow_ground(now=of.later(5)) == 0
        assert RequestState.objects.get(pk=tagged.pk).status == "approved"


class TestBaselines:
    @pytest.fixture
    def second(self) -> Request:
        stage = make.set_stage()
        of.approved(stage)
        return of.release(stage, of.SECOND, now=of.later())

    def take_back(self) -> None:
        first = Request.objects.get(title=f"payments/api {of.FIRST}")
        withdraw_request(request=first, reason="it was malicious", by=cast.bob(), now=of.later(31))

    def test_one_that_was_taken_back_is_left_for_what_stands(self, second: Request) -> None:
        assert follow_ground(now=of.later(30)) == 0
        self.take_back()
        assert [follow_ground(now=of.later(minute)) for minute in (32, 33)] == [1, 0]
        assert of.comparison_of(second)["baseline"] is None
        assert codes(second, 2) == ["comparison.baseline"]
        make.approve(second, cast.alice(), now=of.later(34))
        assert RequestState.objects.get(pk=second.pk).status == "approved"

    def test_an_open_page_says_so(self, second: Request) -> None:
        client = Client()
        client.force_login(cast.account_of(cast.alice()))
        shown = revision(second, 1).snapshot_id
        self.take_back()
        page = client.get(f"/requests/{second.pk}/live").content.decode()
        assert "What this page is compared with is gone" in page and "has been withdrawn since." in page
        follow_ground(now=of.later(32))
        newest = json.loads(client.get(f"/requests/{second.pk}/now").content)["snapshot"]
        assert newest != shown
        assert "It is compared with nothing now" in client.get(f"/requests/{second.pk}?shown={shown}").content.decode()

    @pytest.mark.parametrize("decision", ["approve", "request_changes"])
    def test_a_page_that_was_answered_promises_no_new_one(self, second: Request, decision: str) -> None:
        passkey, key = make.enrol(cast.alice(), now=of.later(30))
        why = "" if decision == "approve" else "Tests, please."
        make.complete(make.begin(second, cast.alice(), key, decision=decision, reason=why, now=of.later(30)), passkey, now=of.later(30))
        self.take_back()
        page = cast.let_in(Client(), cast.alice()).get(f"/requests/{second.pk}/live").content.decode()
        assert "A new revision follows" not in page
        assert (
            moved_since(second, of.comparison_of(second)) == f"What it is compared with, payments/api {of.FIRST}, has been withdrawn since."
        )
        assert follow_ground(now=of.later(32)) == 0


class TestTurns:
    def test_the_one_unseen_for_longest_comes_first(self, tagged: Request) -> None:
        other = make.ask(tag="9.9.9", name="payments/other", now=of.later(2))
        move(3)
        assert sum(follow_ground(now=of.later(minute), limit=1) for minute in (4, 5)) == 1
        assert not RequestState.objects.filter(pk__in=[tagged.pk, other.pk], ground_at__isnull=True).exists()

    def test_one_that_cannot_be_evaluated_does_not_keep_others_waiting(self, tagged: Request) -> None:
        make.send_junk(by=cast.runner(), tag=of.FIRST, count=257)
        move(3)
        assert follow_ground(now=of.later(4)) == 0
        assert numbers(tagged) == [1]
        assert RequestState.objects.get(pk=tagged.pk).ground_at == of.later(4)

    def test_one_that_kills_the_worker_does_not_keep_others_waiting(self, tagged: Request, monkeypatch: pytest.MonkeyPatch) -> None:
        other = make.ask(tag="9.9.9", name="payments/other", now=of.later(2))
        seen.observe(seen.said(tag=of.FIRST, digest=OTHER, at=of.later(3)), now=of.later(3))
        real = freeze.revise_request

        def die(*, request: Request, **more: Any) -> Any:
            if request.pk == tagged.pk:
                raise SystemExit(137)
            return real(request=request, **more)

        RequestState.objects.filter(pk=other.pk).update(ground_at=of.later(2))
        monkeypatch.setattr(freeze, "revise_request", die)
        with pytest.raises(SystemExit):
            follow_ground(now=of.later(4))
        assert numbers(tagged) == [1]
        follow_ground(now=of.later(5), limit=1)
        assert RequestState.objects.get(pk=other.pk).ground_at == of.later(5)


class TestApproved:
    def test_by_one_of_two_the_first_approval_ends_with_the_reason_shown(self) -> None:
        stage = make.set_stage(count=2)
        ivan = cast.person("ivan", "Ivan Petrov", "approver:release")
        seen.observe(seen.said(tag=of.FIRST))
        request = of.release(stage, of.FIRST, now=of.later(2))
        make.approve(request, cast.alice(), now=of.later(3))
        move(4)
        assert follow_ground(now=of.later(5)) == 1
        assert RequestState.objects.get(pk=request.pk).status == "stale"
        turns = dict(Attention.objects.values_list("identity__name", "reason_code"))
        assert turns == {ivan.name: "approve", cast.alice().name: "changed"}
        page = cast.let_in(Client(), cast.alice()).get(f"/requests/{request.pk}").content.decode()
        said = page.partition("Since you answered revision 1")[2][:2000]
        assert "now has sha256:eeeeeeee" in said
        assert "does not count for revision 2" in said
        follow_ledger(now=of.later(6))
        assert Notice.objects.filter(identity=cast.alice(), kind="request.stale").count() == 1
