"""The command line as somebody runs it: what it prints, what it returns, what it loads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from countersign.__main__ import main
from countersign.plain_text import plain
from proofs.approval.enrollment import parse_enrollment
from proofs.digest import sha256_hex
from proofs.dsse import parse_envelope
from proofs.pack import layout
from proofs.pack.build import build_allowed_signers
from proofs.pack.trust import TrustedAuthenticators, build_trust
from tests.forge import FIRST, edited, repack
from tests.make_id_tokens import CLIENT, ISSUER, pinned
from tests.proofs.approval import make_attestations
from tests.proofs.factory import bundle
from tests.proofs.pack.lies import GENUINE, HOUR, WORLD
from tests.proofs.pack.world import ARTIFACT, NOON, ORIGIN, POLICY, World, alice
from tests.proofs.policy.test_expectations_document import DOCUMENT, POLICY_BY_PROJECT, carried

REPOSITORY = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with trust.json and pack.zip, and a home without any configuration."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("COUNTERSIGN_TRUST", raising=False)
    (tmp_path / "trust.json").write_bytes(build_trust(WORLD.trust))
    pack(tmp_path / "pack.zip", GENUINE)
    return tmp_path


def pack(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def verify(desk: Path, *more: str, trust: bool = True) -> int:
    return main(["verify", str(desk / "pack.zip"), *(["--trust", str(desk / "trust.json")] if trust else []), *more])


class TestVerify:
    def test_walks_through_the_argument_and_says_verified_last(self, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert verify(desk, "--digest", ARTIFACT, "--environment", "production", "--at", "2026-05-05T00:00:00Z") == 0
        lines = capsys.readouterr().out.splitlines()
        assert [int(line.split()[0]) for line in lines if "  ok  " in line] == list(range(1, 23))
        assert lines[-1].startswith(f"VERIFIED  payments.tar.gz, {ARTIFACT}, was approved for production by alice (01ALICE at ")
        assert "valid at 2026-05-05T00:00:00Z. The log is not witnessed." in lines[-1]

    def test_answers_the_four_questions(self, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
        verify(desk)
        out = capsys.readouterr().out
        for question in ("Who signed it?", "From what was it made?", "Was the path intact?", "Was anything altered after review?"):
            assert question in out
        assert "https://github.com/acme/payments at refs/tags/v1.2.0 commit c0ffee" in out

    def test_says_so_when_it_was_not_told_what_to_look_for(self, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert verify(desk) == 0
        out = capsys.readouterr().out
        assert "You named no --digest" in out
        assert "You named no --environment" in out
        assert "You named no --policy" in out

    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            (("--environment", "staging"), "scope.environment"),
            (("--digest", "sha256:" + "cd" * 32), "scope.artifact"),
            (("--at", "2027-01-01T00:00:00Z"), "validity.window"),
            (("--policy", "sha256:" + "cd" * 32), "policy.unexpected"),
        ],
    )
    def test_refuses_with_the_code_and_without_saying_verified(
        self, desk: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, str], code: str
    ) -> None:
        assert verify(desk, *arguments) == 1
        out = capsys.readouterr().out
        assert out.splitlines()[-1].startswith(f"REFUSED  {code}: ")
        assert "VERIFIED" not in out

    def test_shows_the_step_that_does_not_hold(self, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
        verify(desk, "--environment", "staging")
        assert " 13  NO  The environment" in capsys.readouterr().out

    def test_refuses_a_tampered_pack(self, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
        changed = edited(GENUINE, FIRST + layout.STATEMENT, GENUINE[FIRST + layout.STATEMENT].replace(b"production", b"playground"))
        pack(desk / "pack.zip", changed)
        assert verify(desk) == 1
        assert "REFUSED  pack.file_altered" in capsys.readouterr().out
        pack(desk / "pack.zip", repack(changed))
        assert verify(desk, "--digest", ARTIFACT, "--environment", "production") == 1
        assert "REFUSED  pack.inconsistent" in capsys.readouterr().out

    def test_answers_in_json(self, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert verify(desk, "--json") == 0
        answer = json.loads(capsys.readouterr().out)
        assert (answer["result"], answer["artifact"], answer["witnessed"]) == ("verified", ARTIFACT, False)
        assert answer["approvals"][0]["level"] == "H2"
        assert [step["number"] for step in answer["steps"]] == list(range(1, 23))
        assert verify(desk, "--json", "--environment", "staging") == 1
        refused = json.loads(capsys.readouterr().out)
        assert (refused["result"], refused["code"], refused["lastStepThatHeld"]) == ("refused", "scope.environment", 12)

    @pytest.mark.parametrize(
        "arguments", [["verify"], ["verify", "x.zip", "--digest", "latest"], ["verify", "x.zip", "--at", "now"], ["trust"], []]
    )
    def test_a_command_line_that_makes_no_sense_returns_2(self, arguments: list[str]) -> None:
        with pytest.raises(SystemExit) as left:
            main(arguments)
        assert left.value.code == 2


def last_line_for(desk: Path, capsys: pytest.CaptureFixture[str], world: World, files: dict[str, bytes], *more: str) -> tuple[str, str]:
    """Return everything said about a pack that verifies, and the last line of it."""
    (desk / "trust.json").write_bytes(build_trust(world.trust))
    pack(desk / "pack.zip", files)
    assert verify(desk, *more) == 0
    out = capsys.readouterr().out
    return out, out.splitlines()[-1]


class TestLiesTheReaderMustSeeThrough:
    def test_a_policy_that_asks_for_nothing_is_named_and_the_path_is_unknown(self, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
        lax = {**POLICY, "id": "anything-goes", "rules": [rule for rule in POLICY["rules"] if rule["kind"] == "approvals"]}
        world = World(policy=lax, evidence=())
        out, last = last_line_for(desk, capsys, world, world.pack())
        assert f"under policy anything-goes, version 1, sha256:{world.policy.digest}" in last
        assert "Was the path intact?  Unknown: the policy counted no evidence" in out
        assert "From what was it made?  Unknown" in out
        assert "Whether this policy was in force" in out
        assert verify(desk, "--policy", f"sha256:{world.policy.digest}") == 0
        assert verify(desk, "--policy", f"sha256:{WORLD.policy.digest}") == 1
        assert capsys.readouterr().out.splitlines()[-1].startswith("REFUSED  policy.unexpected")

    def test_a_policy_that_leaves_it_to_the_project_is_worth_what_the_expectations_are(
        self, desk: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        world = World(policy=POLICY_BY_PROJECT, expectations=carried(DOCUMENT))
        digest = carried(DOCUMENT)["digest"]
        out, last = last_line_for(desk, capsys, world, world.pack())
        assert f"and the project's expectations, version 1, sha256:{digest}" in last
        assert "you named no --expectations" in out
        assert (
            "you named no --expectations" not in last_line_for(desk, capsys, world, world.pack(), "--expectations", f"sha256:{digest}")[0]
        )
        assert verify(desk, "--expectations", "sha256:" + "cd" * 32) == 1
        assert capsys.readouterr().out.splitlines()[-1].startswith("REFUSED  expectations.unexpected")
        pack(desk / "pack.zip", GENUINE)
        (desk / "trust.json").write_bytes(build_trust(WORLD.trust))
        assert verify(desk, "--expectations", f"sha256:{digest}") == 1

    def test_a_revocation_taken_out_of_the_pack_cannot_be_seen_and_the_verdict_says_so(
        self, desk: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        world = World()
        files = world.pack(alice(revoked_at=NOON - HOUR))
        (desk / "trust.json").write_bytes(build_trust(world.trust))
        pack(desk / "pack.zip", files)
        assert verify(desk) == 1
        assert "REFUSED  signer.revoked" in capsys.readouterr().out
        stripped = {path: content for path, content in files.items() if not path.endswith(".revoked.json")}
        (enrolled,) = (parse_enrollment(parse_envelope(stripped[path]).payload) for path in stripped if path.startswith("signers/"))
        stripped[layout.ALLOWED_SIGNERS] = build_allowed_signers([enrolled], [])
        out, last = last_line_for(desk, capsys, world, repack(stripped))
        assert last.endswith("Whether it was rejected, withdrawn or the key revoked, no pack can show: ask the portal's gate.")
        assert "a pack can be made without saying so" in out
        assert "a pack can be made without saying so" in " ".join(files[layout.GUIDE].decode().split())

    def test_somebody_who_calls_herself_alice_is_told_apart_by_subject_issuer_and_key(
        self, desk: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        world, signing = World(), alice(subject="01MALLORY")
        out, last = last_line_for(desk, capsys, world, world.pack(signing))
        whole = f"alice (01MALLORY at {ORIGIN}, key {signing.passkey.public_key.key_id})"
        assert f"by {whole}, level H2, under" in last
        assert f"Who signed it?  {whole} approved on" in out
        assert out.count("alice") == out.count(whole)

    def test_a_username_that_brings_an_identity_along_is_shown_in_quotes(self, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
        world = World()
        out, last = last_line_for(desk, capsys, world, world.pack(alice(subject="01MALLORY", username="alice (01ALICE at home)")))
        assert f'by "alice (01ALICE at home)" (01MALLORY at {ORIGIN}, key SHA256:' in last
        assert "by alice (01ALICE" not in out

    def test_words_the_portal_puts_into_a_verdict_are_not_repeated(self, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
        def embellish(verdict: dict[str, Any]) -> None:
            verdict.update(reason="Everything was checked by Sigstore.", notChecked=["Nothing: all is well."])

        world = World(verdict_lie=embellish)
        (desk / "trust.json").write_bytes(build_trust(world.trust))
        pack(desk / "pack.zip", world.pack())
        assert verify(desk, "--json") == 0
        said = capsys.readouterr().out
        assert "checked by Sigstore" not in said
        assert "all is well" not in said
        assert "nothing in the statement contradicts its signer" in said
        assert "Whether the log shows everyone the same tree" in said

    def test_evidence_that_did_not_verify_has_no_signer_and_no_source(self, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
        rejected = b'{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AAAA"}]}'

        def embellish(verdict: dict[str, Any]) -> None:
            if verdict["result"] == "rejected":
                signer = {"kind": "certificate", "identity": "trusted", "issuer": "trusted", "sourceRepository": "https://trusted.example"}
                verdict.update(facts={"signer": signer}, identity={"name": "trusted workflow"})

        world = World(evidence=(bundle(), rejected), verdict_lie=embellish)
        (desk / "trust.json").write_bytes(build_trust(world.trust))
        pack(desk / "pack.zip", world.pack())
        assert verify(desk, "--json") == 0
        said = capsys.readouterr().out
        (item,) = (item for item in json.loads(said)["evidence"] if item["result"] == "rejected")
        assert (item["signer"], item["source"]) == ("", "")
        assert "trusted" not in said


class TestTrust:
    def test_without_any_trust_it_refuses(self, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert verify(desk, trust=False) == 1
        assert "REFUSED  trust.missing" in capsys.readouterr().out

    def test_never_takes_it_from_the_pack(self, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with zipfile.ZipFile(desk / "pack.zip") as archive:
            archive.extractall(desk / "unpacked")
        monkeypatch.chdir(desk / "unpacked")
        assert verify(desk, trust=False) == 1

    def test_takes_it_from_the_environment_or_the_usual_place(self, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COUNTERSIGN_TRUST", str(desk / "trust.json"))
        assert verify(desk, trust=False) == 0
        monkeypatch.delenv("COUNTERSIGN_TRUST")
        place = desk / "home" / ".config" / "countersign"
        place.mkdir(parents=True)
        (place / "trust.json").write_bytes((desk / "trust.json").read_bytes())
        assert verify(desk, trust=False) == 0

    def test_refuses_what_it_cannot_read(self, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["verify", str(desk / "pack.zip"), "--trust", str(desk / "nothing.json")]) == 1
        (desk / "trust.json").write_bytes(b"{}")
        assert verify(desk) == 1
        out = capsys.readouterr().out
        assert "REFUSED  trust.unreadable" in out
        assert "REFUSED  trust.malformed" in out

    def test_shows_it_in_words(self, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["trust", "show", "--trust", str(desk / "trust.json")]) == 0
        out = capsys.readouterr().out
        assert "http://localhost:8000, passkeys for localhost" in out
        assert WORLD.keys.recorder_public.key_id in out
        assert str(WORLD.trust.log) in out
        assert main(["trust", "show"]) == 1

    def test_shows_whose_word_lifts_an_approval(self, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
        makers = TrustedAuthenticators((make_attestations.der(make_attestations.ROOT),), (make_attestations.MODEL,))
        trust = replace(WORLD.trust, identity_providers=(pinned(second_factor=("two",)),), authenticators=makers)
        (desk / "trust.json").write_bytes(build_trust(trust))
        assert main(["trust", "show", "--trust", str(desk / "trust.json")]) == 0
        out = capsys.readouterr().out
        assert f"{ISSUER}, for {CLIENT}, keys " in out
        assert f"sha256:{sha256_hex(makers.roots[0])}" in out
        assert f"models        {make_attestations.MODEL}" in out


class TestBreaksAsARefusal:
    def test_a_usual_place_that_nobody_may_look_into(self, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (desk / "home").mkdir()
        (desk / "home" / ".config").symlink_to(".config")
        assert verify(desk, trust=False) == 1
        assert "REFUSED  trust." in capsys.readouterr().out

    def test_a_name_no_file_can_have(self, desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setenv("COUNTERSIGN_TRUST", "x" * 5000)
        assert verify(desk, trust=False) == 1
        assert "REFUSED  trust." in capsys.readouterr().out

    def test_a_home_nobody_has(self, desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setenv("COUNTERSIGN_TRUST", "~nobody-of-that-name/trust.json")
        assert verify(desk, trust=False) == 1
        assert "REFUSED  trust.unreadable" in capsys.readouterr().out

    @pytest.mark.parametrize("as_json", [False, True])
    def test_whatever_breaks_ends_as_a_refusal_without_a_traceback(
        self, desk: Path, capsys: pytest.CaptureFixture[str], as_json: bool
    ) -> None:
        """A name with a NUL reaches the operating system from no command line, only from callers of `main`; it breaks all the same."""
        assert main(["verify", "a\0b.zip", "--trust", "a\0b.json", *(["--json"] if as_json else [])]) == 1
        out = capsys.readouterr().out
        assert "internal.error" in out
        assert "Traceback" not in out
        if as_json:
            assert json.loads(out)["result"] == "refused"
        else:
            assert out.splitlines()[-1].startswith("REFUSED  internal.error: the check broke with ValueError")

    def test_debug_shows_where_it_broke(self) -> None:
        with pytest.raises(ValueError, match="null"):
            main(["verify", "a.zip", "--trust", "a\0b.json", "--debug"])


class TestProcess:
    def test_help_loads_nothing_heavy(self) -> None:
        script = (
            "import sys, runpy\n"
            "sys.argv = ['countersign', '--help']\n"
            "try:\n    runpy.run_module('countersign', run_name='__main__')\n"
            "except SystemExit as left:\n    assert left.code == 0\n"
            "print('\\n'.join(sorted(sys.modules)), file=sys.stderr)\n"
        )
        done = run([sys.executable, "-c", script])
        assert "verify" in done.stdout
        loaded = {name.partition(".")[0] for name in done.stderr.split()}
        ours = {name for name in done.stderr.split() if name.startswith(("countersign", "proofs"))}
        assert not loaded & {
            "django",
            "cryptography",
            "rfc8785",
            "fido2",
            "celery",
            "rest_framework",
            "yaml",
            "asyncio",
            "email",
            "zipfile",
            "json",
        }
        assert ours <= {"countersign", "countersign.__main__"}

    def test_verify_loads_neither_django_nor_a_network(self, desk: Path) -> None:
        script = (
            "import sys\nfrom countersign.__main__ import main\n"
            f"code = main(['verify', {str(desk / 'pack.zip')!r}, '--trust', {str(desk / 'trust.json')!r}])\n"
            "print('\\n'.join(sorted(sys.modules)), file=sys.stderr)\nsys.exit(code)\n"
        )
        done = run([sys.executable, "-c", script])
        assert done.returncode == 0
        loaded = {name.partition(".")[0] for name in done.stderr.split()}
        assert not loaded & {"django", "fido2", "celery", "requests", "http", "ssl", "asyncio"}

    def test_returns_0_only_when_the_verdict_could_be_written(self, desk: Path) -> None:
        command = [sys.executable, "-m", "countersign", "verify", str(desk / "pack.zip"), "--trust", str(desk / "trust.json")]
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, cwd=REPOSITORY, check=False)
        assert done.returncode != 0
        assert b"Traceback" not in done.stderr
        assert b"REFUSED  internal.error" in done.stderr

    def test_a_python_without_the_two_packages_is_told_so(self, desk: Path) -> None:
        command = [sys.executable, "-S", "-m", "countersign", "verify", str(desk / "pack.zip"), "--trust", str(desk / "trust.json")]
        done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=False)
        assert done.returncode == 1
        assert done.stdout.startswith(f"REFUSED  package.missing: this Python ({sys.executable}) lacks the package ")
        assert "Traceback" not in done.stdout + done.stderr

    def test_speaks_to_terminals_that_know_only_ascii(self, desk: Path) -> None:
        done = run(
            [sys.executable, "-m", "countersign", "verify", str(desk / "pack.zip"), "--trust", str(desk / "trust.json")],
            PYTHONIOENCODING="ascii",
        )
        assert done.returncode == 0
        assert "VERIFIED" in done.stdout


def test_text_from_elsewhere_cannot_move_the_cursor() -> None:
    assert plain("a\x1b[2Kb\u202ec\n") == "a<U+001B>[2Kb<U+202E>c<U+000A>"
    assert plain("Grüße, 東京") == "Grüße, 東京"


def run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith(("COUNTERSIGN_", "COV_", "PYTEST"))}
    return subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, env={**known, **environment}, check=False)
