"""Accounts elsewhere: linked by a steward, to one identity at a time, and known again by whoever asks."""

from __future__ import annotations

import pytest
from django.test import Client

from identities.models import Identity, LinkedAccount
from identities.people.accounts.known_accounts import find_known
from identities.people.accounts.link_account import end_account, link_account
from identities.people.deactivate import deactivate_person
from ledger.models import Entry
from proofs.errors import Conflict, Malformed, NotAllowed
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db


def link(identity: Identity, account: str = "12345", *, provider: str = "github", by: Identity | None = None) -> LinkedAccount:
    return link_account(identity=identity, provider=provider, account=account, label="somebody", by=by, now=cast.NOW)


class TestLinking:
    def test_says_whose_an_account_is(self) -> None:
        row = link(cast.alice(), by=cast.dave())
        assert find_known([("github", "12345"), ("github", "9")]) == {("github", "12345"): cast.alice()}
        assert (row.linked_by, row.label) == (cast.dave(), "somebody")
        assert Entry.objects.latest("pk").event == "account.linked"

    def test_reads_an_address_in_any_case(self) -> None:
        link(cast.alice(), "Alice@Home.example", provider="Email")
        assert find_known([("email", "alice@home.example")])["email", "alice@home.example"] == cast.alice()

    def test_the_address_of_a_sign_in_is_known_anyway(self) -> None:
        assert find_known([("email", "alice@payments.example")]) == {} and cast.alice()
        assert find_known([("email", "alice@payments.example")]) == {("email", "alice@payments.example"): cast.alice()}

    @pytest.mark.parametrize(
        ("provider", "account", "code"),
        [
            ("", "1", "account.provider"),
            ("git hub", "1", "account.provider"),
            ("github", "alice", "account.malformed"),
            ("github", "012", "account.malformed"),
            ("email", "alice", "account.malformed"),
            ("git", "", "account.malformed"),
            ("git", "a\u202eb", "account.malformed"),
            ("git", "x" * 201, "account.malformed"),
        ],
    )
    def test_refuses_what_names_no_account(self, provider: str, account: str, code: str) -> None:
        with pytest.raises(Malformed) as refused:
            link(cast.alice(), account, provider=provider)
        assert refused.value.code == code

    def test_refuses_one_of_somebody_else_without_saying_whose(self) -> None:
        link(cast.alice())
        with pytest.raises(Conflict) as refused:
            link(cast.bob())
        assert refused.value.code == "account.taken" and "Alice" not in refused.value.reason

    def test_refuses_it_twice(self) -> None:
        link(cast.alice())
        with pytest.raises(Conflict, match="already"):
            link(cast.alice())

    def test_nobody_says_it_of_themselves(self) -> None:
        steward = cast.person("sam", "Sam Reed", "identity-steward")
        for identity in (steward, program_of(steward)):
            with pytest.raises(NotAllowed) as refused:
                link(identity, by=steward)
            assert refused.value.code == "account.own"

    def test_takes_a_steward_of_that_team(self) -> None:
        for somebody in (cast.carol(), make.other_teams_bot().owner):
            with pytest.raises(NotAllowed) as refused:
                link(cast.alice(), by=somebody)
            assert refused.value.code == "permission.missing"

    def test_refuses_somebody_who_left(self) -> None:
        deactivate_person(identity=cast.alice(), reason="Left", by=None, now=cast.NOW)
        with pytest.raises(Conflict, match="expected active"):
            link(Identity.objects.get(pk=cast.alice().pk))

    def test_who_left_still_has_their_account(self) -> None:
        link(cast.alice())
        deactivate_person(identity=cast.alice(), reason="Left", by=None, now=cast.NOW)
        assert find_known([("github", "12345")])


class TestEnding:
    def test_frees_the_account(self) -> None:
        row = link(cast.alice())
        end_account(account=row, by=cast.dave(), now=cast.NOW)
        assert find_known([("github", "12345")]) == {}
        assert Entry.objects.latest("pk").event == "account.unlinked"
        assert link(cast.bob()).identity == cast.bob()

    def test_happens_once(self) -> None:
        row = link(cast.alice())
        end_account(account=row, by=None, now=cast.NOW)
        with pytest.raises(Conflict, match="no longer linked"):
            end_account(account=row, by=None, now=cast.NOW)

    def test_is_nobodys_own_to_do(self) -> None:
        steward = cast.person("sam", "Sam Reed", "identity-steward")
        row = link(steward)
        with pytest.raises(NotAllowed, match="another steward"):
            end_account(account=row, by=steward, now=cast.NOW)


@pytest.mark.once
class TestPages:
    def test_a_steward_links_and_ends(self) -> None:
        client = cast.let_in(Client(), cast.dave())
        page, own = f"/identities/{cast.alice().pk}", cast.let_in(Client(), cast.alice())
        assert "None is linked" in client.get(page).content.decode()
        answer = client.post(f"{page}/accounts/add", {"provider": "github", "account": "12345", "label": "al<b>ice"})
        assert (answer.status_code, answer["Location"]) == (302, page)
        row = LinkedAccount.objects.get()
        shown = client.get(page).content.decode()
        assert "github:12345" in shown and "al&lt;b&gt;ice" in shown and f"/accounts/{row.pk}/end" in shown
        mine = own.get("/settings/accounts").content.decode()
        assert "github:12345" in mine and "/end" not in mine
        assert client.get(f"{page}/accounts/{row.pk}/end").status_code == 200
        assert client.post(f"{page}/accounts/{row.pk}/end").status_code == 302
        assert "Ended" in client.get(page).content.decode()

    def test_a_refusal_stands_at_its_field(self) -> None:
        answer = cast.let_in(Client(), cast.dave()).post(
            f"/identities/{cast.alice().pk}/accounts/add", {"provider": "github", "account": "al"}
        )
        assert answer.status_code == 422 and "never changes" in answer.content.decode()

    def test_others_see_no_accounts_and_no_way_to_them(self) -> None:
        link(cast.alice())
        zoe = make.other_teams_bot().owner
        assert zoe is not None
        stranger = cast.let_in(Client(), zoe)
        assert "github:12345" not in stranger.get(f"/identities/{cast.alice().pk}").content.decode()
        auditor = cast.let_in(Client(), cast.carol())
        assert auditor.post(f"/identities/{cast.alice().pk}/accounts/add").status_code == 403

    def test_says_that_there_is_none(self) -> None:
        assert "None is linked yet" in cast.let_in(Client(), cast.bob()).get("/settings/accounts").content.decode()


def program_of(owner: Identity) -> Identity:
    return cast.register_nonhuman(
        kind="bot", name="bot", issuer="https://ci.example", subject="bot", owner=owner, team=cast.payments(), by=None, now=cast.NOW
    )
