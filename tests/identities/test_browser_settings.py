"""Settings, notices and the audit page in a real browser, by keyboard alone: what is chosen is drawn, and what is pressed leads somewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests import cast
from tests.live import LivePortal, live_portal
from tests.throwaway import throwaway_database

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
MAKE_THE_CAST = "from ledger.keys import create_portal_keys; create_portal_keys(); from tests import cast; cast.dave(); cast.bob()"
PAGES = (
    "/settings",
    "/settings/appearance",
    "/settings/notifications",
    "/settings/away",
    "/settings/sessions",
    "/settings/sessions/end",
    "/settings/activity",
    "/notices",
    "/audit",
    "/audit?kind=exports",
)


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePortal]:
    broker = os.environ.get("COUNTERSIGN_TEST_BROKER_URL", "")
    with throwaway_database() as url, live_portal(tmp_path_factory.mktemp("settings"), database_url=url, broker_url=broker) as started:
        started.manage("shell", "-c", MAKE_THE_CAST)
        started.start()
        yield started


def sign_in(page: Page, portal: LivePortal, username: str) -> None:
    page.goto(portal.url + "/accounts/login/?next=/settings")
    page.fill("[name=login]", username)
    page.fill("[name=password]", cast.PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Settings", exact=True).wait_for()
    # Its scripts hear nothing before they are there.
    page.wait_for_load_state("load")


def test_appearance_shortcuts_and_sessions_by_keyboard(page: Page, portal: LivePortal, chromium: Browser) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    sign_in(page, portal, "bob")

    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keyboard shortcuts").wait_for()
    assert Axe().run(page, options={"runOnly": AXE_TAGS}).response["violations"] == []
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.wait_for_url("**/identities")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    # In a field they are letters.
    page.keyboard.type("gq?")
    assert page.input_value("#q") == "gq?"
    assert page.url.endswith("/identities")

    page.goto(portal.url + "/settings/appearance")
    dark_before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_label("Theme").focus()
    page.keyboard.type("Dark")
    page.get_by_role("checkbox", name="Keyboard shortcuts").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Save").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Saved.").wait_for()
    assert page.get_attribute("html", "data-theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark_before
    page.keyboard.press("?")
    assert page.locator("#shortcuts").count() == 0

    other = chromium.new_context()
    there = other.new_page()
    sign_in(there, portal, "bob")
    page.goto(portal.url + "/settings/sessions")
    page.get_by_role("link", name="End all others").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="End it").focus()
    page.keyboard.press("Enter")
    page.get_by_text("1 other session ended").wait_for()
    there.goto(portal.url + "/settings")
    assert "/accounts/login/" in there.url
    other.close()
    assert complaints == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_pages_are_accessible_and_never_scroll_sideways(page: Page, portal: LivePortal, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    sign_in(page, portal, "dave")
    for path in PAGES:
        page.goto(portal.url + path)
        found = Axe().run(page, options={"runOnly": AXE_TAGS}).response
        assert [(item["id"], [node["html"] for node in item["nodes"]]) for item in found["violations"] + found["incomplete"]] == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path


def test_a_notice_reaches_the_bell_by_the_worker(page: Page, portal: LivePortal) -> None:
    sign_in(page, portal, "dave")
    page.get_by_role("link", name="Notices").focus()
    page.keyboard.press("Enter")
    page.get_by_text("You are now an administrator in payments.").wait_for()
    page.get_by_role("button", name="Mark all as read").focus()
    page.keyboard.press("Enter")
    # The address stays the same, so only the page tells that it was answered.
    page.locator(".bell-count").wait_for(state="detached")
