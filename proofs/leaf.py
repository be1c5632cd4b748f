"""The two kinds of ledger leaf, both canonical JSON: a signed envelope (as Rekor's dsse 0.0.1 writes it) and a plain event.

A leaf carries digests and signatures only: no names, no addresses, no reasons. Size is checked where the leaf is appended.
"""

from __future__ import annotations

from typing import Any

from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.dsse import parse_envelope
from proofs.encoding import b64_encode
from proofs.errors import Malformed


def build_dsse_leaf(envelope: dict[str, Any], verifier_pem: bytes) -> bytes:
    """Return the leaf of `envelope`, whose one signature was made by the key in `verifier_pem`.

    Refuses with `ledger.leaf_signatures` for any other number of signatures, and as `proofs.dsse.parse_envelope` does.
    Verifies no signature.
    """
    parsed = parse_envelope(envelope)
    if len(parsed.signatures) != 1:
        raise Malformed("ledger.leaf_signatures", f"got an envelope with {len(parsed.signatures)} signatures, expected exactly one")
    return canonical_bytes(
        {
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": {
                "envelopeHash": {"algorithm": "sha256", "value": sha256_hex(canonical_bytes(envelope))},
                "payloadHash": {"algorithm": "sha256", "value": sha256_hex(parsed.payload)},
                "signatures": [{"signature": b64_encode(parsed.signatures[0].signature), "verifier": b64_encode(verifier_pem)}],
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
