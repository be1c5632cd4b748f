"""The pages of people: who is seen, the history of roles, granting and ending, registering, and may they, and why."""

from __future__ import annotations

import time
from typing import Any

import pytest
from allauth.account.internal.flows.login import _AUTHENTICATION_METHODS_USER_SESSION_KEY, AUTHENTICATION_METHODS_SESSION_KEY
from django.test import Client

from identities.models import Identity, RoleAssignment, User
from identities.people.roles import end_role, grant_role
from ledger.models import Entry
from tests import cast
from tests import make_approvals as make

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def browser(person: Identity, *, proved: bool = True) -> Client:
    client, account = Client(), cast.account_of(person)
    client.force_login(account)
    if proved:
        session = client.session
        session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": time.time()}]
        session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(account.pk)
        session.save()
    return client


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def roles_page(person: Identity) -> str:
    return f"/people/{person.pk}/roles"


def zoe() -> Identity:
    owner = make.other_teams_bot().owner
    assert owner is not None
    return owner


class TestPeople:
    def test_lists_the_people_of_ones_teams_with_roles_and_until_when(self) -> None:
        cast.alice(), cast.mallory(), zoe()
        grant_role(identity=cast.bob(), role="approver:owner", team=cast.payments(), project=cast.payments_api(), by=None, now=cast.NOW)
        page = text(browser(cast.carol()).get("/people"))
        assert "Alice Chen" in page and "Mallory Voss" in page and "Zoe Park" not in page
        assert 'Owner approver <span class="muted small">in payments-api only' in page

    def test_filters_by_role_name_and_what_is_missing(self) -> None:
        cast.alice(), cast.mallory()
        client = browser(cast.carol())
        for query, seen, unseen in (
            ("role=auditor", "Carol", "Alice"),
            ("q=alice", "Alice", "Mallory"),
            ("show=roleless", "Mallory", "Alice"),
        ):
            page = text(client.get(f"/people?{query}")).partition("<main")[2]
            assert seen in page and unseen not in page, query
        assert "Nobody fits" in text(client.get("/people?q=xyz"))

    def test_takes_as_many_queries_for_many(self, django_assert_num_queries: Any) -> None:
        client = browser(cast.carol())
        client.get("/people")  # The first answer of a session also keeps that there is one.
        with django_assert_num_queries(16, exact=False):
            client.get("/people")
        for number in range(5):
            cast.person(f"p{number}", f"P {number}", "requester")
        with django_assert_num_queries(16, exact=False):
            client.get("/people")


class TestHistory:
    def test_shows_who_granted_and_how_it_ended(self) -> None:
        mallory = cast.mallory()
        given = grant_role(identity=mallory, role="requester", team=cast.payments(), by=cast.dave(), now=cast.NOW)
        end_role(assignment=given, by=cast.dave(), now=cast.NOW)
        page = text(browser(cast.carol()).get(roles_page(mallory)))
        assert "by Dave Novak" in page and "was ended" in page and "Grant a role" not in page

    def test_is_not_there_for_other_teams_nor_of_programs(self) -> None:
        client = browser(zoe())
        assert client.get(roles_page(cast.alice())).status_code == 404
        assert client.get(roles_page(make.other_teams_bot())).status_code == 404
        assert client.get(roles_page(zoe())).status_code == 200

    def test_says_nothing_of_roles_in_teams_the_reader_is_not_in(self) -> None:
        grant_role(identity=cast.alice(), role="officer", team=zoe().roles.get().team, by=None, now=cast.NOW)
        assert "Officer" not in text(browser(cast.carol()).get(roles_page(cast.alice()))).partition("<main")[2]


class TestGrantAndEnd:
    def test_a_steward_grants_and_ends(self) -> None:
        client, mallory = browser(cast.dave()), cast.mallory()
        cast.payments_api()
        client.post(f"{roles_page(mallory)}/add", {"role": "auditor", "where": "project:payments-api", "valid_until": ""})
        assert not mallory.roles.exists(), "an auditor without an end"
        day = f"{time.gmtime().tm_year + 1}-01-01"
        answer = client.post(f"{roles_page(mallory)}/add", {"role": "auditor", "where": "project:payments-api", "valid_until": day})
        assert answer.status_code == 302
        row = mallory.roles.get()
        assert (row.project, row.granted_by, row.valid_until.isoformat()) == (cast.payments_api(), cast.dave(), f"{day}T23:59:59+00:00")
        assert client.post(f"{roles_page(mallory)}/{row.pk}/end").status_code == 302
        row.refresh_from_db()
        assert row.ended_at is not None

    def test_shows_a_refusal_at_its_field(self) -> None:
        answer = browser(cast.dave()).post(f"{roles_page(cast.mallory())}/add", {"role": "auditor", "where": "team:payments"})
        assert answer.status_code == 422 and "id_valid_until_error" in text(answer)
        own = browser(cast.dave()).post(f"{roles_page(cast.dave())}/add", {"role": "requester", "where": "team:payments"})
        assert own.status_code == 422 and "role.self_grant" in text(own)

    def test_asks_for_a_fresh_proof(self) -> None:
        cast.alice()
        client, row = browser(cast.dave(), proved=False), RoleAssignment.objects.get(identity=cast.alice())
        for path in (f"{roles_page(cast.alice())}/add", f"{roles_page(cast.alice())}/{row.pk}/end", "/people/add"):
            assert "reauthenticate" in client.get(path)["Location"]

    def test_only_stewards_and_oneself_end(self) -> None:
        row, entries = RoleAssignment.objects.get(identity=cast.alice()), Entry.objects.count()
        cast.bob()
        assert browser(cast.bob()).post(f"{roles_page(cast.alice())}/{row.pk}/end").status_code == 403
        assert browser(zoe()).post(f"{roles_page(cast.alice())}/{row.pk}/end").status_code == 404
        assert Entry.objects.filter(event="role.ended").count() == 0 and entries
        assert browser(cast.alice()).post(f"{roles_page(cast.alice())}/{row.pk}/end").status_code == 302
        assert browser(cast.dave()).post(f"{roles_page(cast.alice())}/{row.pk}/end").status_code == 422

    def test_the_last_administrator_stays(self) -> None:
        row = RoleAssignment.objects.get(identity=cast.dave())
        answer = browser(cast.dave()).post(f"{roles_page(cast.dave())}/{row.pk}/end")
        assert answer.status_code == 422 and "role.last_administrator" in text(answer)


class TestLeaveAndComeBack:
    def test_a_steward_deactivates_somebody_and_lets_them_come_back(self) -> None:
        alice, steward = cast.alice(), cast.person("sam", "Sam", "identity-steward")
        client = browser(steward)
        assert "/people/" + alice.pk + "/deactivate" in text(client.get(roles_page(alice)))
        assert client.post(f"/people/{alice.pk}/deactivate", {"reason": "Left the company"}).status_code == 302
        alice.refresh_from_db()
        assert alice.status == "suspended"
        assert not RoleAssignment.objects.held().filter(identity=alice).exists()
        assert client.post(f"/people/{alice.pk}/reactivate", {"reason": "Came back"}).status_code == 302
        alice.refresh_from_db()
        assert alice.status == "active"
        assert not RoleAssignment.objects.held().filter(identity=alice).exists()

    def test_offers_nothing_to_whoever_may_not_and_about_oneself(self) -> None:
        assert "/deactivate" not in text(browser(cast.carol()).get(roles_page(cast.alice())))
        assert "/deactivate" not in text(browser(cast.dave()).get(roles_page(cast.dave())))
        assert browser(cast.carol()).post(f"/people/{cast.alice().pk}/deactivate", {"reason": "x"}).status_code == 403

    def test_needs_a_reason_a_known_change_and_another_administrator(self) -> None:
        client = browser(cast.dave())
        assert client.post(f"/people/{cast.alice().pk}/deactivate", {"reason": ""}).status_code == 422
        assert client.get(f"/people/{cast.alice().pk}/promote").status_code == 404
        second = cast.person("ada", "Ada", "identity-steward")
        assert browser(second).post(f"/people/{cast.dave().pk}/deactivate", {"reason": "x"}).status_code == 422
        cast.dave().refresh_from_db()
        assert cast.dave().status == "active"

    def test_asks_for_a_fresh_proof(self) -> None:
        answer = browser(cast.dave(), proved=False).get(f"/people/{cast.alice().pk}/deactivate")
        assert answer["Location"].startswith("/accounts/reauthenticate/")


class TestRegister:
    asked = {"name": "New Hire", "username": "new", "email": "new@payments.example"}

    def test_a_steward_registers_somebody_without_role_or_password(self) -> None:
        answer = browser(cast.dave()).post("/people/add", {**self.asked, "team": cast.payments().pk})
        account = User.objects.get(username="new")
        assert account.identity is not None and answer["Location"] == roles_page(account.identity)
        assert not account.has_usable_password() and not account.identity.roles.exists() and account.identity.registered_by == cast.dave()

    def test_refuses_a_taken_name_and_who_is_no_steward(self) -> None:
        cast.alice()
        answer = browser(cast.dave()).post("/people/add", {**self.asked, "username": "alice", "team": cast.payments().pk})
        assert answer.status_code == 422 and "id_username_error" in text(answer)
        assert browser(cast.alice()).get("/people/add").status_code == 403
        narrow = cast.person("nia", "Nia", "identity-steward", project=cast.payments_api())
        assert browser(narrow).get("/people/add").status_code == 403


class TestMay:
    def test_says_no_why_what_is_needed_and_who_could_give_it(self) -> None:
        cast.dave(), cast.payments_api()
        asked = {"identity": cast.bob().pk, "action": "requests.decide", "where": "project:payments-api"}
        page = text(browser(cast.carol()).get("/may", asked))
        assert "Bob Ruiz is a requester in payments; approving in payments-api needs one of the roles" in page
        assert (
            "<code>approver:security</code>" in page
            and "Dave Novak" in page
            and "One of these roles, in payments-api or in all of payments." in page
        )

    def test_says_yes_and_the_rule_that_comes_on_top(self) -> None:
        page = text(browser(cast.alice()).get("/may", {"identity": cast.alice().pk, "action": "requests.decide", "where": ""}))
        assert "You are a release approver in payments." in page and "policy also says who may not decide it" in page

    def test_of_a_program_says_that_a_person_has_to(self) -> None:
        page = text(
            browser(cast.carol()).get("/may", {"identity": cast.runner().pk, "action": "requests.decide", "where": "team:payments"})
        )
        assert "is not a person; approving needs a person." in page and "no credential opens it" in page

    def test_other_teams_people_are_not_there(self) -> None:
        client = browser(cast.carol())
        assert client.get("/may", {"identity": zoe().pk, "action": "requests.read", "where": ""}).status_code == 404
        assert "Zoe Park" not in text(client.get("/may"))


class TestMayApi:
    def ask(self, client: Client, **asked: str) -> Any:
        return client.get("/api/v1/may", asked)

    def test_answers_as_the_page_does(self) -> None:
        cast.dave(), cast.payments_api()
        answer = self.ask(browser(cast.carol()), identity=cast.bob().pk, action="requests.decide", project="payments-api").json()
        assert (answer["allowed"], answer["givers"], answer["project"]) == (False, ["Dave Novak"], "payments-api")
        assert answer["neededRoles"] == ["approver:release", "approver:security", "approver:owner"]

    def test_a_program_asks_about_itself_alone_with_any_scope(self) -> None:
        cast.payments_api()
        client = Client(headers={"Authorization": f"Bearer {cast.token_of(cast.runner(), 'requests:write')}"})
        assert self.ask(client, action="requests.open", project="payments-api").json()["allowed"] is True
        assert self.ask(client, action="requests.open", identity=cast.bob().pk).status_code == 404

    def test_refuses_what_is_not_there(self) -> None:
        zoe()
        client = browser(cast.carol())
        for asked, code in (
            ({"action": "requests.everything"}, "action.unknown"),
            ({"action": "requests.read", "project": "search-api"}, "project.unknown"),
            ({"action": "requests.read", "team": "other"}, "team.unknown"),
            ({"action": "requests.read", "identity": zoe().pk}, "identity.unknown"),
        ):
            assert self.ask(client, **asked).json()["code"] == code

    def test_who_registered_somebody_is_not_named_as_one_who_could_make_them_approver(self) -> None:
        cast.payments_api()
        new = cast.register_person(name="New", username="new", team=cast.payments(), by=cast.dave(), now=cast.NOW)
        asked = {"identity": new.pk, "action": "requests.decide", "project": "payments-api"}
        assert self.ask(browser(cast.dave()), **asked).json()["givers"] == []
        cast.person("sam", "Sam", "identity-steward")
        assert self.ask(browser(cast.dave()), **asked).json()["givers"] == ["Sam"]
