"""What a log entry says it is about, held against the bundle that carries it: step 9 of `bundle.py`.

Four kinds are read: `hashedrekord/0.0.1`, `dsse/0.0.1` and `intoto/0.0.2` of Rekor v1, `hashedrekord/0.0.2` of Rekor v2, which is
over the digest of a file or of an envelope's signed bytes. Another kind is answered with `evidence.unsupported_log_entry` before
anything is verified. Not checked: `envelopeHash` and `hash`, which cover the envelope's original spelling that nobody keeps.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from proofs.canonical import parse_json
from proofs.digest import sha256_hex
from proofs.dsse import Envelope
from proofs.encoding import b64_decode, b64_encode
from proofs.errors import Refusal, Unproven
from proofs.keys import PublicKey
from proofs.sigstore.shape import demand_fields, demand_object
from proofs.sigstore.signed_file import HASH_NAMES, SignedFile

DSSE_ENTRY, INTOTO_ENTRY = ("dsse", "0.0.1"), ("intoto", "0.0.2")
HASHEDREKORD, HASHEDREKORD_V2 = ("hashedrekord", "0.0.1"), ("hashedrekord", "0.0.2")
KINDS = (DSSE_ENTRY, INTOTO_ENTRY, HASHEDREKORD, HASHEDREKORD_V2)

_CODE = "tlog.entry_mismatch"


class Signer(NamedTuple):
    """Who made the bundle's signature: the label of its PEM block, the DER within, and how entries most often name it, if known."""

    label: str
    der: bytes
    armoured: tuple[str, ...] = ()


class LoggedContent(NamedTuple):
    """What an entry's body names, unverified: exactly one signature over one content. None where the kind does not say.

    `digest` is the digest of the payload, of the file, or (Rekor v2) of what was signed; `is_by_signer` says whether
    its verifier, a certificate or a key, is the bundle's, byte for byte.
    """

    digest: Any
    signature: bytes
    is_by_signer: bool
    payload_type: str | None = None
    payload: bytes | None = None


def verify_body_binding(
    kind: tuple[str, str],
    body: bytes,
    *,
    content: Envelope | SignedFile,
    certificate: bytes | None,
    key: PublicKey,
    armoured: tuple[str, ...] = (),
) -> None:
    """Return when `body`, an entry of `kind`, is about this content, its one signature and this signer, and nothing else.

    The signer is `certificate` (DER), or `key` where there is none; `armoured` is `armours_of` the certificate, where it is at hand, and
    changes no answer. Refuses with `tlog.entry_mismatch` otherwise. Without this step any entry of the log would do for any bundle.
    """
    # 9. The entry is about this very bundle.
    try:
        logged = _read_body(
            kind, body, Signer("PUBLIC KEY", key.spki) if certificate is None else Signer("CERTIFICATE", certificate, armoured)
        )
    except Refusal as refusal:
        raise Unproven(_CODE, f"the log entry's body is not an entry of kind {'/'.join(kind)}: {refusal.reason}") from refusal
    if logged.digest != _expected_digest(kind, content):
        raise Unproven(_CODE, "the log entry is about another payload or file than the bundle carries")
    if isinstance(content, Envelope) and logged.payload not in (None, content.payload):
        raise Unproven(_CODE, "the log entry carries another payload than the bundle")
    if isinstance(content, Envelope) and logged.payload_type not in (None, content.payload_type):
        raise Unproven(_CODE, "the log entry is about another payload type than the bundle carries")
    if logged.signature != (content.signature if isinstance(content, SignedFile) else content.signatures[0].signature):
        raise Unproven(_CODE, "the log entry is about another signature than the bundle carries")
    if not logged.is_by_signer:
        raise Unproven(_CODE, "the log entry is about another certificate or key than the bundle's signer has")


def _expected_digest(kind: tuple[str, str], content: Envelope | SignedFile) -> dict[str, str]:
    if isinstance(content, SignedFile):
        if kind not in (HASHEDREKORD, HASHEDREKORD_V2):
            raise Unproven(
                _CODE, f"the log entry of kind {'/'.join(kind)} is about an envelope, and the bundle carries a signature over a file"
            )
        return {"algorithm": content.digest.algorithm, "value": content.digest.hex}
    if kind == HASHEDREKORD:
        raise Unproven(_CODE, "the log entry is about a file, and the bundle carries an envelope")
    return {"algorithm": "sha256", "value": sha256_hex(content.signed_bytes if kind == HASHEDREKORD_V2 else content.payload)}


def _read_body(kind: tuple[str, str], body: bytes, by: Signer) -> LoggedContent:
    value = demand_fields(parse_json(body), {"apiVersion", "kind", "spec"}, code=_CODE, what="the entry's body")
    if (value["kind"], value["apiVersion"]) != kind:
        raise Unproven(_CODE, "the log entry's body is of another kind than the entry says")
    return _READERS[kind](value, by)


def _read_dsse(value: dict[str, Any], by: Signer) -> LoggedContent:
    spec = demand_object(value, "spec", {"envelopeHash", "payloadHash", "signatures"}, code=_CODE)
    signer = demand_fields(_only_signer(spec["signatures"]), {"signature", "verifier"}, code=_CODE, what="the entry's signature")
    return LoggedContent(
        digest=spec["payloadHash"],
        signature=_decode(signer["signature"], "the logged signature"),
        is_by_signer=_is_armour_of(by, signer["verifier"]),
    )


def _read_hashedrekord(value: dict[str, Any], by: Signer) -> LoggedContent:
    spec = demand_object(value, "spec", {"data", "signature"}, code=_CODE)
    signature = demand_object(spec, "signature", {"content", "publicKey"}, code=_CODE)
    shown = demand_object(signature, "publicKey", {"content"}, code=_CODE)["content"]
    return LoggedContent(
        digest=demand_object(spec, "data", {"hash"}, code=_CODE)["hash"],
        signature=_decode(signature["content"], "the logged signature"),
        is_by_signer=_is_armour_of(by, shown),
    )


def _read_hashedrekord_v2(value: dict[str, Any], by: Signer) -> LoggedContent:
    holder = "x509Certificate" if by.label == "CERTIFICATE" else "publicKey"
    entry = demand_object(
        demand_object(value, "spec", {"hashedRekordV002"}, code=_CODE), "hashedRekordV002", {"data", "signature"}, code=_CODE
    )
    data = demand_object(entry, "data", {"algorithm", "digest"}, code=_CODE)
    signature = demand_object(entry, "signature", {"content", "verifier"}, code=_CODE)
    verifier = demand_object(signature, "verifier", {"keyDetails", holder}, code=_CODE)
    algorithm = HASH_NAMES.get(data["algorithm"]) if isinstance(data["algorithm"], str) else None
    return LoggedContent(
        digest={"algorithm": algorithm, "value": _decode(data["digest"], "the logged digest").hex()},
        signature=_decode(signature["content"], "the logged signature"),
        # The signer's bytes have one spelling in base64.
        is_by_signer=demand_object(verifier, holder, {"rawBytes"}, code=_CODE)["rawBytes"] == b64_encode(by.der),
    )


def _read_intoto(value: dict[str, Any], by: Signer) -> LoggedContent:
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
    return LoggedContent(
        digest=content["payloadHash"],
        signature=_decode_twice(signer["sig"], "the logged signature"),
        is_by_signer=_is_armour_of(by, signer["publicKey"]),
        payload_type=envelope["payloadType"],
        payload=_decode_twice(envelope["payload"], "the logged payload") if "payload" in envelope else None,
    )


_READERS = {DSSE_ENTRY: _read_dsse, INTOTO_ENTRY: _read_intoto, HASHEDREKORD: _read_hashedrekord, HASHEDREKORD_V2: _read_hashedrekord_v2}


def _only_signer(signers: object) -> object:
    if not isinstance(signers, list) or len(signers) != 1:
        raise Unproven(_CODE, "the log entry is not about exactly one signature")
    return signers[0]


def armours_of(certificate: bytes) -> tuple[str, str]:
    """Return how most signers name a certificate in an entry of Rekor v1: base64 of PEM with lines of 64 characters, the last one ended or not."""
    text = b64_encode(certificate)
    lines = "\n".join([text[at : at + 64] for at in range(0, len(text), 64)])
    block = f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----".encode()
    return b64_encode(block + b"\n"), b64_encode(block)


def _is_armour_of(by: Signer, unverified_text: object) -> bool:
    """Return whether the text is base64 of one PEM block with the signer's bytes; signers wrap its lines and end it in different ways."""
    if unverified_text in by.armoured:
        return True
    begin, end = f"-----BEGIN {by.label}-----\n".encode(), f"\n-----END {by.label}-----".encode()
    armoured = _decode(unverified_text, "the logged verifier").strip(b"\n")
    if not (armoured.startswith(begin) and armoured.endswith(end)):
        return False
    # The bytes have one spelling, so that one is compared and nothing is decoded.
    return armoured[len(begin) : -len(end)].replace(b"\n", b"") == b64_encode(by.der).encode()


def _decode(unverified_text: object, what: str) -> bytes:
    return b64_decode(unverified_text, code=_CODE, what=what)


def _decode_twice(unverified_text: object, what: str) -> bytes:
    inner = _decode(unverified_text, what)
    try:
        return _decode(inner.decode("ascii"), what)
    except UnicodeDecodeError as error:
        raise Unproven(_CODE, f"got bytes for {what}, expected base64 within base64 (got {b64_encode(inner)[:40]!r})") from error
