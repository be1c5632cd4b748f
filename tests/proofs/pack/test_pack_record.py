"""What a portal can lie about with the keys it has: records, ledger, copies and times.

The numbers in the names are the steps of the argument in `proofs.pack.verify`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from proofs.canonical import canonical_bytes
from proofs.pack import layout
from proofs.pack.trust import RecorderKey
from tests.forge import FIRST, Parts, PortalKeys, edited, forge, repack
from tests.passkey import SoftPasskey
from tests.proofs.pack.lies import (
    DAY,
    GENUINE,
    HOUR,
    KEYS,
    MINUTE,
    WORLD,
    changed_value,
    code_of,
    code_of_lie,
    code_when_signed,
    envelope_edited,
    parse_envelope_payload,
    record_edited,
    record_forged,
    signed_payload,
)
from tests.proofs.pack.world import NOON, World, alice


class TestStep03Record:
    def test_refuses_a_record_edited_behind_the_portal_s_back(self) -> None:
        def edit(record: dict[str, Any]) -> None:
            record["predicate"]["decision"] = "reject"

        assert code_of(record_edited(edit)) == "record.signature"

    def test_refuses_a_record_signed_by_a_stranger(self) -> None:
        stranger = replace(KEYS, recorder=ec.generate_private_key(ec.SECP256R1()))
        assert code_of(forge(GENUINE, stranger)) == "record.unknown_key"

    def test_refuses_a_stranger_who_uses_the_portal_s_key_id(self) -> None:
        stranger = replace(KEYS, recorder=ec.generate_private_key(ec.SECP256R1()))

        def sign_as_portal(envelope: dict[str, Any]) -> None:
            envelope["signatures"][0]["sig"] = stranger.sign(parse_envelope_payload(envelope))["signatures"][0]["sig"]

        assert code_of(envelope_edited(sign_as_portal)) == "record.signature"

    def test_refuses_two_signatures(self) -> None:
        bundle_value = json.loads(GENUINE[FIRST + layout.RECORD_BUNDLE])
        bundle_value["dsseEnvelope"]["signatures"] *= 2
        files = edited(GENUINE, FIRST + layout.RECORD_BUNDLE, canonical_bytes(bundle_value))
        assert code_of(repack(files)) == "record.sig_count"

    def test_refuses_another_payload_type(self) -> None:
        assert code_of(envelope_edited(lambda envelope: envelope.update(payloadType="text/plain"))) == "record.malformed"

    def test_refuses_a_recorder_key_outside_its_time(self) -> None:
        key = KEYS.recorder_public
        for valid_from, valid_until in ((NOON + HOUR, None), (NOON - DAY, NOON)):
            trust = replace(WORLD.trust, recorder_keys=(RecorderKey(key, valid_from, valid_until),))
            assert code_of(GENUINE, trust=trust) == "record.key_not_valid"

    @pytest.mark.parametrize(
        "change",
        [
            lambda record: record.update(predicateType="urn:countersign:human-approval:v1"),
            lambda record: record.update(more=1),
            lambda record: record["predicate"].update(more=1),
            lambda record: record["predicate"].update(assurance="H7"),
            lambda record: record["predicate"]["approval"]["payloadDigest"].update(sha256="ab" * 32),
            lambda record: record["predicate"]["approval"]["signature"].update(alg=-9),
            lambda record: record["predicate"]["approval"].pop("signature"),
            lambda record: record["predicate"]["verification"].update(checkedAt="yesterday"),
            lambda record: record["predicate"]["verification"].update(checks=[{"id": "policy.result", "result": "fail"}]),
            lambda record: record["predicate"]["verification"].update(checks=[{"id": "everything", "result": "pass"}]),
        ],
    )
    def test_refuses_a_signed_record_of_another_form(self, change: Callable[[dict[str, Any]], object]) -> None:
        assert code_of(record_forged(change)) == "record.malformed"

    def test_refuses_a_bundle_that_is_none(self) -> None:
        assert code_of(repack(edited(GENUINE, FIRST + layout.RECORD_BUNDLE, b"{}"))) == "record.malformed"


class TestStep04Ledger:
    def test_refuses_a_leaf_of_another_record(self) -> None:
        value = json.loads(GENUINE[FIRST + layout.RECORD_BUNDLE])
        entry = value["verificationMaterial"]["tlogEntries"][0]
        entry["canonicalizedBody"] = entry["canonicalizedBody"][:-8] + "AAAAAAA="
        assert code_of(repack(edited(GENUINE, FIRST + layout.RECORD_BUNDLE, canonical_bytes(value)))) == "log.leaf_mismatch"

    def test_refuses_a_record_that_is_not_in_the_tree(self) -> None:
        def without_record(keys: PortalKeys) -> None:
            keys.leaves[-2] = b'{"kind":"something else"}'

        assert code_of_lie(lambda parts: setattr(parts, "log_lie", without_record)) == "log.inclusion"

    def test_refuses_the_tree_head_of_another_log(self) -> None:
        other = replace(KEYS, origin="elsewhere.example/log")
        assert code_of(forge(GENUINE, other)) == "log.origin"

    def test_refuses_a_tree_head_signed_by_a_stranger(self) -> None:
        stranger = replace(KEYS, log=ed25519.Ed25519PrivateKey.generate())
        assert code_of(forge(GENUINE, stranger)) == "log.unsigned"

    def test_refuses_a_forged_signature_under_the_log_s_key_id(self) -> None:
        value = json.loads(GENUINE[FIRST + layout.RECORD_BUNDLE])
        proof = value["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]
        proof["checkpoint"]["envelope"] = proof["checkpoint"]["envelope"].replace("\n9\n", "\n8\n")
        assert code_of(repack(edited(GENUINE, FIRST + layout.RECORD_BUNDLE, canonical_bytes(value)))) == "log.bad_signature"

    @pytest.mark.parametrize(
        ("name", "value"),
        [("logId", {"keyId": "AAAA"}), ("integratedTime", "1"), ("kindVersion", {"kind": "dsse", "version": "0.0.2"})],
    )
    def test_refuses_a_bundle_that_says_more_than_the_ledger(self, name: str, value: Any) -> None:
        bundle_value = json.loads(GENUINE[FIRST + layout.RECORD_BUNDLE])
        bundle_value["verificationMaterial"]["tlogEntries"][0][name] = value
        assert code_of(repack(edited(GENUINE, FIRST + layout.RECORD_BUNDLE, canonical_bytes(bundle_value)))) == "pack.inconsistent"

    def test_refuses_two_proofs_that_do_not_say_the_same(self) -> None:
        other = GENUINE[FIRST + layout.RECORD_PROOF].replace(b"index 7", b"index 8")
        assert code_of(repack(edited(GENUINE, FIRST + layout.RECORD_PROOF, other))) == "pack.inconsistent"


class TestStep05Statement:
    def test_refuses_a_key_twice(self) -> None:
        twice = signed_payload().replace(b'"decision":"approve"', b'"decision":"reject","decision":"approve"')
        assert code_of_lie(lambda parts: setattr(parts, "payload", twice)) == "json.duplicate_key"

    def test_refuses_another_spelling(self) -> None:
        assert code_of_lie(lambda parts: setattr(parts, "payload", signed_payload() + b"\n")) == "json.not_canonical"

    @pytest.mark.parametrize(
        "change",
        [
            lambda predicate: predicate.update(supersedes=[{"sha256": "ab" * 32}]),
            lambda predicate: predicate["policy"]["engine"].update(name="another"),
            lambda predicate: predicate["review"]["display"]["renderer"].update(name="another"),
        ],
    )
    def test_refuses_a_statement_made_by_or_replacing_something_nobody_knows(self, change: Callable[[dict[str, Any]], object]) -> None:
        assert code_of_lie(lambda parts: change(parts.predicate)) == "approval.malformed"

    def test_refuses_an_incomplete_statement(self) -> None:
        assert code_of_lie(lambda parts: parts.predicate.pop("policy")) == "approval.malformed"

    def test_refuses_a_statement_of_an_agent(self) -> None:
        def as_agent(parts: Parts) -> None:
            parts.statement["predicateType"] = "urn:countersign:automated-decision:v1"

        assert code_of_lie(as_agent) == "approval.malformed"


class TestStep06Mirror:
    def test_refuses_a_record_aboutchanged_value_artifacts(self) -> None:
        def other_subject(parts: Parts) -> None:
            parts.mirror = False
            parts.record["subject"] = [{"name": "evil", "digest": {"sha256": "cd" * 32}}]

        assert code_of_lie(other_subject) == "record.subject_mismatch"

    @pytest.mark.parametrize("name", ["decision", "environment", "approver", "validity", "request", "enrollment"])
    def test_refuses_a_record_that_says_something_else_than_the_statement(self, name: str) -> None:
        def other(parts: Parts) -> None:
            parts.mirror = False
            value = parts.record["predicate"][name]
            parts.record["predicate"][name] = {"digest": {"sha256": "ab" * 32}} if name == "enrollment" else changed_value(value)

        assert code_of_lie(other) == "record.mismatch"

    def test_refuses_a_record_made_by_another_portal(self) -> None:
        assert code_of_lie(lambda parts: parts.record["predicate"]["portal"].update(id="https://elsewhere.example")) == "record.mismatch"


class TestStep10Copies:
    @pytest.mark.parametrize("name", [layout.STATEMENT, layout.SIGNED_BYTES, layout.HUMAN_ENVELOPE, layout.HUMAN_SSHSIG])
    def test_refuses_a_copy_of_something_else(self, name: str) -> None:
        other = World().pack()
        assert code_of(repack(edited(GENUINE, FIRST + name, other[FIRST + name]))) == "pack.inconsistent"

    def test_refuses_a_pack_that_withholds_the_openssh_signature(self) -> None:
        assert code_of(repack(edited(GENUINE, FIRST + layout.HUMAN_SSHSIG, None))) == "pack.inconsistent"

    def test_refuses_keys_that_signed_nothing(self) -> None:
        stranger, _ = WORLD.enroll(alice(subject="01MALLORY"))
        path = layout.signer_path(SoftPasskey().public_key.key_id)
        assert code_of(repack(edited(GENUINE, path, stranger))) == "signer.unlisted"
        both = GENUINE[layout.ALLOWED_SIGNERS] + World().pack()[layout.ALLOWED_SIGNERS]
        assert code_of(repack(edited(GENUINE, layout.ALLOWED_SIGNERS, both))) == "pack.inconsistent"


class TestStep11Times:
    def test_refuses_a_ledger_that_was_rolled_back_and_rebuilt(self) -> None:
        def rewrite(keys: PortalKeys) -> None:
            keys.leaves[:3] = [b"forged 0", b"forged 1", b"forged 2"]

        assert code_of_lie(lambda parts: setattr(parts, "log_lie", rewrite)) == "log.rollback_or_fork"

    def test_refuses_a_record_placed_before_the_head_that_was_signed(self) -> None:
        def earlier(parts: Parts) -> None:
            parts.index = 3

        assert code_of_lie(earlier) == "time.log_head_order"

    def test_refuses_a_head_of_another_log(self) -> None:
        ceremony = WORLD.approval(alice()).ceremony
        foreign = replace(ceremony, log_head=replace(ceremony.log_head, origin="elsewhere.example/log"))
        assert code_when_signed(alice(changes={"ceremony": foreign})) == "log.origin"

    def test_refuses_a_head_proof_aboutchanged_value_heads(self) -> None:
        for old, new in ((b"old 7", b"old 6"), (b"\n9\n", b"\n8\n")):
            changed = GENUINE[FIRST + layout.HEAD_PROOF].replace(old, new)
            assert code_of(repack(edited(GENUINE, FIRST + layout.HEAD_PROOF, changed))) == "pack.inconsistent"

    def test_refuses_a_signature_checked_before_the_statement_existed(self) -> None:
        assert code_when_signed(alice(checked_at=NOON - MINUTE)) == "time.checked_before_issued"

    def test_refuses_a_signature_checked_after_the_page_expired(self) -> None:
        assert code_when_signed(alice(checked_at=NOON + 6 * MINUTE)) == "time.ceremony_expired"

    def test_refuses_a_statement_that_rests_on_what_came_later(self) -> None:
        statement, later = WORLD.approval(alice()), NOON + MINUTE
        role = replace(statement.approver.roles[0], as_of=NOON + 300 * DAY)
        for change in (
            {"evidence": (replace(statement.evidence[0], verified_at=later),)},
            {"approver": replace(statement.approver, roles=(role,))},
            {"approver": replace(statement.approver, authenticated_at=later)},
        ):
            assert code_when_signed(alice(changes=change)) == "time.issued_too_early"

    @pytest.mark.parametrize("open_for", [500 * DAY, 5 * MINUTE + timedelta(seconds=1), timedelta(0)])
    def test_refuses_a_signing_page_that_was_open_for_too_long_or_not_at_all(self, open_for: timedelta) -> None:
        world = World()
        ceremony = replace(world.approval(alice()).ceremony, expires_at=NOON + open_for)
        assert code_when_signed(alice(changes={"ceremony": ceremony}), world) == "time.ceremony_too_long"

    def test_refuses_the_head_of_an_empty_ledger(self) -> None:
        def empty(parts: Parts) -> None:
            parts.predicate["ceremony"]["logHead"]["size"] = 0

        assert code_of_lie(empty) == "approval.malformed"

    def test_refuses_an_approval_logged_after_it_had_run_out_and_back_dated(self) -> None:
        assert code_when_signed(alice(checked_at=NOON + 73 * HOUR), at=NOON + HOUR) == "validity.logged_late"
