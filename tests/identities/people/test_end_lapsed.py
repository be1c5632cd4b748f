"""Roles held for a time: what ran out gives nothing, is closed once, and can be granted again; and the one who must stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from identities.actors import portal_actor
from identities.lifecycle.change_status import suspend_identity
from identities.models import Identity, RoleAssignment, Team
from identities.people.end_lapsed import end_lapsed_roles
from identities.people.officers import list_officers
from identities.people.roles import end_role, grant_role
from identities.permissions import demand, may, readable_projects, readable_whole_teams
from identities.queries import get_identity
from ledger.models import Entry
from proofs.canonical import parse_json
from tests import cast
from tests.identities.test_register import refused

pytestmark = pytest.mark.django_db
NOW = cast.NOW
# The database's clock decides, so what ran out did so before today, and what holds does so far beyond it.
PAST, FUTURE = NOW + timedelta(days=1), datetime(2999, 1, 1, tzinfo=UTC)
SOON = NOW + timedelta(days=30)


def grant(identity: Identity, role: str, **more: Any) -> RoleAssignment:
    return grant_role(**{"identity": identity, "role": role, "team": cast.payments(), "by": None, "now": NOW, **more})


class TestForATime:
    def test_gives_power_until_then(self) -> None:
        grant(cast.mallory(), "approver:release", valid_until=FUTURE)
        assert may(cast.mallory(), "requests.decide", project=cast.payments_api()).allowed

    def test_gives_nothing_once_it_ran_out_anywhere(self) -> None:
        mallory = cast.mallory()
        for role in ("approver:release", "officer", "identity-steward"):
            grant(mallory, role, valid_until=PAST)
        assert not may(mallory, "portal.home").allowed
        assert not readable_projects(mallory, "requests.read").exists() and not readable_whole_teams(mallory, "requests.read").exists()
        assert not list_officers().exists() and not get_identity(mallory.pk).roles.all()

    def test_refuses_an_end_that_is_over(self) -> None:
        refused("role.expiry", grant, identity=cast.mallory(), role="requester", valid_until=NOW)

    def test_is_granted_again_after_it_ran_out_and_the_old_one_is_closed_by_the_same_act(self) -> None:
        old = grant(cast.mallory(), "requester", valid_until=PAST)
        new = grant(cast.mallory(), "requester", by=cast.dave(), now=NOW + timedelta(days=2))
        old.refresh_from_db()
        assert old.ended_at == PAST and new.ended_at is None
        assert Entry.objects.filter(event="role.lapsed").count() == 1
        refused("role.already_held", grant, identity=cast.mallory(), role="requester")

    def test_what_ran_out_is_not_ended_again(self) -> None:
        refused("role.ended", end_role, assignment=grant(cast.mallory(), "requester", valid_until=PAST), by=None, now=NOW)


class TestAuditors:
    @pytest.mark.parametrize("until", [None, NOW + timedelta(days=367)])
    def test_a_person_grants_the_role_for_a_year_at_most(self, until: datetime | None) -> None:
        refused("role.needs_an_end", grant, identity=cast.mallory(), role="auditor", by=cast.dave(), valid_until=until)
        assert grant(cast.mallory(), "auditor", by=cast.dave(), valid_until=NOW + timedelta(days=366)).valid_until

    def test_the_operator_may_leave_it_open(self) -> None:
        assert grant(cast.mallory(), "auditor").valid_until is None

    def test_reads_all_of_each_of_its_teams_and_changes_nothing(self) -> None:
        carol, other = cast.carol(), Team.objects.create(slug="search", name="Search")
        cast.payments_api()
        grant(carol, "auditor", team=other)
        assert set(readable_whole_teams(carol, "requests.read")) == {cast.payments(), other}
        for action in ("requests.open", "requests.decide", "identities.steward", "trust.change", "attestations.send"):
            assert not may(carol, action).allowed


class TestSweep:
    def test_closes_what_ran_out_once_with_the_time_at_which_it_did(self) -> None:
        gone, kept = grant(cast.mallory(), "requester", valid_until=PAST), grant(cast.alice(), "requester", valid_until=FUTURE)
        assert (end_lapsed_roles(now=SOON), end_lapsed_roles(now=SOON)) == (1, 0)
        gone.refresh_from_db()
        kept.refresh_from_db()
        assert (gone.ended_at, kept.ended_at) == (PAST, None)
        assert parse_json(bytes(Entry.objects.get(event="role.lapsed").body))["spec"]["actor"] == portal_actor()


class TestLastAdministrator:
    def test_one_whose_role_runs_out_is_not_the_one_who_stays(self) -> None:
        dave = cast.dave()
        grant(cast.mallory(), "administrator", valid_until=FUTURE)
        held = RoleAssignment.objects.get(identity=dave)
        refused("role.last_administrator", end_role, assignment=held, by=cast.mallory(), now=NOW)
        grant(cast.alice(), "administrator")
        assert end_role(assignment=held, by=cast.mallory(), now=NOW).ended_at

    def test_the_first_of_a_team_has_no_end(self) -> None:
        team = Team.objects.create(slug="search", name="Search")
        refused("role.last_administrator", grant, identity=cast.mallory(), role="administrator", team=team, valid_until=FUTURE)

    def test_is_not_suspended_by_somebody_at_a_page_but_by_the_operator(self) -> None:
        dave, sam = cast.dave(), cast.person("sam", "Sam", "identity-steward")
        refused("role.last_administrator", suspend_identity, identity=dave, reason="Left", by=sam, now=NOW)
        assert suspend_identity(identity=dave, reason="Stolen laptop", by=None, now=NOW).status == "suspended"

    def test_with_another_it_is(self) -> None:
        sam = cast.person("sam", "Sam", "identity-steward")
        cast.person("ada", "Ada", "administrator")
        assert suspend_identity(identity=cast.dave(), reason="Left", by=sam, now=NOW).status == "suspended"


class TestSelfPromotion:
    def test_no_program_grants_whatever_it_is_named(self) -> None:
        refused("permission.missing", grant, identity=cast.mallory(), role="requester", by=cast.runner())

    @pytest.mark.parametrize("role", ["administrator", "identity-steward"])
    def test_who_has_the_role_in_one_project_grants_nothing_there_or_in_the_team(self, role: str) -> None:
        alice = cast.alice()
        held = RoleAssignment.objects.get(identity=alice)
        narrow = cast.person("nia", "Nia", role, project=cast.payments_api())
        refused("permission.missing", grant, identity=cast.mallory(), role="requester", by=narrow)
        refused("permission.missing", grant, identity=cast.mallory(), role="requester", by=narrow, project=cast.payments_api())
        refused("permission.missing", end_role, assignment=held, by=narrow, now=NOW)

    def test_an_administrator_cannot_approve(self) -> None:
        dave = cast.dave()
        assert not may(dave, "requests.decide").allowed
        refused("role.self_grant", grant, identity=dave, role="approver:release", by=dave)
        refused("permission.missing", demand, identity=dave, action="requests.decide")
