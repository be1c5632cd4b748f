"""What nobody can lie about without the person's passkey: whose key, what it signed, how sure that is.

The numbers in the names are the steps of the argument in `proofs.pack.verify`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from proofs.approval.cose import EDDSA
from proofs.approval.human_approval import approval_challenge
from proofs.canonical import canonical_bytes
from proofs.dsse import parse_envelope, verify_envelope
from proofs.pack import layout
from tests.forge import FIRST, Parts, PortalKeys, edited, forge, repack
from tests.passkey import PRESENT, Lie, SoftPasskey
from tests.proofs.pack.lies import (
    GENUINE,
    HOUR,
    KEYS,
    MINUTE,
    SIGNER,
    WORLD,
    code_of,
    code_of_lie,
    code_when_signed,
    parse_envelope_payload,
)
from tests.proofs.pack.world import NOON, ORIGIN, World, alice


def test_a_record_around_a_junk_signature_passes_a_check_of_the_portals_key_alone_and_nothing_more() -> None:
    """An administrator has the portal's key and not alice's. What looks at that key alone is taken in, which is why a gate looks further."""

    def put_junk(parts: Parts) -> None:
        parts.assertion = replace(parts.assertion, signature=b"\x30\x06\x02\x01\x01\x02\x01\x01")

    files = forge(GENUINE, KEYS, put_junk)
    envelope = parse_envelope(json.loads(files[FIRST + layout.RECORD_BUNDLE])["dsseEnvelope"])
    assert len(verify_envelope(envelope, [KEYS.recorder_public])) == 1
    assert code_of(files) == "webauthn.signature"


class TestStep07Signer:
    def test_refuses_a_key_that_was_never_enrolled(self) -> None:
        """An administrator signs with a key of their own, in alice's name."""
        rogue = SoftPasskey()

        def sign_with_rogue(parts: Parts) -> None:
            parts.predicate["approver"]["signer"]["keyId"] = rogue.public_key.key_id
            parts.assertion = rogue.sign(approval_challenge(canonical_bytes(parts.statement)))

        assert code_of_lie(sign_with_rogue) == "signer.unknown"

    def test_refuses_when_the_enrolment_is_not_the_one_signed_for(self) -> None:
        def re_enrol(parts: Parts) -> None:
            parts.enrollment["predicate"]["at"] = "2026-05-01T12:00:00Z"

        assert code_of_lie(re_enrol) == "signer.enrollment_mismatch"

    def test_refuses_an_enrolment_the_portal_did_not_sign(self) -> None:
        value = json.loads(GENUINE[SIGNER])
        stranger = PortalKeys(ec.generate_private_key(ec.SECP256R1()), KEYS.log, KEYS.origin)
        for envelope in (
            stranger.sign(parse_envelope_payload(value)),
            {**value, "signatures": [{**value["signatures"][0], "sig": "AAAA"}]},
        ):
            assert code_of(repack(edited(GENUINE, SIGNER, canonical_bytes(envelope)))) == "signer.enrollment_signature"

    def test_refuses_an_enrolment_in_another_form(self) -> None:
        value = json.loads(GENUINE[SIGNER])
        two = {**value, "signatures": value["signatures"] * 2}
        assert code_of(repack(edited(GENUINE, SIGNER, canonical_bytes(two)))) == "enrollment.malformed"
        assert code_of(repack(edited(GENUINE, SIGNER, GENUINE[SIGNER] + b" "))) == "json.not_canonical"

    @pytest.mark.parametrize("kind", ["agent", "service", "workflow", "bot", "key"])
    def test_refuses_everybody_but_people(self, kind: str) -> None:
        assert code_when_signed(alice(kind=kind)) == "signer.not_human"

    def test_refuses_a_key_enrolled_for_something_else(self) -> None:
        assert code_when_signed(alice(purposes=("automated-decision",))) == "signer.purpose"
        assert code_when_signed(alice(purposes=())) == "signer.purpose"

    def test_refuses_a_statement_in_somebody_else_s_name(self) -> None:
        base = WORLD.approval(alice())
        assert code_when_signed(alice(changes={"approver": replace(base.approver, subject="01CAROL")})) == "signer.identity_mismatch"

    def test_refuses_a_statement_that_names_another_key(self) -> None:
        signing = alice()
        statement = WORLD.approval(signing)
        signing.changes = {"signer": replace(statement.signer, key_id=SoftPasskey().public_key.key_id)}
        assert code_when_signed(signing) == "signer.key_mismatch"

    def test_refuses_another_credential_of_the_same_key(self) -> None:
        def other_credential(parts: Parts) -> None:
            parts.assertion = replace(parts.assertion, credential_id=b"another")

        assert code_of_lie(other_credential) == "signer.key_mismatch"

    def test_refuses_a_key_enrolled_after_the_signature(self) -> None:
        assert code_when_signed(alice(enrolled_at=NOON + 2 * MINUTE)) == "signer.not_yet_enrolled"

    def test_refuses_a_key_enrolled_after_the_statement_that_names_it_was_issued(self) -> None:
        late = alice(enrolled_at=NOON + MINUTE, checked_at=NOON + 2 * MINUTE)
        assert code_when_signed(late) == "signer.not_yet_enrolled"

    @pytest.mark.parametrize("change", [{"subject": "01CAROL"}, {"purposes": ("other",)}, {"kind": "agent"}])
    def test_refuses_the_revocation_of_another_person_s_or_for_another_purpose(self, change: dict[str, Any]) -> None:
        world = World()
        signing = alice(revoked_at=NOON + 2 * HOUR)
        files = world.pack(signing)
        path = layout.signer_path(signing.passkey.public_key.key_id, revoked=True)
        other, _ = world.enroll(replace(signing, **change), event="revoked")
        assert code_of(repack(edited(files, path, other)), trust=world.trust) == "signer.enrollment_mismatch"

    @pytest.mark.parametrize("revoked_at", [NOON - MINUTE, NOON + MINUTE])
    def test_refuses_a_key_revoked_before_the_signature(self, revoked_at: datetime) -> None:
        assert code_when_signed(alice(revoked_at=revoked_at)) == "signer.revoked"

    def test_refuses_a_key_enrolled_at_another_site(self) -> None:
        assert code_of(GENUINE, trust=replace(WORLD.trust, rp_id="elsewhere.example")) == "signer.relying_party"


class TestStep08Assertion:
    @pytest.mark.parametrize(
        "change",
        [
            lambda parts: parts.statement["subject"][0]["digest"].update(sha256="cd" * 32),
            lambda parts: parts.predicate["environment"].update(id="env_staging", name="staging"),
            lambda parts: parts.predicate["evidence"].pop(),
            lambda parts: parts.predicate["evidence"][0]["digest"].update(sha256="cd" * 32),
            lambda parts: parts.predicate["evidence"][0]["annotations"]["verdictDigest"].update(sha256="cd" * 32),
            lambda parts: parts.predicate["policy"]["digest"].update(sha256="cd" * 32),
            lambda parts: parts.predicate["policy"].update(result="fail"),
            lambda parts: parts.predicate["review"]["snapshot"]["digest"].update(sha256="cd" * 32),
            lambda parts: parts.predicate["request"].update(revision=2),
            lambda parts: parts.predicate["separationOfDuties"].update(excluded=[]),
            lambda parts: parts.predicate["validity"].update(notAfter="2026-06-01T12:00:00Z"),
            lambda parts: parts.predicate["ceremony"]["logHead"].update(size=3),
            lambda parts: parts.predicate["justification"].update(text="I read everything."),
            lambda parts: parts.predicate["approver"]["roles"][0].update(name="approver:security"),
        ],
    )
    def test_refuses_any_statement_but_the_one_that_was_signed(self, change: Callable[[Parts], object]) -> None:
        """A portal changes what was approved and re-signs record, ledger and pack around the genuine signature."""
        assert code_of_lie(lambda parts: (change(parts), None)[1]) == "webauthn.challenge"

    @pytest.mark.parametrize(
        ("lie", "code"),
        [
            (Lie(origin="https://localhost.evil.example"), "webauthn.origin"),
            (Lie(cross_origin=True), "webauthn.cross_origin"),
            (Lie(rp_id="evil.example"), "webauthn.rp_id"),
            (Lie(flags=PRESENT), "webauthn.no_user_verification"),
            (Lie(flags=0), "webauthn.no_user_presence"),
            (Lie(flags=0x45), "webauthn.unexpected_at"),
            (Lie(type="webauthn.create"), "webauthn.type"),
            (Lie(tamper_signature=True), "webauthn.signature"),
        ],
    )
    def test_refuses_each_lie_of_a_client(self, lie: Lie, code: str) -> None:
        assert code_when_signed(alice(lie=lie)) == code

    @pytest.mark.parametrize("name", ["authenticator_data", "client_data_json", "signature"])
    def test_refuses_an_edited_assertion(self, name: str) -> None:
        def edit(parts: Parts) -> None:
            value = bytearray(getattr(parts.assertion, name))
            value[-1] ^= 1
            parts.assertion = replace(parts.assertion, **{name: bytes(value)})

        assert code_of_lie(edit).startswith("webauthn.")

    def test_refuses_a_user_verification_flag_set_afterwards(self) -> None:
        world = World()
        files = world.pack(alice(lie=Lie(flags=PRESENT)))

        def raise_flag(parts: Parts) -> None:
            data = bytearray(parts.assertion.authenticator_data)
            data[32] |= 0x04
            parts.assertion = replace(parts.assertion, authenticator_data=bytes(data))

        assert code_of(forge(files, world.keys, raise_flag), trust=world.trust) == "webauthn.signature"

    def test_refuses_a_statement_for_another_page_than_the_passkey_saw(self) -> None:
        trust = replace(WORLD.trust, origins=(ORIGIN, "https://other.example"))
        ceremony = replace(WORLD.approval(alice()).ceremony, origin="https://other.example")
        world = World()
        assert (
            code_of(
                world.pack(alice(changes={"ceremony": replace(ceremony, log_head=world.head)})),
                trust=replace(trust, log=world.trust.log, recorder_keys=world.trust.recorder_keys),
            )
            == "webauthn.origin"
        )

    def test_refuses_a_statement_for_another_site(self) -> None:
        world = World()
        ceremony = replace(world.approval(alice()).ceremony, rp_id="evil.example")
        assert code_when_signed(alice(changes={"ceremony": ceremony}), world) == "webauthn.rp_id"

    def test_refuses_an_algorithm_the_key_does_not_have(self) -> None:
        signing = alice()
        signing.changes = {"signer": replace(WORLD.approval(signing).signer, algorithm=EDDSA)}
        assert code_when_signed(signing) == "webauthn.algorithm"

    def test_refuses_an_authenticator_that_changed_its_mind_about_backups(self) -> None:
        assert code_when_signed(alice(lie=Lie(flags=0x0D))) == "webauthn.backup_eligibility"


class TestStep09Level:
    @pytest.mark.parametrize("claimed", ["H0", "H1", "H3", "H4"])
    def test_refuses_a_record_that_claims_another_level(self, claimed: str) -> None:
        assert code_when_signed(alice(assurance=claimed)) == "record.mismatch"
