"""Where a project has several policy owners, two of them change its expectations, through the same machine as a policy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from approvals.changes.end_overtaken import end_overtaken
from approvals.changes.propose_expectations import propose_expectations
from approvals.models import ExpectationsActivation, ExpectationsVersion, Request, RequestState
from approvals.packs.build import build_pack
from approvals.policies.expectations import activate_expectations, active_expectations
from approvals.requests.refresh import refresh_requests
from approvals.trust import current_trust
from identities.models import Environment, Identity, Project
from ledger.recorder import recorder_key
from proofs.approval.portal_statement import parse_portal_statement
from proofs.canonical import parse_canonical, parse_json
from proofs.dsse import parse_envelope, verify_envelope
from proofs.errors import Refusal
from proofs.keys import load_spki
from proofs.pack.verify import verify_pack
from tests import cast
from tests import make_approvals as make
from tests import make_changes as changes

pytestmark = pytest.mark.django_db
NOW = make.NOW
LATER = NOW + timedelta(minutes=5)


def source(version: int = 1, workflow: str = "release") -> str:
    return make.EXPECTATIONS.format(version=version, workflow=workflow)


def propose(version: int = 1, workflow: str = "release", *, by: Identity | None = None, now: datetime = NOW) -> Request:
    made = source(version, workflow)
    return propose_expectations(source=made, project=cast.payments_api(), by=by or make.erin(now=now), now=now, note="Because.")


def refused(code: str) -> pytest.RaisesExc[Refusal]:
    return pytest.raises(Refusal, match=f"^{code}: ")


@pytest.fixture
def stage() -> make.Stage:
    """A policy that leaves it to the project, and two owners."""
    stage = make.set_stage(source=make.BY_PROJECT)
    changes.frank()
    return stage


def change(version: int = 1, workflow: str = "release", *, now: datetime = NOW) -> Request:
    request = propose(version, workflow, now=now)
    for person in (make.erin(), changes.frank()):
        changes.answer(request, person, now=now)
    return request


class TestTwoOwners:
    def test_the_second_answer_puts_them_into_force_and_requests_go_on_by_themselves(self, stage: make.Stage) -> None:
        make.send_provenance(stage)
        waiting = make.ask()
        with refused("policy.two_owners_required"):
            activate_expectations(source=source(), project=cast.payments_api(), by=make.erin(), now=NOW)
        request = propose()
        first = changes.answer(request, make.erin())
        assert active_expectations(cast.payments_api()) is None
        second = changes.answer(request, changes.frank())
        activation = ExpectationsActivation.objects.get()
        assert active_expectations(cast.payments_api()) == activation.expectations
        assert (activation.request, activation.entry.event) == (request, "expectations.activated")
        envelope = parse_envelope(parse_json(bytes(activation.statement or b"")))
        verify_envelope(envelope, [load_spki(recorder_key().spki)])
        statement = parse_portal_statement(envelope.payload)
        assert statement.records == tuple(sorted([first.record.digest, second.record.digest]))
        assert (statement.request, statement.expectations.digest) == (request.pk, activation.expectations_id)
        assert refresh_requests(now=LATER) == 1
        assert RequestState.objects.get(request=waiting).status == "ready"

    def test_one_of_them_is_not_enough_and_nobody_else_may(self, stage: make.Stage) -> None:
        for person in (cast.alice(), cast.dave(), cast.bob(), cast.runner()):
            with refused("permission.missing"):
                propose(by=person)
        assert ExpectationsVersion.objects.count() == 0
        request = propose()
        with refused("permission.missing"):
            changes.answer(request, cast.alice())
        changes.answer(request, make.erin())
        with refused("approval.already_answered"):
            changes.answer(request, make.erin())
        assert ExpectationsActivation.objects.count() == 0

    def test_what_people_sign_says_what_changes_and_the_pack_proves_it(self, stage: make.Stage) -> None:
        change()
        request = change(2, "other", now=LATER)
        subject = parse_canonical(bytes(request.subject.content if request.subject else b""))
        told = [(item["loosens"], item["words"]) for item in subject["differences"]]
        assert [loosens for loosens, _ in told] == [True, False]
        assert "other.yml" in told[0][1] and "accepted from now on" in told[0][1]
        assert "release.yml" in told[1][1] and "accepted no longer" in told[1][1]
        assert subject["previous"]["digest"]["sha256"] == ExpectationsActivation.objects.earliest("pk").expectations_id
        files = build_pack(request=request, now=LATER)
        digest = request.artifacts.get().artifact_id
        report = verify_pack(files, trust=current_trust(), digest=digest, environment=request.environment_id, at=LATER)
        assert len(report.approvals) == 2

    def test_older_ones_come_back_the_same_way_and_the_same_again_is_nothing(self, stage: make.Stage) -> None:
        change()
        change(2, "other", now=LATER)
        with refused("expectations_change.nothing"):
            propose(2, "other")
        change(1, "release", now=LATER + timedelta(minutes=5))
        current = active_expectations(cast.payments_api())
        assert current is not None and current.version == "1"

    def test_what_would_replace_what_is_gone_is_closed_and_cannot_be_answered(self, stage: make.Stage) -> None:
        late, request = propose(2, "other"), propose()
        changes.answer(late, make.erin())
        for person in (make.erin(), changes.frank()):
            changes.answer(request, person, now=LATER)
        with refused("policy_change.overtaken"):
            changes.answer(late, changes.frank(), now=LATER)
        assert end_overtaken(now=LATER) == 1
        assert late.supersession.by_request == request
        current = active_expectations(cast.payments_api())
        assert current is not None and current.version == "1"

    def test_a_change_of_policy_does_not_close_it(self, stage: make.Stage) -> None:
        request = propose()
        changes.change(changes.version(2, source=make.BY_PROJECT), now=LATER)
        assert end_overtaken(now=LATER) == 0
        for person in (make.erin(), changes.frank()):
            changes.answer(request, person, now=LATER)
        assert active_expectations(cast.payments_api()) is not None

    def test_what_is_in_effect_is_answered_and_withdrawn_no_more(self, stage: make.Stage) -> None:
        request = change()
        with refused("request.in_effect"):
            changes.answer(request, cast.person("gina", "Gina Roth", "policy-owner"), decision="reject", reason="Late.")

    def test_they_are_as_sure_as_the_strictest_policy_of_the_project_asks(self, stage: make.Stage) -> None:
        staging = Environment.objects.create(slug="staging", name="Staging", tier=1, team=cast.payments())
        strict = make.TO_STAGING.format(version=1, count=1).replace("minimumAssurance: H2", "minimumAssurance: H3")
        from approvals.policies.versions import record_activation, store_policy

        policy = store_policy(source=strict, by=make.erin(), now=NOW)
        record_activation(
            policy=policy, project=cast.payments_api(), environment=staging, by=make.erin(), one_person=False, now=NOW, mode="enforce"
        )
        request = propose()
        document = parse_canonical(bytes(request.revisions.get().policy.document.content))
        assert document["minimumAssurance"] == "H3"
        assert request.environment == cast.production()


class TestRefused:
    @pytest.mark.parametrize(
        ("made", "code"),
        [
            ("accept: [", "policy.yaml"),
            ("just text", "expectations.malformed"),
            (source().replace("payments-api", "toy"), "expectations.other_project"),
        ],
    )
    def test_what_are_no_expectations_of_this_project(self, made: str, code: str, stage: make.Stage) -> None:
        with refused(code):
            propose_expectations(source=made, project=cast.payments_api(), by=make.erin(), now=NOW)
        assert (ExpectationsVersion.objects.count(), Request.objects.count()) == (0, 0)

    def test_a_project_without_a_policy(self, stage: make.Stage) -> None:
        toy = Project.objects.create(slug="toy", name="Toy", team=cast.payments())
        with refused("policy.missing"):
            propose_expectations(source=source().replace("payments-api", "toy"), project=toy, by=make.erin(), now=NOW)

    def test_another_document_under_a_known_version(self, stage: make.Stage) -> None:
        change()
        with refused("expectations.version_exists"):
            propose(1, "other")


class TestPages:
    """The doors read the real clock, so these stories happen now."""

    TODAY = datetime.now(UTC).replace(microsecond=0)

    @pytest.fixture
    def erin(self) -> Client:
        make.set_stage(source=make.BY_PROJECT, now=self.TODAY)
        changes.frank(now=self.TODAY)
        return cast.let_in(Client(), make.erin(now=self.TODAY))

    def address(self) -> str:
        return f"/policies/expectations/{cast.payments_api().pk}/propose"

    def test_compare_says_what_would_change_and_proposes_nothing(self, erin: Client) -> None:
        page = erin.post(self.address(), {"source": source(), "note": "", "act": "compare"}).content.decode()
        assert "accepted from now on: https://slsa.dev/provenance/v1, signed by" in page
        assert Request.objects.count() == ExpectationsVersion.objects.count() == 0

    def test_propose_opens_the_request_whose_page_says_what_changes(self, erin: Client) -> None:
        answer = erin.post(self.address(), {"source": source(), "note": "We moved.", "act": "propose"})
        request = Request.objects.get()
        assert answer.headers["Location"] == f"/requests/{request.pk}"
        page = erin.get(f"/requests/{request.pk}").content.decode()
        assert "Change of the expectations" in page and "Shall this policy count" not in page
        listed = erin.get("/policies").content.decode()
        assert listed.count(f'href="/requests/{request.pk}"') == 1 and "Propose a change" in listed and "Propose expectations" not in listed
        assert "accepted from now on" in page and "We moved." in page and "nothing: none were in force" in page
        digest = ExpectationsVersion.objects.get().pk
        assert f"/policies/expectations/{digest}" in page
        whole = erin.get(f"/policies/expectations/{digest}").content.decode()
        assert "Not in force" in whole and "Never yet." in whole

    def test_a_mistake_is_told_and_nothing_is_lost(self, erin: Client) -> None:
        made = source().replace("accept:", "accepts:")
        answer = erin.post(self.address(), {"source": made, "note": "", "act": "propose"})
        assert answer.status_code == 400
        page = answer.content.decode()
        assert "accepts" in page and "We" not in page.partition("<main")[0]
        assert (Request.objects.count(), ExpectationsVersion.objects.count()) == (0, 0)

    def test_the_list_says_who_put_them_into_force(self, erin: Client) -> None:
        assert "a rule that leaves it to the project is not met" in erin.get("/policies").content.decode()
        change(now=self.TODAY)
        page = erin.get("/policies").content.decode()
        assert "version 1" in page and page.count("<bdi>Erin Okafor</bdi> and <bdi>Frank Osei</bdi>") == 1
        carol = cast.let_in(Client(), cast.carol(now=self.TODAY)).get("/policies").content.decode()
        assert "Propose expectations" not in carol

    def test_those_of_another_team_are_not_there(self, erin: Client) -> None:
        other = make.other_teams_bot(now=self.TODAY).team
        theirs = Project.objects.create(slug="theirs", name="Theirs", team=other)
        assert erin.get(f"/policies/expectations/{theirs.pk}/propose").status_code == 404
        change(now=self.TODAY)
        stranger = cast.person("otto", "Otto Other", "policy-owner", team=other, now=self.TODAY)
        digest = ExpectationsVersion.objects.get().pk
        assert cast.let_in(Client(), stranger).get(f"/policies/expectations/{digest}").status_code == 404
        assert cast.let_in(Client(), stranger).get(self.address()).status_code == 404
