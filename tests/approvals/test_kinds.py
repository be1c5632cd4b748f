"""Promotions, actions of agents and rotations are asked for under demands of their own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from approvals.models import Approval, Request, Withdrawal
from approvals.pages.life import read_life
from approvals.policies.versions import activate_policy, store_policy
from approvals.requests.open_request import AskedArtifact, open_request
from approvals.requests.status import compute_standing
from approvals.requests.withdraw import withdraw_request
from attestations.blobs import bytes_of
from gates.decide import decide, weigh_requests
from identities.models import Environment, Identity
from proofs.approval.subjects import build_agent_action, build_rotation
from proofs.canonical import parse_canonical
from proofs.errors import Conflict, Refusal
from tests import cast, make_requests
from tests import make_approvals as make
from tests.make_requests import LATER

pytestmark = pytest.mark.django_db


def staging() -> Environment:
    """Where releases go first; the same policy counts there."""
    found = Environment.objects.filter(slug="staging").first()
    if found is not None:
        return found
    place = Environment.objects.create(slug="staging", name="Staging", tier=1, team=cast.payments())
    policy = store_policy(source=make.POLICY.format(version=9, count=1), by=make.erin(), now=make.NOW)
    activate_policy(policy=policy, project=cast.payments_api(), environment=place, by=make.erin(), now=make.NOW)
    return place


def open_with(**changes: Any) -> Request:
    values: dict[str, Any] = {
        "project": cast.payments_api(),
        "environment": cast.production(),
        "title": "payments/api 1.4.2",
        "artifacts": [AskedArtifact(make.image(), "payments/api:1.4.2")],
        "by": cast.bob(),
        "now": LATER,
    }
    return open_request(**{**values, **changes})


def code_of(**changes: Any) -> str:
    with pytest.raises(Refusal) as refused:
        open_with(**changes)
    assert not Request.objects.filter(kind=changes.get("kind", "release"), environment=cast.production()).exists()
    return refused.value.code


def agent(name: str = "fixer", **changes: Any) -> Identity:
    given: dict[str, Any] = {"kind": "agent", "owner": cast.bob(), "team": cast.payments(), "by": None, "now": make.NOW}
    return cast.register_nonhuman(name=name, issuer="https://agents.example", subject=name, **{**given, **changes})


def named(identity: Identity) -> dict[str, str]:
    return {"issuer": identity.issuer, "subject": identity.subject}


def action(who: Identity, **changes: Any) -> bytes:
    given: dict[str, Any] = {
        "tool": "kubectl",
        "arguments": {"replicas": 3},
        "target": "cluster-1",
        "plan_digest": None,
        "agent": named(who),
    }
    return build_agent_action(**{**given, **changes})


def rotation(**changes: Any) -> bytes:
    people = {"initiator": named(cast.bob()), "executor": named(cast.runner())}
    return build_rotation(**{"what": "The release key", "old_keys": ["k1"], "new_keys": ["k2"], **people, **changes})


class TestPromotion:
    def test_goes_on_from_where_it_is_approved(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        first = open_with(environment=staging(), now=make.NOW)
        make.approve(first, cast.alice())
        promotion = open_with(kind="promotion", from_environment=staging())
        document = parse_canonical(bytes_of(promotion.revisions.get().document))
        assert (document["kind"], document["fromEnvironment"]["name"]) == ("promotion", "staging")
        make.approve(promotion, cast.person("ivan", "Ivan Petrov", "approver:release"), now=LATER)
        assert decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=LATER).outcome == "allow"

    def test_refuses_what_is_not_approved_there(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        given: dict[str, Any] = {"kind": "promotion", "from_environment": staging()}
        assert code_of(**given) == "promotion.not_approved_there"
        first = open_with(environment=staging(), now=make.NOW)
        assert code_of(**given) == "promotion.not_approved_there"
        make.approve(first, cast.alice())
        # A no on another request for the same artifact there, later than the yes.
        again = open_with(environment=staging(), now=LATER)
        ivan = cast.person("ivan", "Ivan Petrov", "approver:release")
        passkey, key = make.enrol(ivan)
        make.complete(make.begin(again, ivan, key, decision="reject", reason="It fails.", now=LATER), passkey, now=LATER)
        assert code_of(**given) == "promotion.not_approved_there"
        late = make.NOW + timedelta(hours=73)
        assert code_of(**given, now=late) == "promotion.not_approved_there"

    def test_refuses_without_an_origin_or_with_the_wrong_one(self) -> None:
        make.set_stage()
        assert code_of(kind="promotion") == "promotion.no_origin"
        assert code_of(kind="promotion", from_environment=cast.production()) == "promotion.same_place"
        theirs = Environment.objects.create(slug="their-place", name="Theirs", tier=1, team=make.other_teams_bot().team)
        assert code_of(kind="promotion", from_environment=theirs) == "request.other_team"
        assert code_of(kind="release", from_environment=staging()) == "request.kind"


class TestAgentAction:
    def test_an_agent_asks_for_itself_and_the_approval_is_short(self) -> None:
        make.set_stage(source=make.NO_EVIDENCE)
        fixer = agent()
        request = open_with(kind="agent-action", artifacts=[], subject=action(fixer), by=fixer)
        make.approve(request, cast.alice(), now=LATER)
        approval = Approval.objects.get()
        assert approval.not_after - approval.signed_at == timedelta(minutes=15)
        digest = request.artifacts.get().artifact_id
        place: dict[str, Any] = {"project": cast.payments_api(), "environment": cast.production()}
        # Asked before anybody uses it, so that nothing but the clock is against it.
        opened, against = weigh_requests(digest, **place, now=LATER + timedelta(minutes=16))
        assert (opened, [reason.code for reason in against]) == (request, ["validity.window"])
        assert read_life(request, compute_standing(request, now=LATER), fixer).may_withdraw
        just_in_time = LATER + timedelta(minutes=14)
        assert decide(digest=digest, environment_slug="production", by=cast.runner(), now=just_in_time).outcome == "allow"
        assert not read_life(request, compute_standing(request, now=just_in_time), fixer).may_withdraw
        with pytest.raises(Conflict) as refused:
            withdraw_request(request=request, reason="Too late.", by=fixer, now=just_in_time)
        assert refused.value.code == "approval.used"
        assert not Withdrawal.objects.exists()

    def test_its_platform_may_ask_and_nobody_else(self) -> None:
        make.set_stage(source=make.NO_EVIDENCE)
        fixer = agent()
        given: dict[str, Any] = {"kind": "agent-action", "artifacts": [], "subject": action(fixer)}
        stranger = agent("stranger", kind="service", owner=cast.person("frank", "Frank Adler", "requester"))
        assert code_of(**given, by=cast.bob()) == "agent.not_yours"
        assert code_of(**given, by=stranger) == "agent.not_yours"
        assert open_with(**given, by=agent("platform", kind="service")).kind == "agent-action"

    def test_refuses_an_agent_nobody_registered(self) -> None:
        make.set_stage(source=make.NO_EVIDENCE)
        fixer = agent()
        subjects = [action(fixer, agent={"issuer": "x", "subject": "ghost"}), action(cast.runner())]
        given: dict[str, Any] = {"kind": "agent-action", "artifacts": [], "by": fixer}
        assert [code_of(**given, subject=subject) for subject in subjects] == ["agent.not_registered"] * 2
        assert code_of(**given, subject=action(fixer, executor=named(cast.bob()))) == "agent.executor"
        Identity.objects.filter(pk=fixer.pk).update(status="suspended")
        assert code_of(**{**given, "by": cast.runner()}, subject=action(fixer)) == "agent.not_registered"


class TestRotation:
    def test_a_person_starts_it_and_a_program_carries_it_out(self) -> None:
        make.set_stage(source=make.NO_EVIDENCE)
        request = open_with(kind="rotation", artifacts=[], subject=rotation())
        assert (request.state.status, request.artifacts.count()) == ("ready", 1)
        by_program = open_with(kind="rotation", artifacts=[], subject=rotation(what="Another"), by=cast.runner(), on_behalf_of="bob")
        assert by_program.on_behalf_of == cast.bob()

    def test_refuses_another_initiator_or_executor(self) -> None:
        make.set_stage(source=make.NO_EVIDENCE)
        given: dict[str, Any] = {"kind": "rotation", "artifacts": []}
        assert code_of(**given, subject=rotation(initiator=named(cast.alice()))) == "rotation.initiator"
        assert code_of(**given, subject=rotation(executor=named(cast.alice()))) == "rotation.executor"
        assert code_of(**given, subject=rotation(executor=named(make.other_teams_bot()))) == "rotation.executor"


class TestKind:
    def test_other_kinds_and_mixtures_are_refused(self) -> None:
        make.set_stage(source=make.NO_EVIDENCE)
        for kind in ("policy-change", "exception", "break-glass-review", "party"):
            assert code_of(kind=kind) == "request.kind"
        assert code_of(kind="rotation") == "request.kind"
        assert code_of(kind="rotation", artifacts=[]) == "request.kind"
        assert code_of(subject=rotation()) == "request.kind"


class TestDoors:
    def body(self, **changes: Any) -> dict[str, Any]:
        return {"project": "payments-api", "environment": "production", "title": "It", **changes}

    def post(self, address: str, value: dict[str, Any], by: Identity, *args: str) -> Any:
        headers = {"authorization": f"Bearer {cast.token_of(by, 'requests:write', 'read')}"}
        return Client().post(reverse(f"approvals:{address}", args=args), value, content_type="application/json", headers=headers)

    def test_the_api_opens_an_action(self) -> None:
        make.set_stage(source=make.NO_EVIDENCE)
        fixer = agent()
        subject = parse_canonical(action(fixer))
        answer = self.post("api_requests", self.body(kind="agent-action", subject=subject), fixer)
        assert answer.status_code == 201, answer.content
        assert (answer.json()["kind"], answer.json()["subject"]) == ("agent-action", subject)
        refused = self.post("api_requests", self.body(kind="agent-action", subject={**subject, "more": 1.5}), fixer)
        assert (refused.status_code, refused.json()["code"]) == (400, "json.float")

    def test_a_program_submits_answers_and_withdraws_what_it_asked_for(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        artifacts = [{"digest": make.image(), "name": "payments/api:1.4.2"}]
        opened = self.post("api_requests", self.body(artifacts=artifacts, draft=True), cast.runner()).json()
        assert opened["status"] == "draft"
        assert self.post("api_submission", {}, cast.runner(), opened["id"]).json()["status"] == "ready"
        refused = self.post("api_changes", {"note": "Done."}, cast.runner(), opened["id"])
        assert (refused.status_code, refused.json()["code"]) == (409, "request.no_changes_asked")
        # Another team learns nothing, whatever it sends.
        stranger = make.other_teams_bot()
        for address, field in (("api_changes", "note"), ("api_withdrawal", "reason")):
            answers = [self.post(address, body, stranger, opened["id"]) for body in ({field: "No."}, {field: 7, "more": 1}, {})]
            assert [answer.status_code for answer in answers] == [404] * 3
            assert len({answer.content for answer in answers}) == 1
        assert self.post("api_withdrawal", {"reason": "No."}, cast.runner(), opened["id"]).json()["status"] == "withdrawn"

    def test_a_person_asks_for_each_kind_in_the_browser(self, client: Client) -> None:
        make.set_stage(source=make.NO_EVIDENCE)
        staging()
        client = cast.let_in(client, cast.bob())
        for kind in ("release", "promotion", "rotation"):
            assert client.get(reverse("approvals:request_new"), {"kind": kind}).status_code == 200
        assert client.get(reverse("approvals:request_new"), {"kind": "agent-action"}).status_code == 404
        fields = {
            "title": "Rotate",
            "project": cast.payments_api().pk,
            "environment": cast.production().pk,
            "what": "The release key",
            "executor": cast.runner().pk,
            "old_keys": "k1",
            "new_keys": "k2\nk3",
        }
        address = f"{reverse('approvals:request_new')}?kind=rotation"
        secret = client.post(address, {**fields, "new_keys": "ghp_" + "a" * 36})
        assert (secret.status_code, b"looks like a secret" in secret.content) == (400, True)
        page = client.post(address, fields, follow=True).content.decode()
        assert "Rotation of keys" in page and "The release key" in page and "k3" in page

    def test_withdrawing_submitting_and_answering_in_the_browser(self, client: Client) -> None:
        request = make_requests.draft()
        client = cast.let_in(client, cast.bob())
        page = client.get(reverse("approvals:request", args=[request.pk])).content.decode()
        assert "This is your draft" in page and "Withdraw this request" in page
        assert "Your draft" in client.get(reverse("approvals:queue")).content.decode()
        client.post(reverse("approvals:submit", args=[request.pk]))
        wordless = client.post(reverse("approvals:withdraw", args=[request.pk]), {"reason": ""}, follow=True).content.decode()
        assert "Say in a few words" in wordless
        page = client.post(reverse("approvals:withdraw", args=[request.pk]), {"reason": "A mistake."}, follow=True).content.decode()
        assert "A mistake." in page and "Withdrawn" in page

    def test_the_requester_answers_the_changes_in_the_browser(self, client: Client) -> None:
        request = make_requests.answered("request_changes")
        client = cast.let_in(client, cast.bob())
        assert "Changes are requested" in client.get(reverse("approvals:request", args=[request.pk])).content.decode()
        page = client.post(reverse("approvals:answer_changes", args=[request.pk]), {"note": "Removed it."}, follow=True).content.decode()
        assert "Removed it." in page and "Revision 2" in page

    def test_a_draft_is_in_nobody_elses_queue(self, client: Client) -> None:
        make_requests.draft()
        page = cast.let_in(client, cast.alice()).get(reverse("approvals:queue"), {"show": "done"}).content.decode()
        assert "payments/api 1.4.2" not in page
