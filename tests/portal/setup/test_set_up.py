"""An administrator is led through the set-up, may skip everything, and finds it again; nobody else comes in."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from attestations.drain import drain
from attestations.models import Attestation, TrustProposal
from identities.models import Environment, Identity, Project, Team
from portal.models import SetUpAnswer
from portal.setup.answer_step import answer_step
from portal.setup.sample import add_sample, list_samples, retire_sample, sample_digest
from portal.setup.steps import KINDS, list_steps
from proofs.errors import Refusal
from tests import cast
from tests.make_ledger import use_own_keys

pytestmark = pytest.mark.django_db
NAMES = list(KINDS)


@pytest.fixture(autouse=True)
def keys(settings: Any, tmp_path: Any) -> None:
    use_own_keys(settings, tmp_path)


@pytest.fixture
def dave(client: Client) -> Client:
    """The administrator, signed in a moment ago."""
    cast.dave()
    client.post("/accounts/login/", {"login": "dave", "password": cast.PASSWORD})
    return client


def states() -> dict[str, str]:
    return {step.name: step.state for step in list_steps(cast.dave())}


def test_the_first_administrator_of_a_new_portal_is_led_there(dave: Client) -> None:
    assert dave.get("/")["Location"] == "/set-up"
    dave.post("/set-up/address/answer", {"answer": "skipped"})
    assert dave.get("/")["Location"] == "/queue"


def test_others_are_not(client: Client) -> None:
    cast.let_in(client, cast.alice())
    assert client.get("/")["Location"] == "/queue"
    assert client.get("/set-up").status_code == 403
    assert client.post("/set-up/address/answer", {"answer": "done"}).status_code == 403


@pytest.mark.parametrize("name", NAMES)
def test_each_step_shows_can_be_skipped_and_found_again(dave: Client, name: str) -> None:
    assert dave.get(f"/set-up/{name}").status_code == 200
    dave.post(f"/set-up/{name}/answer", {"answer": "skipped"})
    assert states()[name] == "skipped"
    assert f'href="/set-up/{name}"' in dave.get("/set-up").content.decode()
    dave.post(f"/set-up/{name}/answer", {"answer": "again"})
    assert states()[name] == "open"


def test_what_can_be_seen_wins_over_what_was_answered(dave: Client) -> None:
    answer_step(step="environment", answer="done", by=cast.dave(), now=cast.NOW)
    assert states()["environment"] == "attention"
    cast.production()
    assert states()["environment"] == "done"


def test_a_wrong_address_cannot_be_answered_away(settings: Any, dave: Client) -> None:
    settings.RP_ID = "other.example"
    answer_step(step="address", answer="done", by=cast.dave(), now=cast.NOW)
    assert states()["address"] == "attention"
    assert "neither the host" in dave.get("/set-up/address").content.decode()


def test_adds_an_environment_and_a_project(dave: Client) -> None:
    team = cast.payments().pk
    environment = {"environment-team": team, "environment-name": "Staging", "environment-slug": "staging", "environment-tier": "1"}
    assert dave.post("/set-up/environment", {"do": "add_environment", **environment}).status_code == 302
    assert dave.post("/set-up/environment", {"do": "add_environment", **environment}).status_code == 200
    project = {"project-team": team, "project-name": "Refunds", "project-slug": "refunds"}
    assert dave.post("/set-up/environment", {"do": "add_project", **project}).status_code == 302
    assert (Environment.objects.get().slug, Project.objects.get().slug) == ("staging", "refunds")


def test_takes_no_other_team(dave: Client) -> None:
    other = type(cast.payments()).objects.create(slug="search", name="Search")
    given = {"environment-team": other.pk, "environment-name": "X", "environment-slug": "x", "environment-tier": "1"}
    assert dave.post("/set-up/environment", {"do": "add_environment", **given}).status_code == 200
    assert not Environment.objects.exists()


def test_an_officer_who_administers_proposes_sigstores_public_root(client: Client) -> None:
    cast.person("max", "Max", "administrator", "officer")
    client.post("/accounts/login/", {"login": "max", "password": cast.PASSWORD})
    assert client.post("/set-up/trust", {"do": "propose"}).status_code == 302
    assert TrustProposal.objects.get().name == "Sigstore public good"


def test_an_administrator_alone_does_not(dave: Client) -> None:
    assert dave.post("/set-up/trust", {"do": "propose"}).status_code == 422
    assert not TrustProposal.objects.exists()


def test_the_sample_is_really_signed_and_verified(dave: Client) -> None:
    assert dave.post("/set-up/sample", {"do": "add_sample", "team": cast.payments().pk}).status_code == 302
    now = timezone.now()
    while drain(clock=lambda: now, limit=20):
        pass
    verdict = Attestation.objects.get().verdicts.latest("pk")
    assert verdict.result == "verified"
    page = dave.get(f"/artifacts/{sample_digest()}").content.decode()
    assert "Sample builder" in page
    assert states()["sample"] == "done"


def test_the_sample_is_switched_on_once_and_off(dave: Client) -> None:
    dave.post("/set-up/sample", {"do": "add_sample", "team": cast.payments().pk})
    with pytest.raises(Refusal, match=r"sample\.there"):
        add_sample(team=cast.payments(), by=cast.dave(), now=timezone.now())
    assert dave.post("/set-up/sample", {"do": "retire"}).status_code == 302
    assert not list_samples(cast.dave()).exists()
    assert Identity.objects.get(name="Sample builder").status == "retired"
    assert retire_sample(by=cast.dave(), now=timezone.now()) == 0


def test_the_sample_of_another_team_is_neither_shown_nor_in_the_way(dave: Client) -> None:
    search = Team.objects.create(slug="search", name="Search")
    sam = cast.person("sam", "Sam Search", "administrator", team=search)
    add_sample(team=search, by=sam, now=timezone.now())
    assert states()["sample"] == "open"
    assert retire_sample(by=cast.dave(), now=timezone.now()) == 0
    assert dave.post("/set-up/sample", {"do": "add_sample", "team": cast.payments().pk}).status_code == 302
    assert dave.post("/set-up/sample", {"do": "retire"}).status_code == 302
    assert [program.team for program in list_samples(sam)] == [search]


def test_refuses_unknown_steps_answers_and_deeds(dave: Client) -> None:
    assert dave.get("/set-up/nothing").status_code == 404
    assert dave.post("/set-up/address/answer", {"answer": "maybe"}).status_code == 400
    assert dave.post("/set-up/trust", {"do": "anything"}).status_code == 422
    assert not SetUpAnswer.objects.exists()


def test_asks_for_a_fresh_proof_before_a_step_that_changes_things(client: Client) -> None:
    client.force_login(cast.account_of(cast.dave()), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get("/set-up/environment")["Location"].startswith("/accounts/reauthenticate/")
