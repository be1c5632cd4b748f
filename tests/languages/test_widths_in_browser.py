"""In German, and in words that are longer still, from left to right and from right to left: no translated page scrolls sideways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import Page

from portal.languages.pseudo import LEFT_TO_RIGHT, RIGHT_TO_LEFT
from tests import cast
from tests.axe.look import Looker
from tests.languages import act_stories, stories
from tests.make_ledger import use_own_keys

pytestmark = [pytest.mark.django_db, pytest.mark.browser, pytest.mark.usefixtures("pseudo_locales")]
WIDTHS = (1280, 390, 320)
DIRECTIONS = {"de": "ltr", LEFT_TO_RIGHT: "ltr", RIGHT_TO_LEFT: "rtl"}
# The innermost elements that reach over the edge, on either side.
OVER_THE_EDGE = """() => [...document.querySelectorAll("body *")].filter((each) => {
  const box = each.getBoundingClientRect();
  return box.width && (box.right > document.documentElement.clientWidth + 1 || box.left < -1) && !each.closest(".table-wrap, pre, .picture-frame");
}).filter((each, _, all) => !all.some((other) => other !== each && each.contains(other))).slice(0, 4).map((each) => each.outerHTML.slice(0, 120))"""
# Of the places the stories have, those that differ in what they show.
LOOKED_AT = {
    "queue show=mine of Alice Chen",
    "queue show=others of Carol Idris",
    "queue show=snoozed of Alice Chen",
    "review of Alice Chen",
    "live of Alice Chen",
    "decide to approve",
    "record",
    "passport",
    "passport now",
    "never seen",
    "search ",
    "search payments",
}


def places() -> Iterator[stories.Place]:
    """Every page once: those about a request that changed after it was approved, a statement to sign, and one's own settings."""
    request = stories.tell_of_one_that_changed()
    seen = [place for place in stories.places_of(request) if place.name in LOOKED_AT]
    assert {place.name for place in seen} == LOOKED_AT
    yield from {place.name: place for place in seen}.values()
    for path in ("/settings", "/settings/appearance", "/settings/notifications", "/settings/away"):
        yield stories.Place(path, path, cast.alice())
    yield stories.Place("sign in", "/accounts/login/", None)


@pytest.mark.parametrize("language", sorted(DIRECTIONS))
def test_no_page_scrolls_sideways(page: Page, settings: Any, tmp_path: Path, language: str) -> None:
    use_own_keys(settings, tmp_path)
    looker = Looker(page, django_settings.ORIGIN)
    looker.listen()
    found = {}
    for place in places():
        looker.client = Client(HTTP_ACCEPT_LANGUAGE=language)
        if place.reader is not None:
            looker.client.force_login(cast.account_of(place.reader))
        found |= {f"{place.name}, {width}": wide for width, wide in look(looker, place.path, DIRECTIONS[language]).items() if wide}
    assert found == {}


# The longest words, in the direction fewer people look at.
@pytest.mark.parametrize(
    "tell",
    [
        act_stories.of_exceptions,
        act_stories.of_delegations,
        act_stories.of_asking,
        act_stories.of_break_glass,
        act_stories.of_revoking,
        act_stories.of_comparing,
        act_stories.of_indicators,
        act_stories.of_expectations,
    ],
)
def test_nor_does_one_where_somebody_does_more_than_answer(
    page: Page, settings: Any, tmp_path: Path, tell: Callable[[], Iterator[stories.Place]]
) -> None:
    use_own_keys(settings, tmp_path)
    looker = Looker(page, django_settings.ORIGIN)
    looker.listen()
    found = {}
    for place in tell():
        assert place.reader is not None
        looker.client = act_stories.recent_client_of(place.reader)
        looker.client.defaults["HTTP_ACCEPT_LANGUAGE"] = RIGHT_TO_LEFT
        found |= {f"{place.name}, {width}": wide for width, wide in look(looker, place.path, "rtl").items() if wide}
    assert found == {}


def look(looker: Looker, path: str, direction: str) -> dict[int, list[str]]:
    """Open a page, and return what is wrong with it at each width."""
    looker.open(path)
    page = looker.page
    assert page.evaluate("getComputedStyle(document.documentElement).direction") == direction, path
    assert [words for words in looker.heard if "script error" in words] == [], path
    # What is folded away is as wide as it is when somebody unfolds it.
    page.evaluate("document.querySelectorAll('main details').forEach((each) => { each.open = true; })")
    found = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        wide = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        found[width] = [f"{wide[0]} px wide on {wide[1]} px", *page.evaluate(OVER_THE_EDGE)] if wide[0] > wide[1] else []
    return found
