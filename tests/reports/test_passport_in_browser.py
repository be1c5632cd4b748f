"""The passport, its picture, search and the command palette in a real browser: seen, read and walked by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests import cast
from tests import make_approvals as make
from tests.live import LivePortal, live_portal

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
TELL_THE_STORY = """
from datetime import timedelta
from django.utils import timezone
from ledger.keys import create_portal_keys
from tests import cast, make_approvals as make
from tests.make_observations import observe, runs, said
from tests.reports.test_sections import send_bill_at
create_portal_keys()
now = timezone.now().replace(microsecond=0)
first = now - timedelta(minutes=20)
stage = make.set_stage(now=first)
make.send_provenance(stage, now=first)
make.send_tests(stage, now=first)
send_bill_at(stage, "pkg:npm/left-pad@1.3.0", now=first)
make.approve(make.ask(now=first), cast.alice(now=first), now=first)
make.send_provenance(stage, tag="1.5.0", now=first)
cast.carol()
observe(said(at=now - timedelta(minutes=9)), runs(at=now - timedelta(minutes=8)), now=now)
observe(said(at=now - timedelta(minutes=5), digest=make.image("something else")), now=now)
"""
PATHS = {
    "passport": f"/artifacts/{make.image()}",
    "never-asked": f"/artifacts/{make.image('1.5.0')}",
    "now": f"/artifacts/{make.image()}/now",
    "contents": f"/artifacts/{make.image()}/contents?q=left",
    "compare": f"/artifacts/{make.image()}/compare?with={make.image('1.5.0')}",
    "search": "/search?q=payments",
    "search-empty": "/search",
    "search-nothing": "/search?q=nothing+at+all",
}


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePortal]:
    with live_portal(tmp_path_factory.mktemp("passport")) as started:
        started.manage("shell", "-v0", "-c", TELL_THE_STORY)
        started.start()
        yield started


def sign_in(page: Page, portal: LivePortal) -> None:
    page.goto(f"{portal.url}/accounts/login/?next=/artifacts")
    page.get_by_label("Username").fill("carol")
    page.get_by_label("Password").fill(cast.PASSWORD)
    page.get_by_label("Password").press("Enter")
    page.wait_for_url("**/artifacts")


def check(page: Page) -> None:
    found = Axe().run(page, options={"runOnly": AXE_TAGS}).response
    assert [item["id"] for item in found["violations"] + found["incomplete"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "dark"), (320, "light")])
def test_every_page_is_in_order(page: Page, portal: LivePortal, tmp_path: Path, width: int, scheme: str) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    sign_in(page, portal)
    for name, path in PATHS.items():
        page.goto(portal.url + path)
        if name in ("passport", "never-asked"):
            expect(page.get_by_role("heading", name="What the gates say now")).to_be_visible()
        check(page)
        page.screenshot(path=tmp_path / f"{name}-{width}-{scheme}.png", full_page=True)
    assert complaints == []


def test_the_arrow_keys_walk_along_the_picture(page: Page, portal: LivePortal) -> None:
    sign_in(page, portal)
    page.goto(portal.url + PATHS["passport"])
    page.locator("#node-source").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#node-build")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#node-artifact")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#node-build")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("link", name="CI workflow: ")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/attestations/*")


def test_the_picture_is_the_same_in_forced_colours_and_on_paper(page: Page, portal: LivePortal) -> None:
    sign_in(page, portal)
    page.emulate_media(forced_colors="active")
    page.goto(portal.url + PATHS["passport"])
    expect(page.locator("svg.picture")).to_be_visible()
    page.emulate_media(media="print", forced_colors="none")
    expect(page.locator("svg.picture")).to_be_visible()
    assert page.evaluate("document.querySelector('svg.picture').getBoundingClientRect().width <= innerWidth")


def test_the_palette_goes_by_keyboard_alone(page: Page, portal: LivePortal) -> None:
    sign_in(page, portal)
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Go to a page, or search")
    expect(field).to_be_focused()
    expect(page.get_by_role("option", name="Queue")).to_have_attribute("aria-selected", "true")
    check(page)
    page.keyboard.press("ArrowDown")
    expect(field).to_have_attribute("aria-activedescendant", "palette-1")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("option").last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()
    page.keyboard.press("Control+k")
    page.keyboard.type("payments/api:1.4")
    expect(page.get_by_role("option", name="payments/api:1.4.2")).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url("**/artifacts/sha256:*")
    page.keyboard.press("Control+k")
    page.keyboard.type("no such thing")
    expect(page.get_by_text("Nothing found. Enter searches everything.")).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=no*")
