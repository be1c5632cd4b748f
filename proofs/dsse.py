"""DSSE envelopes (DSSE protocol v1): pre-authentication encoding, strict parsing, verification and signing.

A signature covers payload type and payload. The key id in an envelope is a hint and is never used to choose trust.
Verification here does not look at what the payload says; `proofs.statement` reads it afterwards, from the verified bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

from proofs.canonical import parse_json
from proofs.encoding import b64_decode, b64_encode, b64url_decode
from proofs.errors import Malformed, TooLarge, Unproven
from proofs.keys import PublicKey, tries_for

IN_TOTO_PAYLOAD_TYPE = "application/vnd.in-toto+json"
MAX_SIGNATURES = 16


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of an envelope. `key_hint` is unauthenticated."""

    signature: bytes
    key_hint: str
    extension: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """A parsed, unverified envelope; `payload` is exactly the bytes that were signed."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]

    @property
    def signed_bytes(self) -> bytes:
        """The pre-authentication encoding of type and payload: what each signature is over."""
        return pae(self.payload_type, self.payload)


@dataclass(frozen=True, slots=True)
class Signers:
    """The keys that made a signature, and whether every key was tried on every signature that none of them made."""

    keys: tuple[PublicKey, ...]
    all_tried: bool


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the pre-authentication encoding: `DSSEv1 SP len(type) SP type SP len(body) SP body`, lengths in bytes."""
    encoded_type = payload_type.encode("utf-8")
    return b"DSSEv1 %d %s %d %s" % (len(encoded_type), encoded_type, len(payload), payload)


def parse_envelope(unverified: bytes | dict[str, Any]) -> Envelope:
    """Parse an envelope from JSON bytes, or from an already strictly parsed object.

    Refuses with `dsse.malformed` (wrong shape), `dsse.unsigned` (no signature), `dsse.too_many_signatures` or a `json.*`
    code. Verifies nothing.
    """
    value = parse_json(unverified) if isinstance(unverified, bytes) else unverified
    if not isinstance(value, dict) or not isinstance(value.get("payloadType"), str):
        raise Malformed("dsse.malformed", "got no payloadType, expected a DSSE envelope with payloadType, payload and signatures")
    signatures = value.get("signatures")
    if not isinstance(signatures, list):
        raise Malformed("dsse.malformed", f"expected a list of 1 to {MAX_SIGNATURES} signatures")
    if len(signatures) > MAX_SIGNATURES:
        raise TooLarge("dsse.too_many_signatures", f"got {len(signatures)} signatures, expected at most {MAX_SIGNATURES}")
    if not signatures:
        raise Unproven("dsse.unsigned", "got an envelope without any signature, expected at least one")
    payload = _decode_either(value.get("payload"), "the payload")
    return Envelope(payload, value["payloadType"], tuple(_parse_signature(item) for item in signatures))


def verify_envelope(envelope: Envelope, keys: Iterable[PublicKey], *, threshold: int = 1) -> tuple[PublicKey, ...]:
    """Return the keys that made a signature of the envelope, in the order of `keys`: at least `threshold` different ones.

    Signatures are never counted, keys are: one key signing twice is one. Signatures by others are left alone. A limited number of times
    (`tries_for`) a signature is held against a key, first those pairs that a key id in the envelope names: it saves time, and chooses nothing.
    Refuses with `dsse.key_unknown` when none of the keys did, `dsse.too_many_keys` when not all could be tried and too few tried did,
    `dsse.threshold` when too few did. Does not check key validity windows, who the keys belong to (two keys of one identity are two
    keys here), or the payload.
    """
    if threshold < 1:
        raise ValueError("a threshold below one would accept an envelope that nobody signed")
    found = find_signers(envelope, keys)
    if len(found.keys) < threshold and not found.all_tried:
        words = f"got signatures by {len(found.keys)} keys, expected {threshold}; there are more keys than can be tried, so name those that signed"
        raise Unproven("dsse.too_many_keys", words)
    if len(found.keys) < threshold:
        raise Unproven("dsse.threshold", f"got signatures by {len(found.keys)} of the keys, expected {threshold}")
    return found.keys


def find_signers(envelope: Envelope, keys: Iterable[PublicKey]) -> Signers:
    """Return the keys that made a signature of the envelope, each once and at least one; as `verify_envelope` with a threshold of one."""
    known = list({key.key_id: key for key in keys}.values())
    signers, all_tried = _find_signers(envelope, known)
    if not signers and not all_tried:
        words = f"got an envelope that names none of {len(known)} keys, which are too many to try; expected the id of the key that signed"
        raise Unproven("dsse.too_many_keys", words)
    if not signers:
        raise Unproven("dsse.key_unknown", "no signature of the envelope was made by a registered key over exactly these bytes")
    return Signers(tuple(key for key in known if key.key_id in signers), all_tried)


def _find_signers(envelope: Envelope, keys: list[PublicKey]) -> tuple[set[str], bool]:
    """Return the ids of the keys that made a signature, and whether every key was tried on every signature still open."""
    hinted = [(key, signature) for signature in envelope.signatures for key in keys if key.key_id == signature.key_hint]
    others = ((key, signature) for key in keys for signature in envelope.signatures if key.key_id != signature.key_hint)
    signers: set[str] = set()
    explained: set[int] = set()
    tries, most = 0, tries_for(len(envelope.payload))
    for key, signature in chain(hinted, others):
        if key.key_id in signers or id(signature) in explained:
            continue
        if tries == most:
            return signers, False
        tries += 1
        if _made(key, signature, envelope):
            # Without hints, several who signed cost more tries than one. Whoever gains them has a registered key.
            most += len(envelope.signatures)
            signers.add(key.key_id)
            explained.add(id(signature))
    return signers, True


def _made(key: PublicKey, signature: Signature, envelope: Envelope) -> bool:
    try:
        key.verify_any_form(signature.signature, envelope.signed_bytes, code="dsse.signature", what="the envelope")
    except Unproven:
        return False
    return True


def build_envelope(payload: bytes, signature: bytes, *, key_hint: str, payload_type: str = IN_TOTO_PAYLOAD_TYPE) -> dict[str, Any]:
    """Return the JSON object of an envelope with one signature."""
    return {
        "payload": b64_encode(payload),
        "payloadType": payload_type,
        "signatures": [{"keyid": key_hint, "sig": b64_encode(signature)}],
    }


def _parse_signature(item: Any) -> Signature:
    if not isinstance(item, dict) or not isinstance(item.get("keyid", ""), str | None):
        raise Malformed("dsse.malformed", "expected every signature to be an object with sig and an optional keyid")
    extension = item.get("extension")
    if extension is not None and not isinstance(extension, dict):
        raise Malformed("dsse.malformed", "expected a signature extension to be an object")
    return Signature(_decode_either(item.get("sig"), "a signature"), item.get("keyid") or "", extension)


def _decode_either(unverified_text: Any, what: str) -> bytes:
    # Both alphabets share most characters. Without padding it can only be the URL-safe one, where none is needed.
    if isinstance(unverified_text, str) and ("-" in unverified_text or "_" in unverified_text or _lacks_padding(unverified_text)):
        bare = unverified_text.rstrip("=")
        padding = len(unverified_text) - len(bare)
        if padding not in (0, -len(bare) % 4):
            words = f"got {what} with {padding} characters of padding, expected none or the {-len(bare) % 4} that belong there"
            raise Malformed("dsse.malformed", words)
        return b64url_decode(bare, code="dsse.malformed", what=what)
    return b64_decode(unverified_text, code="dsse.malformed", what=what)


def _lacks_padding(unverified_text: str) -> bool:
    return len(unverified_text) % 4 != 0 and not any(sign in unverified_text for sign in "+/=")
