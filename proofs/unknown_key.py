"""Evidence signed with a key that nobody registered: what it says about its key, and whether a key that somebody brings is the one.

Who holds the key, and whether anybody should register or block it, is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from proofs.dsse import Envelope, parse_envelope
from proofs.errors import Refusal, Unproven
from proofs.evidence import TrustMaterial, VerifiedEvidence, read_evidence, verify_evidence
from proofs.keys import PublicKey, RegisteredKey
from proofs.sigstore.bundle_shape import Bundle, parse_bundle
from proofs.sigstore.cosign_layer import is_layer, parse_layer
from proofs.sigstore.trust_root import TrustRoot

# The codes of a verdict that say: signed with a key, and no registered key made the signature.
UNKNOWN_KEY_CODES = ("dsse.key_unknown", "key.unknown")
MAX_HINT = 120

_NOT_THIS_KEY = (*UNKNOWN_KEY_CODES, "evidence.unsupported_file_signature")
_EVER = datetime(1, 1, 1, tzinfo=UTC)


def claimed_key_hints(unverified_bytes: bytes) -> tuple[str, ...]:
    """Return how evidence names the keys that signed it, each cut to `MAX_HINT`; none where it names none or cannot be read.

    Nobody signed these names: they may be shown, and prove and choose nothing.
    """
    try:
        value = read_evidence(unverified_bytes, max_bytes=None)
        if not isinstance(value, dict):
            return ()
        if is_layer(value):
            hints = _hints_of(parse_layer(value)[0])
        elif "mediaType" in value:
            hints = _hints_of(parse_bundle(value))
        else:
            hints = _named_in(parse_envelope(value))
    except Refusal:
        return ()
    return tuple(dict.fromkeys(hint[:MAX_HINT] for hint in hints if hint))


def prove_key(unverified_bytes: bytes, *, key: PublicKey, trust_roots: Iterable[TrustRoot], received_at: datetime) -> VerifiedEvidence:
    """Return what the evidence proves once `key` counts, and no other key does; the whole of it is verified, not its signature alone.

    Refuses with `signer.other_key` when this key made no signature of it, else as `verify_evidence` does.
    """
    alone = TrustMaterial(tuple(trust_roots), (RegisteredKey(key, _EVER),))
    try:
        verified = verify_evidence(unverified_bytes, trust=alone, received_at=received_at, max_bytes=None)
    except Unproven as refusal:
        if refusal.code in _NOT_THIS_KEY:
            raise _other(key) from refusal
        raise
    # A certificate's own key is nobody's to bring.
    if verified.key.key_id != key.key_id or (verified.bundle is not None and verified.bundle.certificate is not None):
        raise _other(key)
    return verified


def _other(key: PublicKey) -> Unproven:
    return Unproven(
        "signer.other_key", f"got the public key {key.key_id}, which made no signature of this evidence; expected the one that did"
    )


def _hints_of(bundle: Bundle) -> tuple[str, ...]:
    inner = _named_in(bundle.content) if isinstance(bundle.content, Envelope) else ()
    return (bundle.key_hint, *inner)


def _named_in(envelope: Envelope) -> tuple[str, ...]:
    return tuple(signature.key_hint for signature in envelope.signatures)
