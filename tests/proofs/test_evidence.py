"""Formats told apart, and envelopes signed with a registered key."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from proofs.errors import Refusal
from proofs.evidence import TrustMaterial, detect_format, verify_evidence
from proofs.keys import PublicKey, RegisteredKey, load_spki
from tests.proofs.factory import DAY, KEY_TRUST, NOON, PUBLIC_KEY, STATEMENT, TRUST, assess, bundle, changed, key_signed


def trust(*keys: RegisteredKey) -> TrustMaterial:
    return TrustMaterial(keys=keys)


def public_of(key: ed25519.Ed25519PrivateKey) -> PublicKey:
    return load_spki(key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))


class TestDetectFormat:
    def test_tells_the_two_formats_apart(self) -> None:
        assert detect_format(bundle()) == "sigstore-bundle"
        assert detect_format(key_signed()) == "dsse"

    @pytest.mark.parametrize(
        "raw", [b"{}", b"[]", b'"text"', b"1", b'{"mediaType":1}', b'{"mediaType":"application/json"}', b'{"payload":"","payloadType":""}']
    )
    def test_refuses_other_json(self, raw: bytes) -> None:
        with pytest.raises(Refusal) as refused:
            detect_format(raw)
        assert refused.value.code == "evidence.unknown_format"

    def test_an_envelope_that_also_says_it_is_a_bundle_is_a_bundle(self) -> None:
        raw = changed(key_signed(), lambda value: value.update(mediaType="application/vnd.dev.sigstore.bundle.v0.3+json"))
        assert assess(raw, trust=KEY_TRUST).result == "rejected"


class TestKeySignedEnvelope:
    def test_verifies_with_a_registered_key_and_says_what_it_cannot_know(self) -> None:
        assessment = assess(key_signed(), trust=KEY_TRUST)
        assert assessment.result == "verified"
        assert assessment.facts is not None
        assert assessment.facts["signer"] == {"kind": "key", "keyId": PUBLIC_KEY.key_id}
        assert (assessment.facts["times"], assessment.facts["log"], assessment.facts["trustRoot"]) == ([], None, None)
        assert any("When the signature was made" in sentence for sentence in assessment.not_checked)

    def test_verifies_with_url_safe_base64(self) -> None:
        def respell(value: dict[str, object]) -> None:
            value["payload"] = str(value["payload"]).replace("+", "-").replace("/", "_")

        assert assess(changed(key_signed(), respell), trust=KEY_TRUST).result == "verified"

    def test_1_refuses_an_envelope_without_signatures(self) -> None:
        assert assess(changed(key_signed(), lambda value: value.update(signatures=[])), trust=KEY_TRUST).code == "dsse.unsigned"

    def test_2_refuses_a_key_nobody_registered(self) -> None:
        assert assess(key_signed(key=ed25519.Ed25519PrivateKey.generate()), trust=KEY_TRUST).code == "dsse.key_unknown"
        assert assess(key_signed(), trust=TrustMaterial()).code == "dsse.key_unknown"

    def test_2_the_key_id_in_the_envelope_chooses_nothing(self) -> None:
        stranger = ed25519.Ed25519PrivateKey.generate()
        raw = changed(key_signed(key=stranger), lambda value: value["signatures"][0].update(keyid=PUBLIC_KEY.key_id))
        assert assess(raw, trust=KEY_TRUST).code == "dsse.key_unknown"
        assert (
            assess(changed(key_signed(), lambda value: value["signatures"][0].update(keyid="another")), trust=KEY_TRUST).result
            == "verified"
        )

    def test_2_refuses_another_payload_under_the_same_signature(self) -> None:
        other = json.loads(key_signed(json.dumps(STATEMENT | {"subject": []}).encode()))
        assert (
            assess(changed(key_signed(), lambda value: value.update(payload=other["payload"])), trust=KEY_TRUST).code == "dsse.key_unknown"
        )

    def test_3_refuses_a_key_revoked_before_receipt_and_only_then(self) -> None:
        revoked = trust(RegisteredKey(PUBLIC_KEY, NOON - DAY, revoked_at=NOON))
        assert assess(key_signed(), trust=revoked, received_at=NOON).code == "key.revoked"
        assert assess(key_signed(), trust=revoked, received_at=NOON - DAY / 2).result == "verified"

    def test_3_a_revoked_key_is_not_made_good_by_registering_it_again(self) -> None:
        twice = trust(RegisteredKey(PUBLIC_KEY, NOON - DAY, revoked_at=NOON - DAY / 2), RegisteredKey(PUBLIC_KEY, NOON - DAY / 4))
        assert assess(key_signed(), trust=twice).code == "key.revoked"

    def test_3_refuses_a_key_outside_its_time(self) -> None:
        early, late = trust(RegisteredKey(PUBLIC_KEY, NOON + DAY)), trust(RegisteredKey(PUBLIC_KEY, NOON - 2 * DAY, NOON - DAY))
        assert assess(key_signed(), trust=early).code == "key.not_valid"
        assert assess(key_signed(), trust=late).code == "key.not_valid"

    def test_3_both_ends_of_its_time_count(self) -> None:
        exactly = trust(RegisteredKey(PUBLIC_KEY, NOON, NOON))
        assert assess(key_signed(), trust=exactly).result == "verified"

    def test_3_one_good_signature_beside_a_revoked_ones_is_enough_and_names_its_key(self) -> None:
        second = ed25519.Ed25519PrivateKey.generate()
        both = changed(key_signed(), lambda value: value["signatures"].extend(json.loads(key_signed(key=second))["signatures"]))
        registered = trust(RegisteredKey(PUBLIC_KEY, NOON - DAY, revoked_at=NOON - DAY), RegisteredKey(public_of(second), NOON - DAY))
        signer = verify_evidence(both, trust=registered, received_at=NOON).key
        assert signer is not None
        assert signer.key_id == public_of(second).key_id

    @pytest.mark.parametrize("payload_type", ["text/plain", "application/vnd.in-toto+json ", "appli\u0441ation/vnd.in-toto+json"])
    def test_4_refuses_another_payload_type_even_when_signed(self, payload_type: str) -> None:
        assert assess(key_signed(payload_type=payload_type), trust=KEY_TRUST).code == "evidence.unsupported_payload"

    @pytest.mark.parametrize("payload", [b"hello", b"{}", b"[]", b'{"_type":"link"}', b'{"_type":["https://in-toto.io/Statement/v1"]}'])
    def test_4_refuses_what_is_not_a_statement_even_when_signed(self, payload: bytes) -> None:
        assert assess(key_signed(payload), trust=KEY_TRUST).code in (
            "json.invalid",
            "statement.malformed",
            "evidence.unsupported_statement",
        )


class TestTrustMaterial:
    def test_names_what_was_trusted(self) -> None:
        assert KEY_TRUST.digests["trustRoots"] == []
        assert KEY_TRUST.digests["keys"]["count"] == 1
        assert TRUST.digests["trustRoots"] == [{"digest": TRUST.trust_roots[0].digest, "profile": {"tlog": 1, "tsa": 0, "sct": 1}}]

    @pytest.mark.parametrize(
        "other",
        [
            RegisteredKey(PUBLIC_KEY, NOON + DAY),
            RegisteredKey(PUBLIC_KEY, NOON, valid_until=NOON + DAY),
            RegisteredKey(PUBLIC_KEY, NOON, revoked_at=NOON + DAY),
        ],
    )
    def test_another_window_or_revocation_is_another_digest(self, other: RegisteredKey) -> None:
        one, two = (trust(registered).digests["keys"]["sha256"] for registered in (RegisteredKey(PUBLIC_KEY, NOON), other))
        assert one != two

    def test_the_order_of_the_keys_makes_no_difference(self) -> None:
        keys = (RegisteredKey(PUBLIC_KEY, NOON), RegisteredKey(PUBLIC_KEY, NOON + DAY))
        assert trust(*keys).digests == trust(*reversed(keys)).digests
