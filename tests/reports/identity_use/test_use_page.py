"""The page of an identity's use in a real browser: wide and narrow, light and dark, with and without records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests import cast
from tests.live import LivePortal, live_portal

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
TELL_THE_STORY = """
from datetime import timedelta
from django.utils import timezone
from ledger.keys import create_portal_keys
from tests import cast, make_approvals as make
from tests.make_observations import watcher
create_portal_keys()
now = timezone.now().replace(microsecond=0)
first = now - timedelta(days=20)
stage = make.set_stage(now=first)
make.send_provenance(stage, now=first)
make.ask(by=cast.runner(), now=now - timedelta(days=2))
cast.token_of(cast.runner(), days=200)
cast.let_attest(watcher(now=first), "https://example.test/with/a/rather/long/address/of/a/predicate/type/v1", now=first)
cast.carol()
"""


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePortal]:
    with live_portal(tmp_path_factory.mktemp("use")) as started:
        started.manage("shell", "-v0", "-c", TELL_THE_STORY)
        started.start()
        yield started


def look(page: Page, portal: LivePortal, name: str) -> None:
    page.goto(f"{portal.url}/accounts/login/?next=/identities")
    page.get_by_label("Username").fill("carol")
    page.get_by_label("Password").fill(cast.PASSWORD)
    page.get_by_label("Password").press("Enter")
    page.get_by_role("link", name=name, exact=True).click()
    page.get_by_role("link", name="Granted and observed").click()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark"), (320, "light")])
def test_answers_in_words_and_never_scrolls_sideways(page: Page, portal: LivePortal, tmp_path: Path, width: int, scheme: str) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    for name, words in (("payments-api release workflow", "It was overprivileged in this window."), ("registry watcher", "No telemetry.")):
        look(page, portal, name)
        expect(page.get_by_text(words).first).to_be_visible()
        for summary in page.get_by_role("region", name="Was it overprivileged or misused?").locator("summary").all():
            summary.click()
        found = Axe().run(page, options={"runOnly": AXE_TAGS}).response
        assert [item["id"] for item in found["violations"] + found["incomplete"]] == []
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        page.screenshot(path=tmp_path / f"{name}-{width}-{scheme}.png", full_page=True)
        page.context.clear_cookies()
    assert complaints == []


def test_a_shorter_window_is_asked_for_with_two_dates(page: Page, portal: LivePortal) -> None:
    look(page, portal, "payments-api release workflow")
    deeds = page.get_by_role("region", name="What it did")
    expect(deeds.get_by_role("row")).to_have_count(4)
    page.get_by_role("link", name="Last 7 days").click()
    expect(deeds.get_by_role("row")).to_have_count(2)
    page.get_by_label("From").fill("2026-01-01")
    page.get_by_label("To, that day included").fill("2026-01-02")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("Not known: no record in or before this window shows it doing anything.")).to_be_visible()
