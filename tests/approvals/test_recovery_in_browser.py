"""The life of an approval key in a real browser, by keyboard alone: enrolled, used, lost, reported, recovered by two officers, used again.

Chromium's virtual authenticator makes real keys and real signatures; the portal is a whole one with processes of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, CDPSession, Locator, Page, expect

from tests import cast
from tests.live import LivePortal, live_portal
from tests.throwaway import throwaway_database

pytestmark = [pytest.mark.browser, pytest.mark.slow]
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
MAKE_THE_STAGE = """
from django.utils import timezone
from ledger.keys import create_portal_keys
create_portal_keys()
from tests import cast, make_approvals as make
now = timezone.now()
stage = make.set_stage(now=now)
cast.alice(), cast.olga(), cast.omar()
asked = []
for tag, name in (("1.4.2", "payments/api"), ("1.4.3", "payments/worker")):
    make.send_provenance(stage, tag=tag, now=now)
    asked.append(make.ask(tag=tag, name=name, now=now).pk)
print(" ".join(asked))
"""
AUTHENTICATOR = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
MOST_TABS = 60


@dataclass
class Typist:
    """Somebody who uses the keyboard and nothing else."""

    page: Page
    devtools: CDPSession
    url: str

    def goto(self, path: str) -> None:
        self.page.goto(self.url + path)

    def reach(self, wanted: Locator) -> None:
        """Press Tab until the element has the focus; fails where the keyboard does not get there."""
        expect(wanted).to_be_enabled()
        for _ in range(MOST_TABS):
            if wanted.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {wanted} on {self.page.url}")

    def press(self, role: str, name: str) -> None:
        self.reach(self.page.get_by_role(role, name=name, exact=True).first)  # type: ignore[arg-type]
        self.page.keyboard.press("Enter")

    def type(self, field: str, text: str) -> None:
        self.reach(self.page.locator(f"[name={field}]"))
        self.page.keyboard.type(text)

    def sign_in(self, username: str, *, then: str) -> None:
        self.goto(f"/accounts/login/?next={then}")
        self.type("login", username)
        self.type("password", cast.PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(self.url + then)

    def plug_in(self) -> str:
        return str(self.devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})["authenticatorId"])

    def lose(self, authenticator: str) -> None:
        self.devtools.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": authenticator})

    def add_key(self, label: str, *, touch: str = "") -> None:
        """Enrol a key; `touch` is the older one that introduces it."""
        self.goto("/settings/keys/add")
        self.refuse_flaws()
        self.type("label", label)
        self.press("button", "Make the key")
        if touch:
            self.page.wait_for_url("**/settings/keys/add/introduce")
            self.refuse_flaws()
            self.press("button", f"Touch “{touch}”")
        self.page.wait_for_url("**/settings/keys")
        expect(self.page.locator("#status")).to_contain_text(f"“{label}” is enrolled")

    def approve(self, request_id: str, *, key: str) -> None:
        self.goto(f"/requests/{request_id}")
        snapshot = self.page.locator("[data-snapshot]").get_attribute("data-snapshot")
        digest = self.page.locator(".artifact-facts .copy").first.get_attribute("data-copy") or ""
        self.goto(f"/requests/{request_id}/sign?decision=approve&snapshot={snapshot}")
        self.reach(self.page.locator("[name=decision][value=approve]"))
        self.page.keyboard.press("Space")
        self.type("digest_tail", digest[-4:])
        self.press("button", "Show me what I sign")
        self.press("button", f"Sign with {key}")
        expect(self.page.locator("h1")).to_have_text("Alice Chen approved")

    def refuse_flaws(self) -> None:
        """Fail on anything axe finds or cannot decide, and on a page that scrolls sideways at the width of a phone."""
        found = Axe().run(self.page, options={"runOnly": AXE_TAGS}).response
        assert [item["id"] for item in found["violations"] + found["incomplete"]] == [], self.page.url
        whole = self.page.viewport_size
        self.page.set_viewport_size({"width": 390, "height": 800})
        assert self.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), self.page.url
        assert whole is not None
        self.page.set_viewport_size(whole)


@pytest.fixture
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LivePortal, list[str]]]:
    broker = os.environ.get("COUNTERSIGN_TEST_BROKER_URL", "")
    waits = {"KEY_COOLING_HOURS": "0", "RECOVERED_KEY_COOLING_HOURS": "0"}
    with (
        throwaway_database() as url,
        live_portal(tmp_path_factory.mktemp("recovery"), database_url=url, broker_url=broker, **waits) as started,
    ):
        asked = started.manage("shell", "-v0", "-c", MAKE_THE_STAGE).stdout.split()
        started.start()
        yield started, asked


def sit_down(chromium: Browser, portal: LivePortal) -> Typist:
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB", timezone_id="UTC")
    page = context.new_page()
    page.set_default_timeout(20_000)
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    return Typist(page, devtools, portal.url)


def agree(chromium: Browser, portal: LivePortal, officer: str) -> None:
    typist = sit_down(chromium, portal)
    typist.sign_in(officer, then="/officers/recoveries")
    typist.refuse_flaws()
    typist.press("button", "Agree to the recovery of Alice Chen")
    expect(typist.page.locator("#status")).to_contain_text("You agreed.")
    typist.page.context.close()


def test_a_key_is_enrolled_used_lost_recovered_and_used_again_by_keyboard_alone(
    chromium: Browser, portal: tuple[LivePortal, list[str]]
) -> None:
    live, (first, second) = portal
    alice = sit_down(chromium, live)
    alice.sign_in("alice", then="/settings/keys")
    phone = alice.plug_in()
    alice.add_key("Phone")
    alice.approve(first, key="Phone")

    alice.lose(phone)
    alice.goto("/settings/keys")
    alice.press("link", "Revoke Phone")
    expect(alice.page.locator("h1")).to_have_text("Revoke “Phone”?")
    alice.refuse_flaws()
    alice.reach(alice.page.locator("[name=cause][value=unneeded]"))
    alice.page.keyboard.press("ArrowDown")
    alice.type("reason", "Phone left in a taxi")
    alice.press("button", "Revoke the key")
    alice.page.wait_for_url("**/settings/keys")
    expect(alice.page.locator("main")).to_contain_text("You hold no live approval key")
    alice.refuse_flaws()

    alice.press("link", "Recover")
    expect(alice.page.locator("h1")).to_have_text("Recover after losing every key")
    alice.refuse_flaws()
    alice.type("reason", "My only key was in the phone")
    alice.press("button", "Ask for a recovery")
    expect(alice.page.locator("#status")).to_contain_text("You asked for a recovery.")
    alice.refuse_flaws()
    for officer in ("olga", "omar"):
        agree(chromium, live, officer)

    alice.plug_in()
    alice.add_key("New phone")
    alice.approve(second, key="New phone")
    expect(alice.page.locator("main")).to_contain_text("This key was enrolled after a recovery")
    alice.refuse_flaws()

    # The next one needs nobody: the key she has introduces it.
    alice.devtools.send("WebAuthn.addVirtualAuthenticator", {"options": {**AUTHENTICATOR, "transport": "usb"}})
    alice.add_key("Blue security key", touch="New phone")
    expect(alice.page.locator("main")).to_contain_text("introduced by “New phone”")
    alice.press("link", "Signatures made with New phone")
    expect(alice.page.locator("main")).to_contain_text("payments/api 1.4.3")
    alice.refuse_flaws()
    alice.page.context.close()
