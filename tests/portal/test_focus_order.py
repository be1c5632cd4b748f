"""Where the keyboard goes: in the order of reading, past nothing, out of everything, back to where a dialog was opened, and to what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as portal_settings
from playwright.sync_api import Page, expect

from identities.preferences.change import change_appearance
from tests import cast
from tests import make_approvals as make
from tests.axe.look import Looker
from tests.axe.more import begin_signing, decide
from tests.house.walk import signed_in
from tests.make_ledger import use_own_keys

pytestmark = [pytest.mark.django_db, pytest.mark.browser]
MOST_STOPS = 200
# The place of an element among all of the document, which is the order a screen reader reads in.
WHERE = "[...document.querySelectorAll('*')].indexOf(document.activeElement)"
WHAT = "document.activeElement.outerHTML.slice(0, 120)"
# What the keyboard should reach: one of each group of radio buttons, nothing in what is folded, hidden or shut off.
REACHABLE = """() => {
  const groups = new Set();
  return [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")].filter((each) => {
    if (each.disabled || each.tabIndex < 0 || !each.checkVisibility({ visibilityProperty: true })) return false;
    if (each.type !== "radio") return true;
    const first = !groups.has(each.name);
    groups.add(each.name);
    return first;
  }).length;
}"""


@pytest.fixture
def alice(page: Page, settings: Any, tmp_path: Path) -> Looker:
    """Alice, who has a key, before one request that she may decide."""
    use_own_keys(settings, tmp_path)
    stage = make.set_stage()
    make.send_provenance(stage)
    make.enrol(cast.alice())
    looker = Looker(page, portal_settings.ORIGIN, signed_in(cast.alice()))
    looker.listen()
    return looker


def path_to(name: str, looker: Looker) -> str:
    if name == "ceremony":
        return begin_signing(looker.client)
    request = make.ask()
    return {"queue": "/queue", "review": f"/requests/{request.pk}", "sign": decide(request, "reject")}[name]


def stops(page: Page) -> list[tuple[int, str]]:
    """Press Tab until the focus leaves the page, and return where it stopped. Fails where it never leaves."""
    found: list[tuple[int, str]] = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        where = int(page.evaluate(WHERE))
        if page.evaluate("document.activeElement === document.body || !document.hasFocus()") or (found and where == found[0][0]):
            return found
        found.append((where, str(page.evaluate(WHAT))))
    raise AssertionError(f"the focus does not leave the page: {found[-3:]}")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["queue", "review", "sign", "ceremony"])
def test_the_focus_goes_in_the_order_of_reading_and_everywhere(alice: Looker, name: str, width: int) -> None:
    page = alice.page
    page.set_viewport_size({"width": width, "height": 900})
    alice.open(path_to(name, alice))
    if name == "ceremony":
        expect(page.locator("#ceremony-sign")).to_be_visible()
    found = stops(page)
    order = [where for where, _ in found]
    assert order == sorted(order), [what for (where, what), after in zip(found, order[1:], strict=False) if after < where]
    assert len(found) == page.evaluate(REACHABLE)
    assert "skip" in found[0][1]


@pytest.mark.parametrize("name", ["queue", "review", "sign"])
def test_the_first_stop_leads_past_the_navigation(alice: Looker, name: str) -> None:
    page = alice.page
    alice.open(path_to(name, alice))
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_a_dialog_keeps_the_focus_and_gives_it_back(alice: Looker) -> None:
    page = alice.page
    alice.open("/queue")
    page.get_by_role("link", name="Queue", exact=True).first.focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    for _ in range(30):
        page.keyboard.press("Tab")
        # Between the last and the first place the browser's own controls have their turn; nothing behind the dialog may.
        assert page.evaluate("document.activeElement === document.body || document.activeElement.closest('dialog') !== null")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("link", name="Queue", exact=True).first).to_be_focused()


def test_the_menu_of_the_account_gives_the_focus_back(alice: Looker) -> None:
    page = alice.page
    alice.open("/queue")
    button = page.get_by_role("button", name="Alice Chen")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#account-menu")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(page.locator("#account-menu")).to_be_hidden()
    expect(button).to_be_focused()


@pytest.mark.parametrize("name", ["queue", "review"])
def test_where_shortcuts_are_off_no_letter_does_anything(alice: Looker, name: str) -> None:
    turn_shortcuts_off()
    page = alice.page
    path = path_to(name, alice)
    alice.open(path)
    page.keyboard.press("Tab")
    before = page.evaluate(WHAT)
    for key in "gqjkaArRxenpscyzu/?[]oh":
        page.keyboard.press(key)
    page.keyboard.press("Control+k")
    assert page.url == alice.origin + path
    assert page.evaluate(WHAT) == before
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_letter_that_is_typed_does_nothing_else(alice: Looker) -> None:
    page = alice.page
    path = path_to("sign", alice)
    alice.open(path)
    field = page.get_by_role("main").locator("textarea").first
    field.focus()
    page.keyboard.type("gq?/arx")
    expect(field).to_have_value("gq?/arx")
    assert page.url == alice.origin + path


def test_the_focus_goes_to_the_first_thing_that_is_wrong(alice: Looker) -> None:
    page = alice.page
    alice.open(path_to("sign", alice))
    assert alice.send_empty()
    assert page.evaluate(
        """() => {
          const wrong = document.querySelector("main [aria-invalid=true], main .field:has(.error) :is(input, select, textarea)");
          return wrong !== null && document.activeElement === wrong;
        }"""
    ), page.evaluate(WHAT)


def turn_shortcuts_off() -> None:
    """As Alice does it in her settings."""
    change_appearance(
        theme="system", density="comfortable", language="en-gb", time_zone="UTC", shortcuts=False, by=cast.alice(), now=make.NOW
    )
