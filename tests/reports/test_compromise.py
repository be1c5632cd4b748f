"""Compromised since T: what the preview names, what the act takes back, and what stays."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals.requests.open_request import AskedArtifact, open_request
from attestations.drain import drain
from attestations.reverify import spread_reverifications
from gates.decide import decide
from identities.issue import issue_credential
from identities.lifecycle.change_status import suspend_identity
from identities.lifecycle.compromise import mark_compromised
from identities.models import ApiCredential, Identity, WorkloadBinding
from ledger.models import Entry
from proofs.errors import Refusal
from reports.compromise.preview import Affected, preview_compromise
from tests import cast, make_tokens
from tests import make_approvals as make
from tests.make_observations import observe, said

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
BEFORE, AFTER = make.NOW - timedelta(days=1), make.NOW + timedelta(days=1)


@pytest.fixture
def released() -> Identity:
    """The runner has signed provenance, asked for its release, which alice approved, and a gate let it through."""
    stage = make.set_stage()
    make.send_provenance(stage)
    make.approve(make.ask(by=cast.runner()), cast.alice())
    assert ask_gate() == []
    return cast.runner()


def ask_gate() -> list[str]:
    by = cast.register_nonhuman(
        kind="service",
        name=f"gatekeeper {Identity.objects.count()}",
        issuer="https://gate.example",
        subject=str(Identity.objects.count()),
        owner=cast.bob(),
        team=cast.payments(),
        by=None,
        now=make.NOW,
    )
    decision = decide(digest=make.image(), environment_slug="production", by=by, now=make.NOW + MINUTE)
    return [reason["code"] for reason in decision.reasons]


def preview(since: datetime, reader: Identity | None = None) -> Affected:
    return preview_compromise(cast.runner(), since=since, reader=reader, now=make.NOW + MINUTE)


def mark(since: datetime, *, by: Identity | None = None, reason: str = "key in a public log") -> Identity:
    return mark_compromised(identity=cast.runner(), since=since, reason=reason, by=by, now=make.NOW + MINUTE)


def verify_again() -> None:
    """Let the worker do what was ordered."""
    while spread_reverifications(now=make.NOW + MINUTE):
        pass
    while drain(clock=lambda: make.NOW + MINUTE, limit=20):
        pass


class TestPreview:
    def test_it_names_everything_that_rests_on_it_and_changes_nothing(self, released: Identity) -> None:
        observe(said(), by=released)
        make_tokens.binding()
        cast.token_of(released, now=make.NOW)
        entries = Entry.objects.count()
        found = preview(BEFORE)
        assert ([item.verdict.signer for item in found.evidence], found.kept, found.is_cut) == ([released], 0, False)
        assert [artifact.digest for artifact in found.artifacts] == [make.image()]
        assert [request.requester for request in found.requests] == [released]
        assert [approval.identity for approval in found.approvals] == [cast.alice()]
        assert [decision.outcome for decision in found.promotions] == ["allow"]
        assert [environment.slug for environment in found.environments] == ["production"]
        assert (found.observations, found.sent, found.asked, found.credentials, found.bindings) == (1, 1, 0, 1, 1)
        assert not found.is_nothing
        assert Entry.objects.count() == entries
        assert ask_gate() == []

    def test_suspended_first_it_names_the_same(self, released: Identity) -> None:
        suspend_identity(identity=released, reason="key in a public log", by=None, now=make.NOW + MINUTE)
        verify_again()
        found = preview(BEFORE)
        assert [item.verdict.signer for item in found.evidence] == [None]
        assert (len(found.artifacts), len(found.requests), len(found.promotions), found.is_nothing) == (1, 1, 1, False)

    def test_what_came_before_stays(self, released: Identity) -> None:
        found = preview(AFTER)
        assert (found.evidence, found.kept, found.artifacts, found.requests, found.promotions) == ([], 1, [], [], [])
        assert found.is_nothing

    def test_requests_of_projects_the_reader_cannot_read_are_counted_and_not_named(self, released: Identity) -> None:
        other = cast.Team.objects.create(slug="other", name="Other")
        reader = cast.person("eve", "Eve", "identity-steward", team=other)
        found = preview(BEFORE, reader)
        assert (found.requests, found.approvals, found.promotions, found.hidden) == ([], [], [], 1)

    def test_promotions_of_projects_the_reader_cannot_read_are_not_listed(self, released: Identity) -> None:
        toy = open_request(
            project=make.toy(),
            environment=cast.production(),
            title="toy release",
            note="n",
            artifacts=[AskedArtifact(make.image(), "toy")],
            by=cast.bob(),
            now=make.NOW,
        )
        make.approve(toy, cast.alice())
        let_in = decide(digest=make.image(), environment_slug="production", project_slug="toy", by=released, now=make.NOW + MINUTE)
        assert let_in.outcome == "allow"
        guest = cast.person("rita", "Rita", "requester", project=cast.payments_api())
        found = preview(BEFORE, guest)
        assert ([request.project.slug for request in found.requests], found.hidden) == (["payments-api"], 1)
        assert [decision.request.project.slug for decision in found.promotions if decision.request] == ["payments-api"]
        for whole in (None, cast.carol()):
            assert let_in in preview(BEFORE, whole).promotions
            assert len(preview(BEFORE, whole).promotions) == 2

    def test_it_asks_as_often_for_many_as_for_one(self, released: Identity) -> None:
        with CaptureQueriesContext(connection) as few:
            preview(BEFORE)
        make.copy_evidence(preview(BEFORE).evidence[0].verdict.attestation, count=40)
        with CaptureQueriesContext(connection) as many:
            assert len(preview(BEFORE).evidence) == 41
        assert len(many) == len(few)


class TestAct:
    def test_what_it_signed_since_counts_for_nobody_and_the_gate_shuts_at_once(self, released: Identity) -> None:
        make_tokens.binding()
        cast.token_of(released, now=make.NOW)
        mark(BEFORE, by=cast.dave())
        shut = ask_gate()
        assert "evidence.signer_compromised" in shut or "requester.compromised" in shut
        runner = Identity.objects.get(pk=released.pk)
        assert (runner.standing, runner.status, runner.compromised_from) == ("compromised", "retired", BEFORE)
        assert not ApiCredential.objects.filter(revoked_at__isnull=True).exists()
        assert not WorkloadBinding.objects.filter(revoked_at__isnull=True).exists()
        verify_again()
        assert [item.verdict.signer for item in preview(BEFORE).evidence] == [None]
        with pytest.raises(Refusal) as refused:
            issue_credential(identity=runner, scopes=["read"], expires_at=AFTER, by=None, now=make.NOW)
        assert refused.value.code == "identity.not_active"

    def test_what_it_signed_before_still_opens_the_gate(self, released: Identity) -> None:
        mark(make.NOW + MINUTE)
        assert ask_gate() == ["evidence.pending"]
        verify_again()
        assert ask_gate() == []

    def test_a_request_it_opened_since_opens_no_gate(self, released: Identity) -> None:
        mark(make.NOW)
        assert "requester.compromised" in ask_gate()

    def test_an_earlier_time_can_be_said_later_and_a_later_one_changes_nothing(self, released: Identity) -> None:
        for since in (make.NOW, make.NOW + MINUTE, make.NOW, BEFORE):
            mark(since)
        assert Identity.objects.get(pk=released.pk).compromised_from == BEFORE
        assert Entry.objects.filter(event="identity.compromised").count() == 2

    def test_it_is_refused_for_people_for_the_future_and_to_strangers(self, released: Identity) -> None:
        other = cast.Team.objects.create(slug="other", name="Other")
        elsewhere = cast.person("eve", "Eve", "identity-steward", team=other)
        asked = {"since": BEFORE, "reason": "because", "now": make.NOW}
        for identity, by, change, code in (
            (cast.alice(), cast.dave(), {}, "identity.person"),
            (released, None, {"since": AFTER}, "identity.compromised_in_future"),
            (released, None, {"reason": " "}, "identity.reason"),
            (released, elsewhere, {}, "permission.missing"),
            (released, cast.bob(), {}, "permission.missing"),
        ):
            with pytest.raises(Refusal) as refused:
                mark_compromised(**{"identity": identity, "by": by, **asked, **change})
            assert refused.value.code == code
        assert not Entry.objects.filter(event="identity.compromised").exists()


class TestDoors:
    def test_the_page_shows_then_does(self, released: Identity, client: Client) -> None:
        cast.let_in(client, cast.dave())
        path = f"/identities/{released.pk}/compromised"
        assert "Show what is affected" in client.get(path).content.decode()
        shown = client.get(path, {"since": f"{BEFORE:%Y-%m-%dT%H:%M}"}).content.decode()
        assert make.image() in shown and "Mark as compromised, for ever" in shown and "payments/api 1.4.2" in shown
        late = client.get(path, {"since": "yesterday"})
        assert late.status_code == 422
        empty = client.post(path, {"since": f"{BEFORE:%Y-%m-%dT%H:%M}", "reason": ""})
        assert (empty.status_code, make.image() in empty.content.decode()) == (422, True)
        future = client.post(path, {"since": "2999-01-01T00:00", "reason": "x"})
        assert (future.status_code, "identity.compromised_in_future" in future.content.decode()) == (422, True)
        done = client.post(path, {"since": f"{BEFORE:%Y-%m-%dT%H:%M}", "reason": "key in a public log"}, follow=True)
        assert "is compromised from" in done.content.decode()
        assert Identity.objects.get(pk=released.pk).compromised_from == BEFORE.replace(second=0, microsecond=0)

    def test_only_stewards_of_its_team_come_in(self, released: Identity, client: Client) -> None:
        for person in (cast.alice(), cast.carol()):
            cast.let_in(client, person)
            assert client.get(f"/identities/{released.pk}/compromised").status_code == 403
            assert "Compromised…" not in client.get(f"/identities/{released.pk}").content.decode()
        cast.let_in(client, cast.dave())
        assert "Compromised…" in client.get(f"/identities/{released.pk}").content.decode()
        assert client.get(f"/identities/{cast.alice().pk}/compromised").status_code == 400

    def test_the_command_previews_and_does(self, released: Identity) -> None:
        out = StringIO()
        asked = ("mark_compromised", released.pk, "--since=2026-01-01T00:00:00Z")
        call_command(*asked, "--preview", stdout=out)
        assert f"artifact                  {make.image()}" in out.getvalue()
        assert Identity.objects.get(pk=released.pk).compromised_from is None
        call_command(*asked, "--reason=key in a public log", stdout=out)
        assert out.getvalue().endswith("is compromised from 2026-01-01T00:00:00Z on\n")
