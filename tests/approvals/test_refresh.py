"""Requests follow their evidence; answers go stale only when what was shown has changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from approvals.models import Request, RequestState
from approvals.policies.versions import activate_policy, store_policy
from approvals.requests.refresh import list_behind, refresh_requests
from approvals.requests.revise import MAX_EVIDENCE, lock_state
from attestations.blobs import store_blob
from attestations.models import Verdict, VerdictSubject
from ledger.models import Entry
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db
LATER = make.NOW + timedelta(minutes=5)


def status_of(request: Request) -> str:
    return RequestState.objects.get(request_id=request.pk).status


def test_a_state_that_is_there_is_locked_in_one_question(django_assert_num_queries: Any) -> None:
    make.set_stage()
    request = make.ask()
    with django_assert_num_queries(1):
        assert lock_state(request, now=LATER).request_id == request.pk


class TestRefreshRequests:
    def test_a_waiting_request_comes_into_review_when_its_evidence_arrives(self) -> None:
        stage = make.set_stage()
        request = make.ask()
        assert status_of(request) == "collecting"
        make.send_provenance(stage, now=LATER)
        assert refresh_requests(now=LATER) == 1
        assert status_of(request) == "ready"
        assert request.revisions.count() == 2
        assert Entry.objects.filter(event="request.revised").count() == 1

    def test_doing_it_again_changes_nothing(self) -> None:
        stage = make.set_stage()
        request = make.ask()
        make.send_provenance(stage, now=LATER)
        assert [refresh_requests(now=LATER) for _ in range(3)] == [1, 0, 0]
        assert request.revisions.count() == 2

    def test_evidence_that_changes_nothing_leaves_answers_standing(self) -> None:
        stage = make.set_stage(count=2)
        make.send_provenance(stage)
        request = make.ask()
        make.approve(request, cast.alice())
        make.send_tests(stage, now=LATER)
        assert refresh_requests(now=LATER) == 0
        assert request.revisions.count() == 1
        # and the second person can still answer the same revision
        make.approve(request, cast.person("ivan", "Ivan Petrov", "approver:release"), now=LATER)
        assert status_of(request) == "approved"

    def test_evidence_that_was_rejected_makes_an_approval_stale(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        request = make.ask()
        make.approve(request, cast.alice())
        assert status_of(request) == "approved"
        make.send_lie(stage, now=LATER)
        assert refresh_requests(now=LATER) == 1
        assert status_of(request) == "stale"
        shown = request.revisions.get(number=2).evidence.values_list("verdict__result", flat=True)
        assert sorted(shown) == ["rejected", "verified"]

    def test_a_new_policy_makes_a_new_revision(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        request = make.ask()
        stricter = store_policy(source=make.POLICY.format(version=2, count=2), by=make.erin(), now=LATER)
        activate_policy(policy=stricter, project=cast.payments_api(), environment=cast.production(), by=make.erin(), now=LATER)
        assert [refresh_requests(now=LATER) for _ in range(2)] == [1, 0]
        assert request.revisions.get(number=2).policy == stricter

    def test_a_request_whose_only_evidence_is_a_lie_is_blocked(self) -> None:
        stage = make.set_stage()
        make.send_lie(stage)
        assert status_of(make.ask()) == "blocked"

    def test_approvals_run_out(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        request = make.ask()
        make.approve(request, cast.alice())
        refresh_requests(now=make.NOW + timedelta(hours=71))
        assert status_of(request) == "approved"
        refresh_requests(now=make.NOW + timedelta(hours=72))
        assert status_of(request) == "expired"

    def test_a_rejected_request_stays_rejected(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        request = make.ask()
        passkey, key = make.enrol(cast.alice())
        make.complete(make.begin(request, cast.alice(), key, decision="reject", reason="No."), passkey)
        make.send_lie(stage, now=LATER)
        assert refresh_requests(now=LATER) == 0
        assert status_of(request) == "rejected"


class TestOneThatCannotBeRefreshed:
    @pytest.fixture
    def broken(self) -> Request:
        """A request that is behind and refuses to be evaluated, before a good one in every order."""
        stage = make.set_stage()
        # Of another name: a newer one about the same would take its place.
        broken = make.ask(tag="1.0.0", name="payments/other")
        make.ask(now=LATER)
        make.send_junk(by=cast.runner(), tag="1.0.0", count=MAX_EVIDENCE + 1)
        make.send_provenance(stage, now=LATER)
        return broken

    def test_does_not_keep_others_waiting(self, broken: Request) -> None:
        assert [refresh_requests(now=LATER + timedelta(minutes=minute), limit=1) for minute in (1, 2)] == [0, 1]
        assert broken.revisions.count() == 1

    def test_is_tried_again(self, broken: Request) -> None:
        refresh_requests(now=LATER)
        assert list(list_behind().values_list("request", flat=True)) == [broken.pk]
        assert RequestState.objects.get(request=broken).computed_at == LATER

    def test_nor_does_one_that_breaks_the_portals_own_code(self) -> None:
        stage = make.set_stage()
        broken = make.ask(tag="1.0.0")
        make.ask(now=LATER)
        first = make.send_junk(by=cast.runner(), tag="1.0.0").verdicts.get()
        # A verdict document that is none: nothing of ours writes it, and nothing of ours expects it.
        fields = {"attestation": first.attestation, "number": 2, "result": "rejected", "verified_at": make.NOW}
        nonsense = Verdict.objects.create(document=store_blob(b'"nonsense"', make.NOW), **fields)
        VerdictSubject.objects.create(verdict=nonsense, artifact_id=make.image("1.0.0"), claimed=True)
        make.send_provenance(stage, now=LATER)
        assert refresh_requests(now=LATER) == 1
        assert broken.revisions.count() == 1
        assert RequestState.objects.get(request=broken).computed_at == LATER
