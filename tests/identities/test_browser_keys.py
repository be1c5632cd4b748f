"""A person with a real browser: signs in, adds a passkey for sign-in, signs in with it, enrols and revokes an approval key.

Chromium's virtual authenticator makes real keys and real signatures; the portal is a whole one with processes of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, CDPSession, Page

from tests import cast
from tests.live import LivePortal, live_portal
from tests.throwaway import throwaway_database

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
MAKE_THE_CAST = (
    "from ledger.keys import create_portal_keys; create_portal_keys(); from tests import cast; "
    # Whoever had a key and has none begins with a recovery, so each test that makes a first key has somebody of its own.
    "cast.alice(); cast.runner(); cast.mallory(); cast.carol(); cast.dave()"
)
AUTHENTICATOR = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@dataclass
class Visitor:
    """A browser of one's own, with an authenticator, and what its console complained about."""

    page: Page
    devtools: CDPSession
    authenticator: str
    url: str
    complaints: list[str]

    def goto(self, path: str) -> None:
        self.page.goto(self.url + path)

    def credentials(self) -> int:
        return len(self.credential_ids())

    def credential_ids(self) -> list[str]:
        found = self.devtools.send("WebAuthn.getCredentials", {"authenticatorId": self.authenticator})["credentials"]
        return [str(credential["credentialId"]) for credential in found]

    def choose(self, credential_id: str) -> None:
        """Stand for the person before the browser's list of passkeys: a virtual authenticator shows none and takes any it holds."""
        for other in self.credential_ids():
            if other != credential_id:
                self.devtools.send("WebAuthn.removeCredential", {"authenticatorId": self.authenticator, "credentialId": other})

    def verify_person(self, verified: bool) -> None:
        self.devtools.send("WebAuthn.setUserVerified", {"authenticatorId": self.authenticator, "isUserVerified": verified})

    def sign_in(self, username: str = "alice") -> None:
        self.goto("/accounts/login/?next=/settings/keys")
        self.page.fill("[name=login]", username)
        self.page.fill("[name=password]", cast.PASSWORD)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.wait_for_url("**/settings/keys")

    def sign_out(self, name: str) -> None:
        self.page.get_by_role("button", name=name).click()
        self.page.get_by_role("button", name="Sign out").click()
        self.page.wait_for_url("**/accounts/login/")

    def confirm_password(self) -> None:
        self.page.fill("[name=password]", cast.PASSWORD)
        self.page.get_by_role("button", name="Confirm").click()

    def refuse_flaws(self) -> None:
        """Fail on anything axe finds or cannot decide on the page as it stands, and on a page that scrolls sideways."""
        found = Axe().run(self.page, options={"runOnly": AXE_TAGS}).response
        assert [item["id"] for item in found["violations"] + found["incomplete"]] == [], self.page.url
        assert self.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), self.page.url


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePortal]:
    broker = os.environ.get("COUNTERSIGN_TEST_BROKER_URL", "")
    with throwaway_database() as url, live_portal(tmp_path_factory.mktemp("keys"), database_url=url, broker_url=broker) as started:
        started.manage("shell", "-c", MAKE_THE_CAST)
        started.start()
        yield started


@pytest.fixture
def visitor(chromium: Browser, portal: LivePortal) -> Iterator[Visitor]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB", timezone_id="UTC")
    page = context.new_page()
    page.set_default_timeout(20_000)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    authenticator = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})["authenticatorId"]
    yield Visitor(page, devtools, authenticator, portal.url, complaints)
    context.close()


def test_an_approval_key_is_enrolled_and_revoked(visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in()
    page.get_by_role("link", name="Add your first key").click()
    page.fill("[name=label]", "Work laptop")
    page.get_by_role("button", name="Make the key").click()
    page.wait_for_url("**/settings/keys")
    assert "“Work laptop” is enrolled" in page.inner_text("#status")
    assert visitor.credentials() == 1

    page.get_by_role("link", name="Add a key").click()
    page.fill("[name=label]", "The same again")
    page.get_by_role("button", name="Make the key").click()
    page.get_by_text("This device holds a key for this purpose already").wait_for()
    assert visitor.credentials() == 1

    visitor.goto("/settings/keys")
    page.get_by_role("link", name="Revoke Work laptop").click()
    page.fill("[name=reason]", "Left in a taxi")
    page.get_by_role("button", name="Revoke the key").click()
    page.wait_for_url("**/settings/keys")
    assert "Left in a taxi" in page.inner_text("main")
    assert visitor.complaints == []


def test_a_device_that_does_not_verify_the_person_enrols_nothing(visitor: Visitor) -> None:
    visitor.sign_in("carol")
    visitor.verify_person(False)
    visitor.goto("/settings/keys/add")
    visitor.page.fill("[name=label]", "No finger")
    visitor.page.get_by_role("button", name="Make the key").click()
    visitor.page.get_by_text("Nothing happened").wait_for()
    assert visitor.credentials() == 0
    assert visitor.page.get_by_role("button", name="Make the key").is_enabled()


def test_sign_in_with_a_passkey_beside_an_approval_key(visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in("bob")
    visitor.goto("/accounts/2fa/webauthn/add/")
    visitor.confirm_password()
    page.fill("[name=name]", "Desk")
    page.get_by_role("button", name="Add the passkey").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    visitor.goto("/accounts/2fa/webauthn/")
    assert "Passkey: signs in alone" in page.inner_text("main")

    visitor.sign_out("Bob Ruiz")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(lambda url: "/accounts/" not in url)
    (for_sign_in,) = visitor.credential_ids()
    visitor.goto("/settings/keys/add")
    page.fill("[name=label]", "Desk, for approvals")
    page.get_by_role("button", name="Make the key").click()
    page.wait_for_url("**/settings/keys")
    # Two credentials, not one: the approval key did not overwrite the sign-in passkey on the same device.
    assert visitor.credentials() == 2

    visitor.sign_out("Bob Ruiz")
    page.fill("[name=login]", "bob")
    page.fill("[name=password]", cast.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("heading", name="One more step").wait_for()
    visitor.refuse_flaws()
    page.get_by_role("button", name="Use a passkey or security key").click()
    page.wait_for_url(lambda url: "/accounts/" not in url)
    visitor.sign_out("Bob Ruiz")
    visitor.choose(for_sign_in)
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(lambda url: "/accounts/" not in url)
    assert visitor.complaints == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark"), (320, "light")])
def test_pages_are_accessible_and_never_scroll_sideways(visitor: Visitor, width: int, scheme: str) -> None:
    page = visitor.page
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    visitor.goto("/accounts/login/")
    visitor.refuse_flaws()
    visitor.sign_in()
    for path in (
        "/settings/keys",
        "/settings/keys/add",
        "/settings/keys/recovery",
        "/identities",
        "/identities?q=zzz",
        "/accounts/2fa/",
        "/accounts/password/change/",
    ):
        visitor.goto(path)
        visitor.refuse_flaws()
    visitor.goto("/identities?kind=workflow")
    page.get_by_role("link", name="payments-api release workflow").click()
    visitor.refuse_flaws()
    visitor.goto("/identities?kind=person")
    page.locator("tbody").get_by_role("link", name="Alice Chen").click()
    visitor.refuse_flaws()


def test_the_keyboard_reaches_everything(visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in()
    visitor.goto("/settings/keys")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.get_by_role("button", name="Alice Chen").focus()
    page.keyboard.press("Enter")
    assert page.get_by_role("link", name="Approval keys").first.is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#account-menu").is_visible()


def test_a_digest_shows_whole_on_focus_and_goes_with_escape(visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in("dave")
    visitor.goto("/settings/keys/add")
    page.fill("[name=label]", "For its digest")
    page.get_by_role("button", name="Make the key").click()
    page.wait_for_url("**/settings/keys")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button = page.locator("button[data-copy]").first
    button.focus()
    whole = page.locator(".digest-full").first
    assert whole.is_visible()
    page.keyboard.press("Escape")
    assert not whole.is_visible()
    button.click()
    assert page.evaluate("navigator.clipboard.readText()") == button.get_attribute("data-copy")
