"""A requester sends a file of evidence from a real browser: the bar moves, each item answers, and the verdicts come in by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests import cast
from tests.live import LivePortal, live_portal
from tests.make_attestations import make_signer, make_statement
from tests.proofs.collection.archives import zip_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
MAKE_THE_CAST = """
import sys
from tests import cast
from identities.register import register_nonhuman, register_signer
cast.bob()
service = register_nonhuman(kind="service", name="scan service", issuer="https://ci.example", subject="scan", owner=cast.bob(),
    team=cast.payments(), purpose="Signs what it checked", by=None, now=cast.NOW)
register_signer(identity=service, public_key_pem=sys.stdin.buffer.read(), by=None, now=cast.NOW)
cast.let_attest(service)
"""
SIGNER = make_signer()
EVIDENCE = [("good.json", SIGNER.sign(make_statement("good.tar"))), ("stranger.json", make_signer().sign(make_statement("b.tar")))]
ARCHIVE = zip_of([*EVIDENCE, ("notes.txt", b"hello"), ("inner.zip", zip_of(EVIDENCE))])


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePortal]:
    with live_portal(tmp_path_factory.mktemp("upload")) as started:
        started.manage("shell", "-v0", "-c", MAKE_THE_CAST, stdin=SIGNER.pem.decode())
        started.start()
        yield started


def sign_in(page: Page, portal: LivePortal) -> None:
    page.goto(f"{portal.url}/accounts/login/?next=/artifacts")
    page.get_by_label("Username").fill("bob")
    page.get_by_label("Password").fill(cast.PASSWORD)
    page.get_by_label("Password").press("Enter")
    page.wait_for_url("**/artifacts")


def refuse_flaws(page: Page) -> None:
    found = Axe().run(page, options={"runOnly": AXE_TAGS}).response
    assert [item["id"] for item in found["violations"] + found["incomplete"]] == [], page.url
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), page.url


def choose(page: Page, name: str, content: bytes) -> None:
    page.get_by_label("File", exact=True).set_input_files({"name": name, "mimeType": "application/zip", "buffer": content})


def test_each_item_answers_and_the_verdicts_come_in(page: Page, portal: LivePortal) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    sign_in(page, portal)
    page.get_by_role("link", name="Send evidence", exact=True).click()
    choose(page, "week.zip", ARCHIVE)
    page.get_by_role("button", name="Send", exact=True).press("Enter")
    page.wait_for_url("**/collections/col_*")
    page.evaluate("window.neverReloaded = true")
    expect(page.get_by_role("heading", name="week.zip")).to_be_visible()
    expect(page.locator("#collection-status")).to_have_text("4 items: 1 verified, 1 rejected, 2 not taken in.", timeout=30_000)
    expect(page.get_by_text("collection.nested")).to_be_visible()
    expect(page.get_by_text("json.invalid")).to_be_visible()
    assert page.evaluate("window.neverReloaded") is True
    page.get_by_role("link", name="good.json").click()
    expect(page.get_by_text("Every signature holds")).to_be_visible()
    assert complaints == []


def test_shows_how_far_it_is_and_can_be_stopped(page: Page, portal: LivePortal) -> None:
    sign_in(page, portal)
    page.goto(f"{portal.url}/collections/new")
    # A slow line: the bar would be gone before anybody looked.
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 400_000}
    devtools.send("Network.emulateNetworkConditions", slow)
    choose(page, "large.jsonl", b'{"pad":"' + b"x" * 6_000_000 + b'"}')
    page.get_by_role("button", name="Send", exact=True).click()
    bar = page.get_by_role("progressbar", name="Sending the file")
    expect(bar).to_be_visible()
    expect(bar).not_to_have_attribute("value", "0")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    refuse_flaws(page)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped.")).to_be_visible()
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_focused()
    assert not bar.is_visible()


def test_says_why_nothing_was_taken_in(page: Page, portal: LivePortal) -> None:
    sign_in(page, portal)
    page.goto(f"{portal.url}/collections/new")
    choose(page, "broken.zip", ARCHIVE[:-40])
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("collection.unreadable")).to_be_visible()
    choose(page, "huge.zip", b" " * (17 * 1024 * 1024))
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("at most 16.0 MB are taken")).to_be_visible()


def test_works_without_script(chromium: Browser, portal: LivePortal) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, portal)
    page.goto(f"{portal.url}/collections/new")
    choose(page, "plain.zip", ARCHIVE)
    page.get_by_role("button", name="Send", exact=True).click()
    page.wait_for_url("**/collections/col_*")
    assert "4 items:" in page.inner_text("#collection-status")
    context.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark"), (320, "light")])
def test_both_pages_are_accessible_and_never_scroll_sideways(
    page: Page, portal: LivePortal, tmp_path: Path, width: int, scheme: str
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    sign_in(page, portal)
    refuse_flaws(page)
    page.goto(f"{portal.url}/collections/new")
    refuse_flaws(page)
    page.screenshot(path=tmp_path / f"new-{width}-{scheme}.png", full_page=True)
    choose(page, f"look-{width}-{scheme}.zip", ARCHIVE)
    page.get_by_role("button", name="Send", exact=True).click()
    page.wait_for_url("**/collections/col_*")
    expect(page.locator("#collection-status")).not_to_contain_text("waiting", timeout=30_000)
    refuse_flaws(page)
    page.screenshot(path=tmp_path / f"collection-{width}-{scheme}.png", full_page=True)
