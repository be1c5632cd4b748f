"""Who may do what: each role in its team, elsewhere, suspended, and nobody; and why, in words."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from identities.models import Identity, Project, RoleAssignment, Team
from identities.permissions import (
    ACTIONS,
    APPROVERS,
    MOST_SAID,
    OF_ONESELF,
    demand,
    is_allowed,
    may,
    person_of,
    readable_teams,
    requires,
    roles_of,
)
from proofs.errors import NotAllowed
from tests import cast

pytestmark = pytest.mark.django_db
Role = RoleAssignment.Role
READS = sorted(
    action
    for action in ACTIONS
    if (action.endswith(".read") and action not in ("audit.read", "indicators.read")) or action in ("portal.home", "keys.own", "search.use")
)
# What a role gives: keeping one's own settings needs none.
BY_ROLE = sorted(set(ACTIONS) - {"settings.own"})
WRITES = {
    "attestations.send": {Role.REQUESTER},
    "observations.send": set(),
    "requests.open": {Role.REQUESTER},
    "requests.decide": set(APPROVERS),
    "requests.comment": set(Role),
    "requests.pass": set(Role),
    "requests.snooze": set(Role),
    "requests.withdraw": set(Role),
    "requests.answer": {*APPROVERS, Role.POLICY_OWNER},
    "policies.decide": {Role.POLICY_OWNER},
    "break_glass.declare": set(Role),
    "exceptions.ask": {Role.REQUESTER},
    "exceptions.decide": {*APPROVERS, Role.POLICY_OWNER},
    "approvals.revoke": set(APPROVERS),
    "statements.sign": set(Role),
    "delegations.give": set(APPROVERS),
    "delegations.end": set(Role),
    "delegations.read": set(Role),
    "identities.steward": {Role.ADMINISTRATOR, Role.IDENTITY_STEWARD},
    "identities.recertify": set(Role),
    "places.add": {Role.ADMINISTRATOR},
    "policies.edit": {Role.POLICY_OWNER},
    "portal.set_up": {Role.ADMINISTRATOR},
    "recoveries.decide": {Role.OFFICER},
    "trust.change": {Role.OFFICER},
    "settings.own": set(),
    "audit.read": {Role.AUDITOR, Role.ADMINISTRATOR},
    "indicators.read": {Role.AUDITOR, Role.ADMINISTRATOR, Role.POLICY_OWNER},
    "sign_in.change": {Role.ADMINISTRATOR},
    "webhooks.change": {Role.ADMINISTRATOR},
}


def other_team() -> tuple[Team, Project]:
    team = Team.objects.create(slug="search", name="Search")
    return team, Project.objects.create(slug="search-api", name="Search API", team=team)


def test_the_table_below_names_every_action() -> None:
    assert set(READS) | set(WRITES) == set(ACTIONS)


@pytest.mark.parametrize("role", list(Role))
class TestEachRole:
    def test_in_its_own_team(self, role: str) -> None:
        person = cast.person("pat", "Pat", role)
        allowed = {action for action in ACTIONS if may(person, action, project=cast.payments_api()).allowed}
        assert allowed == set(READS) | OF_ONESELF | {action for action, roles in WRITES.items() if role in roles}

    def test_nothing_in_another_team(self, role: str) -> None:
        person = cast.person("pat", "Pat", role)
        team, project = other_team()
        assert {action for action in ACTIONS if may(person, action, project=project).allowed} == OF_ONESELF
        assert {action for action in ACTIONS if may(person, action, team=team).allowed} == OF_ONESELF

    def test_nothing_when_suspended(self, role: str) -> None:
        person = cast.person("pat", "Pat", role)
        person.status = Identity.Status.SUSPENDED
        answer = may(person, "requests.decide", project=cast.payments_api())
        assert not any(may(person, action, project=cast.payments_api()).allowed for action in ACTIONS)
        assert answer.reason == "Pat is suspended; approving needs an active identity."

    def test_in_one_project_says_nothing_about_its_team(self, role: str) -> None:
        mine, sibling = cast.payments_api(), Project.objects.create(slug="ledger-api", name="Ledger", team=cast.payments())
        person = cast.person("pat", "Pat", role, project=mine)
        assert may(person, "requests.read", project=mine).allowed
        assert not may(person, "requests.read", project=sibling).allowed
        assert not may(person, "requests.read", team=cast.payments()).allowed

    def test_nothing_once_it_ended(self, role: str) -> None:
        person = cast.person("pat", "Pat", role)
        RoleAssignment.objects.filter(identity=person).update(ended_at=cast.NOW)
        assert not any(may(person, action).allowed for action in BY_ROLE)
        assert may(person, "settings.own").allowed


class TestMay:
    def test_says_why_not_in_words(self) -> None:
        answer = may(cast.bob(), "requests.decide", project=cast.payments_api(), role="approver:release")
        assert answer.reason == "You are a requester in payments; approving in payments-api needs the role approver:release."

    def test_says_why_in_words(self) -> None:
        assert may(cast.alice(), "requests.decide", project=cast.payments_api()).reason == "You are a release approver in payments."

    def test_narrowed_to_a_role_another_approver_is_not_enough(self) -> None:
        assert not may(cast.alice(), "requests.decide", project=cast.payments_api(), role="approver:security").allowed

    def test_narrowed_to_a_role_that_cannot_do_it_is_no(self) -> None:
        assert not may(cast.dave(), "requests.decide", project=cast.payments_api(), role="administrator").allowed

    def test_nobody_may_nothing(self) -> None:
        assert not any(may(None, action).allowed for action in ACTIONS)
        assert not any(may(cast.mallory(), action).allowed for action in BY_ROLE)

    def test_staff_and_superuser_flags_give_nothing(self) -> None:
        account = cast.account_of(cast.mallory())
        account.is_staff = account.is_superuser = True
        account.save()
        assert {action for action in ACTIONS if may(account.identity, action, project=cast.payments_api()).allowed} == OF_ONESELF

    def test_a_program_never_decides_and_stays_in_its_team(self) -> None:
        runner = cast.runner()
        assert may(runner, "requests.open", project=cast.payments_api()).allowed
        assert not may(runner, "requests.open", project=other_team()[1]).allowed
        for action in ("requests.decide", "keys.own", "identities.steward", "identities.recertify"):
            assert not may(runner, action, project=cast.payments_api()).allowed

    def test_what_holds_for_every_team_takes_more_than_a_role_in_one_project(self) -> None:
        assert may(cast.olga(), "trust.change").allowed
        person = cast.person("pat", "Pat", "officer", project=cast.payments_api())
        assert not may(person, "trust.change").allowed
        assert not may(person, "trust.change", project=cast.payments_api()).allowed

    def test_allowed_says_the_same_without_the_words(self) -> None:
        toy = other_team()[1]
        people = (
            cast.alice(),
            cast.carol(),
            cast.mallory(),
            cast.runner(),
            cast.person("pat", "Pat", "officer", project=cast.payments_api()),
        )
        for person in people:
            for action in ACTIONS:
                for project in (cast.payments_api(), toy):
                    assert is_allowed(person, action, project=project) == may(person, action, project=project).allowed, action

    def test_names_some_of_very_many_roles_and_reads_no_others(self) -> None:
        person, project = cast.person("pat", "Pat", "auditor"), cast.payments_api()
        teams = Team.objects.bulk_create([Team(slug=f"team-{number:03}", name="A team") for number in range(MOST_SAID + 5)])
        RoleAssignment.objects.bulk_create(
            [RoleAssignment(identity=person, role="auditor", team=team, granted_at=cast.NOW) for team in teams]
        )
        with CaptureQueriesContext(connection) as asked:
            assert is_allowed(person, "requests.read", project=project)
        assert len(asked) == 1
        assert "LIMIT" not in asked.captured_queries[0]["sql"]
        assert "team_id" in asked.captured_queries[0]["sql"].partition("WHERE")[2]
        reason = may(person, "requests.open", project=project).reason
        assert reason.startswith("You are an auditor in payments and an auditor in team-000 and")
        assert reason.endswith("and more elsewhere; opening a request in payments-api needs the role requester.")
        assert reason.count("auditor in") == MOST_SAID

    def test_an_action_nobody_named_is_a_bug(self) -> None:
        with pytest.raises(KeyError):
            may(cast.alice(), "requests.everything")

    def test_roles_of_a_project_come_from_team_and_project(self) -> None:
        person = cast.person("pat", "Pat", "requester")
        cast.grant_role(identity=person, role="approver:owner", team=cast.payments(), project=cast.payments_api(), by=None, now=cast.NOW)
        assert [held.role for held in roles_of(person, project=cast.payments_api())] == ["approver:owner", "requester"]
        assert roles_of(person, project=other_team()[1]) == []

    def test_lists_hold_exactly_the_projects_that_may_be_read(self) -> None:
        mine, foreign = cast.payments_api(), other_team()[1]
        for identity, expected in ((cast.alice(), [mine]), (cast.runner(), [mine]), (cast.mallory(), [])):
            assert list(Project.objects.filter(readable_teams(identity, "requests.read"))) == expected
            assert foreign not in Project.objects.filter(readable_teams(identity, "requests.read"))


class TestDemand:
    def test_refuses_with_the_reason(self) -> None:
        with pytest.raises(NotAllowed) as refusal:
            demand(cast.carol(), "requests.open", project=cast.payments_api())
        assert refusal.value.code == "permission.missing"
        assert refusal.value.reason == "You are an auditor in payments; opening a request in payments-api needs the role requester."


@requires("requests.decide")
def decide(request: HttpRequest) -> HttpResponse:
    return HttpResponse("decided")


class TestRequires:
    def ask(self, user: Any, **headers: str) -> Any:
        request = RequestFactory().get("/sign?x=1", headers=headers)
        request.user = user
        return decide(request)

    def test_marks_the_view(self) -> None:
        assert decide.required_action == "requests.decide"  # type: ignore[attr-defined]

    def test_sends_anonymous_to_sign_in(self, client: Client) -> None:
        from django.contrib.auth.models import AnonymousUser

        answer = self.ask(AnonymousUser())
        assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/sign%3Fx%3D1")

    def test_lets_the_right_person_in(self) -> None:
        assert self.ask(cast.account_of(cast.alice())).content == b"decided"

    def test_refuses_the_wrong_person(self) -> None:
        with pytest.raises(NotAllowed, match="permission.missing"):
            self.ask(cast.account_of(cast.bob()))

    def test_refuses_an_account_without_a_person(self) -> None:
        account = cast.account_of(cast.alice())
        account.identity = None
        with pytest.raises(NotAllowed, match="identity.unregistered"):
            self.ask(account)

    def test_refuses_a_credential_even_beside_a_session(self) -> None:
        with pytest.raises(NotAllowed, match="approval.human_required"):
            self.ask(cast.account_of(cast.alice()), Authorization=f"Bearer {cast.token_of(cast.runner())}")

    def test_a_misspelled_action_stops_the_start(self) -> None:
        with pytest.raises(KeyError):
            requires("request.decide")

    def test_person_of_wants_a_person(self) -> None:
        request = RequestFactory().get("/")
        request.user = cast.account_of(cast.carol())
        assert person_of(request).name == "Carol Idris"


def test_what_is_ones_own_is_so_wherever_one_asks() -> None:
    nobody = cast.mallory()
    for place in ({}, {"team": cast.payments()}, {"project": cast.payments_api()}):
        assert may(nobody, "settings.own", **place).allowed
