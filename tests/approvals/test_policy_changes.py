"""A policy comes into force by two of its owners, through the same machine as a release; and by nothing less."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from structlog.testing import capture_logs

from approvals.changes.end_overtaken import end_overtaken
from approvals.changes.propose_policy import propose_policy
from approvals.models import Approval, PolicyActivation, RequestState
from approvals.policies.versions import activate_policy, activation_in_force, mode_of, was_one_person
from approvals.requests.refresh import refresh_requests
from approvals.requests.status import compute_standing
from approvals.requests.withdraw import withdraw_request
from attestations.blobs import bytes_of
from attestations.models import Blob
from gates.decide import decide
from identities.models import Environment
from identities.people.roles import end_role, grant_role
from ledger.recorder import recorder_key
from proofs.approval.portal_statement import parse_portal_statement
from proofs.canonical import parse_canonical, parse_json
from proofs.dsse import parse_envelope, verify_envelope
from proofs.errors import Refusal
from proofs.keys import load_spki
from tests import cast
from tests import make_approvals as make
from tests import make_changes as changes

pytestmark = pytest.mark.django_db
NOW = make.NOW


def refused(code: str) -> pytest.RaisesExc[Refusal]:
    return pytest.raises(Refusal, match=f"^{code}: ")


def in_force() -> PolicyActivation:
    activation = activation_in_force(project=cast.payments_api(), environment=cast.production())
    assert activation is not None
    return activation


@pytest.fixture
def stage() -> make.Stage:
    """A policy in force, and two owners of it from then on."""
    stage = make.set_stage()
    changes.frank()
    return stage


class TestTwoOwners:
    def test_the_second_answer_puts_it_into_force(self, stage: make.Stage) -> None:
        policy = changes.version(2, count=2)
        request = changes.propose(policy)
        first = changes.answer(request, make.erin())
        assert in_force().policy == stage.policy
        second = changes.answer(request, changes.frank())
        activation = in_force()
        assert (activation.policy, mode_of(activation), activation.request) == (policy, "enforce", request)
        assert not was_one_person(activation)
        assert compute_standing(request, now=NOW).status == RequestState.Status.APPROVED
        envelope = parse_envelope(parse_json(bytes(activation.statement or b"")))
        verify_envelope(envelope, [load_spki(recorder_key().spki)])
        statement = parse_portal_statement(envelope.payload)
        assert statement.records == tuple(sorted([first.record.digest, second.record.digest]))
        assert (statement.request, statement.portal, statement.change.digest) == (request.pk, settings.ORIGIN, policy.digest)
        assert activation.entry_id > second.record.entry_id

    def test_neither_of_them_has_to_be_the_proposer(self, stage: make.Stage) -> None:
        third = cast.person("gina", "Gina Roth", "policy-owner")
        request = changes.propose(changes.version(2), by=third)
        changes.answer(request, make.erin())
        changes.answer(request, changes.frank())
        assert in_force().request == request

    def test_one_person_alone_is_refused_by_the_old_way_and_does_not_suffice_by_the_new(self, stage: make.Stage) -> None:
        policy = changes.version(2)
        with refused("policy.two_owners_required"):
            activate_policy(policy=policy, project=cast.payments_api(), environment=cast.production(), by=make.erin(), now=NOW)
        request = changes.propose(policy)
        changes.answer(request, make.erin())
        with refused("approval.already_answered"):
            changes.answer(request, make.erin())
        assert in_force().policy == stage.policy

    def test_only_policy_owners_propose_and_answer(self, stage: make.Stage) -> None:
        policy = changes.version(2)
        for person in (cast.alice(), cast.dave(), cast.bob(), cast.runner()):
            with refused("permission.missing"):
                changes.propose(policy, by=person)
        request = changes.propose(policy)
        for person in (cast.alice(), cast.dave()):
            with refused("permission.missing"):
                changes.answer(request, person)

    def test_an_owner_answers_no_release(self, stage: make.Stage) -> None:
        make.send_provenance(stage)
        with refused("permission.missing"):
            changes.answer(make.ask(), make.erin())

    def test_a_no_closes_it(self, stage: make.Stage) -> None:
        request = changes.propose(changes.version(2))
        changes.answer(request, make.erin())
        changes.answer(request, changes.frank(), decision="reject", reason="Too loose.")
        assert compute_standing(request, now=NOW).status == RequestState.Status.REJECTED
        assert in_force().policy == stage.policy

    def test_what_is_in_effect_is_answered_no_more(self, stage: make.Stage) -> None:
        request = changes.change(changes.version(2))
        with refused("request.in_effect"):
            changes.answer(request, cast.person("gina", "Gina Roth", "policy-owner"), decision="reject", reason="Late.")
        # Taken back it would read as withdrawn, and stay in force.
        with refused("request.in_effect"):
            withdraw_request(request=request, reason="No more.", by=request.requester, now=NOW)
        later = NOW + timedelta(days=40)
        assert compute_standing(request, now=later).status == RequestState.Status.APPROVED

    def test_an_older_version_comes_back_the_same_way(self, stage: make.Stage) -> None:
        changes.change(changes.version(2))
        changes.change(stage.policy, now=NOW + timedelta(minutes=5))
        assert in_force().policy == stage.policy

    def test_the_mode_comes_into_force_with_it(self, stage: make.Stage) -> None:
        request = changes.change(stage.policy, mode="warn")
        assert mode_of(in_force()) == "warn"
        subject = parse_canonical(bytes(request.subject.content if request.subject else b""))
        assert subject["differences"] == [{"rule": "", "change": "loosened", "loosens": True, "words": "mode enforce → warn: loosened"}]

    def test_nobody_holds_it_up_with_evidence_about_it(self, stage: make.Stage) -> None:
        """It is about one document; what the team's programs send about that takes no answer back."""
        request = changes.propose(changes.version(2))
        changes.answer(request, make.erin())
        make.send_lie(stage, digest=request.artifacts.get().artifact_id)
        refresh_requests(now=make.NOW + timedelta(minutes=1))
        assert (request.revisions.count(), compute_standing(request, now=make.NOW).approvals) == (1, 1)
        changes.answer(request, changes.frank())
        assert in_force().request == request


class TestWhatPeopleSign:
    def test_the_snapshot_says_what_is_loosened_first(self, stage: make.Stage) -> None:
        policy = changes.version(2, count=2, **{"validityHours:_72": "validityHours: 168"})
        request = changes.propose(policy)
        revision = request.revisions.get()
        told = parse_canonical(bytes(revision.snapshot.content))["subject"]["differences"]
        assert [item["words"] for item in told] == [
            "validity 72 h → 168 h: loosened",
            "Release approvers: how many approve 1 → 2: tightened",
        ]

    def test_the_pack_of_a_change_verifies(self, stage: make.Stage) -> None:
        from approvals.packs.build import build_pack
        from approvals.trust import current_trust
        from proofs.pack.verify import verify_pack

        request = changes.change(changes.version(2))
        files = build_pack(request=request, now=NOW)
        assert request.subject is not None
        report = verify_pack(files, trust=current_trust(), digest=f"sha256:{request.subject.digest}", environment="production", at=NOW)
        assert [item.username for item in report.approvals] == ["erin", "frank"]


class TestOneOwner:
    def test_a_single_answer_suffices_and_is_marked(self) -> None:
        make.set_stage()
        request = changes.propose(changes.version(2))
        changes.answer(request, make.erin())
        assert in_force().request == request
        assert was_one_person(in_force())

    def test_a_second_owner_who_comes_meanwhile_is_asked_too(self) -> None:
        stage = make.set_stage()
        request = changes.propose(changes.version(2))
        changes.frank()
        with refused("request.stale_snapshot"):
            changes.answer(request, make.erin())
        refresh_requests(now=NOW)
        changes.answer(request, make.erin())
        assert in_force().policy == stage.policy
        changes.answer(request, changes.frank())
        assert in_force().request == request

    def test_where_the_second_owner_leaves_the_next_revision_asks_one(self) -> None:
        make.set_stage()
        frank = changes.frank()
        request = changes.propose(changes.version(2))
        end_role(assignment=frank.roles.get(), by=None, now=NOW)
        refresh_requests(now=NOW)
        changes.answer(request, make.erin())
        assert was_one_person(in_force())


class TestRefusals:
    def test_of_a_mode_there_is_not(self, stage: make.Stage) -> None:
        with refused("policy.mode"):
            changes.propose(changes.version(2), mode="off")

    def test_of_what_is_in_force_already(self, stage: make.Stage) -> None:
        with refused("policy_change.nothing"):
            changes.propose(stage.policy)

    def test_of_another_teams_environment(self, stage: make.Stage) -> None:
        elsewhere = Environment.objects.create(
            slug="theirs", name="Theirs", tier=2, team=cast.Team.objects.create(slug="other", name="Other")
        )
        with refused("request.other_team"):
            propose_policy(policy=stage.policy, project=cast.payments_api(), environment=elsewhere, mode="enforce", by=make.erin(), now=NOW)

    def test_of_a_change_that_another_one_overtook(self, stage: make.Stage) -> None:
        slow, quick = changes.propose(changes.version(2)), changes.propose(changes.version(3, count=2))
        changes.answer(slow, make.erin())
        changes.answer(quick, make.erin())
        changes.answer(quick, changes.frank())
        with refused("policy_change.overtaken"):
            changes.answer(slow, changes.frank())
        assert in_force().request == quick
        assert Approval.objects.filter(revision__request=slow).count() == 1
        assert [end_overtaken(now=NOW), end_overtaken(now=NOW)] == [1, 0]
        assert (compute_standing(slow, now=NOW).status, slow.supersession.by_request) == ("superseded", quick)
        told = parse_canonical(bytes_of(Blob.objects.get(pk=slow.supersession.entry.ref_digest)))
        assert (told["by"], told["reason"]["code"]) == (quick.pk, "policy_change.overtaken")
        with capture_logs() as lines:
            refresh_requests(now=NOW)
        assert lines == []

    def test_an_owner_of_one_project_does_not_decide_for_another(self, stage: make.Stage) -> None:
        toy = cast.Project.objects.create(slug="toy", name="Toy", team=cast.payments())
        small = cast.person("hugo", "Hugo Maas")
        grant_role(identity=small, role="policy-owner", team=cast.payments(), project=toy, by=None, now=NOW)
        with refused("permission.missing"):
            changes.propose(changes.version(2), by=small)


class TestDuringACeremony:
    def test_a_release_is_refused_as_stale_when_a_policy_comes_into_force_meanwhile(self, stage: make.Stage) -> None:
        make.send_provenance(stage)
        release = make.ask()
        passkey, key = make.enrol(cast.alice())
        ceremony = make.begin(release, cast.alice(), key)
        changes.change(changes.version(2, count=2))
        with refused("request.stale_snapshot"):
            make.complete(ceremony, passkey)
        assert not Approval.objects.filter(revision__request=release).exists()
        decision = decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=NOW + timedelta(minutes=1))
        assert decision.outcome == "deny"

    def test_an_approved_release_does_not_outlive_its_policy(self, stage: make.Stage) -> None:
        make.send_provenance(stage)
        make.approve(make.ask(), cast.alice())
        changes.change(changes.version(2, count=2))
        decision = decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=NOW + timedelta(minutes=1))
        assert [reason["code"] for reason in decision.reasons] == ["policy.mismatch"]
