"""What a log entry says it is about, held against the bundle that carries it: step 9 of `bundle.py`.

Two kinds are read, `dsse/0.0.1` and `intoto/0.0.2` of Rekor v1; another kind is answered with `evidence.unsupported_log_entry`
before anything is verified. Not checked: `envelopeHash` and `hash`, which cover the envelope's original spelling that nobody keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from proofs.canonical import parse_json
from proofs.digest import sha256_hex
from proofs.dsse import Envelope
from proofs.encoding import b64_decode, b64_encode
from proofs.errors import Refusal, Unproven
from proofs.sigstore.shape import demand_fields, demand_object

DSSE_ENTRY, INTOTO_ENTRY = ("dsse", "0.0.1"), ("intoto", "0.0.2")
KINDS = (DSSE_ENTRY, INTOTO_ENTRY)

_CODE = "tlog.entry_mismatch"
_PEM_BEGIN, _PEM_END = b"-----BEGIN CERTIFICATE-----\n", b"\n-----END CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class LoggedEnvelope:
    """What an entry's body names, unverified: exactly one signature over one payload. None where the kind does not say."""

    payload_hash: Any
    signature: bytes
    verifier: bytes
    payload_type: str | None = None
    payload: bytes | None = None


def verify_body_binding(kind: tuple[str, str], body: bytes, *, envelope: Envelope, certificate: x509.Certificate) -> None:
    """Return when `body`, an entry of `kind`, is about this envelope, its one signature and this certificate, and nothing else.

    Refuses with `tlog.entry_mismatch` otherwise. Without this step any entry of the log would do for any bundle.
    """
    # 9. The entry is about this very bundle.
    try:
        logged = _read_body(kind, body)
    except Refusal as refusal:
        raise Unproven(_CODE, f"the log entry's body is not an entry of kind {'/'.join(kind)}: {refusal.reason}") from refusal
    if logged.payload_hash != {"algorithm": "sha256", "value": sha256_hex(envelope.payload)}:
        raise Unproven(_CODE, "the log entry is about another payload than the bundle carries")
    if logged.payload not in (None, envelope.payload):
        raise Unproven(_CODE, "the log entry carries another payload than the bundle")
    if logged.payload_type not in (None, envelope.payload_type):
        raise Unproven(_CODE, "the log entry is about another payload type than the bundle carries")
    if logged.signature != envelope.signatures[0].signature:
        raise Unproven(_CODE, "the log entry is about another signature than the bundle carries")
    if _der_of(logged.verifier) != certificate.public_bytes(Encoding.DER):
        raise Unproven(_CODE, "the log entry is about another certificate than the bundle carries")


def _read_body(kind: tuple[str, str], body: bytes) -> LoggedEnvelope:
    value = demand_fields(parse_json(body), {"apiVersion", "kind", "spec"}, code=_CODE, what="the entry's body")
    if (value["kind"], value["apiVersion"]) != kind:
        raise Unproven(_CODE, "the log entry's body is of another kind than the entry says")
    return _read_dsse(value) if kind == DSSE_ENTRY else _read_intoto(value)


def _read_dsse(value: dict[str, Any]) -> LoggedEnvelope:
    spec = demand_object(value, "spec", {"envelopeHash", "payloadHash", "signatures"}, code=_CODE)
    signer = demand_fields(_only_signer(spec["signatures"]), {"signature", "verifier"}, code=_CODE, what="the entry's signature")
    return LoggedEnvelope(
        payload_hash=spec["payloadHash"],
        signature=_decode(signer["signature"], "the logged signature"),
        verifier=_decode(signer["verifier"], "the logged verifier"),
    )


def _read_intoto(value: dict[str, Any]) -> LoggedEnvelope:
    spec = demand_object(value, "spec", {"content"}, code=_CODE)
    content = demand_object(spec, "content", {"envelope", "hash", "payloadHash"}, code=_CODE)
    envelope = demand_fields(
        content["envelope"], {"payloadType", "signatures"}, optional={"payload"}, code=_CODE, what="the entry's envelope"
    )
    signer = demand_fields(
        _only_signer(envelope["signatures"]), {"publicKey", "sig"}, optional={"keyid"}, code=_CODE, what="the entry's signature"
    )
    if not isinstance(envelope["payloadType"], str):
        raise Unproven(_CODE, "the logged payload type is not a text")
    # This kind takes the envelope's base64 texts for bytes and encodes them once more.
    return LoggedEnvelope(
        payload_hash=content["payloadHash"],
        signature=_decode_twice(signer["sig"], "the logged signature"),
        verifier=_decode(signer["publicKey"], "the logged verifier"),
        payload_type=envelope["payloadType"],
        payload=_decode_twice(envelope["payload"], "the logged payload") if "payload" in envelope else None,
    )


def _only_signer(signers: object) -> object:
    if not isinstance(signers, list) or len(signers) != 1:
        raise Unproven(_CODE, "the log entry is not about exactly one signature")
    return signers[0]


def _der_of(verifier: bytes) -> bytes | None:
    """Return the bytes within the one PEM block of `verifier`, or None; signers wrap its lines and end it in different ways."""
    armoured = verifier.strip(b"\n")
    if not (armoured.startswith(_PEM_BEGIN) and armoured.endswith(_PEM_END)):
        return None
    inner = armoured[len(_PEM_BEGIN) : -len(_PEM_END)].replace(b"\n", b"")
    try:
        return _decode(inner.decode("ascii"), "the logged certificate")
    except (Refusal, UnicodeDecodeError):
        return None


def _decode(unverified_text: object, what: str) -> bytes:
    return b64_decode(unverified_text, code=_CODE, what=what)


def _decode_twice(unverified_text: object, what: str) -> bytes:
    inner = _decode(unverified_text, what)
    try:
        return _decode(inner.decode("ascii"), what)
    except UnicodeDecodeError as error:
        raise Unproven(_CODE, f"got bytes for {what}, expected base64 within base64 (got {b64_encode(inner)[:40]!r})") from error
