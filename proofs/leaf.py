"""The two kinds of ledger leaf, both canonical JSON: a signed envelope (as Rekor's dsse 0.0.1 writes it) and a plain event.

A leaf carries digests and signatures only: no names, no addresses, no reasons. Size is checked where the leaf is appended.
"""

from __future__ import annotations

from typing import Any

from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.dsse import parse_envelope
from proofs.encoding import b64_encode


def build_dsse_leaf(envelope: dict[str, Any], verifier_pem: bytes) -> bytes:
    """Return the leaf of `envelope`, whose signatures were made by the key in `verifier_pem`.

    Refuses as `proofs.dsse.parse_envelope` does. Verifies no signature.
    """
    parsed = parse_envelope(envelope)
    return canonical_bytes(
        {
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": {
                "envelopeHash": {"algorithm": "sha256", "value": sha256_hex(canonical_bytes(envelope))},
                "payloadHash": {"algorithm": "sha256", "value": sha256_hex(parsed.payload)},
                "signatures": [
                    {"signature": b64_encode(item.signature), "verifier": b64_encode(verifier_pem)} for item in parsed.signatures
                ],
            },
        }
    )


def build_event_leaf(*, event: str, at: str, ref_digest: str, actor: str) -> bytes:
    """Return the leaf that says `event` happened `at` (RFC 3339) to the document with SHA-256 `ref_digest`, done by `actor`."""
    return canonical_bytes(
        {
            "apiVersion": "1",
            "kind": "countersign.event",
            "spec": {"type": event, "at": at, "ref": {"sha256": ref_digest}, "actor": actor},
        }
    )
