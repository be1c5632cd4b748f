"""The signing page in a real browser with a virtual authenticator, also when the portal or the page lies to it."""

from __future__ import annotations

import base64
import contextvars
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from cryptography.hazmat.primitives import serialization
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, Route, expect

from approvals.models import Approval, Ceremony
from proofs.encoding import b64url_encode
from tests import cast
from tests import make_approvals as make
from tests.passkey import SoftPasskey

pytestmark = [pytest.mark.django_db, pytest.mark.browser]
ORIGIN = "http://localhost:8000"
STATIC = Path(__file__).resolve().parents[2] / "static"
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
Lie = Callable[[str], str]


@dataclass(frozen=True)
class Desk:
    """Alice's browser on the confirmation page of her ceremony; `authenticator` is her virtual one."""

    page: Page
    cdp: Any
    authenticator: str

    def set_verified(self, verified: bool) -> None:
        self.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self.authenticator, "isUserVerified": verified})


def sit_down(page: Page, *, lie: Lie = str) -> Desk:
    """Bring Alice to the confirmation page; `lie` changes its HTML on the way to her browser."""
    stage = make.set_stage()
    make.send_provenance(stage)
    request = make.ask()
    passkey, key = make.enrol(cast.alice())
    client = Client()
    client.force_login(cast.account_of(cast.alice()))
    posted = {
        "snapshot": request.revisions.get().snapshot_id,
        "decision": "approve",
        "reason": "",
        "key": key.pk,
        "digest_tail": make.image(),
    }
    client.post(reverse("approvals:sign", args=[request.pk]), posted)
    # Playwright calls back in a context of its own, which would see another database connection than the test's.
    here = contextvars.copy_context()
    page.route(f"{ORIGIN}/**", lambda route: here.copy().run(_serve, route, client, lie))
    cdp = page.context.new_cdp_session(page)
    desk = Desk(page, cdp, _plug_in(cdp, passkey))
    page.goto(ORIGIN + reverse("approvals:ceremony", args=[Ceremony.objects.get().pk]))
    return desk


def _serve(route: Route, client: Client, lie: Lie) -> None:
    """Answer the browser's request from the portal's own views, in the test's transaction."""
    path = route.request.url.removeprefix(ORIGIN)
    if path.startswith("/static/"):
        route.fulfill(path=STATIC / path.removeprefix("/static/").partition("?")[0])
        return
    body = route.request.post_data_buffer or b""
    content_type = route.request.headers.get("content-type", "text/plain")
    response = client.generic(route.request.method, path, body, content_type=content_type)
    while response.status_code == 302:
        response = client.get(response.headers["Location"])
    headers = {name: value for name, value in response.headers.items() if name.lower() in ("content-type", "content-security-policy")}
    content = b"".join(response.streaming_content) if response.streaming else response.content
    route.fulfill(status=response.status_code, headers=headers, body=lie(content.decode()))


def _plug_in(cdp: Any, passkey: SoftPasskey) -> str:
    cdp.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    authenticator = str(cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"])
    pkcs8 = passkey.private_key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    credential = {
        "credentialId": base64.b64encode(passkey.credential_id).decode(),
        "isResidentCredential": False,
        "rpId": "localhost",
        "privateKey": base64.b64encode(pkcs8).decode(),
        "signCount": 0,
    }
    cdp.send("WebAuthn.addCredential", {"authenticatorId": authenticator, "credential": credential})
    return authenticator


def test_signs_by_keyboard_alone_what_the_page_shows(page: Page) -> None:
    desk = sit_down(page)
    expect(desk.page.locator("#ceremony-status")).to_have_text("Ready. Read the statement, then sign with your passkey.")
    expect(desk.page.locator("[data-signed=subject]")).to_have_text(make.image())
    result = Axe().run(desk.page, options={"runOnly": AXE_TAGS}).response
    assert [found["id"] for found in result["violations"] + result["incomplete"]] == []
    desk.page.locator("#ceremony-sign").focus()
    desk.page.keyboard.press("Enter")
    expect(desk.page.locator("h1")).to_have_text("Alice Chen approved")
    approval = Approval.objects.get()
    assert approval.sshsig is not None
    assert b'"origin":"http://localhost:8000"' in bytes(approval.client_data_json)


def test_stops_when_the_portal_asks_the_passkey_for_something_else(page: Page) -> None:
    other = b64url_encode(b"SSHSIG another statement")
    desk = sit_down(page, lie=lambda html: re.sub(r'"challenge": "[^"]+"', f'"challenge": "{other}"', html))
    desk.page.locator("#ceremony-sign").click()
    expect(desk.page.locator("#ceremony-status")).to_contain_text("Stopped: the portal asked your passkey to sign something else")
    expect(desk.page.locator("#ceremony-sign")).to_be_hidden()
    assert not Approval.objects.exists()
    assert Ceremony.objects.get().consumed_at is None


@pytest.mark.parametrize(
    ("true", "false"),
    [("for Production. 1 evidence item shown", "for Staging. 1 evidence item shown"), (make.image(), make.image("another"))],
)
def test_stops_when_the_page_shows_something_else_than_the_statement(page: Page, true: str, false: str) -> None:
    def alter(html: str) -> str:
        shown, marker, rest = html.partition("<details>")
        return shown.replace(true, false) + marker + rest

    desk = sit_down(page, lie=alter)
    desk.page.locator("#ceremony-sign").click()
    expect(desk.page.locator("#ceremony-status")).to_contain_text("Stopped: this page shows something else than the statement says")
    assert not Approval.objects.exists()


@pytest.mark.parametrize(
    ("true", "false"),
    [
        (f'<code class="wrap">{make.image()}</code>', f'<code class="wrap">{make.image("another")}</code>'),
        (">production</bdi>", ">staging</bdi>"),
        ("&quot;tier&quot;: 3", "&quot;tier&quot;: 1"),
    ],
)
def test_stops_when_only_what_is_read_is_a_lie(page: Page, true: str, false: str) -> None:
    altered = []

    def alter(html: str) -> str:
        altered.append(true in html)
        return html.replace(true, false)

    desk = sit_down(page, lie=alter)
    assert altered[0]
    desk.page.locator("#ceremony-sign").click()
    expect(desk.page.locator("#ceremony-status")).to_contain_text("Stopped: this page shows something else than the statement says")
    assert not Approval.objects.exists()


def test_says_what_to_do_when_the_passkey_does_not_answer_and_lets_one_try_again(page: Page) -> None:
    desk = sit_down(page)
    desk.set_verified(False)
    desk.page.locator("#ceremony-sign").click()
    expect(desk.page.locator("#ceremony-status")).to_contain_text("Nothing was signed: the passkey prompt was closed")
    expect(desk.page.locator("#ceremony-sign")).to_be_enabled()
    assert not Approval.objects.exists()
    desk.set_verified(True)
    desk.page.locator("#ceremony-sign").click()
    expect(desk.page.locator("h1")).to_have_text("Alice Chen approved")


def test_says_when_the_time_is_over(page: Page) -> None:
    desk = sit_down(page, lie=lambda html: re.sub(r'"expiresAt": "[^"]+"', '"expiresAt": "2026-01-01T00:00:00+00:00"', html))
    expect(desk.page.locator("#ceremony-status")).to_contain_text("The time to sign is over and nothing was signed")
    expect(desk.page.locator("#ceremony-sign")).to_be_hidden()


def test_without_scripts_the_page_says_that_signing_needs_them(page: Page) -> None:
    desk = sit_down(page, lie=lambda html: re.sub(r'<script type="module"[^>]*></script>', "", html))
    expect(desk.page.locator("#ceremony-status")).to_have_text("Signing needs JavaScript and a passkey in this browser.")
    expect(desk.page.locator("#ceremony-sign")).to_be_hidden()
