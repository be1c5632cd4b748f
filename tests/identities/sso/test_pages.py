"""The pages of providers, of group rules and of the switch; and that with local sign-in off, passwords and passkeys are refused where they are proved."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.internal.userkit import user_id_to_str
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client, RequestFactory
from django.utils import timezone

from identities.models import GroupRules, HeldGroups, Identity, IdentityProvider, LocalSignIn, SignInEvent, Team, User
from identities.providers import is_local_sign_in_allowed
from identities.sign_in.adapter import ClosedAdapter
from identities.sso.add_provider import add_provider
from proofs.errors import NotAllowed
from tests import cast, make_sso
from tests.make_sso import rule, rules

pytestmark = [pytest.mark.django_db, pytest.mark.once]
HOME = "/settings/sign-in-providers"
OIDC = {
    "slug": "corp",
    "name": "Corp",
    "issuer": make_sso.ISSUER,
    "client_id": "c",
    "client_secret": "s3cret",
    "scope": "",
    "groups_claim": "groups",
}


def signed_in(username: str = "dave") -> Client:
    """A browser that proved the person a moment ago."""
    getattr(cast, username)()
    client = Client()
    client.post("/accounts/login/", {"login": username, "password": cast.PASSWORD})
    return client


def rows(*wanted: tuple[str, str, str], seen: int = 0, **more: str) -> dict[str, str]:
    data = {"rule-TOTAL_FORMS": str(len(wanted)), "rule-INITIAL_FORMS": "0", "seen": str(seen), **more}
    for number, (group, role, place) in enumerate(wanted):
        data |= {f"rule-{number}-group": group, f"rule-{number}-role": role, f"rule-{number}-place": place}
    return data


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


class TestProviders:
    def test_from_the_empty_page_to_a_provider_and_back(self) -> None:
        client = signed_in()
        assert "No identity provider yet" in text_of(client.get(HOME))
        assert client.post(f"{HOME}/add/oidc", OIDC)["Location"] == f"{HOME}/corp"
        page = text_of(client.get(f"{HOME}/corp"))
        assert "http://localhost:8000/accounts/oidc/corp/login/callback/" in page
        assert "http://localhost:8000/sign-in/bound" in page
        assert "s3cret" not in page + text_of(client.get(f"{HOME}/corp/change"))
        assert client.post(f"{HOME}/corp/change", {**OIDC, "name": "New", "client_secret": ""}).status_code == 302
        assert "New" in text_of(client.get(HOME))
        assert "Remove New?" in text_of(client.get(f"{HOME}/corp/remove"))
        assert client.post(f"{HOME}/corp/remove")["Location"] == HOME
        assert client.get(f"{HOME}/corp").status_code == 404

    def test_a_saml_provider_by_pasted_metadata(self) -> None:
        client = signed_in()
        said = {"slug": "saml", "name": "S", "metadata": make_sso.metadata(make_sso.certificate()), "groups_claim": "groups"}
        assert client.post(f"{HOME}/add/saml", said)["Location"] == f"{HOME}/saml"
        page = text_of(client.get(f"{HOME}/saml"))
        assert "http://localhost:8000/accounts/saml/saml/acs/" in page
        assert "http://localhost:8000/accounts/saml/saml/metadata/" in page
        assert "BEGIN CERTIFICATE" in text_of(client.get(f"{HOME}/saml/change"))

    def test_says_what_is_wrong(self) -> None:
        client = signed_in()
        answer = client.post(f"{HOME}/add/oidc", {**OIDC, "issuer": "http://idp.example"})
        assert answer.status_code == 422
        assert "issuer.url" in text_of(answer)
        assert "s3cret" not in text_of(answer)
        assert client.post(f"{HOME}/add/saml", {"slug": "s", "name": "S", "metadata": "<a/>", "groups_claim": "g"}).status_code == 422
        assert client.get(f"{HOME}/add/ldap").status_code == 404

    def test_what_the_file_set_is_shown_and_not_changed(self) -> None:
        client = signed_in()
        add_provider(slug="corp", said=make_sso.described(), by=None, now=cast.NOW, source="file")
        assert "operator’s file" in text_of(client.get(f"{HOME}/corp"))
        assert '<button class="button button-bad"' not in text_of(client.get(f"{HOME}/corp/remove"))
        assert client.post(f"{HOME}/corp/remove").status_code == 422

    @pytest.mark.parametrize("who", ["alice", "bob", "carol", "olga"])
    def test_is_for_administrators(self, who: str) -> None:
        client = signed_in(who)
        assert client.get(HOME).status_code == 403
        assert client.post(f"{HOME}/local", {"allowed": "no"}).status_code == 403

    def test_asks_for_a_fresh_proof(self) -> None:
        client = Client()
        client.force_login(cast.account_of(cast.dave()))
        assert "/accounts/reauthenticate/" in client.get(f"{HOME}/add/oidc")["Location"]


class TestGroups:
    def test_shows_writes_and_compares(self) -> None:
        client = signed_in()
        make_sso.provider()
        cast.payments_api()
        assert "No rules yet" in text_of(client.get(f"{HOME}/corp/groups"))
        wanted = (
            ("releasers", "approver:release", "payments"),
            ("reqs", "requester", "payments/payments-api"),
            ("", "auditor", "payments"),
        )
        assert client.post(f"{HOME}/corp/groups/change", rows(*wanted))["Location"] == f"{HOME}/corp/groups"
        assert GroupRules.objects.get().rules == [
            rule("releasers", "approver:release"), rule("reqs", "requester", project="payments-api"),
        ]  # fmt: skip
        client.post(f"{HOME}/corp/groups/change", rows(wanted[0], seen=1))
        page = text_of(client.get(f"{HOME}/corp/groups?from=1&to=2"))
        assert "Version 2 against version 1" in page
        assert "by Dave Novak" in page
        assert client.get(f"{HOME}/corp/groups?from=1&to=9").status_code == 404
        assert client.get(f"{HOME}/corp/groups?from=x&to=1").status_code == 400

    def test_previews_and_saves_nothing(self) -> None:
        client = signed_in()
        for person in (cast.mallory(), cast.dave()):
            HeldGroups.objects.create(identity=person, provider=make_sso.provider(), groups=["releasers"], source="sign_in", as_of=cast.NOW)
        answer = client.post(f"{HOME}/corp/groups/change", rows(("releasers", "approver:release", "payments"), preview="yes"))
        page = text_of(answer)
        assert "What these rules would change" in page
        assert "Mallory Voss" in page
        assert "Does not get" in page
        assert 'value="releasers"' in page
        assert not GroupRules.objects.exists()
        refused = client.post(f"{HOME}/corp/groups/change", rows(("releasers", "approver:release", "payments")))
        assert refused.status_code == 422
        assert "role.self_grant" in text_of(refused)
        more = text_of(client.post(f"{HOME}/corp/groups/change", rows(("a", "requester", "payments"), more="yes")))
        assert more.count("<fieldset") == 4

    def test_other_teams_rules_are_not_shown_and_stay(self) -> None:
        Team.objects.create(slug="search", name="Search")
        rules(rule("searchers", "approver:release", team="search"))
        client = signed_in()
        page = text_of(client.get(f"{HOME}/corp/groups"))
        assert "searchers" not in page
        assert "1 more rule concerns other teams" in page
        client.post(f"{HOME}/corp/groups/change", rows(("a", "requester", "payments"), seen=1))
        assert len(GroupRules.objects.get(version=2).rules) == 2
        assert client.post(f"{HOME}/corp/groups/change", rows(("a", "requester", "search"), seen=2)).status_code == 422


class TestLocalSwitch:
    def test_shows_the_reason_and_switches_once_there_is_none(self) -> None:
        client, other = signed_in(), signed_in("alice")
        page = text_of(client.get(f"{HOME}/local"))
        assert "There is no identity provider to sign in at." in page
        assert client.post(f"{HOME}/local", {"allowed": "no"}).status_code == 422
        make_sso.administrator_came_in(now=timezone.now())
        assert "2 people who have only an account of this portal" in text_of(client.get(f"{HOME}/local"))
        assert client.post(f"{HOME}/local", {"allowed": "no"}).status_code == 302
        assert not is_local_sign_in_allowed()
        assert client.get(HOME).status_code == 200
        assert "_auth_user_id" not in other.session
        assert client.post(f"{HOME}/local", {"allowed": "yes"}).status_code == 302
        assert is_local_sign_in_allowed()

    def test_says_that_it_takes_every_team_whose_people_have_such_accounts(self) -> None:
        client = signed_in()
        cast.person("sina", "Sina", "administrator", team=Team.objects.create(slug="search", name="Search"))
        page = text_of(client.get(f"{HOME}/local"))
        assert "You cannot switch it off alone." in page and "People of search have accounts" in page and "Switch it off" not in page
        make_sso.administrator_came_in(now=timezone.now())
        answer = client.post(f"{HOME}/local", {"allowed": "no"})
        assert answer.status_code == 422 and "sso.reach" in text_of(answer)
        assert is_local_sign_in_allowed()


class TestSwitchedOff:
    @pytest.fixture(autouse=True)
    def _off(self) -> None:
        make_sso.provider()
        cast.alice()
        LocalSignIn.objects.create(allowed=False, changed_at=cast.NOW)

    def test_no_password_is_looked_at(self, client: Client) -> None:
        for password in (cast.PASSWORD, "wrong"):
            answer = client.post("/accounts/login/", {"login": "alice", "password": password})
            assert "Sign-in with an account of this portal is switched off. Sign in with Payments Corp." in text_of(answer)
        assert "_auth_user_id" not in client.session
        assert not SignInEvent.objects.exists()

    @pytest.mark.parametrize(("record", "comes_in"), [({"method": "mfa"}, False), ({"method": "socialaccount", "provider": "corp"}, True)])
    def test_whoever_came_with_a_passkey_is_refused(self, rf: RequestFactory, record: dict[str, str], comes_in: bool) -> None:
        account = cast.account_of(cast.alice())
        request: Any = rf.post("/accounts/2fa/webauthn/login/")
        request.session = SessionStore()
        request.session["account_authentication_methods"] = [{"at": 1.0, **record}]
        request.session["account_authentication_methods_user"] = user_id_to_str(account)
        adapter = ClosedAdapter(request)
        if comes_in:
            assert (
                adapter.pre_login(request, account, email_verification="none", signal_kwargs={}, email=None, signup=False, redirect_url="/")
                is None
            )
            return
        for step in (adapter.pre_login, adapter.login):
            with pytest.raises(NotAllowed) as refusal:
                step(request, account)
            assert refusal.value.code == "sso.local_off"
        assert set(SignInEvent.objects.values_list("outcome", "via")) == {("refused", "passkey")}

    def test_the_page_shows_the_providers_alone(self, client: Client) -> None:
        page = text_of(client.get("/accounts/login/"))
        assert "Sign in with Payments Corp" in page
        assert 'name="password"' not in page
        assert "data-passkey" not in page

    def test_passwords_are_neither_reset_nor_changed(self, client: Client) -> None:
        assert "switched off" in text_of(client.post("/accounts/password/reset/", {"email": "alice@payments.example"}))
        client.force_login(cast.account_of(cast.alice()))
        was = User.objects.get(username="alice").password
        words = {"oldpassword": cast.PASSWORD, "password1": "another long passphrase 7", "password2": "another long passphrase 7"}
        answer = client.post("/accounts/password/change/", words)
        assert "switched off" in text_of(answer)
        assert User.objects.get(username="alice").password == was


def test_people_of_a_provider_have_no_password_here(client: Client, mailoutbox: list[Any]) -> None:
    rules(rule("releasers", "approver:release"))
    erin = make_sso.arrive("s-erin", "releasers")
    client.post("/accounts/password/reset/", {"email": erin.email})
    assert all("reset/key" not in mail.body for mail in mailoutbox)
    client.force_login(erin)
    words = {"password1": "another long passphrase 7", "password2": "another long passphrase 7"}
    assert "this portal keeps no password" in text_of(client.post("/accounts/password/set/", words))
    assert not User.objects.get(pk=erin.pk).has_usable_password()
    erin.set_password(cast.PASSWORD)
    erin.save()
    stranger = Client()
    answer = stranger.post("/accounts/login/", {"login": "erin", "password": cast.PASSWORD})
    assert answer.status_code == 403
    assert "sso.local_off" in text_of(answer)
    assert "_auth_user_id" not in stranger.session
    assert list(SignInEvent.objects.values_list("username", "outcome")) == [("erin", "refused")]
    IdentityProvider.objects.update(removed_at=cast.NOW)
    assert stranger.post("/accounts/login/", {"login": "erin", "password": cast.PASSWORD}).status_code == 302
    assert Identity.objects.filter(issuer=make_sso.ISSUER).count() == 1
