"""A key that somebody brings is proved by the evidence it is said to have signed, and how evidence names its key proves nothing."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from proofs.errors import Refusal
from proofs.evidence import TrustMaterial, VerifiedEvidence
from proofs.keys import PublicKey, load_spki
from proofs.unknown_key import MAX_HINT, claimed_key_hints, prove_key
from tests.proofs.factory import NOON, PUBLIC_KEY, STATEMENT, TRUST, WORKLOAD, bundle, changed, key_signed
from tests.proofs.formats import KINDS, Formats

FORMATS = Formats(NOON)


def make(kind: str) -> bytes:
    return FORMATS.make(KINDS[kind], STATEMENT, WORKLOAD, NOON)


def key_of(private: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> PublicKey:
    return load_spki(private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def prove(raw: bytes, *, key: PublicKey = PUBLIC_KEY, trust: TrustMaterial = TRUST) -> VerifiedEvidence:
    return prove_key(raw, key=key, trust_roots=trust.trust_roots, received_at=NOON)


def code_of(raw: bytes, *, key: PublicKey = PUBLIC_KEY, trust: TrustMaterial = TRUST) -> str:
    with pytest.raises(Refusal) as caught:
        prove(raw, key=key, trust=trust)
    return caught.value.code


class TestProveKey:
    def test_returns_what_the_key_stated(self) -> None:
        assert prove(key_signed()).key.key_id == PUBLIC_KEY.key_id

    def test_another_key_is_refused_also_where_the_hint_names_it(self) -> None:
        other = key_of(ed25519.Ed25519PrivateKey.generate())
        hinted = changed(key_signed(), lambda value: value["signatures"][0].update(keyid=other.key_id))
        assert code_of(hinted, key=other) == "signer.other_key"
        assert prove(hinted).key.key_id == PUBLIC_KEY.key_id

    def test_changed_bytes_prove_no_key(self) -> None:
        other = json.loads(key_signed(b"{}"))
        assert code_of(changed(key_signed(), lambda value: value.update(payload=other["payload"]))) == "signer.other_key"

    def test_no_key_can_be_brought_for_what_a_certificate_signed(self) -> None:
        assert code_of(bundle()) == "signer.other_key"

    def test_what_the_key_signed_must_hold_as_a_whole(self) -> None:
        assert code_of(key_signed(payload_type="text/plain")) == "evidence.unsupported_payload"
        assert code_of(key_signed(b"{}")).startswith("statement.")

    @pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"\xff", b'{"mediaType": 1}'])
    def test_what_is_no_evidence_proves_nothing(self, raw: bytes) -> None:
        assert code_of(raw)


class TestKeySignedBundles:
    @pytest.mark.parametrize("kind", ["key-envelope-v2", "key-envelope-dsse", "key-file-v1", "key-file-v2"])
    def test_the_key_that_signed_is_proved_and_another_is_not(self, kind: str) -> None:
        raw, trust = make(kind), FORMATS.trust()
        own = load_spki(FORMATS.spki())
        assert prove(raw, key=own, trust=trust).key.key_id == own.key_id
        for private in (ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()):
            assert code_of(raw, key=key_of(private), trust=trust) == "signer.other_key"

    def test_a_log_that_nobody_trusts_proves_no_key(self) -> None:
        assert code_of(make("key-file-v1"), key=load_spki(FORMATS.spki()), trust=TRUST) == "tlog.unknown_log"

    def test_the_time_of_signing_still_counts(self) -> None:
        raw = make("key-file-v1")
        with pytest.raises(Refusal) as caught:
            prove_key(raw, key=load_spki(FORMATS.spki()), trust_roots=FORMATS.trust().trust_roots, received_at=NOON - timedelta(days=1))
        assert caught.value.code == "tlog.time_in_future"


class TestHints:
    def test_are_read_from_envelopes_and_bundles(self) -> None:
        assert claimed_key_hints(key_signed()) == ("any",)
        assert claimed_key_hints(make("key-file-v1")) == ("any",)

    def test_are_cut_and_named_once(self) -> None:
        long = changed(key_signed(), lambda value: value.update(signatures=[value["signatures"][0] | {"keyid": "x" * 500}] * 2))
        assert claimed_key_hints(long) == ("x" * MAX_HINT,)

    @pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"1", b"\xff", b'{"mediaType": {}}', b'{"mediaType": "x"}'])
    def test_of_what_cannot_be_read_are_none(self, raw: bytes) -> None:
        assert claimed_key_hints(raw) == ()

    def test_of_evidence_by_a_certificate_are_none(self) -> None:
        assert claimed_key_hints(bundle()) == ()
