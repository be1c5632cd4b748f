"""The queue on a wide screen: the review of the row one is in stands beside the list, to be read, and below that width nothing is otherwise."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.approvals.desk.in_browser import alice_at_the_queue, told_portal
from tests.live import LivePortal

pytestmark = [pytest.mark.browser, pytest.mark.slow]
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
MAKE_THE_STAGE = """
from datetime import timedelta
from django.utils import timezone
from ledger.keys import create_portal_keys
create_portal_keys()
from tests import cast, make_approvals as make, make_releases as of
from tests.make_queue import copy_request
make.NOW = now = timezone.now() - timedelta(hours=2)
cast.alice()
stage = make.set_stage(now=now)
make.enrol(cast.alice(), now=now)
request = of.release(stage, of.FIRST, now=now, spdx=of.spdx("pkg:npm/lodash@4.17.21"))
copy_request(request, 3)
"""


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePortal]:
    with told_portal(tmp_path_factory.mktemp("beside"), MAKE_THE_STAGE) as started:
        yield started


@pytest.fixture
def page(chromium: Browser, portal: LivePortal) -> Iterator[Page]:
    with alice_at_the_queue(chromium, portal, width=1680, height=1000, meant="net::ERR_FAILED") as opened:
        yield opened


def flaws(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": AXE_TAGS}).response
    return [f"{item['id']} at {item['nodes'][0]['html'][:200]}" for item in found["violations"] + found["incomplete"]]


def test_keys_move_and_the_review_follows(page: Page) -> None:
    links, shown = page.locator(".queue a.open"), page.locator("#beside").get_by_role("link", name="Open the review")
    there = [str(link.get_attribute("href")) for link in links.all()]
    expect(shown).to_have_attribute("href", there[0])
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(links.nth(1)).to_be_focused()
    expect(shown).to_have_attribute("href", there[1])
    expect(links.nth(1)).to_have_attribute("aria-current", "true")
    expect(page.locator(".queue [aria-current]")).to_have_count(1)
    page.locator(".queue tbody tr").nth(2).locator(".due").click()
    expect(shown).to_have_attribute("href", there[2])
    assert page.locator("#beside form").count() == 0
    shown.click()
    page.wait_for_url(f"**{there[2]}")


@pytest.mark.parametrize("light", ["light", "dark"])
def test_no_flaw(page: Page, light: str) -> None:
    expect(page.locator("#beside article")).to_be_visible()
    page.emulate_media(color_scheme=light, reduced_motion="reduce")  # type: ignore[arg-type]  # one of the two it takes
    for width in (1600, 1920):
        page.set_viewport_size({"width": width, "height": 1000})
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), (light, width)
        assert flaws(page) == [], (light, width)


def test_below_that_width_nothing_is_asked_for(page: Page, portal: LivePortal) -> None:
    asked: list[str] = []
    expect(page.locator("#beside article")).to_be_visible()
    page.set_viewport_size({"width": 1599, "height": 900})
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{portal.url}/queue")
    page.keyboard.press("j")
    page.wait_for_timeout(500)
    expect(page.locator("#beside")).to_be_hidden()
    assert [url for url in asked if "/beside/" in url] == []
    page.set_viewport_size({"width": 1700, "height": 900})
    expect(page.locator("#beside article")).to_be_visible()


def test_what_cannot_be_brought_is_said(page: Page) -> None:
    expect(page.locator("#beside article")).to_be_visible()
    page.route("**/queue/beside/**", lambda route: route.abort())
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("#beside")).to_have_text("It could not be shown here. Open it instead.")
