"""The cast and the doors of a story: a portal of its own, people with passwords, a program with a credential, HTTP and a browser."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page

from portal.demo.instance import GITHUB_ISSUER
from tests.live import LivePortal, live_portal
from tests.use_cases.evidence import ReleaseEvidence, setup_files

PASSWORD = "the quick brown passphrase 42"
PATIENCE_SECONDS = 60


@dataclass
class Answer:
    """What an HTTP door answered."""

    status: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


@dataclass
class Story:
    """A running portal with alice (approver), bob (requester), carol (auditor), dave (administrator) and a CI workflow."""

    portal: LivePortal
    evidence: ReleaseEvidence
    folder: Path
    token: str

    @property
    def digest(self) -> str:
        return f"sha256:{self.evidence.artifact_digest}"

    def call(self, method: str, path: str, body: bytes | object | None = None, *, token: str | None = None) -> Answer:
        """Call the API as the CI workflow, or with another token; an empty one sends none."""
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        request = urllib.request.Request(self.portal.url + path, data=content, method=method)
        request.add_header("Content-Type", "application/json")
        if token != "":
            request.add_header("Authorization", f"Bearer {self.token if token is None else token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, dict(error.headers), error.read())

    def send(self, content: bytes) -> dict[str, Any]:
        """Send evidence and wait until a worker has a verdict."""
        sent = self.call("POST", "/api/v1/attestations", content)
        assert sent.status == 202, sent.content
        where = sent.json()["statusUrl"].removeprefix(self.portal.url)
        return self.wait(lambda: self._verdict(where))

    def wait(self, look: Any) -> Any:
        """Return what `look` finds, as soon as it finds something."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = look()
            if found:
                return found
            time.sleep(0.2)
        raise AssertionError("nothing happened in time:\n" + self.portal.log.read_text(errors="replace")[-3000:])

    def gate(self, *, digest: str | None = None, environment: str = "production") -> dict[str, Any]:
        """Ask the gate."""
        answer = self.call("POST", "/api/v1/gate/decisions", {"digest": digest or self.digest, "environment": environment})
        assert answer.status == 200, answer.content
        return dict(answer.json())

    def _verdict(self, path: str) -> dict[str, Any] | None:
        body = self.call("GET", path).json()
        return body if body.get("result") not in (None, "", "waiting") else None


@contextmanager
def tell(folder: Path, evidence: ReleaseEvidence, *, database_url: str = "", broker_url: str = "") -> Iterator[Story]:
    """Bootstrap a portal by the operator's commands, start it, and yield the story."""
    (folder / "setup").mkdir(parents=True, exist_ok=True)
    (folder / "setup" / "password").write_text(PASSWORD)
    setup = setup_files(folder / "setup", evidence)
    with live_portal(folder, database_url=database_url, broker_url=broker_url) as portal:
        portal.manage("bootstrap", "--file", str(setup))
        for username, name, role in (
            ("alice", "Alice Chen", "approver:release"),
            ("bob", "Bob Ruiz", "requester"),
            ("carol", "Carol Osei", "auditor"),
        ):
            password = str(folder / "setup" / "password")
            portal.manage("add_person", username, "--name", name, "--team", "payments", "--password-file", password)
            portal.manage("grant_role", username, role, "--team", "payments")
        workflow = ["add_identity", "release workflow", "--kind", "workflow", "--issuer", GITHUB_ISSUER]
        portal.manage(*workflow, "--subject", evidence.workflow, "--owner", "bob", "--team", "payments")
        signer = ["add_signer", "release workflow", "--certificate-issuer", GITHUB_ISSUER]
        portal.manage(*signer, "--certificate-identity", evidence.workflow, "--any-ref")
        for predicate_type in ("https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"):
            portal.manage("grant_right", "release workflow", "attest", predicate_type, "--reason", "builds and releases")
        scopes = [word for scope in ("attestations:write", "requests:write", "gates:decide", "read") for word in ("--scope", scope)]
        token = portal.manage("issue_credential", "release workflow", *scopes).stdout.strip().splitlines()[-1]
        portal.start()
        yield Story(portal, evidence, folder, token)


@dataclass
class Person:
    """Somebody at a browser, with an authenticator that can be told not to verify them."""

    page: Page
    devtools: CDPSession
    authenticator: str

    def may_verify(self, verified: bool) -> None:
        """Let the authenticator verify its person from now on, or not."""
        self.devtools.send("WebAuthn.setUserVerified", {"authenticatorId": self.authenticator, "isUserVerified": verified})


@contextmanager
def at_browser(chromium: Browser, story: Story, username: str) -> Iterator[Person]:
    """Sign in as `username` in a browser of their own with a virtual authenticator."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB", timezone_id="UTC")
    page = context.new_page()
    page.set_default_timeout(20_000)
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "ctap2Version": "ctap2_1",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    authenticator = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
    page.goto(story.portal.url + "/accounts/login/")
    page.fill("input[name=login]", username)
    page.fill("input[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/queue")
    yield Person(page, devtools, authenticator)
    context.close()


def enrol_key(person: Person, story: Story) -> None:
    """Enrol an approval key on the settings page."""
    person.page.goto(story.portal.url + "/settings/keys")
    person.page.get_by_role("link", name="Add a key").first.click()
    person.page.fill("input[name=label]", "Laptop")
    person.page.get_by_role("button", name="Make the key").click()
    person.page.wait_for_url("**/settings/keys")
