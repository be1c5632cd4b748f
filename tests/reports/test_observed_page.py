"""The page of an artifact that was seen in several places, in a real browser: as approved, another in its stead, the tag moved."""

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
create_portal_keys()
now = timezone.now().replace(microsecond=0)
first = now - timedelta(minutes=20)
stage = make.set_stage(now=first)
make.send_provenance(stage, now=first)
make.approve(make.ask(now=first), cast.alice(now=first), now=first)
cast.carol()
observe(said(at=now - timedelta(minutes=9)), runs(at=now - timedelta(minutes=8)), now=now)
observe(said(at=now - timedelta(minutes=5), digest=make.image("something else")), now=now)
observe(said(at=now - timedelta(minutes=4), location="mirror.registry.example/with/a/long/way/to/payments/api"), now=now)
observe(runs(tag="9", at=now - timedelta(minutes=3), digest=make.image("nobody knows"), location="cluster-2/payments/api/api"), now=now)
"""


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePortal]:
    with live_portal(tmp_path_factory.mktemp("observed")) as started:
        started.manage("shell", "-v0", "-c", TELL_THE_STORY)
        started.start()
        yield started


def look(page: Page, portal: LivePortal, digest: str) -> None:
    page.goto(f"{portal.url}/accounts/login/?next=/artifacts/{digest}")
    page.get_by_label("Username").fill("carol")
    page.get_by_label("Password").fill(cast.PASSWORD)
    page.get_by_label("Password").press("Enter")
    page.wait_for_url("**/artifacts/sha256:*")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark"), (320, "light")])
def test_says_where_it_was_seen_and_never_scrolls_sideways(page: Page, portal: LivePortal, tmp_path: Path, width: int, scheme: str) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    for name, digest in (("approved", make.image()), ("unapproved", make.image("nobody knows"))):
        look(page, portal, digest)
        expect(page.get_by_role("heading", name="Where it was seen", exact=True)).to_be_visible()
        found = Axe().run(page, options={"runOnly": AXE_TAGS}).response
        assert [item["id"] for item in found["violations"] + found["incomplete"]] == []
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        page.screenshot(path=tmp_path / f"{name}-{width}-{scheme}.png", full_page=True)
        page.context.clear_cookies()
    assert complaints == []


def test_what_was_not_looked_at_opens_by_key(page: Page, portal: LivePortal) -> None:
    look(page, portal, make.image())
    places = page.get_by_role("region", name="Where it was seen")
    expect(places.get_by_text("Another digest").first).to_be_visible()
    found = page.get_by_role("region", name="What was found when observations came in")
    expect(found.get_by_text("The tag moved")).to_be_visible()
    left_out = found.get_by_text("Whether the observer told the truth").first
    expect(left_out).not_to_be_visible()
    found.get_by_text("Not looked at", exact=True).first.focus()
    page.keyboard.press("Enter")
    expect(left_out).to_be_visible()
