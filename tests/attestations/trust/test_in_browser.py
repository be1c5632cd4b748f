"""Two officers change what is trusted, in a real browser, with the keyboard; every page of it in every width and colour."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests import cast
from tests.live import LivePortal, live_portal
from tests.make_trust import REASON, root_document

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
MAKE_THE_CAST = "from tests import cast; cast.olga(); cast.omar(); cast.carol()"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePortal]:
    with live_portal(tmp_path_factory.mktemp("trust")) as started:
        started.manage("add_trust_root", "--public-good", "--name", "Sigstore public good")
        started.manage("shell", "-v0", "-c", MAKE_THE_CAST)
        started.start()
        yield started


def sign_in(page: Page, portal: LivePortal, username: str) -> None:
    page.goto(f"{portal.url}/accounts/login/?next=/trust")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(cast.PASSWORD)
    page.get_by_label("Password").press("Enter")
    page.wait_for_url("**/trust")


def refuse_flaws(page: Page) -> None:
    found = Axe().run(page, options={"runOnly": AXE_TAGS}).response
    assert [item["id"] for item in found["violations"] + found["incomplete"]] == [], page.url
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), page.url


def propose(page: Page, name: str) -> None:
    page.get_by_role("link", name="Propose a trust root").press("Enter")
    file = {"name": "trusted_root.json", "mimeType": "application/json", "buffer": root_document()}
    page.get_by_label("File", exact=True).set_input_files(file)  # type: ignore[arg-type]
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Why").fill(REASON)
    page.get_by_role("button", name="Propose").press("Enter")
    page.wait_for_url("**/trust/proposals/tpr_*")


def test_one_officer_proposes_and_another_confirms(page: Page, chromium: Browser, portal: LivePortal) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    sign_in(page, portal, "olga")
    propose(page, "Our own instance")
    expect(page.get_by_text("Nothing changes until another officer confirms it.")).to_be_visible()
    expect(page.get_by_role("button", name="Confirm")).to_have_count(0)
    other = chromium.new_context().new_page()
    sign_in(other, portal, "omar")
    other.get_by_role("link", name="Add Our own instance").press("Enter")
    expect(other.get_by_role("heading", name="What would change")).to_be_visible()
    other.get_by_role("button", name="Confirm").press("Enter")
    expect(other.get_by_text("You confirmed it. It took effect.")).to_be_visible()
    other.context.close()
    page.goto(f"{portal.url}/trust")
    expect(page.get_by_role("heading", name="Our own instance")).to_be_visible()
    assert complaints == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark"), (320, "light")])
def test_every_page_is_accessible_and_never_scrolls_sideways(
    page: Page, chromium: Browser, portal: LivePortal, tmp_path: Path, width: int, scheme: str
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")

    def look(name: str) -> None:
        refuse_flaws(page)
        page.screenshot(path=tmp_path / f"{name}-{width}-{scheme}.png", full_page=True)

    sign_in(page, portal, "olga")
    page.goto(f"{portal.url}/trust/propose")
    look("propose")
    page.goto(f"{portal.url}/trust")
    propose(page, f"Instance {width} {scheme}")
    look("proposal-mine")
    address = page.url
    page.goto(f"{portal.url}/trust")
    look("trust")
    page.get_by_role("link", name="Propose to remove Sigstore public good").press("Enter")
    look("remove")
    page.goto(f"{portal.url}/trust")
    other = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme="dark" if scheme == "dark" else "light").new_page()
    sign_in(other, portal, "omar")
    other.goto(address)
    refuse_flaws(other)
    other.screenshot(path=tmp_path / f"proposal-{width}-{scheme}.png", full_page=True)
    other.get_by_role("button", name="Refuse").press("Enter")
    expect(other.get_by_text("You refused it. Nothing changes.")).to_be_visible()
    refuse_flaws(other)
    other.context.close()
