"""The shell's own pages in a real browser, under the policy every page is served with."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.live import live_portal

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_pages_of_the_shell_break_no_rule_of_the_browser(page: Page, tmp_path: Path) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(f"{page.url}: {message.text}") if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with live_portal(tmp_path) as portal:
        portal.start()
        page.goto(portal.url + "/api/docs")
        page.get_by_text("Evidence in, decisions out.").wait_for()
        page.goto(portal.url + "/")
        page.wait_for_url("**/accounts/login/**")
        assert complaints == []
        page.goto(portal.url + "/nothing/here")
        assert page.get_by_text("url.not_found").is_visible()
        # The browser itself notes the 404; nothing else may be noted.
        assert all("404" in complaint for complaint in complaints)
        assert [url for url in asked if not url.startswith((portal.url, "data:"))] == []
