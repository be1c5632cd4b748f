"""Evidence that proves nothing counts for the team that sent it, and for nobody else."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client
from django.urls import reverse

from approvals import revise
from approvals.models import Request, RequestState
from approvals.refresh import is_outdated, list_behind
from attestations.admission import MAX_OF_OTHERS
from attestations.blobs import bytes_of
from attestations.models import Submission
from proofs.errors import Conflict
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db
LATE = make.NOW.replace(minute=59)
LIVE = re.compile(r'<section class="card live".*?</section>', re.DOTALL)


@pytest.fixture
def stage() -> make.Stage:
    stage = make.set_stage()
    make.send_provenance(stage)
    return stage


def page_of(request: Request) -> str:
    client = Client()
    client.force_login(cast.account_of(cast.carol()))
    return client.get(reverse("approvals:request", args=[request.pk])).content.decode()


class TestAnotherTeamsJunk:
    def test_is_not_part_of_what_people_decide_on(self, stage: make.Stage) -> None:
        make.send_junk(by=make.other_teams_bot())
        revision = make.ask().revisions.get()
        assert [item.verdict.result for item in revision.evidence.all()] == ["verified"]
        snapshot = json.loads(bytes_of(revision.snapshot))
        assert len(snapshot["evidence"]) == 1
        # The four questions are told from the same set.
        assert snapshot["trails"][0]["questions"][0]["reasons"] == []

    def test_leaves_an_approval_standing_and_the_request_up_to_date(self, stage: make.Stage) -> None:
        request = make.ask()
        make.approve(request, cast.alice())
        make.send_junk(by=make.other_teams_bot())
        assert not is_outdated(request.revisions.get())
        assert not list_behind().exists()
        make.refresh()
        assert (request.revisions.count(), RequestState.objects.get(request=request).status) == (1, "approved")

    def test_does_not_keep_a_request_nobody_has_answered_behind(self, stage: make.Stage) -> None:
        request = make.ask()
        make.send_junk(by=make.other_teams_bot())
        assert not list_behind().exists()
        make.refresh()
        assert request.revisions.count() == 1

    def test_counts_no_more_when_it_verifies_but_nobody_knows_its_signer(self, stage: make.Stage) -> None:
        request = make.ask()
        make.approve(request, cast.alice())
        make.send_of_a_stranger(stage, by=make.other_teams_bot())
        assert not is_outdated(request.revisions.get())

    def test_of_the_own_team_counts_although_nobody_knows_its_signer(self, stage: make.Stage) -> None:
        request = make.ask()
        make.approve(request, cast.alice())
        make.send_of_a_stranger(stage, by=cast.runner())
        assert is_outdated(request.revisions.get())

    def test_is_counted_and_linked_beside_the_frozen_part(self, stage: make.Stage) -> None:
        request = make.ask()
        assert "not part of this request" not in page_of(request)
        junk = make.send_junk(by=make.other_teams_bot())
        assert reverse("attestations:attestation", args=[junk.pk]) in page_of(request)
        make.send_junk(by=make.other_teams_bot(), count=6, now=make.NOW.replace(minute=59))
        page = page_of(request)
        beside = next(part for part in LIVE.findall(page) if "not part of this request" in part)
        assert "7 items" in beside
        assert beside.count(reverse("attestations:attestation", args=["x"])[:-1]) == 5
        assert junk.pk not in LIVE.sub("", page)

    def test_cannot_fill_up_a_request(self, stage: make.Stage) -> None:
        make.send_junk(by=make.other_teams_bot(), count=1025)
        request = make.ask()
        make.approve(request, cast.alice())
        assert RequestState.objects.get(request=request).status == "approved"

    def test_counts_once_the_team_sends_it_too(self, stage: make.Stage) -> None:
        request = make.ask()
        junk = make.send_junk(by=make.other_teams_bot())
        Submission.objects.create(attestation=junk, identity=cast.runner(), submitted_at=make.NOW)
        assert list_behind().exists()
        assert is_outdated(request.revisions.get())


class TestWhatAnotherTeamSigns:
    def test_cannot_fill_up_a_request(self, stage: make.Stage) -> None:
        request = make.ask()
        make.approve(request, cast.alice())
        make.register_stranger()
        theirs = make.send_of_a_stranger(stage, by=make.other_teams_bot())
        assert theirs.verdicts.get().signer == make.other_teams_bot()
        make.copy_evidence(theirs, count=revise.MAX_EVIDENCE)
        assert not is_outdated(request.revisions.get())
        revision = make.ask().revisions.get()
        assert (revision.evidence.count(), revision.result) == (1 + MAX_OF_OTHERS, "pass")
        beside = next(part for part in LIVE.findall(page_of(request)) if "not part of this request" in part)
        assert f"{revise.MAX_EVIDENCE + 1 - MAX_OF_OTHERS} more items" in beside

    def test_does_not_push_out_what_comes_later_of_the_own_team(self, stage: make.Stage) -> None:
        make.register_stranger()
        make.copy_evidence(make.send_of_a_stranger(stage, by=make.other_teams_bot()), count=revise.MAX_EVIDENCE)
        tests = make.send_tests(stage, now=make.NOW.replace(minute=59))
        assert make.ask().revisions.get().evidence.filter(attestation=tests).exists()

    def test_counts_without_end_where_the_own_team_sent_it(self, stage: make.Stage) -> None:
        make.register_stranger()
        make.copy_evidence(make.send_of_a_stranger(stage, by=cast.runner()), count=revise.MAX_EVIDENCE)
        with pytest.raises(Conflict, match="at most that many"):
            make.ask()

    def test_of_the_own_team_still_fills_up_a_request(self, stage: make.Stage) -> None:
        make.copy_evidence(make.send_tests(stage), count=revise.MAX_EVIDENCE)
        with pytest.raises(Conflict) as refused:
            make.ask()
        assert refused.value.code == "evidence.too_many"

    def test_counts_without_end_where_the_policy_names_its_signer(self) -> None:
        fork = "https://github.com/intern/fork/.github/workflows/build.yml"
        stage = make.set_stage(source=make.POLICY.replace(cast.WORKFLOW, fork))
        make.register_stranger()
        sent = make.send_of_a_stranger(stage, by=make.other_teams_bot())
        make.copy_evidence(sent, count=MAX_OF_OTHERS + 1)
        assert make.ask().revisions.get().evidence.count() == 2 + MAX_OF_OTHERS
        make.copy_evidence(make.send_of_a_stranger(stage, by=make.other_teams_bot(), now=LATE), count=revise.MAX_EVIDENCE)
        with pytest.raises(Conflict) as refused:
            make.ask()
        assert refused.value.code == "evidence.too_many"


class TestOwnRejectedEvidence:
    def test_is_shown_and_counts(self, stage: make.Stage) -> None:
        request = make.ask()
        make.approve(request, cast.alice())
        make.send_junk(by=cast.runner())
        assert is_outdated(request.revisions.get())
        make.refresh()
        shown = request.revisions.get(number=2).evidence.values_list("verdict__result", flat=True)
        assert sorted(shown) == ["rejected", "verified"]
        assert RequestState.objects.get(request=request).status == "stale"


class TestVerifiedEvidence:
    def test_counts_whoever_sent_it(self) -> None:
        stage = make.set_stage()
        request = make.ask()
        sent = make.send_provenance(stage, by=make.other_teams_bot())
        make.refresh()
        revision = request.revisions.latest("number")
        assert [item.attestation for item in revision.evidence.all()] == [sent]
        assert revision.result == "pass"


class TestTooMuchEvidence:
    def test_is_refused_with_what_to_do(self, stage: make.Stage) -> None:
        request = make.ask()
        make.send_junk(by=cast.runner(), count=revise.MAX_EVIDENCE - 1)
        make.refresh()
        assert request.revisions.latest("number").evidence.count() == revise.MAX_EVIDENCE
        make.send_junk(by=cast.runner(), now=make.NOW.replace(minute=59))
        with pytest.raises(Conflict) as refused:
            is_outdated(request.revisions.latest("number"))
        assert refused.value.code == "evidence.too_many"
        assert "build again" in refused.value.reason
        assert "build again" in page_of(request)
        with pytest.raises(Conflict):
            make.ask()
