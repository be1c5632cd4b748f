"""A second factor of this portal after a sign-in at a provider: asked for, taken, and worth nothing once the first one is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.test import Client
from django.utils import timezone

from identities.models import Identity, SignInEvent
from identities.people.deactivate import deactivate_person, reactivate_person
from identities.people.roles import grant_role
from identities.providers import find_provider
from identities.sso.remove_provider import remove_provider
from identities.sso.switch_local_sign_in import switch_local_sign_in
from tests import cast, make_saml, make_sso
from tests import make_sign_ins as make

pytestmark = [pytest.mark.django_db, pytest.mark.once]
ASKED, CALLBACK = "/accounts/2fa/authenticate/", "/accounts/oidc/corp/login/callback/"


def second_factor_of(identity: Identity) -> str:
    secret = str(generate_totp_secret())
    TOTP.activate(cast.account_of(identity), secret)
    return secret


def code_of(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time()))))


def outcomes() -> list[tuple[str, str | None]]:
    return list(SignInEvent.objects.order_by("pk").values_list("outcome", "via"))


class TestAfterOpenID:
    @pytest.fixture
    def secret(self, client: Client) -> Iterator[str]:
        """Of Erin, who has come back from her provider."""
        with make.liar() as liar:
            row = make.provider_at(liar.url)
            liar.claims = {"groups": ["releases"]}
            secret = second_factor_of(make.known_at(row))
            answer = client.get(CALLBACK, liar.authorize(make.way_out(client, next="/log")))
            assert (answer.status_code, answer["Location"]) == (302, ASKED)
            assert "_auth_user_id" not in client.session
            yield secret

    def test_the_right_code_goes_on_where_one_was_headed(self, client: Client, secret: str) -> None:
        assert client.get(ASKED).status_code == 200
        answer = client.post(ASKED, {"code": code_of(secret)})
        assert (answer.status_code, answer["Location"]) == (302, "/log")
        assert "_auth_user_id" in client.session
        assert outcomes() == [("signed_in", "corp")]
        assert client.get("/log").status_code == 200

    def test_a_wrong_code_does_not(self, client: Client, secret: str) -> None:
        assert client.post(ASKED, {"code": "000000"}).status_code == 200
        assert "_auth_user_id" not in client.session
        assert outcomes() == [("failed", None)]

    def test_the_code_of_whoever_was_deactivated_meanwhile_does_not(self, client: Client, secret: str) -> None:
        erin = Identity.objects.get(subject="s-erin")
        deactivate_person(identity=erin, reason="left us", by=None, now=timezone.now())
        answer = client.post(ASKED, {"code": code_of(secret)})
        assert answer["Location"] == "/accounts/inactive/"
        assert "_auth_user_id" not in client.session
        assert outcomes() == [("refused", "corp")]
        reactivate_person(identity=erin, reason="back again", by=None, now=timezone.now())
        assert client.get("/log")["Location"].startswith("/accounts/login/")

    def test_the_code_after_the_provider_was_removed_does_not(self, client: Client, secret: str) -> None:
        grant_role(identity=Identity.objects.get(subject="s-erin"), role="requester", team=cast.payments(), by=None, now=cast.NOW)
        assert remove_provider(provider=find_provider("corp"), by=None, now=timezone.now()).sessions == 1
        assert client.post(ASKED, {"code": code_of(secret)})["Location"] == "/accounts/login/"
        assert "_auth_user_id" not in client.session


def test_after_saml(client: Client) -> None:
    make_saml.provider()
    assert make_saml.answer(Client()).status_code == 302
    secret = second_factor_of(Identity.objects.get(subject="s-erin"))
    assert make_saml.answer(client)["Location"] == ASKED
    assert client.post(ASKED, {"code": code_of(secret)}).status_code == 302
    assert "_auth_user_id" in client.session


def test_after_a_password_of_whoever_was_deactivated_meanwhile(client: Client) -> None:
    alice = cast.alice()
    secret = second_factor_of(alice)
    words: dict[str, Any] = {"login": "alice", "password": cast.PASSWORD}
    assert client.post("/accounts/login/", words)["Location"] == ASKED
    deactivate_person(identity=alice, reason="left us", by=None, now=timezone.now())
    assert client.post(ASKED, {"code": code_of(secret)})["Location"] == "/accounts/inactive/"
    assert "_auth_user_id" not in client.session


def test_after_a_password_once_local_sign_in_is_off(client: Client) -> None:
    secret = second_factor_of(cast.alice())
    assert client.post("/accounts/login/", {"login": "alice", "password": cast.PASSWORD})["Location"] == ASKED
    make_sso.administrator_came_in(now=timezone.now())
    assert switch_local_sign_in(allowed=False, by=None, now=timezone.now()).changed
    answer = client.post(ASKED, {"code": code_of(secret)})
    assert "<code>sso.local_off</code>" in answer.content.decode()
    assert "_auth_user_id" not in client.session
