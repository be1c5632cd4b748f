"""A certificate may be for a username, which Fulcio writes as an `otherName` of its own: read exactly, and no other."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from proofs.errors import Refusal
from proofs.sigstore.certificate import _read_by_library
from proofs.sigstore.x509_reading import load_certificate
from tests.proofs.test_known_certificates import signer

USERNAME, OTHER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7"), x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
ALICE = x509.OtherName(USERNAME, b"\x0c\x05alice")


def identity_of(*names: x509.GeneralName) -> str:
    certificate = signer(without="name", more=(x509.SubjectAlternativeName(names), True))
    return _read_by_library(certificate)[0]


def test_a_username_is_the_identity() -> None:
    assert identity_of(ALICE) == "alice"


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ([x509.OtherName(OTHER, b"\x0c\x05alice")], "certificate.identity"),
        ([ALICE, ALICE], "certificate.identity"),
        ([ALICE, x509.RFC822Name("a@example.org")], "certificate.identity"),
        ([x509.OtherName(USERNAME, b"\x16\x05alice")], "certificate.malformed"),
        ([x509.OtherName(USERNAME, b"\x0c\x01\xff")], "certificate.malformed"),
    ],
)
def test_any_other_form_is_refused(names: list[x509.GeneralName], code: str) -> None:
    with pytest.raises(Refusal) as refused:
        identity_of(*names)
    assert refused.value.code == code


@pytest.mark.parametrize("behind", [b"", b"\x00"])
def test_bytes_behind_the_username_are_refused(behind: bytes) -> None:
    name = bytes.fromhex("060a2b0601040183bf300107") + tlv(0xA0, b"\x0c\x05alice" + behind)
    raw = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, tlv(0x30, tlv(0xA0, name)))
    der = signer(without="name", more=(raw, True)).public_bytes(Encoding.DER)
    if not behind:
        assert _read_by_library(load_certificate(der))[0] == "alice"
        return
    with pytest.raises(Refusal) as refused:
        _read_by_library(load_certificate(der))
    assert refused.value.code == "certificate.malformed"


def tlv(tag: int, content: bytes) -> bytes:
    return bytes((tag, len(content))) + content
