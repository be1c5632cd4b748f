"""Each saved view of the register lists what it says, and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from gates.decide import decide
from identities.grants.grant_right import end_grant, grant_right
from identities.lifecycle.change_status import retire_identity, suspend_identity
from identities.models import Environment, Identity
from identities.register import register_nonhuman, register_signer
from portal.demo.instance import Workload, build_provenance
from reports.register.list_register import count_saved_views, list_register
from reports.register.saved_views import SAVED_VIEWS
from tests import cast
from tests import make_approvals as make
from tests.make_attestations import (
    Signer,
    artifact_digest,
    make_attestation,
    make_signer,
    make_statement,
    register_key,
    trust_instance,
    verify_now,
)
from tests.make_ledger import use_own_keys
from tests.make_observations import observe, runs

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
NOW = cast.NOW
LATER = NOW + 91 * DAY
CHECK_TYPE = "https://example.test/check/v1"


@pytest.fixture(autouse=True)
def keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


def listed(view: str, now: datetime, reader: Identity | None = None) -> set[str]:
    reader = reader or cast.carol()
    names = {row.name for row in list_register(reader=reader, now=now, saved=view)}
    assert count_saved_views(reader=reader, now=now)[view] == len(names)
    return names


def program(signer: Signer, name: str, *what: str) -> Identity:
    service = register_nonhuman(
        kind="service", name=name, issuer="https://ci.example", subject=name, owner=cast.bob(), team=cast.payments(), by=None, now=NOW
    )
    register_signer(identity=service, public_key_pem=signer.pem, by=None, now=NOW)
    for one in what:
        cast.let_attest(service, one)
    return service


class TestUnusedPrivileges:
    def test_lists_a_right_that_lay_unused_for_ninety_days_and_not_before(self) -> None:
        program(make_signer(), "idle", CHECK_TYPE)
        assert "idle" not in listed("unused", NOW + 89 * DAY)
        assert "idle" in listed("unused", LATER)

    @pytest.mark.parametrize(("granted", "is_unused"), [((CHECK_TYPE,), False), (("*",), False), ((CHECK_TYPE, "other/v1"), True)])
    def test_a_right_is_used_by_verified_evidence_of_that_very_type(self, granted: tuple[str, ...], is_unused: bool) -> None:
        signer = make_signer()
        program(signer, "busy", *granted)
        verify_now(make_attestation(signer.sign(make_statement()), now=NOW + 60 * DAY))
        assert ("busy" in listed("unused", LATER)) == is_unused
        assert "busy" in listed("unused", NOW + 151 * DAY)

    def test_evidence_of_another_program_uses_nothing(self) -> None:
        signer = make_signer()
        register_key(signer, name="busy")
        program(make_signer(), "idle", "*")
        verify_now(make_attestation(signer.sign(make_statement()), now=NOW + 60 * DAY))
        assert listed("unused", LATER) >= {"idle"} and "busy" not in listed("unused", LATER)

    def test_ended_rights_tools_and_whoever_is_not_active_are_left_out(self) -> None:
        ended = program(make_signer(), "ended", CHECK_TYPE)
        end_grant(grant=ended.grants.get(), reason="x", by=None, now=NOW + DAY)
        tools = program(make_signer(), "tools")
        tools.grants.create(right="tool", object="deploy", reason="x", granted_at=NOW)
        idle = program(make_signer(), "suspended", CHECK_TYPE)
        suspend_identity(identity=idle, reason="x", by=None, now=NOW + DAY)
        assert listed("unused", LATER) & {"ended", "tools", "suspended"} == set()

    @pytest.mark.parametrize(
        ("gap", "is_unused"), [(timedelta(), True), (timedelta(hours=23), True), (timedelta(hours=25), False), (30 * DAY, False)]
    )
    def test_a_right_ended_and_given_again_within_a_day_counts_from_the_first(self, gap: timedelta, is_unused: bool) -> None:
        idle = program(make_signer(), "idle", CHECK_TYPE)
        end_grant(grant=idle.grants.get(), reason="x", by=None, now=NOW + 300 * DAY)
        cast.let_attest(idle, CHECK_TYPE, now=NOW + 300 * DAY + gap)
        assert ("idle" in listed("unused", NOW + 310 * DAY + gap)) == is_unused
        assert "idle" in listed("unused", NOW + 390 * DAY + gap)

    def test_a_right_that_ran_out_again_and_again_counts_from_the_first(self) -> None:
        idle = program(make_signer(), "idle")
        for number in range(12):
            began = NOW + number * 30 * DAY
            grant_right(identity=idle, right="attest", object=CHECK_TYPE, reason="x", by=None, now=began, valid_until=began + 30 * DAY)
        assert "idle" not in listed("unused", NOW + 89 * DAY)
        assert "idle" in listed("unused", LATER)
        assert "idle" in listed("unused", NOW + 355 * DAY)
        assert "idle" not in listed("unused", NOW + 361 * DAY)

    def test_a_right_to_something_else_held_before_makes_none_older(self) -> None:
        idle = program(make_signer(), "idle", "other/v1")
        end_grant(grant=idle.grants.get(), reason="x", by=None, now=NOW + 300 * DAY)
        cast.let_attest(idle, CHECK_TYPE, now=NOW + 300 * DAY)
        assert "idle" not in listed("unused", NOW + 310 * DAY)

    def test_a_renewed_right_that_is_used_is_not_listed(self) -> None:
        signer = make_signer()
        busy = program(signer, "busy", CHECK_TYPE)
        end_grant(grant=busy.grants.get(), reason="x", by=None, now=NOW + 100 * DAY)
        cast.let_attest(busy, CHECK_TYPE, now=NOW + 100 * DAY)
        verify_now(make_attestation(signer.sign(make_statement()), now=NOW + 105 * DAY))
        assert "busy" not in listed("unused", NOW + 110 * DAY)


class TestLongLivedSecrets:
    def test_lists_the_programs_whose_credentials_the_reader_may_see(self) -> None:
        mine, theirs = program(make_signer(), "mine"), make.other_teams_bot()
        for holder in (mine, theirs):
            cast.token_of(holder, "read", now=NOW, days=100)
        assert theirs.owner is not None
        assert listed("secrets", NOW) == {"mine"}
        assert listed("secrets", NOW, theirs.owner) == {theirs.name}

    def test_a_role_in_one_project_shows_none_and_answering_for_a_program_does(self) -> None:
        guest = cast.person("gil", "Gil Moss", "auditor", project=cast.payments_api())
        held = program(make_signer(), "held")
        cast.token_of(held, "read", now=NOW, days=100)
        assert listed("secrets", NOW, guest) == set()
        Identity.objects.filter(pk=held.pk).update(owner=guest)
        assert listed("secrets", NOW, guest) == {"held"}

    def test_the_page_shows_credentials_to_the_programs_own_team_alone(self, client: Client) -> None:
        bot = make.other_teams_bot()
        for holder in (cast.runner(), bot):
            cast.token_of(holder, "read", days=200)
        assert bot.owner is not None
        for reader, row, hidden in ((cast.carol(), cast.runner(), bot), (bot.owner, bot, cast.runner())):
            client.force_login(cast.account_of(reader))
            shown = client.get("/identities", {"q": row.name}).content.decode()
            assert "expires" in shown and "shown to its own team" not in shown
            elsewhere = client.get("/identities", {"q": hidden.name}).content.decode()
            assert "shown to its own team" in elsewhere and "expires" not in elsewhere and "used" not in elsewhere.split("<tbody>")[1]
            secrets = client.get("/identities?view=secrets").content.decode()
            assert f">{row.name}</a>" in secrets and hidden.name not in secrets
            assert 'Long-lived secrets <span class="small">1</span>' in secrets


class TestActsInProduction:
    def test_lists_programs_that_asked_a_gate_there_lately(self) -> None:
        make.set_stage()
        decide(digest=make.image(), environment_slug=cast.production().slug, project_slug="", by=cast.runner(), now=NOW)
        assert listed("production", NOW + DAY) == {cast.runner().name}
        assert listed("production", LATER) == set()

    def test_lists_those_that_opened_a_request_and_never_people(self) -> None:
        make.set_stage()
        make.ask()
        assert listed("production", NOW + DAY) == set()
        make.ask(by=cast.runner(), tag="2")
        assert listed("production", NOW + DAY) == {cast.runner().name}

    def test_leaves_out_the_lower_tiers(self) -> None:
        make.set_stage()
        Environment.objects.filter(pk=cast.production().pk).update(tier=2)
        make.ask(by=cast.runner())
        decide(digest=make.image(), environment_slug=cast.production().slug, project_slug="", by=cast.runner(), now=NOW)
        assert listed("production", NOW + DAY) == set()

    def test_lists_whoever_observed_something_there(self) -> None:
        make.set_stage()
        observe(runs())
        assert len(listed("production", NOW + DAY)) == 1


class TestReviewOverdue:
    def test_is_due_by_the_default_or_its_own_period_since_it_was_last_looked_at(self) -> None:
        default, own, reviewed = (program(make_signer(), name) for name in ("default", "own", "reviewed"))
        Identity.objects.filter(pk=own.pk).update(review_every_days=10)
        Identity.objects.filter(pk=reviewed.pk).update(reviewed_at=NOW + 80 * DAY)
        for at in (9, 10, 89, 90, 171):
            now = NOW + at * DAY
            due = {row.name for row in Identity.objects.filter(kind="service") if row.next_review_at <= now}
            assert listed("overdue", now) == due, at
        assert listed("overdue", NOW + 90 * DAY) == {"default", "own"}
        retire_identity(identity=default, reason="x", by=None, now=NOW)
        assert listed("overdue", NOW + 90 * DAY) == {"own"}


class TestPage:
    def test_offers_every_view_with_what_it_means_and_an_order(self) -> None:
        client = Client()
        client.force_login(cast.account_of(cast.carol()))
        page = client.get("/identities").content.decode()
        for view in SAVED_VIEWS.values():
            assert view.label in page and view.words not in page
        for name, view in SAVED_VIEWS.items():
            assert view.words in client.get(f"/identities?view={name}").content.decode()
        assert '<option value="newest" selected>' in client.get("/identities?sort=newest").content.decode()

    def test_leads_stewards_to_the_register_as_a_file(self) -> None:
        for person, is_led in ((cast.dave(), True), (cast.carol(), False)):
            client = Client()
            client.force_login(cast.account_of(person))
            assert ('href="/identities/import"' in client.get("/identities").content.decode()) == is_led

    def test_counts_the_strangers_of_the_week_and_leads_to_them(self) -> None:
        instance = trust_instance()
        name = "https://github.com/stranger/tool/.github/workflows/build.yml@refs/heads/main"
        workload = Workload(name, "https://github.com/stranger/tool", "9" * 40, "refs/heads/main", issuer=cast.GITHUB_ISSUER)
        content = instance.sign_as(workload, build_provenance(workload, [("tool", artifact_digest("tool"))]), at=NOW + timedelta(hours=1))
        verify_now(make_attestation(content, now=timezone.now()))
        client = Client()
        client.force_login(cast.account_of(cast.carol()))
        page = client.get("/identities").content.decode()
        assert 'Unknown, seen this week <span class="small">1</span>' in page and 'href="/signers/unknown"' in page
