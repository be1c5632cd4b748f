"""Evidence that proves nothing counts for the team that sent it, and for nobody else."""

from __future__ import annotations

import json
import re
from datetime import datetime

import pytest
from django.test import Client
from django.urls import reverse

from approvals.models import Request, RequestState
from approvals.requests import revise
from approvals.requests.refresh import is_outdated, list_behind
from attestations.admission import MAX_OF_OTHERS
from attestations.blobs import bytes_of
from attestations.drain import drain
from attestations.models import Attestation, Submission, Verdict
from attestations.queries import latest_verdict
from attestations.reverify import spread_reverifications
from identities.lifecycle.change_status import suspend_identity
from identities.models import Identity
from identities.register import register_signer
from portal.demo.instance import Workload, build_provenance
from proofs.errors import Conflict
from proofs.keys import key_id_of
from proofs.statement import STATEMENT_V1
from tests import cast
from tests import make_approvals as make
from tests.make_attestations import make_signer, register_key

pytestmark = pytest.mark.django_db
LATE = make.NOW.replace(minute=59)
LIVE = re.compile(r'<section class="card live".*?</section>', re.DOTALL)

SUBJECT = [{"name": "payments/api:1.4.2", "digest": {"sha256": make.image().partition(":")[2]}}]


def spread_all(*, now: datetime) -> None:
    """Let whatever an order touches be verified again."""
    while spread_reverifications(now=now):
        pass
    while drain(clock=lambda: now, limit=50):
        pass


def latest(attestation: Attestation) -> Verdict:
    verdict = latest_verdict(attestation)
    assert verdict is not None
    return verdict


@pytest.fixture
def stage() -> make.Stage:
    stage = make.set_stage()
    make.send_provenance(stage)
    return stage


def page_of(request: Request) -> str:
    """The review page and what comes in beside it."""
    client = Client()
    client.force_login(cast.account_of(cast.carol()))
    pages = [client.get(reverse(name, args=[request.pk])) for name in ("approvals:request", "approvals:request_live")]
    return "".join(page.content.decode() for page in pages)


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
        assert not is_outdated(request.revisions.get(), now=make.NOW)
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
        assert not is_outdated(request.revisions.get(), now=make.NOW)

    def test_of_the_own_team_counts_although_nobody_knows_its_signer(self, stage: make.Stage) -> None:
        request = make.ask()
        make.approve(request, cast.alice())
        make.send_of_a_stranger(stage, by=cast.runner())
        assert is_outdated(request.revisions.get(), now=make.NOW)

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
        assert is_outdated(request.revisions.get(), now=make.NOW)


class TestWhatAnotherTeamSigns:
    def test_cannot_fill_up_a_request(self, stage: make.Stage) -> None:
        request = make.ask()
        make.approve(request, cast.alice())
        make.register_stranger()
        theirs = make.send_of_a_stranger(stage, by=make.other_teams_bot())
        assert theirs.verdicts.get().signer == make.other_teams_bot()
        make.copy_evidence(theirs, count=revise.MAX_EVIDENCE)
        assert not is_outdated(request.revisions.get(), now=make.NOW)
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
        named = make.POLICY.replace(cast.WORKFLOW, fork).replace("https://github.com/payments/api", "https://github.com/intern/fork")
        stage = make.set_stage(source=named)
        make.register_stranger()
        sent = make.send_of_a_stranger(stage, by=make.other_teams_bot())
        make.copy_evidence(sent, count=MAX_OF_OTHERS + 1)
        assert make.ask().revisions.get().evidence.count() == 2 + MAX_OF_OTHERS
        make.copy_evidence(make.send_of_a_stranger(stage, by=make.other_teams_bot(), now=LATE), count=revise.MAX_EVIDENCE)
        with pytest.raises(Conflict) as refused:
            make.ask()
        assert refused.value.code == "evidence.too_many"

    def test_whoever_calls_our_workflow_from_elsewhere_is_a_stranger(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        request = make.ask()
        make.approve(request, cast.alice())
        called = Workload(stage.workload.identity, "https://github.com/intern/fork", "9" * 40, stage.workload.ref)
        statement = build_provenance(called, (("payments/api:1.4.2", make.image().partition(":")[2]),))
        sent = make.send(stage.instance.sign_as(called, statement, at=LATE), by=make.other_teams_bot(), now=LATE)
        make.copy_evidence(sent, count=revise.MAX_EVIDENCE)
        make.refresh(now=LATE)
        assert request.revisions.count() == 1
        assert make.ask(tag="1.4.2", note="Again", now=LATE).revisions.get().evidence.count() <= 1 + MAX_OF_OTHERS


class TestCopies:
    """Anybody can spell a published bundle anew, and each spelling is evidence of its own."""

    @staticmethod
    def respell(stage: make.Stage, *, by: Identity, count: int = 3, last: Identity | None = None) -> tuple[list[Attestation], Attestation]:
        """`by` sends spaced copies of our bundle, before the runner, or `last`, sends it as it is; return them and that one."""
        statement = build_provenance(stage.workload, (("payments/api:1.4.2", make.image().partition(":")[2]),))
        bundle = stage.instance.sign_as(stage.workload, statement, at=make.NOW)
        copies = [make.send(bundle + b" " * spaces, by=by, now=make.NOW) for spaces in range(1, count + 1)]
        return copies, make.send(bundle, by=last, now=LATE)

    def test_that_others_sent_count_once_and_the_teams_own_first(self) -> None:
        stage = make.set_stage()
        copies, own = self.respell(stage, by=make.other_teams_bot())
        request = make.ask(now=LATE)
        revision = request.revisions.get()
        assert [item.attestation for item in revision.evidence.all()] == [own]
        make.approve(request, cast.alice(), now=LATE)
        beside = next(part for part in LIVE.findall(page_of(request)) if "not part of this request" in part)
        assert "3 items are copies of evidence that counts already" in beside
        assert all(copy.pk in beside for copy in copies)

    def test_the_first_received_counts_where_the_team_sent_none(self) -> None:
        stage = make.set_stage()
        copies, _ = self.respell(stage, by=make.other_teams_bot(), last=make.other_teams_bot())
        assert [item.attestation for item in make.ask(now=LATE).revisions.get().evidence.all()] == copies[:1]

    def test_fill_up_nothing_and_leave_answers_standing(self, stage: make.Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        request = make.ask()
        make.approve(request, cast.alice())
        self.respell(stage, by=make.other_teams_bot(), count=5)
        monkeypatch.setattr(revise, "MAX_EVIDENCE", 3)
        assert not is_outdated(request.revisions.get(), now=make.NOW)
        make.refresh(now=LATE)
        assert request.revisions.count() == 1

    def test_do_not_keep_a_request_nobody_has_answered_behind(self) -> None:
        stage = make.set_stage()
        self.respell(stage, by=make.other_teams_bot())
        make.ask(now=LATE)
        assert not list_behind().exists()

    def test_that_the_team_sent_itself_count_each(self) -> None:
        stage = make.set_stage()
        self.respell(stage, by=cast.runner())
        assert make.ask(now=LATE).revisions.get().evidence.count() == 4

    def test_whose_signer_answers_goes_before_an_earlier_one_whose_signer_does_not(self) -> None:
        # A key's signature carries no time, so that the same statement counts as signed when it came in.
        bot, signer = make.other_teams_bot(), make_signer()
        register_signer(identity=bot, public_key_pem=signer.pem, by=None, now=make.NOW)
        make.set_stage()
        statement = {"_type": STATEMENT_V1, "subject": SUBJECT, "predicateType": make.TEST_RESULT, "predicate": {}}
        first = make.send(signer.sign(json.dumps(statement).encode()), by=bot)
        assert [item.attestation for item in make.ask().revisions.get().evidence.all()] == [first]
        cast.let_attest(bot, now=LATE)
        second = make.send(signer.sign(json.dumps(statement).encode()), by=bot, now=LATE)
        assert [item.attestation for item in make.ask(now=LATE).revisions.get().evidence.all()] == [second]


class TestAFindingAboutWhatOthersSigned:
    @pytest.fixture
    def looked_at(self, stage: make.Stage) -> bytes:
        """A statement by another team's registered key that verifies with something to look at."""
        bot, signer = make.other_teams_bot(), make_signer()
        register_signer(identity=bot, public_key_pem=signer.pem, by=None, now=make.NOW)
        cast.let_attest(bot, now=make.NOW)
        statement = {"_type": STATEMENT_V1, "subject": SUBJECT, "predicateType": "https://slsa.dev/provenance/v0.1", "predicate": {}}
        return signer.sign(json.dumps(statement).encode())

    def test_leaves_an_approval_standing(self, looked_at: bytes) -> None:
        request = make.ask()
        make.approve(request, cast.alice())
        sent = make.send(looked_at, by=make.other_teams_bot(), now=LATE)
        verdict = sent.verdicts.get()
        assert (verdict.result, verdict.findings.filter(outcome="review").exists()) == ("verified", True)
        assert not is_outdated(request.revisions.get(), now=make.NOW)
        make.refresh(now=LATE)
        assert (request.revisions.count(), RequestState.objects.get(request=request).status) == (1, "approved")

    def test_ends_it_where_the_team_sends_it_itself(self, looked_at: bytes) -> None:
        request = make.ask()
        make.approve(request, cast.alice())
        make.send(looked_at, now=LATE)
        assert is_outdated(request.revisions.get(), now=make.NOW)

    def test_leaves_a_rejection_standing_although_it_gives_the_rule_another_reason(self) -> None:
        stage = make.set_stage()
        request = make.ask()
        passkey, key = make.enrol(cast.alice())
        make.complete(make.begin(request, cast.alice(), key, decision="reject", reason="Not built here."), passkey)
        make.register_stranger()
        make.send_of_a_stranger(stage, by=make.other_teams_bot(), now=LATE)
        assert not is_outdated(request.revisions.get(), now=make.NOW)


class TestWhoeverIsRegisteredAndDoesNotAnswer:
    def test_still_says_no_whoever_sent_it(self) -> None:
        bot, scanner = make.other_teams_bot(), make_signer()
        service = register_key(scanner)
        source = make.POLICY.replace(make.SLSA, make.TEST_RESULT)
        source = (
            source[: source.index("      - issuer")]
            + f"      - keyId: {key_id_of(scanner.spki)}\n"
            + source[source.index("  - id: approval") :]
        )
        make.set_stage(source=source)
        statement = {"_type": STATEMENT_V1, "subject": SUBJECT, "predicateType": make.TEST_RESULT, "predicate": {"result": "FAILED"}}
        failed = make.send(scanner.sign(json.dumps(statement).encode()), by=bot)
        suspend_identity(identity=service, reason="leaked", by=None, now=LATE)
        spread_all(now=LATE)
        assert latest(failed).signer is None
        assert [item.attestation for item in make.ask(now=LATE).revisions.get().evidence.all()] == [failed]


class TestOwnRejectedEvidence:
    def test_is_shown_and_counts(self, stage: make.Stage) -> None:
        request = make.ask()
        make.approve(request, cast.alice())
        make.send_junk(by=cast.runner())
        assert is_outdated(request.revisions.get(), now=make.NOW)
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
            is_outdated(request.revisions.latest("number"), now=make.NOW)
        assert refused.value.code == "evidence.too_many"
        assert "build again" in refused.value.reason
        assert "build again" in page_of(request)
        with pytest.raises(Conflict):
            make.ask()
