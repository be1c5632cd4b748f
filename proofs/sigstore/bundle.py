"""Sigstore bundles (v0.1 to v0.3) with a DSSE envelope, verified offline. The argument, in order; each step rests on those before:

 1. The bytes are a bundle of exactly the shape of its version: one certificate of the signer, one log entry, one signature.
 2. The log entry is from a log the trust root knows, with a key trusted at the time the entry claims.
 3. The log's signed promise covers body, index and time: this is the signing time, and it is not after receipt.
 4. The body is included in a tree whose head (checkpoint) the log signed. Version 0.1 may lack this; then the promise stands alone.
 5. The certificate was valid at the signing time.
 6. It chains to an authority that was trusted at the signing time.
 7. It is a code-signing certificate for exactly one identity, vouched for by exactly one issuer.
 8. A trusted certificate log listed it.
 9. The log entry is about this payload, this signature and this certificate.
10. The certificate's key signed the envelope: payload type and payload.
11. The payload is an in-toto statement about something with a digest.

Not checked: who may sign what, whether the statement is true, other copies of the log, RFC 3161 timestamps beside the entry.
The further certificates in the chain of an old bundle are hints and never trusted. Other versions, kinds of content and kinds of log entry are refused with an `evidence.unsupported_*` code, never half-verified.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509

from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, Envelope, parse_envelope
from proofs.encoding import b64_decode
from proofs.errors import Malformed, TooLarge, Unproven
from proofs.sigstore.certificate import SignerCertificate, verify_certificate
from proofs.sigstore.log_body import verify_body_binding
from proofs.sigstore.log_entry import LogEntry, parse_log_entry, verify_log_entry
from proofs.sigstore.shape import demand_fields
from proofs.sigstore.trust_root import TrustRoot
from proofs.sigstore.x509_reading import load_certificate
from proofs.statement import Statement, parse_statement

MEDIA_TYPE_PREFIX = "application/vnd.dev.sigstore.bundle"
BUNDLE_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
MEDIA_TYPES = {  # each with its minor version
    "application/vnd.dev.sigstore.bundle+json;version=0.1": 1,
    "application/vnd.dev.sigstore.bundle+json;version=0.2": 2,
    "application/vnd.dev.sigstore.bundle+json;version=0.3": 3,
    BUNDLE_MEDIA_TYPE: 3,
}
MAX_TIMESTAMPS = 32
MAX_CHAIN = 10


@dataclass(frozen=True, slots=True)
class Bundle:
    """A parsed, unverified bundle."""

    certificate: x509.Certificate
    envelope: Envelope
    entry: LogEntry
    timestamps: int


@dataclass(frozen=True, slots=True)
class VerifiedBundle:
    """What a bundle proved. `logged_at` is the signing time; `timestamps` counts RFC 3161 tokens that were not read.

    `has_inclusion_proof` is False where the log only promised to include the entry, as a bundle of version 0.1 may.
    """

    statement: Statement
    payload: bytes
    certificate: SignerCertificate
    logged_at: datetime
    log_id: bytes
    log_index: int
    timestamps: int
    trust_root_digest: str
    has_inclusion_proof: bool


def parse_bundle(unverified: dict[str, Any]) -> Bundle:
    """Read a strictly parsed JSON object as a bundle. Verifies nothing.

    Refuses with `bundle.malformed`, `bundle.missing_material`, `bundle.too_many_entries`, `bundle.too_many_timestamps`,
    `bundle.too_many_certificates`, `evidence.unsupported_*`, or as the parsers of its parts do.
    """
    # 1. Exactly this shape.
    media_type = unverified.get("mediaType")
    if not isinstance(media_type, str) or media_type not in MEDIA_TYPES:
        got = str(media_type)[:80]
        raise Unproven(
            "evidence.unsupported_bundle_version", f"got {got!r}, expected a bundle of version 0.1, 0.2 or 0.3; others are not read"
        )
    version = MEDIA_TYPES[media_type]
    if "messageSignature" in unverified and "dsseEnvelope" not in unverified:
        raise Unproven(
            "evidence.unsupported_message_signature", "got a signature over a bare file, expected a DSSE envelope with a statement"
        )
    if unverified.get("verificationMaterial") is None:
        raise Unproven("bundle.missing_material", "got a bundle without verification material, expected a certificate and a log entry")
    demand_fields(unverified, {"mediaType", "verificationMaterial", "dsseEnvelope"}, code="bundle.malformed", what="the bundle")
    material = unverified["verificationMaterial"]
    holder = "certificate" if version == 3 or (isinstance(material, dict) and "certificate" in material) else "x509CertificateChain"
    _refuse_other_material(material, holder)
    demand_fields(
        material,
        {holder, "tlogEntries"},
        optional={"timestampVerificationData"},
        code="bundle.malformed",
        what="the verification material",
    )
    timestamps = _count_timestamps(material.get("timestampVerificationData"))
    entry = parse_log_entry(_only_entry(material["tlogEntries"], timestamps), may_lack_proof=version == 1)
    certificate = _parse_certificate(material[holder]) if holder == "certificate" else _parse_chain(material[holder], version)
    return Bundle(certificate, _parse_envelope(unverified["dsseEnvelope"]), entry, timestamps)


def verify_bundle(bundle: Bundle, *, trust_root: TrustRoot, received_at: datetime) -> VerifiedBundle:
    """Return what the bundle proves under `trust_root`, by steps 2 to 11 of the argument above.

    Refuses with a code of the step that failed: `tlog.*`, `certificate.*`, `sct.*`, `dsse.signature`,
    `evidence.unsupported_payload`, `statement.*`. `received_at` bounds the signing time from above.
    """
    envelope = bundle.envelope
    # 2. to 4. The log entry, and with it the signing time.
    logged_at = verify_log_entry(bundle.entry, trust_root=trust_root, received_at=received_at)
    # 5. to 8. The certificate, at that time.
    certificate = verify_certificate(bundle.certificate, trust_root=trust_root, signed_at=logged_at)
    # 9. The entry is about this bundle.
    verify_body_binding(bundle.entry.kind, bundle.entry.body, envelope=envelope, certificate=bundle.certificate)
    # 10. The signature.
    certificate.key.verify(envelope.signatures[0].signature, envelope.signed_bytes, code="dsse.signature", what="the envelope")
    # 11. What was signed. The type is judged only now, as part of what the signature covers.
    if envelope.payload_type != IN_TOTO_PAYLOAD_TYPE:
        raise Unproven("evidence.unsupported_payload", f"got payload type {envelope.payload_type[:80]!r}, expected {IN_TOTO_PAYLOAD_TYPE}")
    return VerifiedBundle(
        statement=parse_statement(envelope.payload),
        payload=envelope.payload,
        certificate=certificate,
        logged_at=logged_at,
        log_id=bundle.entry.log_id,
        log_index=bundle.entry.index,
        timestamps=bundle.timestamps,
        trust_root_digest=trust_root.digest,
        has_inclusion_proof=bundle.entry.proof is not None,
    )


def _parse_certificate(value: object) -> x509.Certificate:
    fields = demand_fields(value, {"rawBytes"}, code="bundle.malformed", what="the certificate")
    return load_certificate(b64_decode(fields["rawBytes"], code="certificate.malformed", what="the certificate"))


def _parse_chain(value: object, version: int) -> x509.Certificate:
    """Return the signer's certificate, the first of the chain. The trust root, never the bundle, says who stands above it."""
    listed = demand_fields(value, {"certificates"}, code="bundle.malformed", what="the certificate chain")["certificates"]
    if not isinstance(listed, list):
        raise Malformed("bundle.malformed", "expected the certificate chain to be a list")
    if not listed:
        raise Unproven("bundle.missing_material", "got an empty certificate chain, expected the signer's certificate")
    if len(listed) > MAX_CHAIN:
        raise TooLarge("bundle.too_many_certificates", f"got {len(listed)} certificates in the chain, expected at most {MAX_CHAIN}")
    certificates = [_parse_certificate(item) for item in listed]
    # Version 0.1 allowed the root to be carried along; since 0.2 a bundle must not bring one.
    if version > 1 and any(certificate.issuer == certificate.subject for certificate in certificates[1:]):
        raise Malformed("bundle.malformed", "the certificate chain contains a root certificate, expected none")
    return certificates[0]


def _refuse_other_material(material: object, holder: str) -> None:
    if not isinstance(material, dict):
        raise Malformed("bundle.malformed", "expected the verification material to be an object")
    if "publicKey" in material:
        raise Unproven(
            "evidence.unsupported_managed_key", "got a bundle signed with a bare key, expected a certificate; keys are not read here yet"
        )
    if holder not in material:
        raise Unproven("bundle.missing_material", "got a bundle without a certificate, expected exactly one")
    if not material.get("tlogEntries") and not material.get("timestampVerificationData"):
        raise Unproven("bundle.missing_material", "got a bundle without a log entry, so nothing proves when it was signed")


def _only_entry(entries: object, timestamps: int) -> dict[str, Any]:
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Malformed("bundle.malformed", "expected tlogEntries to be a list of objects")
    if not entries and timestamps:
        raise Unproven("evidence.unsupported_timestamp", "got RFC 3161 timestamps and no log entry; timestamps are not read yet")
    if not entries:
        raise Unproven("bundle.missing_material", "got a bundle without a log entry, so nothing proves when it was signed")
    if len(entries) > 1:
        raise TooLarge("bundle.too_many_entries", f"got {len(entries)} log entries, expected one")
    only: dict[str, Any] = entries[0]
    return only


def _count_timestamps(value: object) -> int:
    if value is None:
        return 0
    demand_fields(value, frozenset(), optional={"rfc3161Timestamps"}, code="bundle.malformed", what="the timestamp data")
    tokens = value.get("rfc3161Timestamps", []) if isinstance(value, dict) else None
    if not isinstance(tokens, list):
        raise Malformed("bundle.malformed", "expected rfc3161Timestamps to be a list")
    if len(tokens) > MAX_TIMESTAMPS:
        raise TooLarge("bundle.too_many_timestamps", f"got {len(tokens)} timestamps, expected at most {MAX_TIMESTAMPS}")
    return len(tokens)


def _parse_envelope(value: object) -> Envelope:
    fields = demand_fields(value, {"payload", "payloadType", "signatures"}, code="bundle.malformed", what="the envelope")
    envelope = parse_envelope(fields)
    if len(envelope.signatures) != 1:
        raise Malformed("bundle.malformed", f"got {len(envelope.signatures)} signatures in the envelope, expected one")
    demand_fields(fields["signatures"][0], {"sig"}, optional={"keyid"}, code="bundle.malformed", what="the signature")
    return envelope
