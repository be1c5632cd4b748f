"""A record as a Sigstore bundle v0.3: the recorder's envelope, its ledger entry and the inclusion proof, for stock clients.

The bundle has one spelling: reading takes out what only it holds, and the verifier rebuilds the rest and compares every byte.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from proofs.canonical import canonical_bytes, parse_canonical
from proofs.checkpoint import NoteKey, parse_checkpoint
from proofs.dsse import Envelope, parse_envelope
from proofs.encoding import b64_encode
from proofs.fields import Fields
from proofs.keys import PublicKey
from proofs.leaf import build_dsse_leaf
from proofs.tlog_proof import MAX_HASHES, InclusionProof

BUNDLE_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"

_CODE = "record.malformed"


@dataclass(frozen=True, slots=True)
class RecordBundle:
    """What an unverified bundle holds: the envelope (as JSON and parsed), the proof, and the leaf it claims."""

    envelope_json: dict[str, Any]
    envelope: Envelope
    proof: InclusionProof
    leaf: bytes


def build_record_bundle(*, envelope: dict[str, Any], recorder: PublicKey, log: NoteKey, proof: InclusionProof) -> bytes:
    """Return the canonical bytes of the bundle. Refuses as `build_dsse_leaf` and `parse_checkpoint` do; verifies nothing."""
    checkpoint, _ = parse_checkpoint(proof.note)
    entry = {
        "logIndex": str(proof.index),
        "logId": {"keyId": b64_encode(log.key_id)},
        "kindVersion": {"kind": "dsse", "version": "0.0.1"},
        "integratedTime": "0",
        "inclusionProof": {
            "logIndex": str(proof.index),
            "rootHash": b64_encode(checkpoint.root),
            "treeSize": str(checkpoint.size),
            "hashes": [b64_encode(item) for item in proof.path],
            "checkpoint": {"envelope": proof.note},
        },
        "canonicalizedBody": b64_encode(build_dsse_leaf(envelope, recorder.pem)),
    }
    hint = b64_encode(hashlib.sha256(recorder.spki).digest())
    material = {"publicKey": {"hint": hint}, "tlogEntries": [entry]}
    return canonical_bytes({"mediaType": BUNDLE_MEDIA_TYPE, "verificationMaterial": material, "dsseEnvelope": envelope})


def parse_record_bundle(unverified_bytes: bytes) -> RecordBundle:
    """Take out of a bundle what only it holds. Refuses with `record.malformed`, `dsse.*`, `log.*` or `json.*`; verifies nothing."""
    value = parse_canonical(unverified_bytes)
    bundle = Fields(value, path="bundle", code=_CODE).only("mediaType", "verificationMaterial", "dsseEnvelope")
    bundle.choice("mediaType", (BUNDLE_MEDIA_TYPE,))
    entry = bundle.fields("verificationMaterial").each("tlogEntries", low=1, high=1)[0]
    proof = entry.fields("inclusionProof")
    hashes = _read_hashes(proof)
    index = entry.text("logIndex", limit=19)
    if not (index.isascii() and index.isdigit()):
        entry.refuse("logIndex", "a decimal number")
    note = proof.fields("checkpoint").raw("envelope")
    if not isinstance(note, str):
        proof.refuse("checkpoint", "a signed note")
    envelope = bundle.fields("dsseEnvelope").only("payload", "payloadType", "signatures").value
    return RecordBundle(envelope, parse_envelope(envelope), InclusionProof(int(index), hashes, note), entry.base64("canonicalizedBody"))


def _read_hashes(proof: Fields) -> tuple[bytes, ...]:
    # The same hash may stand in a path twice: two entries of a ledger can be the same bytes.
    items = proof.raw("hashes")
    if not isinstance(items, list) or len(items) > MAX_HASHES:
        proof.refuse("hashes", f"a list of at most {MAX_HASHES} hashes")
    return tuple(Fields({"hash": item}, path="hashes", code=_CODE).base64("hash") for item in items)
