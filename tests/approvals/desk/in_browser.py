"""A portal with a story, and Alice at its queue in Chromium; a console error there fails the test."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests import cast
from tests.live import LivePortal, live_portal
from tests.throwaway import throwaway_database


@contextlib.contextmanager
def told_portal(folder: Path, story: str) -> Iterator[LivePortal]:
    """Yield a started portal in which `story`, a program for its shell, has happened."""
    broker = os.environ.get("COUNTERSIGN_TEST_BROKER_URL", "")
    with throwaway_database() as url, live_portal(folder, database_url=url, broker_url=broker) as started:
        started.manage("shell", "-v0", "-c", story)
        started.start()
        yield started


@contextlib.contextmanager
def alice_at_the_queue(chromium: Browser, portal: LivePortal, *, width: int, height: int, meant: str = "") -> Iterator[Page]:
    """Yield a page on which Alice has signed in; `meant` is what a complaint that the test itself causes says."""
    context = chromium.new_context(viewport={"width": width, "height": height}, locale="en-GB", timezone_id="UTC")
    page = context.new_page()
    page.set_default_timeout(20_000)
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{portal.url}/accounts/login/?next=/queue")
    page.fill("[name=login]", "alice")
    page.fill("[name=password]", cast.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{portal.url}/queue")
    yield page
    context.close()
    assert [said for said in wrong if not meant or meant not in said] == []
