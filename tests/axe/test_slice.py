"""A fixed slice of `make axe`: the pages people live in, light on a wide screen and dark on a phone; and that what is wrong is found at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.test import Client, override_settings
from playwright.sync_api import Page, expect
from pytest_django.plugin import DjangoDbBlocker

from tests.axe.look import Looker
from tests.axe.pages import DRAWN_ELSEWHERE, Seen, drawn_by, page_templates, pages_of
from tests.axe.states import look_at
from tests.house.url_examples import tell_story

pytestmark = [pytest.mark.django_db, pytest.mark.browser]

SLICE = (
    "account_login",
    "approvals:ceremony",
    "approvals:policies",
    "approvals:queue",
    "approvals:record",
    "approvals:request",
    "approvals:request_new",
    "approvals:sign",
    "identities:identity",
    "identities:keys",
    "ledger:log",
    "reports:artifact",
)
LOOKS = (("light", 1280), ("dark", 390))
# What lies behind an open dialog is shut off for everybody, and axe would look through to it.
ALONE = """document.body.style.visibility = "hidden"; document.querySelector("dialog[open]").style.visibility = "visible";"""
FLAWED = """<!doctype html><html lang="en"><head><title>Flawed</title><style>
  body { margin: 0 } p { color: #999; background: #fff } div { inline-size: 2000px } a:focus { outline: none }
</style></head><body><main><p>Hardly to be read</p><div>Wide</div><a href="#x">Unseen</a></main></body></html>"""


@pytest.fixture(scope="module")
def all_pages(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[list[Seen], list[str]]]:
    """Tell the story once for the whole slice; the end undoes it."""
    with override_settings(), django_db_blocker.unblock(), transaction.atomic():
        yield pages_of(tell_story(settings, tmp_path_factory.mktemp("story")))
        transaction.set_rollback(True)


@pytest.mark.parametrize("name", SLICE)
def test_nothing_keeps_people_from_using_it(page: Page, all_pages: tuple[list[Seen], list[str]], name: str) -> None:
    looker = Looker(page, settings.ORIGIN)
    looker.listen()
    pages = [each for each in all_pages[0] if each.name == name]
    assert pages, f"no page is called {name} any more"
    found = {f"{name} ({state})": words for each in pages for state, words in look_at(looker, each, LOOKS).items() if words}
    assert found == {}


def test_nothing_keeps_people_from_using_what_opens_over_a_page(page: Page, all_pages: tuple[list[Seen], list[str]]) -> None:
    looker = Looker(page, settings.ORIGIN)
    looker.listen()
    queue = next(each for each in all_pages[0] if each.name == "approvals:queue")
    looker.client = queue.client()
    looker.open(queue.path)
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    page.evaluate(ALONE)
    found = {"shortcuts": looker.look()}
    looker.open(queue.path)
    field, options = page.locator("#palette-q"), page.locator("#palette-list [role=option]")
    for words, count in (("", True), ("queue", True), ("nothing is called so", False)):
        page.keyboard.press("Control+k")
        field.fill(words)
        expect(field).to_have_attribute("aria-expanded", str(count).lower())
        assert bool(options.count()) == count
        page.evaluate(ALONE)
        found[f"palette, {words}"] = looker.look()
        looker.open(queue.path)
    assert not any(found.values()), found


def test_no_page_is_left_out(all_pages: tuple[list[Seen], list[str]]) -> None:
    assert all_pages[1] == []


def test_no_template_of_a_page_is_left_out(all_pages: tuple[list[Seen], list[str]]) -> None:
    drawn = drawn_by(all_pages[0])
    assert sorted(page_templates() - drawn - set(DRAWN_ELSEWHERE)) == [], (
        "no page that is looked at is drawn by these: see tests/axe/more.py"
    )
    assert sorted(set(DRAWN_ELSEWHERE) & drawn) == [], "these are looked at by now"


def test_what_is_wrong_is_found(page: Page) -> None:
    looker = Looker(page, settings.ORIGIN)
    page.set_content(FLAWED)
    found = "\n".join(looker.look(LOOKS))
    for words in ("it has 0 h1, expected one", "color-contrast (violations)", "390: it is 2000 px wide", "focus is not seen on <a href"):
        assert words in found


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ('<link rel="stylesheet" href="/static/css/nowhere.css">', "/static/css/nowhere.css"),
        ("<script>window.reports</script>", "content security policy: script-src-elem inline"),
        ("<details><summary>More</summary><input></details>", "unfolded, light 1280: label (violations)"),
    ],
)
def test_what_is_missing_forbidden_or_folded_away_is_found(page: Page, part: str, words: str) -> None:
    looker = Looker(
        page, settings.ORIGIN, Saying(f"<!doctype html><html lang=en><title>Flawed</title><main><h1>Flawed</h1>{part}</main></html>")
    )
    looker.listen()
    looker.open("/flawed")
    page.wait_for_load_state("networkidle")
    assert words in "\n".join(looker.look(LOOKS))


class Saying(Client):
    """A portal that has one page, whatever it is asked."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html

    def generic(self, *_: Any, **__: Any) -> HttpResponse:  # type: ignore[override]
        return HttpResponse(self.html, headers={"Content-Security-Policy": "script-src 'self'"})
