"""Sign-in at an OpenID provider that lies: each lie is refused, written down with the provider's name, and nobody is signed in."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.test import Client
from django.utils import timezone

from identities.models import HeldGroups, Identity, RoleAssignment, SignInEvent, User
from tests import cast
from tests import make_sign_ins as make
from tests import make_sso as sso
from tests import make_tokens as tokens

pytestmark = [pytest.mark.django_db, pytest.mark.once]
CALLBACK = "/accounts/oidc/corp/login/callback/"


def come_back(client: Client, liar: make.Liar, **form: str) -> Any:
    return client.get(CALLBACK, liar.authorize(make.way_out(client, **form)))


def events() -> list[tuple[str, str, str | None]]:
    return list(SignInEvent.objects.order_by("pk").values_list("username", "outcome", "via"))


def refused(client: Client, answer: Any, code: str, *, outcome: str = "failed") -> None:
    assert f"<code>{code}</code>" in answer.content.decode()
    assert answer.status_code in (400, 403, 404, 409, 422, 503)
    assert "_auth_user_id" not in client.session
    assert events()[-1][1:] == (outcome, "corp")


class TestSuccess:
    def test_with_groups_from_the_token(self, client: Client) -> None:
        with make.liar() as liar:
            make.provider_at(liar.url)
            liar.claims = {"groups": ["releases"], "preferred_username": "erin", "name": "Erin Malik", "email": "erin@payments.example"}
            answer = come_back(client, liar, next="/identities?kind=person")
            assert (answer.status_code, answer["Location"]) == (302, "/identities?kind=person")
            assert "/userinfo" not in liar.asked
        erin = Identity.objects.get(issuer=liar.url, subject="s-erin")
        assert client.session["_auth_user_id"] == str(erin.user.pk)
        assert [role.role for role in RoleAssignment.objects.filter(identity=erin, ended_at__isnull=True)] == ["approver:release"]
        assert events() == [("erin", "signed_in", "corp")]
        assert not (SocialApp.objects.exists() or SocialAccount.objects.exists() or SocialToken.objects.exists())

    def test_what_is_asked_and_nothing_that_the_request_adds(self, client: Client) -> None:
        with make.liar() as liar:
            make.provider_at(liar.url)
            url = make.way_out(client, f"{make.LOGIN}?scope=admin&auth_params=prompt%3Dnone&process=connect&action=rerequest")
            question = dict(parse_qsl(urlsplit(url).query))
        assert url.startswith(f"{liar.url}/authorize?tenant=corp&")
        assert question["redirect_uri"] == f"http://localhost:8000{CALLBACK}"
        assert (question["scope"], question["code_challenge_method"], question["response_type"]) == ("openid profile email", "S256", "code")
        assert len(question["nonce"]) >= 43 and len(question["state"]) >= 43
        assert "prompt" not in question

    def test_with_groups_from_userinfo_and_without_them_the_next_time(self, client: Client) -> None:
        with make.liar() as liar:
            make.provider_at(liar.url)
            liar.userinfo = {"groups": ["releases"], "preferred_username": "erin"}
            assert come_back(client, liar).status_code == 302
            erin = Identity.objects.get(subject="s-erin")
            assert erin.roles.filter(ended_at__isnull=True).count() == 1
            liar.userinfo = {"groups": ["lunch"]}
            come_back(Client(), liar)
        assert erin.roles.filter(ended_at__isnull=True).count() == 0
        assert HeldGroups.objects.get().groups == ["lunch"]

    @pytest.mark.parametrize(("methods", "config", "shown"), [
        (["client_secret_post"], {}, "post"),
        (["client_secret_post", "client_secret_basic"], {"token_auth_method": "client_secret_post"}, "post"),
        (["client_secret_post", "client_secret_basic"], {}, "basic"),
    ])  # fmt: skip
    def test_shows_its_secret_as_the_provider_takes_it(
        self, client: Client, methods: list[str], config: dict[str, Any], shown: str
    ) -> None:
        with make.liar() as liar:
            liar.methods = methods
            make.provider_at(liar.url, config=config)
            liar.userinfo = {"groups": ["releases"]}
            assert come_back(client, liar).status_code == 302
        assert liar.shown == [shown]

    def test_asks_for_keys_once_more_when_they_were_rotated(self, client: Client) -> None:
        with make.liar() as liar:
            make.provider_at(liar.url)
            liar.userinfo = {"groups": ["releases"]}
            come_back(client, liar)
            come_back(Client(), liar)
            assert (liar.asked.count("/keys"), liar.asked.count("/.well-known/openid-configuration")) == (1, 1)
            liar.rotate()
            assert come_back(Client(), liar).status_code == 302
            assert liar.asked.count("/keys") == 2

    def test_the_session_is_a_new_one(self, client: Client) -> None:
        with make.liar() as liar:
            make.known_at(make.provider_at(liar.url))
            back = liar.authorize(make.way_out(client))
            before = client.session.session_key
            client.get(CALLBACK, back)
        assert client.session.session_key not in (None, before)

    def test_another_site_is_nowhere_to_go_on_at(self, client: Client) -> None:
        with make.liar() as liar:
            make.known_at(make.provider_at(liar.url))
            assert come_back(client, liar, next="https://evil.example/")["Location"] == "/"


class TestLies:
    @pytest.mark.parametrize(("claims", "code"), [
        ({"nonce": "another"}, "id_token.nonce"),
        ({"nonce": None}, "id_token.nonce"),
        ({"aud": "another"}, "id_token.audience"),
        ({"aud": [make.CLIENT, "another"]}, "id_token.audience"),
        ({"azp": "another"}, "id_token.audience"),
        ({"iss": "https://evil.example"}, "id_token.issuer"),
        ({"exp": 1_700_000_000}, "id_token.expired"),
        ({"sub": None}, "token.claims"),
        ({"groups": {"a": 1}}, "sso.groups_claim"),
        ({"_claim_names": {"groups": "src1"}}, "sso.groups_claim"),
    ])  # fmt: skip
    def test_in_a_token(self, client: Client, claims: dict[str, Any], code: str) -> None:
        with make.liar() as liar:
            make.known_at(make.provider_at(liar.url))
            liar.claims = claims
            refused(client, come_back(client, liar), code)

    def test_a_key_it_does_not_publish(self, client: Client) -> None:
        with make.liar() as liar:
            make.known_at(make.provider_at(liar.url))
            liar.key = ("rsa", tokens.rsa_key("other"))
            refused(client, come_back(client, liar), "token.signature")
            liar.key = ("other", tokens.rsa_key("other"))
            refused(client, come_back(client, liar), "token.key_unknown")

    def test_userinfo_of_somebody_else(self, client: Client) -> None:
        with make.liar() as liar:
            make.known_at(make.provider_at(liar.url))
            liar.userinfo = {"sub": "s-alice", "groups": ["releases"]}
            refused(client, come_back(client, liar), "oidc.userinfo")

    @pytest.mark.parametrize(("path", "document", "code"), [
        ("/.well-known/openid-configuration", {"issuer": "https://evil.example"}, "issuer.discovery"),
        ("/token", {"access_token": "opaque"}, "oidc.answer"),
        ("/token", [], "oidc.answer"),
    ])  # fmt: skip
    def test_in_what_it_publishes(self, client: Client, path: str, document: Any, code: str) -> None:
        with make.liar() as liar:
            make.known_at(make.provider_at(liar.url))
            if path == "/token":
                back = liar.authorize(make.way_out(client))
                liar.documents[path] = document
                refused(client, client.get(CALLBACK, back), code)
            else:
                liar.documents[path] = document
                assert f"<code>{code}</code>" in client.post(make.LOGIN).content.decode()


class TestTheAnswer:
    def test_without_the_providers_name_where_it_says_that_it_always_gives_it(self, client: Client) -> None:
        with make.liar() as liar:
            make.provider_at(liar.url)
            said = liar.answer("/.well-known/openid-configuration", {}, None)[1]
            liar.documents["/.well-known/openid-configuration"] = {**said, "authorization_response_iss_parameter_supported": True}
            back = liar.authorize(make.way_out(client))
            refused(client, client.get(CALLBACK, {name: back[name] for name in ("state", "code")}), "sso.other_issuer")
            liar.claims = {"groups": ["releases"]}
            assert come_back(client, liar).status_code == 302

    def test_a_second_time(self, client: Client) -> None:
        with make.liar() as liar:
            make.known_at(make.provider_at(liar.url))
            back = liar.authorize(make.way_out(client))
            assert client.get(CALLBACK, back).status_code == 302
            again = client.get(CALLBACK, back)
        assert "<code>sso.state</code>" in again.content.decode()
        assert events()[-1][1:] == ("failed", "corp")

    def test_in_a_session_that_did_not_ask(self, client: Client) -> None:
        with make.liar() as liar:
            make.known_at(make.provider_at(liar.url))
            back = liar.authorize(make.way_out(Client()))
            refused(client, client.get(CALLBACK, back), "sso.state")

    @pytest.mark.parametrize(("change", "code"), [
        ({"code": None, "error": "access_denied"}, "sso.provider_refused"),
        ({"code": None, "error": "<script>"}, "sso.provider_refused"),
        ({"iss": "https://evil.example"}, "sso.other_issuer"),
        ({"code": "another"}, "oidc.code"),
        ({"state": "another"}, "sso.state"),
        ({"state": None}, "sso.state"),
    ])  # fmt: skip
    def test_of_another_kind(self, client: Client, change: dict[str, str | None], code: str) -> None:
        with make.liar() as liar:
            make.known_at(make.provider_at(liar.url))
            back = {**liar.authorize(make.way_out(client)), **change}
            refused(client, client.get(CALLBACK, {name: value for name, value in back.items() if value is not None}), code)

    def test_a_secret_the_provider_does_not_know(self, client: Client) -> None:
        with make.liar() as liar:
            make.known_at(make.provider_at(liar.url, secret="wrong"))
            refused(client, come_back(client, liar), "oidc.client")


class TestWhoComesIn:
    def test_nobody_registered_and_without_a_group_that_gives_a_role(self, client: Client) -> None:
        with make.liar() as liar:
            make.provider_at(liar.url)
            liar.userinfo = {"groups": ["lunch"]}
            refused(client, come_back(client, liar), "sso.unregistered", outcome="refused")
        assert not User.objects.exists()

    def test_somebody_who_is_not_active(self, client: Client) -> None:
        with make.liar() as liar:
            erin = make.known_at(make.provider_at(liar.url))
            Identity.objects.filter(pk=erin.pk).update(status="suspended")
            refused(client, come_back(client, liar), "sso.inactive", outcome="refused")
        assert events()[-1][0] == "erin"

    def test_the_same_name_elsewhere_is_somebody_else(self, client: Client) -> None:
        alice = cast.alice()
        with make.liar() as liar:
            make.provider_at(liar.url)
            liar.claims = {"preferred_username": "alice", "email": "alice@payments.example", "email_verified": True, "groups": ["releases"]}
            come_back(client, liar)
        assert client.session["_auth_user_id"] != str(alice.user.pk)


class TestHowLongAgo:
    def test_max_age_is_asked_for_and_held_against_the_token(self, client: Client) -> None:
        with make.liar() as liar:
            make.known_at(make.provider_at(liar.url, config={"max_age": 600}))
            assert "max_age=600" in make.way_out(client)
            for claims in ({"auth_time": None}, {"auth_time": int(timezone.now().timestamp()) - 700}):
                liar.claims = claims
                refused(client, come_back(client, liar), "id_token.auth_time")
            liar.claims = {"auth_time": int(timezone.now().timestamp()) - 500}
            assert come_back(client, liar).status_code == 302

    def test_keys_change_only_after_the_provider_asked_again(self, client: Client) -> None:
        with make.liar() as liar:
            make.known_at(make.provider_at(liar.url))
            old = int(timezone.now().timestamp()) - 3600
            liar.claims, liar.userinfo = {"auth_time": old}, {"groups": ["releases"]}
            come_back(client, liar)
            asks = "/accounts/again/?next=%2Fsettings%2Fkeys%2Fadd"
            assert client.get("/settings/keys/add")["Location"] == asks
            assert client.get("/accounts/2fa/webauthn/add/")["Location"].startswith("/accounts/again/")
            # A form leads back to the page that showed it: its own address may answer nothing else.
            for came, leads_to in (
                ("http://localhost:8000/settings/sessions?x=1", "%2Fsettings%2Fsessions%3Fx%3D1"),
                ("https://evil.example/", "%2Fsettings%2Fsessions%2Fend"),
            ):
                sent = client.post("/settings/sessions/end", {}, headers={"Referer": came})
                assert sent["Location"] == f"/accounts/again/?next={leads_to}"
            assert "Confirm at <bdi>Payments Corp" in client.get(asks).content.decode()
            url = make.way_out(client, again="1", next="/settings/keys/add")
            assert "prompt=login" in url and "max_age=0" in url
            assert "<code>id_token.auth_time</code>" in client.get(CALLBACK, liar.authorize(url)).content.decode()
            liar.claims = {}
            answer = come_back(client, liar, again="1", next="/settings/keys/add")
            assert answer["Location"] == "/settings/keys/add"
            assert client.get("/settings/keys/add").status_code == 200


class TestThePages:
    def test_there_is_a_button_for_each_and_no_way_in_by_a_link(self, client: Client) -> None:
        sso.provider("corp")
        sso.provider("second", issuer="https://second.example", name="Second & Sons", protocol="saml")
        page = client.get("/accounts/login/?next=/log").content.decode()
        assert 'action="/accounts/oidc/corp/login/"' in page and 'action="/accounts/saml/second/login/"' in page
        assert "Sign in with <bdi>Second &amp; Sons</bdi>" in page and page.count('name="next" value="/log"') >= 3
        assert client.get(make.LOGIN)["Location"] == "/accounts/login/"

    @pytest.mark.parametrize("path", [
        "oidc/nobody/login/", "oidc/gone/login/", "saml/corp/acs/", "saml/nobody/login/",
    ])  # fmt: skip
    def test_nobody_there(self, client: Client, path: str) -> None:
        sso.provider("corp")
        sso.provider("gone", issuer="https://gone.example", removed_at=cast.NOW)
        assert client.post(f"/accounts/{path}").status_code == 404

    @pytest.mark.parametrize("path", ["3rdparty/", "3rdparty/signup/", "social/connections/", "saml/corp/sls/"])
    def test_what_links_or_registers_accounts_is_not_opened(self, client: Client, path: str) -> None:
        cast.alice()
        client.force_login(User.objects.get(username="alice"))
        assert client.get(f"/accounts/{path}").status_code == 404
