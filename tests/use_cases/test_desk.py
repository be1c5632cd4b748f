"""At the approver's desk: sign in, find a request, review it, approve it by passkey, the next one; ask for changes; reject; come too late.

All of it with a pointer on a wide screen, once more with nothing but the keyboard, and once more on a phone. One live portal with its own
database and its real worker; nothing is simulated but the authenticator's hardware.
"""

from __future__ import annotations

import base64
import json
import os
import re
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import cast
from tests.identities.test_browser_keys import AUTHENTICATOR
from tests.live import LivePortal, live_portal
from tests.make_desk import APPROVED, CHANGED, REJECTED, STALE
from tests.throwaway import throwaway_database
from tests.use_cases.hands import Hands, Keyboard, Pointer
from tests.use_cases.pictures import take_picture

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WIDE: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
SERIES = {"pointer": ("2.0", WIDE), "keyboard": ("2.1", WIDE), "phone": ("2.2", PHONE)}
PATIENCE_SECONDS = 60
TOO_LATE = re.compile(r"(page|request) (has )?changed since", re.IGNORECASE)


@dataclass
class Desk:
    """The portal, what lies on the desk, and the passkeys people have made."""

    portal: LivePortal
    laid: dict[str, Any]
    passkeys: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def address(self, tag: str) -> str:
        return f"{self.portal.url}/requests/{self.laid['requests'][tag]['id']}"

    def send(self, content: bytes) -> None:
        """Send evidence as the release workflow does."""
        headers = {"Authorization": f"Bearer {self.laid['token']}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.portal.url}/api/v1/attestations", data=content, headers=headers, method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 202

    def revision(self, tag: str) -> int:
        """The number of a request's newest revision, as the API says it."""
        where = f"{self.portal.url}/api/v1/requests/{self.laid['requests'][tag]['id']}"
        request = urllib.request.Request(where, headers={"Authorization": f"Bearer {self.laid['token']}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(json.load(answer)["revision"])


@dataclass
class Approver:
    """Somebody at their browser."""

    desk: Desk
    page: Page
    hands: Hands
    complaints: list[str]

    def picture(self, name: str) -> None:
        """Take a picture where one is asked for; once is enough for a wide screen."""
        if isinstance(self.hands, Pointer):
            take_picture(self.page, name)

    def sign_in(self, username: str) -> None:
        self.page.goto(self.desk.portal.url + "/queue")
        self.hands.write(self.page.get_by_label("Username"), username)
        self.hands.write(self.page.get_by_label("Password"), cast.PASSWORD)
        self.hands.use(self.page.get_by_role("button", name="Sign in", exact=True))
        self.page.wait_for_url(self.desk.portal.url + "/queue")

    def find(self, tag: str) -> None:
        """From wherever one is to a request, by the queue."""
        self.go_to_queue()
        self.hands.use(self.page.get_by_role("main").get_by_role("link", name=f"payments/api {tag}").first)
        self.page.wait_for_url("**/requests/**")
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(tag)

    def go_on(self) -> str:
        """From the record of an answer to what is next, as the page offers it; return its title."""
        link = self.page.get_by_role("link", name=re.compile("^Next: "))
        title = link.inner_text().removeprefix("Next: ").splitlines()[0].strip()
        self.hands.use(link)
        self.page.wait_for_url("**/requests/**")
        return title

    def go_to_queue(self) -> None:
        self.hands.use(self.page.get_by_role("link", name="Countersign", exact=True).first)
        self.page.wait_for_url(self.desk.portal.url + "/queue")

    def approve(self) -> None:
        self.begin("Approve and sign")
        self.sign()

    def object(self, button: str, why: str) -> None:
        """Ask for changes, or reject."""
        self.begin(button, why=why)
        self.sign()

    def begin(self, button: str, *, why: str = "") -> None:
        """Say what one decides, up to the statement. What has to be acknowledged is ticked where it is asked."""
        self.accept()
        if button.startswith("Approve"):
            self.compare()
        self.hands.use(self.page.get_by_role("button", name=button).first)
        self.page.wait_for_url(re.compile("/sign|/ceremonies/"))
        if "/ceremonies/" in self.page.url:
            return
        self.accept()
        if why:
            self.hands.use(self.page.get_by_role("group", name=re.compile("why", re.IGNORECASE)).get_by_role("checkbox").first)
            self.hands.write(self.page.get_by_label(re.compile("^Reason|your words", re.IGNORECASE)).first, why)
        self.hands.use(self.page.get_by_role("button", name="Show me what I sign"))

    def compare(self) -> None:
        """Type the end of the digest, as CI said it. Until then the button explains itself and begins nothing."""
        heading = self.page.get_by_role("heading", level=1).inner_text()
        (digest,) = {
            one["digest"] for tag, one in self.desk.laid["requests"].items() if f"payments/api {tag} " in heading.replace("\n", " ") + " "
        }
        explained = self.page.locator("#approve-wants")
        expect(explained).to_have_text("Type the end of the digest first.")
        expect(self.page.get_by_role("button", name="Approve and sign")).to_have_attribute("aria-disabled", "true")
        self.hands.write(self.page.get_by_label("Last 4 characters of its digest"), digest[-4:])
        expect(explained).to_have_text("Your passkey signs on the next page.")

    def accept(self) -> None:
        for box in self.page.locator("input[name^=agree_]:visible").all():
            if not box.is_checked():
                self.hands.use(box)

    def sign(self) -> None:
        self.page.wait_for_url("**/ceremonies/**")
        self.hands.use(self.page.get_by_role("button", name="Sign with"))
        self.page.wait_for_url("**/records/**")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    broker = os.environ.get("COUNTERSIGN_TEST_BROKER_URL", "")
    with throwaway_database() as url, live_portal(tmp_path_factory.mktemp("desk"), database_url=url, broker_url=broker) as portal:
        series = ", ".join(repr(name) for name, _ in SERIES.values())
        printed = portal.manage("shell", "-v0", "-c", f"from tests.make_desk import lay_out; lay_out({series})").stdout
        portal.start()
        yield Desk(portal, json.loads(printed.strip().splitlines()[-1]))


@contextmanager
def sat_down(chromium: Browser, desk: Desk, username: str, way: str) -> Iterator[Approver]:
    """Open a browser for a person, with their passkeys in it; the first time, they make one."""
    context = chromium.new_context(locale="en-GB", timezone_id="UTC", **SERIES[way][1])
    page = context.new_page()
    page.set_default_timeout(20_000)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(f"{page.url}: {message.text}") if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    authenticator = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})["authenticatorId"]
    for passkey in desk.passkeys.get(username, []):
        devtools.send("WebAuthn.addCredential", {"authenticatorId": authenticator, "credential": passkey})
    person = Approver(desk, page, Keyboard(page) if way == "keyboard" else Pointer(), complaints)
    person.sign_in(username)
    if username not in desk.passkeys:
        make_key(person)
    # Kept before anything else can go wrong: whoever has a key makes no second one without it.
    desk.passkeys[username] = devtools.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})["credentials"]
    try:
        yield person
    finally:
        context.close()
    assert complaints == []


def make_key(person: Approver) -> None:
    person.page.goto(person.desk.portal.url + "/settings/keys")
    person.hands.use(person.page.get_by_role("link", name=re.compile("Add (a|your first) key")).first)
    person.hands.write(person.page.get_by_label(re.compile("name|label", re.IGNORECASE)).first, "Laptop")
    person.hands.use(person.page.get_by_role("button", name="Make the key"))
    person.page.wait_for_url("**/settings/keys")


@pytest.mark.parametrize("way", SERIES)
def test_a_day_at_the_desk(chromium: Browser, desk: Desk, way: str) -> None:
    series = SERIES[way][0]
    with sat_down(chromium, desk, "alice", way) as alice:
        approves_and_goes_on(alice, series)
        objects(alice, series)
        comes_too_late(alice, series)
        is_no_second_approver(alice, series)
    with sat_down(chromium, desk, "ines", way) as ines:
        is_the_second_approver(ines, series)


def approves_and_goes_on(alice: Approver, series: str) -> None:
    alice.go_to_queue()
    alice.picture("queue")
    alice.find(f"{series}.{APPROVED}")
    alice.picture("review")
    alice.approve()
    expect(alice.page.get_by_role("heading", level=1)).to_contain_text("Alice Chen approved")
    leads_on(alice)


def leads_on(alice: Approver) -> None:
    """After an answer, the page leads to what is first in the queue, and back to the queue."""
    alice.hands.use(alice.page.get_by_role("link", name="Back to the queue"))
    alice.page.wait_for_url(alice.desk.portal.url + "/queue")
    first = alice.page.get_by_role("main").locator("a.open").first.inner_text()
    alice.page.go_back()
    assert alice.go_on().startswith(first)
    expect(alice.page.get_by_role("heading", level=1)).to_contain_text(first)


def objects(alice: Approver, series: str) -> None:
    """The next two: one has to be changed, one is refused."""
    alice.find(f"{series}.{CHANGED}")
    alice.object("Request changes", "Say in the note what the export holds.")
    expect(alice.page.get_by_role("heading", level=1)).to_contain_text(re.compile("Alice Chen .*changes"))
    leads_on(alice)
    alice.find(f"{series}.{REJECTED}")
    alice.object("Reject", "This must not go out on a Friday.")
    expect(alice.page.get_by_role("heading", level=1)).to_contain_text("Alice Chen rejected")
    leads_on(alice)


def comes_too_late(alice: Approver, series: str) -> None:
    """While the page is read, evidence comes in that contradicts it. What was shown can no longer be signed, and the page says why."""
    tag = f"{series}.{STALE}"
    alice.find(tag)
    before = alice.desk.revision(tag)
    alice.desk.send(base64.b64decode(alice.desk.laid["lies"][series]))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while alice.desk.revision(tag) == before:
        assert time.monotonic() < deadline, "no new revision came"
        time.sleep(0.2)
    alice.accept()
    alice.compare()
    alice.hands.use(alice.page.get_by_role("button", name="Approve and sign").first)
    expect(alice.page.get_by_role("main")).to_contain_text(TOO_LATE)
    assert "/ceremonies/" not in alice.page.url
    alice.complaints[:] = [words for words in alice.complaints if "status of 4" not in words]


def is_no_second_approver(alice: Approver, series: str) -> None:
    alice.page.goto(alice.desk.address(f"{series}.{APPROVED}"))
    expect(alice.page.get_by_role("main")).to_contain_text("You have answered this revision already")
    expect(alice.page.get_by_role("button", name="Approve and sign")).to_have_count(0)


def is_the_second_approver(ines: Approver, series: str) -> None:
    ines.find(f"{series}.{APPROVED}")
    expect(ines.page.get_by_role("main")).to_contain_text("Alice Chen")
    ines.approve()
    expect(ines.page.get_by_role("heading", level=1)).to_contain_text("Ines Okoye approved")
    ines.page.goto(ines.desk.address(f"{series}.{APPROVED}"))
    expect(ines.page.get_by_role("main").get_by_text("Approved", exact=True).first).to_be_visible()
    ines.page.goto(f"{ines.desk.portal.url}/artifacts/{ines.desk.laid['requests'][f'{series}.{APPROVED}']['digest']}")
    ines.picture("passport")
