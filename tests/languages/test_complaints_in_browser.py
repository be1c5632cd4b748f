"""Nothing on the desk breaks a rule of the browser, in English or German: no console error, no breach of the content policy or of Trusted Types."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import Page

from approvals.models import Request
from tests import cast
from tests.axe.look import Looker
from tests.house.walk import signed_in
from tests.languages import stories
from tests.make_ledger import use_own_keys

pytestmark = [pytest.mark.django_db, pytest.mark.browser]
# What a visitor opens, unfolds and asks for on any page; each of it runs scripts.
UNFOLD = "document.querySelectorAll('main details').forEach((each) => { each.open = true; })"
MAKES_A_SINK = """() => { try { document.createElement("div").innerHTML = "<p>x</p>"; return "" } catch (error) { return error.name } }"""


def places(request: Request) -> Iterator[stories.Place]:
    """Each kind of page of the desk once, as whoever works with it reads it."""
    alice, dave = cast.alice(), cast.dave()
    seen = {place.name.split(" of ")[0]: place for place in stories.places_of(request)}
    # What nobody has seen answers 404, which the browser itself notes.
    yield from (place for name, place in seen.items() if name != "never seen")
    for baseline in ("nothing", ""):
        yield stories.Place(
            f"compared with {baseline or 'what it is held against'}", f"/requests/{request.pk}/compare?with={baseline}", alice
        )
    yield stories.Place("indicators", "/reviews/indicators", dave)
    yield stories.Place("package", "/packages?purl=pkg:npm/express", alice)


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_desk_breaks_no_rule_of_the_browser(page: Page, settings: Any, tmp_path: Path, language: str) -> None:
    use_own_keys(settings, tmp_path)
    looker = Looker(page, django_settings.ORIGIN)
    looker.listen()
    seen = list(places(stories.tell_of_one_that_changed()))
    found = {}
    for place in seen:
        assert place.reader is not None
        looker.client = client_of(place.reader, language)
        found[place.name] = complaints_at(looker, place.path, language)
    assert len(seen) > 12
    assert {name: words for name, words in found.items() if words} == {}


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_page_to_sign_on_breaks_none_either(page: Page, settings: Any, tmp_path: Path, language: str) -> None:
    use_own_keys(settings, tmp_path)
    looker = Looker(page, django_settings.ORIGIN)
    looker.listen()
    request = stories.tell_of_a_release()
    looker.client = client_of(cast.alice(), language)
    assert complaints_at(looker, f"/requests/{request.pk}", language) == []
    assert complaints_at(looker, f"/requests/{request.pk}/compare", language) == []
    assert complaints_at(looker, stories.begin_to_sign(looker.client, request), language) == []


def test_what_breaks_a_rule_is_heard(page: Page, settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)
    looker = Looker(page, django_settings.ORIGIN)
    looker.listen()
    request = stories.tell_of_a_release()
    looker.client = client_of(cast.alice(), "en")
    looker.open(stories.begin_to_sign(looker.client, request))
    assert page.evaluate(MAKES_A_SINK) == "TypeError"
    page.evaluate("console.error('something went wrong')")
    said = " ".join(complaints_of(looker))
    assert "require-trusted-types-for" in said
    assert "something went wrong" in said


def client_of(reader: Any, language: str) -> Client:
    client = signed_in(reader)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    return client


def complaints_at(looker: Looker, path: str, language: str) -> list[str]:
    """Open a page, use what every page has, and return what the browser complained about."""
    answer = looker.open(path)
    assert answer is not None and answer.status == 200, f"{path} answered {answer and answer.status}"
    page = looker.page
    assert page.evaluate("document.documentElement.lang") == language, path
    page.evaluate(UNFOLD)
    copy = page.locator("main .copy:visible")
    if copy.count():
        copy.first.click()
    page.keyboard.press("Control+k")
    page.locator("dialog.palette input").fill("payments")
    page.locator("dialog.palette [role=option]").first.wait_for()
    page.keyboard.press("Escape")
    return complaints_of(looker)


def complaints_of(looker: Looker) -> list[str]:
    """Return what the browser has complained about since the page was opened."""
    return [*looker.heard, *looker.page.evaluate("window.reports")]
