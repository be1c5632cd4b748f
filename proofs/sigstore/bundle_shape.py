"""The shape of a Sigstore bundle, versions 0.1 to 0.3: step 1 of `bundle.py`. Verifies nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from proofs.dsse import Envelope, parse_envelope
from proofs.encoding import b64_decode
from proofs.errors import Malformed, TooLarge, Unproven
from proofs.sigstore.log_entry import LogEntry, parse_log_entry
from proofs.sigstore.shape import demand_fields
from proofs.sigstore.signed_file import SignedFile, parse_signed_file
from proofs.sigstore.timestamp import Timestamp, parse_timestamp
from proofs.sigstore.x509_reading import load_certificate

MEDIA_TYPE_PREFIX = "application/vnd.dev.sigstore.bundle"
BUNDLE_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
MEDIA_TYPES = {  # each with its minor version
    "application/vnd.dev.sigstore.bundle+json;version=0.1": 1,
    "application/vnd.dev.sigstore.bundle+json;version=0.2": 2,
    "application/vnd.dev.sigstore.bundle+json;version=0.3": 3,
    BUNDLE_MEDIA_TYPE: 3,
}
MAX_TIMESTAMPS = 32
MAX_TIMESTAMP_TEXT = 64 * 1024
MAX_CHAIN = 10
# Of all certificates of the signer together, in DER. Real ones have 3 to 4 KiB, with the chain of old bundles.
MAX_CERTIFICATES = 16 * 1024

_CONTENTS = ("messageSignature", "dsseEnvelope")
_HOLDERS = ("certificate", "x509CertificateChain", "publicKey")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A parsed, unverified bundle. `certificate` is DER that nobody has read yet (`certificate.py` does, who may know it already).

    It is None where a key signed: the bundle then names only `key_hint`, which proves nothing. `stamped` is what timestamps are over where
    that is not the signature alone; it always contains the signature.
    """

    content: Envelope | SignedFile
    certificate: bytes | None
    entry: LogEntry | None
    timestamps: tuple[Timestamp, ...]
    stamped: bytes | None = None
    key_hint: str = ""

    @property
    def signature(self) -> bytes:
        """The one signature: over the file's digest, or over the envelope's encoding."""
        return self.content.signature if isinstance(self.content, SignedFile) else self.content.signatures[0].signature


def parse_bundle(unverified: dict[str, Any]) -> Bundle:
    """Read a strictly parsed JSON object as a bundle.

    Refuses with `bundle.*`, `evidence.unsupported_bundle_version`, `evidence.unsupported_message_digest`, or as the parsers of its
    parts do: `tlog.*`, `tsa.malformed`, `certificate.malformed`, `dsse.*`. Whether the signer's certificate is one is not checked here.
    """
    # 1. Exactly this shape.
    media_type = unverified.get("mediaType")
    if not isinstance(media_type, str) or media_type not in MEDIA_TYPES:
        got = str(media_type)[:80]
        raise Unproven(
            "evidence.unsupported_bundle_version", f"got {got!r}, expected a bundle of version 0.1, 0.2 or 0.3; others are not read"
        )
    if unverified.get("verificationMaterial") is None:
        raise Unproven("bundle.missing_material", "got a bundle without verification material, expected a certificate and a log entry")
    unverified = _without_nulls(unverified, _CONTENTS)
    content = "messageSignature" if "messageSignature" in unverified and "dsseEnvelope" not in unverified else "dsseEnvelope"
    demand_fields(unverified, {"mediaType", "verificationMaterial", content}, code="bundle.malformed", what="the bundle")
    version, material = MEDIA_TYPES[media_type], unverified["verificationMaterial"]
    holder = _holder_of(material, version)
    material = _without_nulls(material, _HOLDERS)
    demand_fields(
        material,
        {holder},
        optional={"tlogEntries", "timestampVerificationData"},
        code="bundle.malformed",
        what="the verification material",
    )
    certificate = _parse_signer(material[holder], holder, version)
    timestamps = _parse_timestamps(material.get("timestampVerificationData"))
    entry = _parse_entry(material.get("tlogEntries"), version)
    if entry is None and not timestamps:
        raise Unproven("bundle.missing_material", "got a bundle without log entry and timestamp, so nothing proves when it was signed")
    return Bundle(
        content=_parse_envelope(unverified[content]) if content == "dsseEnvelope" else parse_signed_file(unverified[content]),
        certificate=certificate,
        entry=entry,
        timestamps=timestamps,
        key_hint=material["publicKey"].get("hint", "") if certificate is None else "",
    )


def _without_nulls(value: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    # Protobuf's JSON may write null for what is absent.
    return {name: member for name, member in value.items() if member is not None or name not in names}


def _holder_of(material: object, version: int) -> str:
    if not isinstance(material, dict):
        raise Malformed("bundle.malformed", "expected the verification material to be an object")
    own = "certificate" if version == 3 else "x509CertificateChain"
    found = [name for name in (own, "publicKey") if material.get(name) is not None]
    if not found:
        raise Unproven("bundle.missing_material", "got a bundle without a certificate or key of its signer, expected exactly one")
    return found[0]


def _parse_signer(value: object, holder: str, version: int) -> bytes | None:
    if holder == "certificate":
        return _decode_certificate(value)
    if holder == "x509CertificateChain":
        return _parse_chain(value, version)
    hint = demand_fields(value, frozenset(), optional={"hint"}, code="bundle.malformed", what="the public key")
    if not isinstance(hint.get("hint", ""), str):
        raise Malformed("bundle.malformed", "expected the hint at a public key to be a text")
    return None


def _decode_certificate(value: object) -> bytes:
    fields = demand_fields(value, {"rawBytes"}, code="bundle.malformed", what="the certificate")
    der = b64_decode(fields["rawBytes"], code="certificate.malformed", what="the certificate")
    _refuse_large(len(der))
    return der


def _refuse_large(size: int) -> None:
    # Names and extensions are all read before anybody can say who issued it.
    if size > MAX_CERTIFICATES:
        raise TooLarge("bundle.certificate_too_large", f"got {size} bytes of certificates, expected at most {MAX_CERTIFICATES}")


def _parse_chain(value: object, version: int) -> bytes:
    """Return the signer's certificate, the first of the chain. The trust root, never the bundle, says who stands above it."""
    listed = demand_fields(value, {"certificates"}, code="bundle.malformed", what="the certificate chain")["certificates"]
    if not isinstance(listed, list):
        raise Malformed("bundle.malformed", "expected the certificate chain to be a list")
    if not listed:
        raise Unproven("bundle.missing_material", "got an empty certificate chain, expected the signer's certificate")
    if len(listed) > MAX_CHAIN:
        raise TooLarge("bundle.too_many_certificates", f"got {len(listed)} certificates in the chain, expected at most {MAX_CHAIN}")
    encoded = [_decode_certificate(item) for item in listed]
    _refuse_large(sum(map(len, encoded)))
    above = [load_certificate(der) for der in encoded[1:]]
    # Version 0.1 allowed the root to be carried along; since 0.2 a bundle must not bring one.
    if version > 1 and any(certificate.issuer == certificate.subject for certificate in above):
        raise Malformed("bundle.malformed", "the certificate chain contains a root certificate, expected none")
    return encoded[0]


def _parse_entry(entries: object, version: int) -> LogEntry | None:
    if entries is None:
        return None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Malformed("bundle.malformed", "expected tlogEntries to be a list of objects")
    if len(entries) > 1:
        raise TooLarge("bundle.too_many_entries", f"got {len(entries)} log entries, expected one")
    return parse_log_entry(entries[0], may_lack_proof=version == 1) if entries else None


def _parse_timestamps(value: object) -> tuple[Timestamp, ...]:
    if value is None:
        return ()
    fields = demand_fields(value, frozenset(), optional={"rfc3161Timestamps"}, code="bundle.malformed", what="the timestamp data")
    tokens = fields.get("rfc3161Timestamps", [])
    if not isinstance(tokens, list):
        raise Malformed("bundle.malformed", "expected rfc3161Timestamps to be a list")
    if len(tokens) > MAX_TIMESTAMPS:
        raise TooLarge("bundle.too_many_timestamps", f"got {len(tokens)} timestamps, expected at most {MAX_TIMESTAMPS}")
    parsed = tuple(parse_timestamp(_timestamp_bytes(token)) for token in tokens)
    # One token twice would count for two.
    if len({token.encoded for token in parsed}) != len(parsed):
        raise Unproven("tsa.duplicate", "got one timestamp twice, expected each once")
    return parsed


def _timestamp_bytes(value: object) -> bytes:
    text = demand_fields(value, {"signedTimestamp"}, code="bundle.malformed", what="a timestamp")["signedTimestamp"]
    if not isinstance(text, str) or len(text) > MAX_TIMESTAMP_TEXT:
        raise Malformed("bundle.malformed", f"expected a timestamp as base64 text of at most {MAX_TIMESTAMP_TEXT} characters")
    # Real timestamps come with the line breaks of RFC 2045; nothing else is skipped.
    return b64_decode(text.replace("\r\n", "").replace("\n", ""), code="tsa.malformed", what="a timestamp")


def _parse_envelope(value: object) -> Envelope:
    fields = demand_fields(value, {"payload", "payloadType", "signatures"}, code="bundle.malformed", what="the envelope")
    envelope = parse_envelope(fields)
    if len(envelope.signatures) != 1:
        raise Malformed("bundle.malformed", f"got {len(envelope.signatures)} signatures in the envelope, expected one")
    signature = demand_fields(fields["signatures"][0], {"sig"}, optional={"keyid"}, code="bundle.malformed", what="the signature")
    # Other verifiers of bundles read one alphabet only; what they cannot read must not be verified here.
    if any(len(text) % 4 or "-" in text or "_" in text for text in (fields["payload"], signature["sig"])):
        raise Malformed("bundle.malformed", "got URL-safe base64 in the envelope of a bundle, expected standard base64")
    return envelope
