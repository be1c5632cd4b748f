"""The sign-in page and the pages of identity providers in a real browser: by keyboard alone, at the width of a phone, and by axe."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests import cast
from tests.live import LivePortal, live_portal
from tests.throwaway import throwaway_database

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
HOME = "/settings/sign-in-providers"
MAKE = """
from ledger.keys import create_portal_keys
from tests import cast, make_sso
create_portal_keys()
cast.dave()
cast.payments_api()
pem = make_sso.certificate()
config = {"sso_url": "https://saml.example/a/rather/long/address/that/does/not/break/anywhere/by/itself", "certificates": ["".join(pem.split("-----")[2].split())]}
make_sso.provider("partner", issuer="https://saml.example/an/entity/id/that/is/long/and/cannot/be/broken", name="Partner of the long name", protocol="saml", client_id="", config=config)
make_sso.rules(make_sso.rule("a-group-with-a-rather-long-name-that-does-not-break-anywhere", "approver:release"))
make_sso.arrive("s-erin", "a-group-with-a-rather-long-name-that-does-not-break-anywhere")
make_sso.rules(make_sso.rule("others", "requester", project="payments-api"))
"""
PAGES = (
    HOME,
    f"{HOME}/add/oidc",
    f"{HOME}/add/saml",
    f"{HOME}/corp",
    f"{HOME}/corp/change",
    f"{HOME}/partner",
    f"{HOME}/partner/change",
    f"{HOME}/corp/groups",
    f"{HOME}/corp/groups?from=1&to=2",
    f"{HOME}/corp/groups/change",
    f"{HOME}/corp/remove",
    f"{HOME}/corp/provisioning",
    f"{HOME}/local",
)


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePortal]:
    broker = os.environ.get("COUNTERSIGN_TEST_BROKER_URL", "")
    with throwaway_database() as url, live_portal(tmp_path_factory.mktemp("providers"), database_url=url, broker_url=broker) as started:
        started.manage("shell", "-c", MAKE)
        started.start()
        yield started


def tab_to(page: Page, name: str) -> None:
    """Go to what is called so by the Tab key."""
    wanted = page.get_by_role("button", name=name, exact=True)
    for _ in range(40):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"the keyboard does not reach {name!r}")


def whole(page: Page) -> None:
    """Fail on what axe finds, and on a page that scrolls sideways."""
    assert Axe().run(page, options={"runOnly": AXE_TAGS}).response["violations"] == [], page.url
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), page.url


def test_every_page_at_the_width_of_a_phone(page: Page, portal: LivePortal) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(f"{page.url}: {message.text}") if message.type == "error" else None)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(portal.url + f"/accounts/login/?next={HOME}")
    whole(page)
    page.fill("[name=login]", "dave")
    page.fill("[name=password]", cast.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(portal.url + HOME)
    for path in PAGES:
        page.goto(portal.url + path)
        assert page.url.endswith(path)
        whole(page)
    assert complaints == []


def test_a_provider_is_added_and_its_button_pressed_by_keyboard(page: Page, portal: LivePortal) -> None:
    page.goto(portal.url + f"/accounts/login/?next={HOME}/add/saml")
    page.get_by_label("Username").focus()
    page.keyboard.type("dave")
    page.keyboard.press("Tab")
    page.keyboard.type(cast.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(portal.url + f"{HOME}/add/saml")
    for label, text in (
        ("slug", "third"),
        ("name", "Third party"),
        ("issuer", "https://third.example"),
        ("sso_url", "https://third.example/sso"),
    ):
        page.locator(f"#id_{label}").focus()
        page.keyboard.type(text)
    page.locator("#id_certificates").focus()
    page.keyboard.insert_text("no certificate at all")
    tab_to(page, "Add it")
    page.keyboard.press("Enter")
    page.get_by_text("sso.certificate").wait_for()
    whole(page)
    assert page.locator("#id_slug").input_value() == "third"
