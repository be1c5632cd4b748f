"""The steps of `proofs.sigstore.timestamp`, each with the lies it is there for, told by an authority with a real key."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from proofs.errors import Refusal
from proofs.moment import rfc3339
from proofs.sigstore.timestamp import parse_timestamp, verify_timestamp
from proofs.sigstore.trust_root import TrustRoot, parse_trust_root
from tests.proofs.factory import DAY, NOON
from tests.proofs.formats import Formats
from tests.proofs.published import read, row_named
from tests.proofs.stamper import CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE, Stamper, der, oid, sequence

FORMATS = Formats(NOON)
STAMPER = FORMATS.stamper
MESSAGE = b"a signature"


def root(*stampers: Stamper, **ends: Any) -> TrustRoot:
    return parse_trust_root(FORMATS.document(stampers=stampers or (STAMPER,), **ends))


def outcome(token: bytes, trust_root: TrustRoot | None = None, message: bytes = MESSAGE) -> str:
    """Return "trusted", "unknown", or the code of the refusal."""
    try:
        found = verify_timestamp(parse_timestamp(token), message, trust_root=trust_root or root())
    except Refusal as refusal:
        return refusal.code
    return "trusted" if found is not None else "unknown"


def test_an_honest_token_verifies_with_its_time() -> None:
    token = STAMPER.token(MESSAGE, NOON)
    assert outcome(token) == "trusted"
    assert parse_timestamp(token).at == NOON
    assert parse_timestamp(STAMPER.token(MESSAGE, NOON, time="20260504120000.25Z")).at.microsecond == 250000


class TestStepAShape:
    @pytest.mark.parametrize(
        "changes",
        [
            {"status": 2},
            {"version": 1},
            {"info_version": 2},
            {"content_type": "2a864886f70d010701"},
            {"signer_twice": True},
            {"listed_digest_algorithm": sequence(oid("608648016503040202"))},
            {"listed_digest_algorithm": sequence(oid("608648016503040201"), der(0x05))},
            {"digest_algorithm": sequence(oid("2b0e03021a")), "listed_digest_algorithm": sequence(oid("2b0e03021a"))},
            {"imprint_algorithm": "2b0e03021a"},
            {"signature_algorithm": sequence(oid("2a8648ce3d040302"), der(0x30))},
            {"time": "20260504120000"},
            {"time": "20260504120000.50Z"},
            {"time": "20260231120000Z"},
            {"time": "20260504120000.1234567Z"},
            {"time": "20260504120000+0100"},
        ],
    )
    def test_another_shape_is_refused(self, changes: dict[str, Any]) -> None:
        assert outcome(STAMPER.token(MESSAGE, NOON, **changes)) == "tsa.malformed"

    def test_no_token_cut_short_or_grown_is_anything_but_malformed(self) -> None:
        token = STAMPER.token(MESSAGE, NOON)
        assert {outcome(token[:end]) for end in range(len(token))} == {"tsa.malformed"}
        assert outcome(token + b"\0") == "tsa.malformed"


class TestStepBAuthority:
    def test_an_authority_nobody_knows_counts_for_nothing(self) -> None:
        assert outcome(Stamper(FORMATS.born_at).token(MESSAGE, NOON)) == "unknown"

    @pytest.mark.parametrize(
        ("purposes", "critical"),
        [
            ((ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING), True),
            ((ExtendedKeyUsageOID.CODE_SIGNING,), True),
            ((ExtendedKeyUsageOID.TIME_STAMPING,), False),
        ],
    )
    def test_a_certificate_for_another_purpose_never_becomes_an_authority(self, purposes: tuple[Any, ...], critical: bool) -> None:
        other = Stamper(FORMATS.born_at, purposes=purposes, critical=critical)
        assert outcome(other.token(MESSAGE, NOON), root(other)) == "unknown"

    def test_an_authority_whose_root_did_not_issue_it_is_none(self) -> None:
        impostor = Stamper(FORMATS.born_at)
        impostor.root = STAMPER.root
        assert outcome(impostor.token(MESSAGE, NOON), root(impostor)) == "unknown"


class TestStepCAttributes:
    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"leave_out": {CONTENT_TYPE}}, "tsa.signature"),
            ({"leave_out": {MESSAGE_DIGEST}}, "tsa.signature"),
            ({"leave_out": {SIGNING_CERTIFICATE}}, "tsa.signature"),
            ({"signed_content_type": "2a864886f70d010701"}, "tsa.malformed"),
            ({"certificate_digest": hashlib.sha256(b"another certificate").digest()}, "tsa.signature"),
        ],
    )
    def test_attributes_that_name_something_else(self, changes: dict[str, Any], code: str) -> None:
        assert outcome(STAMPER.token(MESSAGE, NOON, **changes)) == code

    def test_a_certificate_in_the_token_must_be_of_the_authoritys_chain(self) -> None:
        own, stranger = STAMPER.certificate.public_bytes(Encoding.DER), Stamper(NOON).certificate.public_bytes(Encoding.DER)
        assert outcome(STAMPER.token(MESSAGE, NOON, certificates=[own])) == "trusted"
        assert outcome(STAMPER.token(MESSAGE, NOON, certificates=[])) == "trusted"
        assert outcome(STAMPER.token(MESSAGE, NOON, certificates=[own, stranger])) == "tsa.signature"


class TestStepDSignature:
    def test_signed_by_another_key_under_the_authoritys_name(self) -> None:
        assert outcome(STAMPER.token(MESSAGE, NOON, forged=True)) == "tsa.signature"

    def test_with_another_algorithm_than_the_key_has(self) -> None:
        assert outcome(STAMPER.token(MESSAGE, NOON, signature_algorithm=sequence(oid("2a864886f70d01010b")))) == "tsa.signature"


class TestStepEImprint:
    def test_a_timestamp_of_something_else(self) -> None:
        assert outcome(STAMPER.token(b"another signature", NOON)) == "tsa.imprint"


class TestStepFTime:
    def test_an_authority_no_longer_trusted(self) -> None:
        assert outcome(STAMPER.token(MESSAGE, NOON), root(stampers_until=NOON)) == "trusted"
        assert outcome(STAMPER.token(MESSAGE, NOON), root(stampers_until=NOON - DAY)) == "tsa.time"

    def test_a_certificate_of_the_authority_that_had_expired(self) -> None:
        short = Stamper(FORMATS.born_at, days=30)
        within, after = FORMATS.born_at + 29 * DAY, FORMATS.born_at + timedelta(days=30, seconds=1)
        assert outcome(short.token(MESSAGE, within), root(short)) == "trusted"
        assert outcome(short.token(MESSAGE, after), root(short)) == "tsa.time"
        assert rfc3339(after) > rfc3339(within)


class TestBits:
    def test_no_flipped_bit_of_our_own_token_is_accepted(self) -> None:
        own = STAMPER.certificate.public_bytes(Encoding.DER)
        assert _accepted(STAMPER.token(MESSAGE, NOON, certificates=[own]), MESSAGE, root()) == []

    @pytest.mark.parametrize("name", ["rekor2-dsse-happy-path", "rekor2-happy-path", "intoto-with-custom-trust-root"])
    def test_no_flipped_bit_of_a_published_token_is_accepted(self, name: str) -> None:
        row = row_named(f"sigstore-conformance/{name}")
        bundle = json.loads(read(row["files"]["evidence"]))
        token = base64.b64decode(bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"][0]["signedTimestamp"])
        signed = bundle["dsseEnvelope"]["signatures"][0]["sig"] if "dsseEnvelope" in bundle else bundle["messageSignature"]["signature"]
        trust_root = parse_trust_root(read(row["files"]["trusted_root"]))
        assert outcome(token, trust_root, base64.b64decode(signed)) == "trusted"
        assert _accepted(token, base64.b64decode(signed), trust_root) == []


def _accepted(token: bytes, message: bytes, trust_root: TrustRoot) -> list[int]:
    """Return the positions of the bits that may be flipped and nobody says no."""
    accepted = []
    for position in range(len(token) * 8):
        flipped = bytearray(token)
        flipped[position // 8] ^= 1 << (position % 8)
        if outcome(bytes(flipped), trust_root, message) == "trusted":
            accepted.append(position)
    return accepted
