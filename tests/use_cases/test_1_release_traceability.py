"""Use case 1, from CI to a release anyone can check: real evidence in, verified, reviewed, approved with a passkey, gated, checked offline.

One portal tells the whole story through its real doors, and every way of tampering along it is refused with its own code.
"""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from playwright.sync_api import Browser, Page, Route

from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.encoding import b64url_decode, b64url_encode
from reports.archive import zip_pack
from tests.forge import Parts, PortalKeys, edited, forge, repack
from tests.live import ROOT
from tests.requirements import need_ssh_keygen
from tests.throwaway import throwaway_database
from tests.use_cases.evidence import release_evidence
from tests.use_cases.story import Person, Story, at_browser, enrol_key, tell

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("release")]

Pack = dict[str, bytes]


@dataclass
class Told:
    """What the story leaves behind for the tamperings: the portal, the pack, the trust file and the portal's own keys."""

    story: Story
    pack: Pack
    trust: Path
    keys: PortalKeys
    request_id: str
    refused_at_the_door: dict[str, str] = field(default_factory=dict)
    seen: dict[str, Any] = field(default_factory=dict)


@pytest.fixture(scope="module")
def told(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """Tell the story once, up to the downloaded pack."""
    broker = os.environ.get("COUNTERSIGN_TEST_BROKER_URL", "")
    folder = tmp_path_factory.mktemp("release")
    with throwaway_database() as database, tell(folder, release_evidence(), database_url=database, broker_url=broker) as story:
        seen = {"verdict": story.send(story.evidence.genuine), "before": story.gate()}
        request_id = _ask(story)
        with at_browser(chromium, story, "alice") as alice:
            seen["artifact page"] = _read_artifact(alice, story)
            enrol_key(alice, story)
            refused = {name: _try_to_sign(alice, story, request_id, lie) for name, lie in LIES_AT_THE_DOOR.items()}
            seen["stopped"] = _sign_what_is_not_shown(alice, story, request_id)
            seen["record page"] = _approve(alice, story, request_id)
            seen["gate"] = story.wait(lambda: _allowed(story))
            pack = _download(alice, story, request_id)
        trust = folder / "trust.json"
        trust.write_text(story.portal.manage("export_trust").stdout)
        yield Told(story, pack, trust, _portal_keys(story), request_id, refused, seen)


def _ask(story: Story) -> str:
    asked = story.call(
        "POST",
        "/api/v1/requests",
        {
            "project": "payments-api",
            "environment": "production",
            "title": f"{story.evidence.artifact_name} release",
            "artifacts": [{"digest": story.digest, "name": story.evidence.artifact_name}],
        },
    )
    assert asked.status == 201, asked.content
    return str(asked.json()["id"])


def _read_artifact(person: Person, story: Story) -> str:
    page = person.page
    page.goto(f"{story.portal.url}/artifacts/{story.digest}")
    # What gates say comes after the rest of the page.
    page.get_by_role("heading", name="What the gates say now").wait_for()
    page.get_by_text("Source, build and artifact in sentences").click()
    return page.inner_text("main")


def _begin(page: Page, story: Story, request_id: str) -> None:
    page.goto(f"{story.portal.url}/requests/{request_id}")
    page.get_by_label("Last 4 characters of its digest").fill(story.digest[-4:])
    page.get_by_role("button", name="Approve and sign").click()
    page.wait_for_url("**/ceremonies/**")


def _sign(page: Page) -> None:
    page.get_by_role("button", name="Sign with").click()


def _approve(person: Person, story: Story, request_id: str) -> str:
    _begin(person.page, story, request_id)
    _sign(person.page)
    person.page.wait_for_url("**/records/**")
    return person.page.inner_text("main")


def _allowed(story: Story) -> dict[str, Any] | None:
    """Ask until the checkpoint process has signed a head over the record."""
    answer = story.gate()
    return answer if answer["decision"] == "allow" else None


def _download(person: Person, story: Story, request_id: str) -> Pack:
    answer = person.page.request.get(f"{story.portal.url}/requests/{request_id}/pack.zip")
    assert answer.status == 200
    with zipfile.ZipFile(io.BytesIO(answer.body())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


# What is changed on the way from the authenticator to the portal.


def _change_origin(assertion: dict[str, str]) -> None:
    client_data = json.loads(b64url_decode(assertion["clientDataJSON"], code="test", what="client data"))
    client_data["origin"] = "http://countersign.example"
    assertion["clientDataJSON"] = b64url_encode(json.dumps(client_data, separators=(",", ":")).encode())


def _change_signature(assertion: dict[str, str]) -> None:
    signature = bytearray(b64url_decode(assertion["signature"], code="test", what="signature"))
    signature[-1] ^= 1
    assertion["signature"] = b64url_encode(bytes(signature))


def _clear_verified_flag(assertion: dict[str, str]) -> None:
    data = bytearray(b64url_decode(assertion["authenticatorData"], code="test", what="authenticator data"))
    data[32] &= ~0x04
    assertion["authenticatorData"] = b64url_encode(bytes(data))


def _post_changed(change: Callable[[dict[str, str]], None]) -> Callable[[Person], None]:
    def arrange(person: Person) -> None:
        person.page.evaluate(
            """() => { HTMLFormElement.prototype.submit = function () { window.held = this.elements.assertion.value; }; }"""
        )
        _sign(person.page)
        person.page.wait_for_function("window.held")
        assertion = json.loads(person.page.evaluate("window.held"))
        change(assertion)
        person.page.evaluate(
            """(value) => { const form = document.getElementById("ceremony"); form.elements.assertion.value = value; form.requestSubmit(); }""",
            json.dumps(assertion),
        )

    return arrange


def _unverified_person(person: Person) -> None:
    """A genuine signature by an authenticator that did not verify its person."""
    person.may_verify(False)
    person.page.evaluate(
        """() => { const get = navigator.credentials.get.bind(navigator.credentials);
        navigator.credentials.get = (options) => { options.publicKey.userVerification = "discouraged"; return get(options); }; }"""
    )
    _sign(person.page)


def _another_statement(person: Person) -> None:
    """A genuine signature over other bytes than the statement."""
    person.page.evaluate(
        """() => { const get = navigator.credentials.get.bind(navigator.credentials);
        navigator.credentials.get = (options) => { options.publicKey.challenge = new Uint8Array(32); return get(options); }; }"""
    )
    _sign(person.page)


LIES_AT_THE_DOOR: dict[str, Callable[[Person], None]] = {
    "webauthn.origin": _post_changed(_change_origin),
    "webauthn.signature": _post_changed(_change_signature),
    "webauthn.no_user_verification": _unverified_person,
    "webauthn.challenge": _another_statement,
}


def _try_to_sign(person: Person, story: Story, request_id: str, lie: Callable[[Person], None]) -> str:
    """Begin a ceremony, lie in it, and return the code the portal's page shows."""
    person.may_verify(True)
    _begin(person.page, story, request_id)
    lie(person)
    person.page.wait_for_url("**/complete")
    shown = person.page.inner_text("main")
    person.may_verify(True)
    return shown


def _sign_what_is_not_shown(person: Person, story: Story, request_id: str) -> str:
    """A portal that offers another statement than it shows: the page itself must stop."""

    def swap(route: Route) -> None:
        answer = route.fetch()
        body = answer.text()
        start = body.index('id="ceremony-offer"')
        offer = json.loads(body[body.index(">", start) + 1 : body.index("</script>", start)])
        payload = base64.b64decode(offer["payload"].replace("-", "+").replace("_", "/") + "==")
        other = base64.b64encode(payload.replace(b'"tier":3', b'"tier":1')).decode()
        route.fulfill(response=answer, body=body.replace(offer["payload"], other))

    _begin(person.page, story, request_id)
    person.page.route("**/ceremonies/*", swap)
    person.page.reload()
    _sign(person.page)
    person.page.wait_for_selector("#ceremony-status.bad")
    person.page.unroute("**/ceremonies/*")
    return person.page.inner_text("#ceremony-status")


def _portal_keys(story: Story) -> PortalKeys:
    """The portal's own keys and ledger, for a portal that lies."""
    variables = Path(story.portal.environment["COUNTERSIGN_VAR_DIR"])
    recorder, log = (load_pem_private_key(next(variables.rglob(name)).read_bytes(), None) for name in ("recorder.pem", "log.pem"))
    code = "from ledger.models import Entry; [print(bytes(e.body).hex()) for e in Entry.objects.order_by('index')]"
    printed = story.portal.manage("shell", "-v0", "-c", code).stdout
    origin = story.portal.url.removeprefix("http://") + "/log"
    return PortalKeys(recorder, log, origin, [bytes.fromhex(line) for line in printed.split()])  # type: ignore[arg-type]


def verify(told: Told, pack: Pack, *more: str, environment: str = "production", digest: str | None = None) -> dict[str, Any]:
    """Run the real command on a pack, with nothing of the portal around it, and return what it says."""
    path = told.story.folder / "checked.pack.zip"
    path.write_bytes(zip_pack(pack))
    arguments = ["verify", str(path), "--trust", str(told.trust), "--digest", digest or told.story.digest, "--environment", environment]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("COUNTERSIGN", "DJANGO"))}
    done = subprocess.run(
        [sys.executable, "-m", "countersign", *arguments, "--json", *more], cwd=ROOT, env=clean, capture_output=True, text=True
    )
    said = json.loads(done.stdout) if done.stdout.strip() else {}
    return {**said, "exit": done.returncode, "printed": done.stdout + done.stderr}


class TestTheWholeWay:
    def test_1_evidence_comes_in_once_and_is_durable(self, told: Told) -> None:
        again = told.story.call("POST", "/api/v1/attestations", told.story.evidence.genuine)
        assert again.json()["id"] == told.seen["verdict"]["id"]
        raw = told.story.call("GET", f"/api/v1/attestations/{again.json()['id']}")
        assert raw.json()["digest"] == again.json()["digest"]

    def test_2_a_worker_verified_it_and_says_who_signed(self, told: Told) -> None:
        verdict = told.seen["verdict"]
        assert (verdict["result"], verdict["signer"]["name"]) == ("verified", "release workflow")
        assert [subject["digest"] for subject in verdict["subjects"]] == [told.story.digest]
        assert verdict["notChecked"]

    def test_3_the_page_shows_the_chain_and_answers_four_questions(self, told: Told) -> None:
        page = told.seen["artifact page"]
        assert told.story.evidence.repository in page
        assert told.story.evidence.workflow in page
        for words in ("who signed", "made from", "path from build to runtime intact", "altered after review"):
            assert words in page

    def test_4_and_7_the_gate_denied_before_and_allowed_after(self, told: Told) -> None:
        assert (told.seen["before"]["decision"], told.seen["before"]["reasons"][0]["code"]) == ("deny", "approval.missing")
        assert (told.seen["gate"]["decision"], told.seen["gate"]["request"]) == ("allow", told.request_id)

    def test_5_and_6_the_record_says_who_and_how_sure(self, told: Told) -> None:
        page = told.seen["record page"]
        assert "Alice Chen" in page
        assert "H2" in page

    def test_8_the_pack_is_accepted_offline(self, told: Told) -> None:
        said = verify(told, told.pack)
        assert said["exit"] == 0, said["printed"]

    def test_8_stock_openssh_accepts_the_persons_signature(self, told: Told, tmp_path: Path) -> None:
        need_ssh_keygen()
        for path, content in told.pack.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(content)
        principal = (tmp_path / "allowed_signers").read_text().split()[0]
        command = ["ssh-keygen", "-Y", "verify", "-f", "allowed_signers", "-I", principal, "-n", "human-approval@countersign"]
        command += ["-s", "approvals/01/human.sshsig"]
        signed = (tmp_path / "approvals/01/statement.pae").read_bytes()
        assert subprocess.run(command, cwd=tmp_path, input=signed, capture_output=True).returncode == 0
        tampered = signed.replace(b"production", b"productiom")
        assert tampered != signed
        assert subprocess.run(command, cwd=tmp_path, input=tampered, capture_output=True).returncode != 0


class TestTamperingAtTheDoors:
    def test_a_changed_bundle_is_rejected(self, told: Told) -> None:
        verdict = told.story.send(told.story.evidence.tampered)
        assert (verdict["result"], verdict["code"]) in {("rejected", "tlog.entry_mismatch"), ("rejected", "dsse.signature")}

    @pytest.mark.parametrize("code", LIES_AT_THE_DOOR)
    def test_a_lying_passkey_is_refused_with_its_code(self, told: Told, code: str) -> None:
        assert code in told.refused_at_the_door[code]

    def test_the_signing_page_stops_when_it_is_asked_to_sign_something_else(self, told: Told) -> None:
        assert told.seen["stopped"].startswith("Stopped:")

    def test_a_program_cannot_approve(self, told: Told) -> None:
        refused = told.story.call("POST", f"/api/v1/requests/{told.request_id}/approvals", {"decision": "approve"})
        assert (refused.status, refused.json()["code"]) == (403, "approval.human_required")

    def test_the_gate_denies_another_environment_and_another_artifact(self, told: Told) -> None:
        assert told.story.gate(environment="staging")["decision"] == "deny"
        assert told.story.gate(digest="sha256:" + "ab" * 32)["reasons"][0]["code"] == "scope.artifact"


def _evidence_path(pack: Pack) -> str:
    return next(path for path in sorted(pack) if path.startswith("evidence/"))


def _flip(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def _change_bundle_byte(told: Told) -> Pack:
    path = _evidence_path(told.pack)
    return repack(edited(told.pack, path, _flip(told.pack[path], 200)))


def _add_unlisted_evidence(told: Told) -> Pack:
    content = told.story.evidence.liar
    return repack(edited(told.pack, f"evidence/{sha256_hex(content)}", content))


def _drop_evidence(told: Told) -> Pack:
    return repack(edited(told.pack, _evidence_path(told.pack), None))


def _change_record(told: Told) -> Pack:
    path = "approvals/01/record.sigstore.json"
    bundle = json.loads(told.pack[path])
    payload = base64.b64decode(bundle["dsseEnvelope"]["payload"])
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(payload.replace(b'"H2"', b'"H4"')).decode()
    return repack(edited(told.pack, path, canonical_bytes(bundle)))


def _lying_portal(lie: Callable[[Parts], None]) -> Callable[[Told], Pack]:
    return lambda told: forge(told.pack, told.keys, lie)


def _statement_lie(parts: Parts) -> None:
    parts.predicate["environment"]["name"] = "staging"


def _evidence_list_lie(parts: Parts) -> None:
    parts.predicate["evidence"] = []


def _assertion_lie(parts: Parts) -> None:
    parts.assertion = _with(parts, signature=_flip(parts.assertion.signature, len(parts.assertion.signature) - 1))


def _origin_lie(parts: Parts) -> None:
    client_data = json.loads(parts.assertion.client_data_json)
    client_data["origin"] = "https://countersign.example"
    parts.assertion = _with(parts, client_data_json=json.dumps(client_data, separators=(",", ":")).encode())


def _flag_lie(parts: Parts) -> None:
    data = bytearray(parts.assertion.authenticator_data)
    data[32] &= ~0x04
    parts.assertion = _with(parts, authenticator_data=bytes(data))


def _leaf_lie(parts: Parts) -> None:
    def swap(keys: PortalKeys) -> None:
        keys.leaves[parts.index] = b'{"kind":"something else"}'

    parts.log_lie = swap


def _with(parts: Parts, **changes: bytes) -> Any:
    return replace(parts.assertion, **changes)


TAMPERED: dict[str, tuple[Callable[[Told], Pack], str]] = {
    "a bundle byte": (_change_bundle_byte, "evidence.altered"),
    "an evidence item that the statement does not list": (_add_unlisted_evidence, "evidence.unlisted"),
    "an evidence item taken away": (_drop_evidence, "evidence.missing"),
    "the record": (_change_record, "record.signature"),
    "the statement, by a portal that lies": (_lying_portal(_statement_lie), "webauthn.challenge"),
    "the evidence list, by a portal that lies": (_lying_portal(_evidence_list_lie), "webauthn.challenge"),
    "the assertion, by a portal that lies": (_lying_portal(_assertion_lie), "webauthn.signature"),
    "the origin, by a portal that lies": (_lying_portal(_origin_lie), "webauthn.origin"),
    "the user-verification flag, by a portal that lies": (_lying_portal(_flag_lie), "webauthn.no_user_verification"),
    "the ledger leaf, by a portal that lies": (_lying_portal(_leaf_lie), "log.inclusion"),
}


class TestTamperingWithThePack:
    def test_a_pack_put_together_again_without_a_lie_is_accepted(self, told: Told) -> None:
        assert verify(told, forge(told.pack, told.keys))["exit"] == 0

    @pytest.mark.parametrize("what", TAMPERED)
    def test_it_is_refused_with_its_code(self, told: Told, what: str) -> None:
        tamper, code = TAMPERED[what]
        said = verify(told, tamper(told))
        assert (said["exit"], said.get("code")) == (1, code), said["printed"]

    def test_it_is_refused_for_another_environment(self, told: Told) -> None:
        assert verify(told, told.pack, environment="staging").get("code") == "scope.environment"

    def test_it_is_refused_for_another_artifact(self, told: Told) -> None:
        assert verify(told, told.pack, digest="sha256:" + "ab" * 32).get("code") == "scope.artifact"

    def test_it_is_refused_without_trust_that_came_another_way(self, told: Told) -> None:
        missing = told.story.folder / "no-home"
        done = subprocess.run(
            [sys.executable, "-m", "countersign", "verify", str(told.story.folder / "checked.pack.zip"), "--json"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "HOME": str(missing)},
            capture_output=True,
            text=True,
        )
        assert (done.returncode, json.loads(done.stdout)["code"]) == (1, "trust.missing")


class TestAfterwards:
    """Runs last in this file: it changes what the portal knows."""

    def test_the_liars_bundle_is_never_verified_and_shuts_the_gate(self, told: Told, chromium: Browser) -> None:
        verdict = told.story.send(told.story.evidence.liar)
        assert verdict["result"] == "rejected"
        assert verdict["signer"] is None
        with at_browser(chromium, told.story, "carol") as carol:
            page = _read_artifact(carol, told.story)
        assert f"but the certificate was issued to {told.story.evidence.liar_workflow}" in page
        denied = told.story.gate()
        assert denied["decision"] == "deny"
