"""The pages by which one comes in and proves that it is oneself: every word translated, those of the sign-in library too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from identities.models import Identity
from portal.languages.pseudo import LEFT_TO_RIGHT
from tests import cast, make_sign_ins
from tests.identities.keys.test_pages import at_desk
from tests.languages.test_own_keys import untranslated
from tests.make_ledger import use_own_keys
from tests.passkey import SoftPasskey

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pseudo_locales")]
OF_SIGN_IN = "/accounts/2fa/"


@pytest.fixture(autouse=True)
def portal_keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


def browser(reader: Identity | None = None) -> Client:
    """A browser in which the reader, if there is one, proved a moment ago who they are."""
    client = Client(HTTP_ACCEPT_LANGUAGE=LEFT_TO_RIGHT)
    if reader is not None:
        client.force_login(cast.account_of(reader))
        client.post("/accounts/reauthenticate/", {"password": cast.PASSWORD})
    return client


def second_factors() -> Authenticator:
    """Alice has an app, codes, a passkey that is enough alone, and a security key that is not."""
    account = cast.account_of(cast.alice())
    TOTP.activate(account, generate_totp_secret())
    RecoveryCodes.activate(account)
    laptop, _ = (add_passkey(name, is_enough=is_enough) for name, is_enough in (("Laptop", True), ("Stick", False)))
    return laptop


def add_passkey(name: str, *, is_enough: bool) -> Authenticator:
    made = SoftPasskey().create(b"c" * 32)
    credential = {**made, "clientExtensionResults": {"credProps": {"rk": is_enough}}}
    return Authenticator.objects.create(user=cast.account_of(cast.alice()), type="webauthn", data={"name": name, "credential": credential})


@pytest.mark.parametrize("path", ["", "webauthn/", "webauthn/add/", "totp/activate/"])
def test_without_a_second_factor(path: str) -> None:
    assert untranslated(browser(cast.alice()).get(OF_SIGN_IN + path)) == []


@pytest.mark.parametrize("path", ["", "webauthn/", "webauthn/add/", "totp/deactivate/", "recovery-codes/", "recovery-codes/generate/"])
def test_with_every_second_factor(path: str) -> None:
    second_factors()
    assert untranslated(browser(cast.alice()).get(OF_SIGN_IN + path)) == []


@pytest.mark.parametrize("path", ["webauthn/keys/{}/edit/", "webauthn/keys/{}/remove/"])
def test_of_one_passkey(path: str) -> None:
    assert untranslated(browser(cast.alice()).get(OF_SIGN_IN + path.format(second_factors().pk))) == []


@pytest.mark.parametrize(("path", "given"), [("totp/activate/", {"code": "1"}), ("webauthn/add/", {"name": "Laptop", "credential": "{}"})])
def test_of_what_was_not_right(path: str, given: dict[str, str]) -> None:
    assert untranslated(browser(cast.alice()).post(OF_SIGN_IN + path, given)) == []


def test_of_what_was_done() -> None:
    passkey = second_factors()
    client = browser(cast.alice())
    assert untranslated(client.post(f"{OF_SIGN_IN}webauthn/keys/{passkey.pk}/remove/", follow=True)) == []
    assert untranslated(client.post(f"{OF_SIGN_IN}recovery-codes/generate/", follow=True)) == []
    assert untranslated(client.post(f"{OF_SIGN_IN}totp/deactivate/", follow=True)) == []


def test_of_proving_it_once_more() -> None:
    second_factors()
    client = browser()
    client.force_login(cast.account_of(cast.alice()))
    for path in ("/accounts/reauthenticate/", f"{OF_SIGN_IN}reauthenticate/", f"{OF_SIGN_IN}reauthenticate/webauthn/"):
        assert untranslated(client.get(path)) == []
    assert untranslated(client.post("/accounts/reauthenticate/", {"password": "wrong"})) == []
    assert untranslated(client.post(f"{OF_SIGN_IN}reauthenticate/", {"code": "1"})) == []


def test_of_the_second_step() -> None:
    second_factors()
    client = browser()
    step = client.post("/accounts/login/", {"login": "alice", "password": cast.PASSWORD}, follow=True)
    assert "mfa/authenticate.html" in [used.name for used in step.templates]
    assert untranslated(step) == []
    assert untranslated(client.post(f"{OF_SIGN_IN}authenticate/", {"code": "1"})) == []


def test_of_passwords_and_of_going() -> None:
    client = browser(cast.alice())
    path = "/accounts/password/change/"
    assert untranslated(client.get(path)) == []
    assert untranslated(client.post(path, {"oldpassword": "wrong", "password1": "one", "password2": "two"})) == []
    given = {"oldpassword": cast.PASSWORD, "password1": "a long new one 7", "password2": "a long new one 7"}
    assert untranslated(client.post(path, given, follow=True)) == []
    assert untranslated(client.get("/accounts/logout/")) == []
    assert untranslated(client.post("/accounts/logout/", {"next": "/accounts/login/"}, follow=True)) == []
    assert untranslated(client.post("/accounts/login/", {"login": "alice", "password": "wrong"})) == []


def test_of_who_may_not_come_in() -> None:
    assert untranslated(browser().get("/accounts/inactive/")) == []
    assert untranslated(browser().get("/accounts/signup/")) == []


def test_of_somebody_whom_a_provider_vouches_for() -> None:
    with make_sign_ins.liar() as liar:
        row = make_sign_ins.provider_at(liar.url)
        client = at_desk(make_sign_ins.known_at(row))
        client.defaults["HTTP_ACCEPT_LANGUAGE"] = LEFT_TO_RIGHT
        path = f"{reverse('sign_in_again')}?next=/settings/keys"
        assert untranslated(client.get(path)) == []
        row.removed_at = timezone.now()
        row.save(update_fields=["removed_at"])
        assert untranslated(client.get(path)) == []
