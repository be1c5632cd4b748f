"""Expectations of a project: stored and put into force by its policy owner, and what requests, gates and packs make of them."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from approvals.models import ExpectationsActivation, ExpectationsVersion, Request, RequestState
from approvals.packs.build import build_pack
from approvals.policies.expectations import activate_expectations, active_expectations, expectations_document
from approvals.requests.refresh import list_behind, refresh_requests
from approvals.trust import current_trust
from gates.decide import decide
from identities.models import Project
from identities.people.roles import grant_role
from ledger.models import Entry
from proofs.canonical import parse_canonical
from proofs.digest import sha256_hex
from proofs.errors import Conflict, Malformed, NotAllowed, Refusal
from proofs.pack.trust import build_trust, parse_trust
from proofs.pack.verify import verify_pack
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db
SOURCE = make.EXPECTATIONS.format(version=1, workflow="release")
LATER = make.NOW + timedelta(minutes=5)


def status_of(request: Request) -> str:
    return RequestState.objects.get(request_id=request.pk).status


def codes_of(request: Request) -> list[str]:
    revision = request.revisions.select_related("policy_result").order_by("-number").first()
    assert revision is not None
    return [rule["code"] for rule in parse_canonical(bytes(revision.policy_result.content))["rules"] if rule["outcome"] == "fail"]


def reasons_of_gate() -> list[str]:
    asked = {"digest": make.image(), "environment_slug": "production", "by": cast.runner()}
    return [reason["code"] for reason in decide(**asked, now=LATER + timedelta(minutes=1)).reasons]  # type: ignore[arg-type]


class TestActivateExpectations:
    def test_the_newest_activation_counts_and_says_that_it_was_one_person(self) -> None:
        assert active_expectations(cast.payments_api()) is None
        first = make.expect()
        assert active_expectations(cast.payments_api()) == first.expectations
        assert first.expectations.digest == sha256_hex(bytes(first.expectations.document.content))
        second = make.expect(version=2, workflow="other")
        assert active_expectations(cast.payments_api()) == second.expectations
        assert make.expect().expectations == first.expectations
        assert active_expectations(cast.payments_api()) == first.expectations
        events = [entry.event for entry in Entry.objects.filter(event__startswith="expectations.").order_by("index")]
        one = "expectations.activated_by_one_person"
        assert events == ["expectations.published", one, "expectations.published", one, one]

    def test_doing_it_again_changes_nothing(self) -> None:
        assert make.expect() == make.expect()
        assert (ExpectationsVersion.objects.count(), ExpectationsActivation.objects.count()) == (1, 1)

    def test_refuses_another_document_under_a_known_version(self) -> None:
        make.expect()
        with pytest.raises(Conflict) as refused:
            make.expect(workflow="other")
        assert refused.value.code == "expectations.version_exists"

    def test_refuses_those_of_another_project(self) -> None:
        other = Project.objects.create(slug="toy", name="Toy", team=cast.payments())
        with pytest.raises(Malformed) as refused:
            activate_expectations(source=SOURCE, project=other, by=make.erin(), now=make.NOW)
        assert refused.value.code == "expectations.other_project"

    def test_refuses_everybody_but_the_only_policy_owner(self) -> None:
        for person in (cast.alice(), cast.dave(), cast.olga(), cast.mallory()):
            with pytest.raises(NotAllowed) as refused:
                activate_expectations(source=SOURCE, project=cast.payments_api(), by=person, now=make.NOW)
            assert refused.value.code == "policy.owner_required"
        make.erin()
        grant_role(identity=cast.carol(), role="policy-owner", team=cast.payments(), by=cast.dave(), now=make.NOW)
        with pytest.raises(NotAllowed) as refused:
            make.expect()
        assert refused.value.code == "policy.two_owners_required"
        assert ExpectationsVersion.objects.count() == 0

    @pytest.mark.parametrize(
        ("source", "code"),
        [
            ("accept: [", "policy.yaml"),
            (SOURCE + 'version: "2"\n', "policy.duplicate_key"),
            ("just text", "expectations.malformed"),
            (SOURCE[: SOURCE.index("accept:")] + "accept: []", "expectations.empty"),
        ],
    )
    def test_refuses_what_are_no_expectations(self, source: str, code: str) -> None:
        with pytest.raises(Refusal) as refused:
            expectations_document(source)
        assert refused.value.code == code


class TestRequestsUnderExpectations:
    def test_nothing_goes_while_none_are_in_force_and_it_goes_on_by_itself_then(self) -> None:
        stage = make.set_stage(source=make.BY_PROJECT)
        make.send_provenance(stage)
        request = make.ask()
        assert (status_of(request), codes_of(request)) == ("blocked", ["policy.expectations_missing"])
        make.expect(now=LATER)
        assert refresh_requests(now=LATER) == 1
        assert (status_of(request), codes_of(request)) == ("ready", [])
        assert refresh_requests(now=LATER) == 0

    def test_what_they_do_not_accept_blocks(self) -> None:
        stage = make.set_stage(source=make.BY_PROJECT)
        make.expect(workflow="other")
        make.send_provenance(stage)
        assert codes_of(make.ask()) == ["policy.signer"]

    def test_an_approval_holds_until_others_come_into_force(self) -> None:
        stage = make.set_stage(source=make.BY_PROJECT)
        make.expect()
        make.send_provenance(stage)
        request = make.ask()
        make.approve(request, cast.alice())
        assert reasons_of_gate() == []
        make.expect(version=2, now=LATER)
        assert reasons_of_gate() == ["expectations.mismatch"]
        assert refresh_requests(now=LATER) == 1
        assert status_of(request) == "stale"

    def test_requests_under_policies_that_do_not_ask_are_left_alone(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        request = make.ask()
        make.approve(request, cast.alice())
        make.expect(now=LATER)
        assert not list_behind().exists()
        assert reasons_of_gate() == []
        assert request.revisions.get().expectations_digest is None

    def test_the_pack_verifies_offline_with_what_it_carries(self) -> None:
        stage = make.set_stage(source=make.BY_PROJECT)
        activation = make.expect()
        make.send_provenance(stage)
        request = make.ask()
        make.approve(request, cast.alice())
        make.expect(version=2, workflow="other", now=LATER)
        files = build_pack(request=request, now=make.NOW)
        trust = parse_trust(build_trust(current_trust()))
        verify_pack(files, trust=trust, digest=make.image(), environment="production", at=make.NOW)
        assert parse_canonical(files["policy/input.json"])["expectations"]["digest"] == activation.expectations.digest

    def test_the_review_page_names_them(self) -> None:
        stage = make.set_stage(source=make.BY_PROJECT)
        activation = make.expect()
        make.send_provenance(stage)
        request = make.ask()
        client = Client()
        client.force_login(cast.account_of(cast.alice()))
        text = " ".join(client.get(f"/requests/{request.pk}").content.decode().replace("<bdi>", "").replace("</bdi>", "").split())
        assert "Under the expectations of payments-api, version 1" in text
        assert f"sha256:{activation.expectations.digest}" in text
        policy = client.get(f"/policies/{stage.policy.digest}").content.decode()
        assert "whoever the expectations of the project accept" in policy


class TestCommand:
    def test_puts_them_into_force_for_the_policy_owner(self, tmp_path: Path) -> None:
        make.erin(), cast.payments_api()
        (tmp_path / "expectations.yaml").write_text(SOURCE)
        out = StringIO()
        call_command("activate_expectations", "payments-api", str(tmp_path / "expectations.yaml"), "--by", "erin", stdout=out)
        row = ExpectationsVersion.objects.get()
        assert out.getvalue().startswith(f"payments-api 1: sha256:{row.digest}, log entry ")

    def test_refuses_everybody_else(self, tmp_path: Path) -> None:
        make.erin(), cast.dave(), cast.payments_api()
        (tmp_path / "expectations.yaml").write_text(SOURCE)
        for words, said in (((), "--by is needed"), (("--by", "dave"), "policy.owner_required")):
            with pytest.raises(CommandError, match=said):
                call_command("activate_expectations", "payments-api", str(tmp_path / "expectations.yaml"), *words)
        with pytest.raises(CommandError, match="project.unknown"):
            call_command("activate_expectations", "nothing", str(tmp_path / "expectations.yaml"), "--by", "erin")
