"""The honest pack, and every plain edit of it: the first and second step, and any byte anywhere.

The numbers in the names are the steps of the argument in `proofs.pack.verify`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs.approval.cose import EDDSA, ES256, RS256
from proofs.canonical import canonical_bytes
from proofs.pack import layout
from proofs.pack.report import NOT_WITNESSED, Step
from proofs.pack.verify import TITLES, verify_pack
from tests.forge import FIRST, edited, forge, honest, repack
from tests.passkey import SoftPasskey
from tests.proofs.factory import bundle
from tests.proofs.pack.lies import (
    EVIDENCE,
    GENUINE,
    HOUR,
    KEYS,
    MINUTE,
    VERDICT,
    WORLD,
    check,
    code_of,
    policy_of,
)
from tests.proofs.pack.world import ARTIFACT, NOON, PRODUCTION, Signing, World, alice


class TestGenuine:
    def test_every_step_holds_in_order(self) -> None:
        told: list[Step] = []
        report = verify_pack(GENUINE, trust=WORLD.trust, digest=ARTIFACT, environment="production", at=None, follow=told.append)
        assert [step.number for step in told] == list(range(1, 23)) == sorted(TITLES)
        assert report.steps == tuple(told)
        assert report.at == NOON + MINUTE

    def test_reports_who_approved_what(self) -> None:
        report = check(GENUINE)
        (approval,) = report.approvals
        assert (approval.username, approval.subject, approval.level, approval.roles) == ("alice", "01ALICE", "H2", ("approver:release",))
        assert (report.environment, report.policy.id) == (PRODUCTION, "release-production")
        assert [rule["outcome"] for rule in report.rules] == ["pass", "pass", "pass"]
        assert report.evidence[0].identity == "release workflow"

    def test_says_that_the_log_is_not_witnessed(self) -> None:
        assert NOT_WITNESSED in check(GENUINE).not_checked

    def test_the_environment_may_be_named_by_its_id(self) -> None:
        assert check(GENUINE, environment=PRODUCTION.id).environment == PRODUCTION

    @pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256], ids=["ES256", "EdDSA", "RS256"])
    def test_every_kind_of_passkey(self, algorithm: int) -> None:
        world = World()
        files = world.pack(alice(passkey=SoftPasskey(algorithm=algorithm)))
        assert check(files, trust=world.trust).approvals[0].level == "H2"
        assert (FIRST + layout.HUMAN_SSHSIG in files) == (algorithm == ES256)

    def test_a_synced_passkey_is_capped_like_every_key_that_only_the_portal_vouches_for(self) -> None:
        world = World()
        assert check(world.pack(alice(passkey=SoftPasskey(synced=True))), trust=world.trust).approvals[0].level == "H2"

    def test_two_people_where_two_are_asked_for(self) -> None:
        world = World(policy=policy_of(count=2))
        carol = Signing(SoftPasskey(algorithm=EDDSA), subject="01CAROL", username="carol")
        report = check(world.pack(alice(), carol), trust=world.trust)
        assert [item.username for item in report.approvals] == ["alice", "carol"]
        assert [step.number for step in report.steps] == [1, 2, *range(3, 22), *range(3, 22), 22]

    def test_a_key_revoked_after_the_signature_leaves_the_approval_standing_and_is_reported(self) -> None:
        world = World()
        report = check(world.pack(alice(revoked_at=NOON + 2 * HOUR)), trust=world.trust)
        assert report.approvals[0].key_revoked_at == NOON + 2 * HOUR

    def test_the_forge_itself_makes_packs_that_verify(self) -> None:
        assert check(forge(GENUINE, KEYS, honest)).approvals[0].username == "alice"

    def test_evidence_that_was_shown_as_rejected_travels_and_counts_for_nothing(self) -> None:
        world = World(evidence=(bundle(), b'{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AAAA"}]}'))
        report = check(world.pack(), trust=world.trust)
        assert sorted(item.result for item in report.evidence) == ["rejected", "verified"]


class TestHonestLimit:
    def test_a_portal_that_enrols_a_key_of_its_own_as_alice_is_believed_up_to_h2_and_the_report_says_why(self) -> None:
        """Nothing but an identity provider's own signature could show this; until then the level says whose word it is."""
        world = World()
        report = check(world.pack(alice(passkey=SoftPasskey())), trust=world.trust)
        assert report.approvals[0].level == "H2"
        assert any("the portal vouches for both" in remark for remark in report.not_checked)


class TestStep01Trust:
    def test_refuses_a_trust_root_that_cannot_be_read(self) -> None:
        broken = replace(WORLD.trust, evidence_roots=(replace(WORLD.trust.evidence_roots[0], document=b"{}"),))
        assert code_of(GENUINE, trust=broken) == "trust_root.malformed"

    def test_refuses_a_digest_that_is_none(self) -> None:
        assert code_of(GENUINE, digest="latest") == "digest.malformed"


class TestStep02Layout:
    """Somebody with a plain editor: the index does not agree any more."""

    def test_refuses_any_edited_file(self) -> None:
        for path in set(GENUINE) - {layout.INDEX}:
            expected = "evidence.altered" if path in (EVIDENCE, VERDICT) else "pack.file_altered"
            assert code_of(edited(GENUINE, path, GENUINE[path] + b" ")) == expected, path

    def test_refuses_any_missing_file(self) -> None:
        for path in set(GENUINE) - {layout.INDEX}:
            expected = "evidence.missing" if path in (EVIDENCE, VERDICT) else "pack.missing_file"
            assert code_of(edited(GENUINE, path, None)) == expected, path

    @pytest.mark.parametrize(
        ("path", "code"),
        [
            (f"evidence/{'ab' * 32}", "evidence.unlisted"),
            (f"verdicts/{'ab' * 32}", "evidence.unlisted"),
            ("trust/trusted_root-ababababab12.json", "pack.unlisted_file"),
            ("readme.txt", "pack.unlisted_file"),
        ],
    )
    def test_refuses_a_file_the_index_does_not_list(self, path: str, code: str) -> None:
        assert code_of(edited(GENUINE, path, b"x")) == code

    @pytest.mark.parametrize(
        "path", ["readme.txt", "approvals/1/statement.json", "evidence/../x", "EVIDENCE/" + "ab" * 32, "approvals/01/x"]
    )
    def test_refuses_names_no_pack_has(self, path: str) -> None:
        assert code_of(repack(edited(GENUINE, path, b"x"))) == "pack.unknown_file"

    @pytest.mark.parametrize(
        "path", [layout.SNAPSHOT, layout.REQUEST, layout.POLICY_INPUT, FIRST + layout.HEAD_PROOF, FIRST + layout.STATEMENT]
    )
    def test_refuses_a_pack_that_leaves_out_what_every_pack_has(self, path: str) -> None:
        assert code_of(repack(edited(GENUINE, path, None))) == "pack.missing_file"

    def test_refuses_a_pack_without_index_or_approvals(self) -> None:
        assert code_of(edited(GENUINE, layout.INDEX, None)) == "pack.missing_file"
        assert code_of(repack({path: GENUINE[path] for path in GENUINE if not path.startswith("approvals/")})) == "pack.missing_file"
        assert code_of({}) == "pack.missing_file"

    def test_refuses_approvals_numbered_with_a_gap(self) -> None:
        moved = {path.replace("approvals/01/", "approvals/02/"): content for path, content in GENUINE.items()}
        assert code_of(repack(moved)) == "pack.missing_file"

    @pytest.mark.parametrize(
        "change",
        [
            lambda index: index.update(schema="countersign-pack/v2"),
            lambda index: index.update(comment="x"),
            lambda index: index["files"].append(index["files"][0]),
            lambda index: index["files"].reverse(),
            lambda index: index["files"][0].update(size="1"),
            lambda index: index["files"][0].update(note="x"),
        ],
    )
    def test_refuses_an_index_of_another_form(self, change: Callable[[dict[str, Any]], object]) -> None:
        index = json.loads(GENUINE[layout.INDEX])
        change(index)
        assert code_of(edited(GENUINE, layout.INDEX, canonical_bytes(index))) == "pack.malformed"

    def test_refuses_an_index_that_is_not_canonical(self) -> None:
        assert code_of(edited(GENUINE, layout.INDEX, GENUINE[layout.INDEX] + b"\n")) == "json.not_canonical"

    def test_refuses_a_file_beyond_all_measure(self) -> None:
        assert code_of(edited(GENUINE, layout.SNAPSHOT, bytes(layout.MAX_FILE_BYTES + 1))) == "pack.too_large"


PATHS = sorted(GENUINE)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_single_byte_of_any_file_changed_is_refused(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(PATHS))
    content = bytearray(GENUINE[path])
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    assert code_of(edited(GENUINE, path, bytes(content)))


SIGNED_PATHS = [path for path in PATHS if path not in (layout.INDEX, layout.TRUST_COPY)]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_single_byte_changed_is_refused_even_when_the_index_agrees(data: st.DataObject) -> None:
    """The copy of what to trust may differ in what comes and goes; `test_pack_copies` has what it may not say."""
    path = data.draw(st.sampled_from(SIGNED_PATHS))
    content = bytearray(GENUINE[path])
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    assert code_of(repack(edited(GENUINE, path, bytes(content))))
