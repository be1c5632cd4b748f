"""What shuts a gate although the paper is in order: answers given later, roles lost, signers revoked, evidence still unread."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from approvals.models import Request
from approvals.requests.open_request import AskedArtifact, open_request
from attestations.drain import drain
from attestations.models import VerificationJob
from attestations.receive import receive_attestation
from gates import decide as gate
from gates.decide import decide
from gates.models import Decision
from identities.models import EvidenceSigner, Identity, Project, RoleAssignment
from identities.people.roles import end_role, grant_role
from ledger.publish import publish_checkpoint
from portal.demo.instance import build_provenance
from proofs.statement import MAX_CLAIMED
from tests import cast
from tests import make_approvals as make
from tests.make_attestations import make_signer, make_statement
from tests.make_observations import observe, runs, said
from tests.proofs.formats import as_pep740

pytestmark = pytest.mark.django_db

LATER = make.NOW + timedelta(seconds=30)


def ask_gate(project: str = "") -> Decision:
    return decide(
        digest=make.image(),
        environment_slug="production",
        project_slug=project,
        by=cast.runner(),
        now=make.NOW + timedelta(minutes=1),
    )


def codes(decision: Decision) -> list[str]:
    return [reason["code"] for reason in decision.reasons]


def answer_no(request: Request, person: Identity) -> None:
    passkey, key = make.enrol(person)
    publish_checkpoint(now=LATER)
    make.complete(make.begin(request, person, key, decision="reject", reason="It is malware.", now=LATER), passkey, now=LATER)
    publish_checkpoint(now=LATER)


def ask_for(project: Project, digest: str, name: str) -> Request:
    artifacts = [AskedArtifact(digest, name)]
    return open_request(project=project, environment=cast.production(), title=name, artifacts=artifacts, by=cast.bob(), now=make.NOW)


@pytest.fixture
def stage() -> make.Stage:
    stage = make.set_stage()
    make.send_provenance(stage)
    return stage


@pytest.fixture
def other_project(stage: make.Stage) -> Project:
    """A second project of the team that may go to the same environment, under a policy that asks for no evidence."""
    return make.toy()


class TestAnswers:
    def test_a_later_no_on_an_older_request_shuts_it(self, stage: make.Stage) -> None:
        older, newer = make.ask(), make.ask(now=make.NOW + timedelta(seconds=1))
        make.approve(newer, cast.alice(), now=make.NOW + timedelta(seconds=2))
        assert ask_gate().outcome == "allow"
        answer_no(older, cast.person("kim", "Kim Osei", "approver:release"))
        assert codes(ask_gate()) == ["approval.decision"]

    def test_a_yes_after_a_no_opens_it_again(self, stage: make.Stage) -> None:
        first = make.ask()
        answer_no(first, cast.person("kim", "Kim Osei", "approver:release"))
        again = make.ask(now=LATER + timedelta(seconds=1))
        make.approve(again, cast.alice(), now=LATER + timedelta(seconds=2))
        assert ask_gate().outcome == "allow"


class TestProjects:
    def test_several_projects_need_a_name(self, stage: make.Stage, other_project: Project) -> None:
        make.approve(make.ask(), cast.alice())
        assert codes(ask_gate()) == ["scope.project"]
        assert ask_gate("payments-api").outcome == "allow"

    def test_another_projects_approval_does_not_open_it(self, stage: make.Stage, other_project: Project) -> None:
        toy_request = open_request(
            project=other_project,
            environment=cast.production(),
            title="toy",
            artifacts=[AskedArtifact(make.image(), "toy")],
            by=cast.bob(),
            now=make.NOW,
        )
        make.approve(toy_request, cast.alice())
        assert codes(ask_gate("payments-api")) == ["approval.missing"]
        assert ask_gate("toy").outcome == "allow"

    def test_a_project_nobody_knows_has_no_policy(self, stage: make.Stage) -> None:
        assert codes(ask_gate("mars")) == ["policy.missing"]


class TestPeople:
    def test_a_role_that_was_signed_for_and_lost_no_longer_counts(self, stage: make.Stage) -> None:
        alice = cast.alice()
        make.approve(make.ask(), alice)
        grant_role(identity=alice, role="approver:security", team=cast.payments(), by=None, now=LATER)
        end_role(assignment=RoleAssignment.objects.get(identity=alice, role="approver:release"), by=None, now=LATER)
        assert codes(ask_gate()) == ["signer.role_lost"]


class TestEvidence:
    @pytest.mark.parametrize(
        ("status", "outcome"),
        [(Identity.Status.SUSPENDED, "deny"), (Identity.Status.RETIRED, "allow")],
    )
    def test_a_suspended_signer_shuts_it_and_one_retired_later_does_not(self, stage: make.Stage, status: str, outcome: str) -> None:
        make.approve(make.ask(), cast.alice())
        caller = cast.person("olaf", "Olaf Lund", "auditor")
        Identity.objects.filter(pk=cast.runner().pk).update(status=status, retired_at=LATER)
        decision = decide(digest=make.image(), environment_slug="production", by=caller, now=make.NOW + timedelta(minutes=1))
        assert decision.outcome == outcome

    def test_who_asked_must_still_answer_for_it(self, stage: make.Stage) -> None:
        make.approve(make.ask(), cast.alice())
        asked = {"digest": make.image(), "environment_slug": "production", "by": cast.runner(), "now": make.NOW + timedelta(minutes=1)}
        Identity.objects.filter(pk=cast.runner().pk).update(owner=cast.carol())
        assert codes(decide(**asked)) == []
        Identity.objects.filter(pk=cast.bob().pk).update(status=Identity.Status.SUSPENDED)
        assert codes(decide(**asked)) == ["requester.suspended"]

    def test_an_orphan_shuts_it(self, stage: make.Stage) -> None:
        make.approve(make.ask(), cast.alice())
        caller = cast.person("olaf", "Olaf Lund", "auditor")
        Identity.objects.filter(pk=cast.runner().owner_id).update(
            status=Identity.Status.RETIRED, retired_at=make.NOW + timedelta(seconds=30)
        )
        decision = decide(digest=make.image(), environment_slug="production", by=caller, now=make.NOW + timedelta(minutes=1))
        assert codes(decision) == ["evidence.signer_orphaned"]

    def test_a_revoked_signer_shuts_it(self, stage: make.Stage) -> None:
        make.approve(make.ask(), cast.alice())
        EvidenceSigner.objects.filter(identity=cast.runner()).update(revoked_at=LATER)
        assert codes(ask_gate()) == ["evidence.signer_revoked"]

    @pytest.mark.parametrize("since", [timedelta(0), timedelta(hours=-1)], ids=["from now on", "from before it was registered"])
    def test_so_does_one_that_was_registered_after_it_had_signed(self, since: timedelta) -> None:
        stage = make.set_stage()
        provenance = build_provenance(stage.workload, (("payments/api:1.4.2", make.image().partition(":")[2]),))
        early = stage.instance.sign_as(stage.workload, provenance, at=make.NOW - timedelta(hours=2))
        receive_attestation(content=early, by=cast.runner(), now=make.NOW)
        drain(clock=lambda: make.NOW, limit=10)
        make.approve(make.ask(), cast.alice())
        assert ask_gate().outcome == "allow"
        EvidenceSigner.objects.filter(identity=cast.runner()).update(revoked_at=LATER + since)
        assert codes(ask_gate()) == ["evidence.signer_revoked"]

    def test_evidence_nobody_has_verified_yet_is_waited_for(self, stage: make.Stage) -> None:
        make.approve(make.ask(), cast.alice())
        workload = stage.workload
        again = build_provenance(workload, (("payments/api:1.4.2", make.image().partition(":")[2]),))
        receive_attestation(content=stage.instance.sign_as(workload, again, at=LATER), by=cast.runner(), now=LATER)
        assert codes(ask_gate()) == ["evidence.pending"]

    @pytest.mark.parametrize(("by", "shut"), [("us", ["evidence.pending"]), ("others", [])])
    def test_so_is_what_the_team_sent_that_is_too_large_to_be_searched(self, by: str, shut: list[str], stage: make.Stage) -> None:
        make.approve(make.ask(), cast.alice())
        signer = make_signer()
        sender = cast.runner() if by == "us" else make.other_teams_bot()
        large = make_statement("another.tar", predicate={"passedTests": ["t"] * (MAX_CLAIMED + 1)})
        sent, _ = receive_attestation(content=signer.sign(large), by=sender, now=LATER)
        assert codes(ask_gate()) == shut
        drain(clock=lambda: LATER, limit=10)
        assert (sent.verdicts.get().code, codes(ask_gate())) == ("dsse.key_unknown", [])
        VerificationJob.objects.filter(pk=sent.pk).update(state=VerificationJob.State.WAITING)
        assert codes(ask_gate()) == shut

    def test_what_no_signer_could_make_good_is_not(self, stage: make.Stage) -> None:
        make.approve(make.ask(), cast.alice())
        for statement in (b'{"_type": "link"}', make_statement().replace(b"sha256", b"blake3")):
            receive_attestation(content=make_signer().sign(statement), by=cast.runner(), now=LATER)
        assert codes(ask_gate()) == []

    def test_so_is_an_attestation_of_pep_740(self, stage: make.Stage) -> None:
        make.approve(make.ask(), cast.alice())
        again = build_provenance(stage.workload, (("payments/api:1.4.2", make.image().partition(":")[2]),))
        content = json.dumps(as_pep740(stage.instance.sign_as(stage.workload, again, at=LATER))).encode()
        receive_attestation(content=content, by=cast.runner(), now=LATER)
        assert codes(ask_gate()) == ["evidence.pending"]

    def test_unread_evidence_about_something_else_is_not(self, stage: make.Stage) -> None:
        make.approve(make.ask(), cast.alice())
        other = build_provenance(stage.workload, (("payments/api:9", make.image("9").partition(":")[2]),))
        receive_attestation(content=stage.instance.sign_as(stage.workload, other, at=LATER), by=cast.runner(), now=LATER)
        assert ask_gate().outcome == "allow"


class TestPath:
    def test_a_name_that_leads_elsewhere_shuts_it_until_it_was_seen_mended(self, stage: make.Stage) -> None:
        make.approve(make.ask(), cast.alice())
        observe(said(at=make.NOW))
        assert ask_gate().outcome == "allow"
        observe(said(digest=make.image("another"), at=LATER), now=LATER)
        decision = ask_gate()
        assert (decision.outcome, codes(decision)) == ("deny", ["path.digest_differs"])
        assert make.image() in decision.reasons[0]["sentence"] and make.image("another") in decision.reasons[0]["sentence"]
        observe(said(at=LATER + timedelta(seconds=1)), now=LATER + timedelta(seconds=1))
        assert ask_gate().outcome == "allow"

    def test_a_date_ahead_of_its_arrival_keeps_it_open_no_longer(self, stage: make.Stage) -> None:
        make.approve(make.ask(), cast.alice())
        observe(said(at=LATER), now=LATER - timedelta(minutes=2))
        assert ask_gate().outcome == "allow"
        observe(said(digest=make.image("another"), at=LATER - timedelta(minutes=1)), now=LATER - timedelta(minutes=1))
        assert codes(ask_gate()) == ["path.digest_differs"]

    def test_a_package_url_and_the_place_an_index_keeps_it_at_are_one_name(self, stage: make.Stage) -> None:
        request = open_request(
            project=cast.payments_api(),
            environment=cast.production(),
            title="app",
            artifacts=[AskedArtifact(make.image(), "pkg:npm/%40acme/app@1.2.0")],
            by=cast.bob(),
            now=make.NOW,
        )
        make.approve(request, cast.alice())
        kept = {"kind": "package-index", "location": "npm.example/@acme/app", "reference": "1.2.1"}
        observe(said(digest=make.image("another"), at=LATER, **kept), now=LATER)
        assert ask_gate().outcome == "allow"
        observe(said(digest=make.image("another"), at=LATER, **{**kept, "reference": "1.2.0"}), now=LATER)
        decision = ask_gate()
        assert (decision.outcome, codes(decision)) == ("deny", ["path.digest_differs"])

    def test_another_projects_no_does_not_settle_where_our_name_leads(self, stage: make.Stage, other_project: Project) -> None:
        make.approve(make.ask(), cast.alice())
        theirs = ask_for(other_project, make.image(), "x")
        observe(said(digest=make.image("another"), at=LATER + timedelta(seconds=1)), now=LATER + timedelta(seconds=2))
        assert codes(ask_gate("payments-api")) == ["path.digest_differs"]
        answer_no(theirs, cast.person("tim", "Tim Lang", "approver:release", project=other_project))
        assert codes(ask_gate("payments-api")) == ["path.digest_differs"]

    def test_nor_does_its_yes_to_another_digest_under_our_name(self, stage: make.Stage, other_project: Project) -> None:
        make.approve(make.ask(), cast.alice())
        observe(said(digest=make.image("another"), at=LATER), now=LATER)
        tim = cast.person("tim", "Tim Lang", "approver:release", project=other_project)
        make.approve(ask_for(other_project, make.image("another"), "payments/api:1.4.2"), tim, now=LATER)
        assert codes(ask_gate("payments-api")) == ["path.digest_differs"]

    def test_another_teams_observer_shuts_nothing(self, stage: make.Stage) -> None:
        make.approve(make.ask(), cast.alice())
        observe(said(digest=make.image("another"), at=LATER), by=make.other_teams_bot(), now=LATER)
        assert ask_gate().outcome == "allow"

    def test_what_runs_unapproved_does_not_keep_the_approved_out(self, stage: make.Stage) -> None:
        make.approve(make.ask(), cast.alice())
        observe(runs(tag="1.4.3", at=LATER), now=LATER)
        assert ask_gate().outcome == "allow"


class TestBreaking:
    def test_whatever_breaks_inside_is_a_recorded_no(self, stage: make.Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        make.approve(make.ask(), cast.alice())

        def breaks(*args: object, **kwargs: object) -> None:
            raise KeyError("an old row of another shape")

        monkeypatch.setattr(gate, "check_present_facts", breaks)
        decision = ask_gate()
        assert codes(decision) == ["gate.error"]
        assert decision.entry.event == "gate.decision"
