"""On paper: review, record and passport show everything, whatever was folded away or cut on the screen, and lead back to where it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as portal_settings
from playwright.sync_api import Page

from approvals.models import Approval
from tests import cast
from tests.axe.look import Looker
from tests.house.walk import signed_in
from tests.languages import stories
from tests.make_ledger import use_own_keys

pytestmark = [pytest.mark.django_db, pytest.mark.browser]
# A4 without its margins, at 96 dots an inch.
PAPER = {"width": 718, "height": 1000}
# What is there to be read and cannot be: folded away, cut by its box, or beyond the edge of the paper.
UNREADABLE = """() => {
  const found = [];
  const shown = (each) => each.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true, opacityProperty: true });
  for (const each of document.querySelectorAll("main *")) {
    if (each.closest("form, .button, .copy, svg, .visually-hidden, .status, .digest-short, .quiet-line")) continue;
    const own = [...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (own && !shown(each)) found.push("hidden: " + each.outerHTML.slice(0, 120));
    if (!shown(each)) continue;
    const style = getComputedStyle(each), box = each.getBoundingClientRect();
    const cuts = (kind) => ["hidden", "auto", "scroll", "clip"].includes(kind);
    if (cuts(style.overflowX) && each.scrollWidth > each.clientWidth + 1) found.push("cut: " + each.outerHTML.slice(0, 120));
    if (cuts(style.overflowY) && each.scrollHeight > each.clientHeight + 1) found.push("cut below: " + each.outerHTML.slice(0, 120));
    if (box.width && box.right > document.documentElement.clientWidth + 1) found.push("beyond the edge: " + each.outerHTML.slice(0, 120));
  }
  return found;
}"""
# Each digest that the page knows stands there whole, and each time to the second.
SHORT_DIGESTS = """() => [...document.querySelectorAll("main .digest")].filter((each) => !each.closest("form") &&
  (getComputedStyle(each.querySelector(".digest-short")).display !== "none" || getComputedStyle(each.querySelector(".digest-full")).display === "none")).length"""
LINKS = "main :is(td, dd, p:not(.crumb), li, th, h3, header) > a:is([href^='/artifacts/'], [href^='/policies/'], [href^='/attestations/'], [href^='/requests/'])"
AFTER = """(selector) => [...document.querySelectorAll(selector)].map((each) => getComputedStyle(each, "::after").content)"""
LIGHT_ON_WHITE = """() => [...document.querySelectorAll("main h1, main p, main dd, main td")].filter((each) => {
  const parts = getComputedStyle(each).color.match(/[0-9.]+/g).map(Number);
  return (parts[0] + parts[1] + parts[2]) / 3 > 140;
}).length"""


def pages() -> dict[str, str]:
    request = stories.tell_of_one_that_changed()
    artifact = request.artifacts.earliest("artifact_id").artifact_id
    record = Approval.objects.filter(revision__request=request).latest("pk").record.digest
    return {"review": f"/requests/{request.pk}", "record": f"/records/{record}", "passport": f"/artifacts/{artifact}"}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everything_is_on_the_paper(page: Page, settings: Any, tmp_path: Path, theme: str) -> None:
    use_own_keys(settings, tmp_path)
    looker = Looker(page, portal_settings.ORIGIN, signed_in(cast.alice()))
    looker.listen()
    for name, path in pages().items():
        looker.client = signed_in(cast.alice())
        looker.open(path)
        page.evaluate("(theme) => { document.documentElement.dataset.theme = theme }", theme)
        page.wait_for_load_state("networkidle")
        page.set_viewport_size(PAPER)
        page.emulate_media(media="print", color_scheme=theme)  # type: ignore[arg-type]
        assert page.evaluate(UNREADABLE) == [], name
        assert page.evaluate(SHORT_DIGESTS) == 0, name
        assert page.evaluate(LIGHT_ON_WHITE) == 0, name
        assert page.locator(".on-paper").inner_text().endswith(portal_settings.ORIGIN + path), name
        assert not page.locator(".top, .foot, form, .button").filter(visible=True).count(), name
        assert "none" not in page.evaluate(AFTER, "main time[title]"), name
        page.emulate_media(media="screen")


def test_links_to_what_has_a_digest_say_where_they_lead(page: Page, settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)
    looker = Looker(page, portal_settings.ORIGIN)
    looker.listen()
    for name, path in pages().items():
        looker.client = signed_in(cast.alice())
        looker.open(path)
        page.emulate_media(media="print")
        said = page.evaluate(AFTER, LINKS)
        assert said and "none" not in said, name
        page.emulate_media(media="screen")
        assert not page.locator(".on-paper").is_visible()
