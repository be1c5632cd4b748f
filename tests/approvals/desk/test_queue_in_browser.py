"""The queue in a real browser: by keyboard alone, at the width of a phone, in the dark, with the shortcuts off, and a word about what is new."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests import cast
from tests.approvals.desk.in_browser import alice_at_the_queue, told_portal
from tests.live import LivePortal

pytestmark = [pytest.mark.browser, pytest.mark.slow]
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
MAKE_THE_STAGE = """
from datetime import timedelta
from django.utils import timezone
from ledger.keys import create_portal_keys
create_portal_keys()
from identities.models import Environment
from tests import cast, make_approvals as make
from tests.make_queue import copy_request
now = timezone.now()
stage = make.set_stage(now=now - timedelta(hours=2))
cast.alice(), cast.carol()
make.enrol(cast.alice(), now=now)
make.send_provenance(stage, now=now)
staging = Environment.objects.create(slug="staging", name="Staging", tier=1, team=cast.payments())
request = make.ask(now=now - timedelta(hours=1))
copy_request(request, 3)
copy_request(request, 1, kind="rotation", title="rotate payments/export-key", on_behalf_of_id=cast.carol().pk, environment_id=staging.pk)
copy_request(request, 60, status="approved")
copy_request(request, 2, status="blocked")
"""
MAKE_ONE_MORE = """
from approvals.models import Request
from tests.make_queue import copy_request
copy_request(Request.objects.get(title="payments/api 1.4.2"), 2, title="payments/api just now")
"""


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePortal]:
    with told_portal(tmp_path_factory.mktemp("queue"), MAKE_THE_STAGE) as started:
        yield started


@pytest.fixture
def page(chromium: Browser, portal: LivePortal) -> Iterator[Page]:
    with alice_at_the_queue(chromium, portal, width=1280, height=900) as opened:
        yield opened


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent.trim()"))


def flaws(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": AXE_TAGS}).response
    return [f"{item['id']} at {item['nodes'][0]['html'][:200]}" for item in found["violations"] + found["incomplete"]]


@pytest.mark.parametrize("tab", ["mine", "others", "stuck", "snoozed", "done"])
def test_no_flaw_at_any_width_in_either_light(page: Page, portal: LivePortal, tab: str) -> None:
    page.goto(f"{portal.url}/queue?show={tab}")
    if page.locator(".pick input").count():
        page.locator(".pick input").first.check()
    page.locator(".views > summary").click()
    for light in ("light", "dark"):
        page.emulate_media(color_scheme=light, reduced_motion="reduce")  # type: ignore[arg-type]  # one of the two it takes
        for width in (1280, 390, 320):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), (tab, light, width)
            assert flaws(page) == [], (tab, light, width)


def test_by_keyboard_alone(page: Page, portal: LivePortal) -> None:
    first, second = page.locator(".queue a.open").all()[:2]
    page.keyboard.press("j")
    expect(first).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(second).to_be_focused()
    page.keyboard.press("k")
    expect(first).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator(".bulk")).to_be_visible()
    page.keyboard.press("c")
    expect(page.get_by_label("Say on each of them")).to_be_focused()
    first.focus()
    page.keyboard.press("Escape")
    expect(page.locator(".bulk")).to_be_hidden()
    title = focused(page)
    page.keyboard.press("s")
    expect(page.get_by_role("button", name="Snooze until tomorrow")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_contain_text("One request is put off")
    expect(page.get_by_role("link", name=title, exact=True)).to_have_count(0)
    page.goto(f"{portal.url}/queue?show=snoozed")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.get_by_role("button", name="Bring back now").press("Enter")
    expect(page.locator("#status")).to_contain_text("back under Your turn")
    page.keyboard.press("/")
    page.keyboard.type("jokes about sox")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No match")).to_be_visible()
    page.locator("h1").click()
    page.keyboard.press("u")
    page.wait_for_url("**/queue?show=*")
    page.goto(f"{portal.url}/queue")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("snooze what is ticked")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("d")
    page.wait_for_url("**/delegations/new?request=req_*")
    expect(page.get_by_text("so its project and its environment are chosen")).to_be_visible()
    page.goto(f"{portal.url}/queue")
    first_path, second_path = page.locator(".queue a.open").evaluate_all("all => all.slice(0, 2).map(each => each.pathname)")
    page.keyboard.press("j")
    page.keyboard.press("o")
    page.wait_for_url(portal.url + first_path)
    page.keyboard.press("j")
    page.wait_for_url(portal.url + second_path)
    page.keyboard.press("k")
    page.wait_for_url(portal.url + first_path)
    page.keyboard.press("d")
    page.wait_for_url("**/delegations/new?request=req_*")


def test_one_comment_on_several(page: Page, portal: LivePortal) -> None:
    page.goto(f"{portal.url}/queue?show=stuck")
    for box in page.locator(".pick input").all():
        box.check()
    page.get_by_label("Say on each of them").fill("What is missing here?")
    page.get_by_role("button", name="Comment").click()
    expect(page.locator("#status")).to_contain_text("Your comment stands on 2 requests. It is no answer.")


def test_pages_turn_and_come_back(page: Page, portal: LivePortal) -> None:
    page.goto(f"{portal.url}/queue?show=done&sort=newest")
    expect(page.locator(".queue tbody tr")).to_have_count(50)
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".queue tbody tr")).to_have_count(10)
    page.get_by_role("link", name="Previous").click()
    expect(page.locator(".queue tbody tr")).to_have_count(50)


def test_a_word_about_what_is_new_and_no_row_moves(page: Page, portal: LivePortal) -> None:
    page.clock.install()
    page.goto(f"{portal.url}/queue")
    rows = page.locator(".queue a.open").all_text_contents()
    portal.manage("shell", "-v0", "-c", MAKE_ONE_MORE)
    page.clock.run_for(31_000)
    news = page.get_by_role("status").get_by_role("link")
    expect(news).to_have_text("2 new: show")
    assert page.locator(".queue a.open").all_text_contents() == rows
    assert flaws(page) == []
    news.click()
    expect(page.locator(".queue a.open")).to_have_count(len(rows) + 2)


def test_without_script_everything_is_there(chromium: Browser, portal: LivePortal) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{portal.url}/accounts/login/?next=/queue")
    page.fill("[name=login]", "alice")
    page.fill("[name=password]", cast.PASSWORD)
    page.locator("form button[type=submit]").last.click()
    page.wait_for_url(f"{portal.url}/queue")
    page.locator(".pick input").nth(1).check()
    page.get_by_role("button", name="Until next week").click()
    expect(page.locator("#status")).to_contain_text("One request is put off")
    context.close()


def test_with_the_shortcuts_off_no_key_does_anything(page: Page, portal: LivePortal) -> None:
    page.goto(f"{portal.url}/settings/appearance")
    page.locator("[name=shortcuts]").uncheck()
    page.locator("main form button[type=submit]").click()
    page.goto(f"{portal.url}/queue")
    for key in ("j", "x", "s", "o", "u"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement === document.body")
    assert page.locator(".pick :checked").count() == 0
