"""A maker of security keys: a root, a batch certificate, and keys that attest themselves under it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor

from proofs.approval.attestation import attestation_document
from proofs.approval.enrollment_parts import AttestationReference
from proofs.digest import sha256_hex
from proofs.encoding import b64url_encode
from tests.passkey import SoftPasskey

MODEL = "2fc0579f-8113-47ea-b116-bb5a8db9202a"
AAGUID = bytes.fromhex(MODEL.replace("-", ""))
YEARS = (datetime(2024, 1, 1, tzinfo=UTC), datetime(2044, 1, 1, tzinfo=UTC))
MODEL_EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")


def name(unit: str, common: str) -> x509.Name:
    parts = [
        (x509.NameOID.COUNTRY_NAME, "SE"),
        (x509.NameOID.ORGANIZATION_NAME, "Maker"),
        (x509.NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
        (x509.NameOID.COMMON_NAME, common),
    ]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def certificate(
    *,
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    by: ec.EllipticCurvePrivateKey,
    ca: bool,
    model: bytes | None = None,
    years: tuple[datetime, datetime] = YEARS,
    path: int | None = None,
) -> x509.Certificate:
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key()).serial_number(7)
    made = made.not_valid_before(years[0]).not_valid_after(years[1]).add_extension(x509.BasicConstraints(ca, path), True)
    if model is not None:
        made = made.add_extension(x509.UnrecognizedExtension(MODEL_EXTENSION, b"\x04\x10" + model), False)
    return made.sign(by, hashes.SHA256())


ROOT_KEY, LEAF_KEY = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
ROOT_NAME, LEAF_NAME = name("Roots", "Maker root"), name("Authenticator Attestation", "Batch 1")
ROOT = certificate(subject=ROOT_NAME, issuer=ROOT_NAME, key=ROOT_KEY, by=ROOT_KEY, ca=True)


def leaf(**changes: Any) -> x509.Certificate:
    usual = {"subject": LEAF_NAME, "issuer": ROOT_NAME, "key": LEAF_KEY, "by": ROOT_KEY, "ca": False, "model": AAGUID}
    return certificate(**{**usual, **changes})


def der(item: x509.Certificate) -> bytes:
    return item.public_bytes(serialization.Encoding.DER)


def authenticator_data(passkey: SoftPasskey, *, flags: int | None = None, rp_id: str = "localhost", aaguid: bytes = AAGUID) -> bytes:
    said = flags if flags is not None else 0x45 | (0x18 if passkey.synced else 0)
    size = len(passkey.credential_id).to_bytes(2, "big")
    head = hashlib.sha256(rp_id.encode()).digest() + bytes([said]) + bytes(4)
    return head + aaguid + size + passkey.credential_id + passkey.cose_key


def client_data(kind: str = "webauthn.create") -> bytes:
    return json.dumps({"type": kind, "challenge": b64url_encode(b"c" * 32), "origin": "http://localhost:8000"}).encode()


def document(
    passkey: SoftPasskey,
    *,
    chain: list[x509.Certificate] | None = None,
    data: bytes | None = None,
    client: bytes | None = None,
    form: str = "packed",
    statement: dict[str, Any] | None = None,
    **changes: Any,
) -> bytes:
    """The kept attestation of `passkey`, by the batch certificate; `changes` are to its statement, None takes a field away."""
    data, client = data or authenticator_data(passkey), client or client_data()
    signature = LEAF_KEY.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
    usual = {"alg": -7, "sig": signature, "x5c": [der(item) for item in chain or [leaf()]], **changes}
    said = statement if statement is not None else {key: value for key, value in usual.items() if value is not None}
    made = cbor.encode({"fmt": form, "attStmt": said, "authData": data})
    return attestation_document(attestation_object=made, client_data_json=client)


def reference(content: bytes, *, aaguid: str = MODEL, form: str = "packed") -> AttestationReference:
    return AttestationReference(sha256_hex(content), aaguid, form)
