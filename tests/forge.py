"""A portal that lies: it holds its own recorder and log keys, and re-signs every outer layer around a changed pack.

What it cannot forge is the person's passkey. `forge` takes a genuine pack apart, lets a lie change the parts, and puts it together
again so that records, ledger, proofs, copies and index all agree with the lie.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from proofs.approval.enrollment import parse_enrollment
from proofs.approval.human_approval import approval_signed_bytes
from proofs.approval.passkey import Assertion
from proofs.approval.record import human_dsse, mirror_of, parse_record
from proofs.approval.sshsig import NAMESPACE, sshsig_armor
from proofs.canonical import canonical_bytes
from proofs.checkpoint import Checkpoint, NoteKey, sign_checkpoint
from proofs.digest import sha256_hex
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, build_envelope, pae, parse_envelope
from proofs.encoding import b64_decode, b64_encode, b64url_encode
from proofs.errors import Refusal
from proofs.keys import PublicKey, load_spki
from proofs.leaf import build_dsse_leaf
from proofs.merkle import build_consistency_proof, build_inclusion_proof, leaf_hash, node_hash, subtree_root
from proofs.pack import layout
from proofs.pack.build import build_allowed_signers, build_words
from proofs.pack.record_bundle import build_record_bundle, parse_record_bundle
from proofs.tlog_proof import HeadProof, InclusionProof, build_head_file, build_inclusion_file

FIRST = layout.approval_folder(1)


@dataclass
class PortalKeys:
    """A portal's two keys and its whole ledger, the bodies of all leaves in order."""

    recorder: ec.EllipticCurvePrivateKey
    log: ed25519.Ed25519PrivateKey
    origin: str
    leaves: list[bytes] = field(default_factory=list)

    @property
    def recorder_public(self) -> PublicKey:
        return load_spki(self.recorder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    @property
    def log_public(self) -> NoteKey:
        return NoteKey(self.origin, self.log.public_key().public_bytes_raw())

    def sign(self, payload: bytes, payload_type: str = IN_TOTO_PAYLOAD_TYPE) -> dict[str, Any]:
        """Return an envelope over `payload` signed by the recorder key."""
        signature = self.recorder.sign(pae(payload_type, payload), ec.ECDSA(hashes.SHA256()))
        return build_envelope(payload, signature, key_hint=self.recorder_public.key_id, payload_type=payload_type)

    def append(self, leaf: bytes) -> int:
        """Put a leaf into the ledger and return its index."""
        self.leaves.append(leaf)
        return len(self.leaves) - 1

    def root(self, size: int) -> bytes:
        return subtree_root(self._node, 0, size)

    def checkpoint(self) -> str:
        """Return the signed head of the ledger as it is now."""
        return sign_checkpoint(Checkpoint(self.origin, len(self.leaves), self.root(len(self.leaves))), self.log)

    def inclusion(self, index: int) -> tuple[bytes, ...]:
        return tuple(build_inclusion_proof(self._node, index, len(self.leaves)))

    def consistency(self, old_size: int) -> tuple[bytes, ...]:
        return tuple(build_consistency_proof(self._node, old_size, len(self.leaves))) if old_size <= len(self.leaves) else ()

    def _node(self, level: int, index: int) -> bytes:
        if level == 0:
            return leaf_hash(self.leaves[index])
        return node_hash(self._node(level - 1, 2 * index), self._node(level - 1, 2 * index + 1))


@dataclass
class Parts:
    """A pack taken apart. A lie changes any of it; `payload` wins over `statement` when a lie sets it."""

    files: dict[str, bytes]
    statement: dict[str, Any]
    assertion: Assertion
    record: dict[str, Any]
    enrollment: dict[str, Any]
    keys: PortalKeys
    index: int
    payload: bytes | None = None
    mirror: bool = True
    log_lie: Callable[[PortalKeys], None] | None = None

    @property
    def predicate(self) -> dict[str, Any]:
        value: dict[str, Any] = self.statement["predicate"]
        return value


Lie = Callable[[Parts], None]


def honest(parts: Parts) -> None:
    """Change nothing: what is rebuilt must still verify, or the forge itself would be what gets refused."""


def forge(files: Mapping[str, bytes], keys: PortalKeys, lie: Lie = honest) -> dict[str, bytes]:
    """Return the pack of a portal that tells `lie` about the first approval and signs everything it has keys for.

    `keys.leaves` must hold the real ledger up to the record, at least; it is not changed.
    """
    parts = _take_apart(files, keys)
    lie(parts)
    payload = parts.payload if parts.payload is not None else canonical_bytes(parts.statement)
    _rebuild_record(parts, payload)
    _rebuild_signer(parts)
    envelope = parts.keys.sign(canonical_bytes(parts.record))
    proof, head = _rebuild_ledger(parts, envelope)
    rebuilt = parts.files
    rebuilt[FIRST + layout.RECORD_BUNDLE] = build_record_bundle(
        envelope=envelope, recorder=parts.keys.recorder_public, log=parts.keys.log_public, proof=proof
    )
    rebuilt[FIRST + layout.RECORD_PROOF] = build_inclusion_file(proof)
    rebuilt[FIRST + layout.HEAD_PROOF] = build_head_file(head)
    _rebuild_copies(parts, payload)
    _rebuild_words(rebuilt)
    return repack(rebuilt)


def repack(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files with an index that lists exactly them."""
    return {**files, layout.INDEX: layout.build_index(files)}


def edited(files: Mapping[str, bytes], path: str, content: bytes | None) -> dict[str, bytes]:
    """Return the files with one of them replaced (or taken away), as somebody with a plain editor would."""
    changed = {**files}
    if content is None:
        del changed[path]
    else:
        changed[path] = content
    return changed


def _take_apart(files: Mapping[str, bytes], keys: PortalKeys) -> Parts:
    bundle = parse_record_bundle(files[FIRST + layout.RECORD_BUNDLE])
    record = parse_record(bundle.envelope.payload)
    signer = json.loads(files[layout.signer_path(record.assertion.key_id)])
    return Parts(
        files=dict(files),
        statement=json.loads(record.payload),
        assertion=record.assertion,
        record=json.loads(bundle.envelope.payload),
        enrollment=json.loads(parse_envelope(signer).payload),
        keys=copy.copy(keys),
        index=bundle.proof.index,
    )


def _rebuild_record(parts: Parts, payload: bytes) -> None:
    predicate, assertion = parts.record["predicate"], parts.assertion
    predicate["approval"] = {
        "payloadType": IN_TOTO_PAYLOAD_TYPE,
        "payload": b64_encode(payload),
        "payloadDigest": {"sha256": sha256_hex(payload)},
        "signature": {
            "type": "webauthn",
            "keyId": assertion.key_id,
            "alg": assertion.algorithm,
            "credentialId": b64url_encode(assertion.credential_id),
            "authenticatorData": b64url_encode(assertion.authenticator_data),
            "clientDataJSON": b64url_encode(assertion.client_data_json),
            "signature": b64url_encode(assertion.signature),
        },
    }
    if parts.mirror:
        parts.record["subject"] = parts.statement["subject"]
        predicate.update(mirror_of(parts.statement))
        predicate["enrollment"] = parts.predicate["approver"]["signer"]["enrollment"]


def _rebuild_signer(parts: Parts) -> None:
    """Sign the enrolment again where a lie changed it; the person signed for the digest of the old one."""
    for path in [path for path in parts.files if path.startswith("signers/") and not path.endswith(".revoked.json")]:
        payload = canonical_bytes(parts.enrollment)
        if parse_envelope(parts.files[path]).payload != payload:
            parts.files[path] = canonical_bytes(parts.keys.sign(payload))


def _rebuild_ledger(parts: Parts, envelope: dict[str, Any]) -> tuple[InclusionProof, HeadProof]:
    keys = parts.keys
    keys.leaves = [*keys.leaves[: parts.index], build_dsse_leaf(envelope, keys.recorder_public.pem), b'{"kind":"later"}']
    if parts.log_lie is not None:
        parts.log_lie(keys)
    note, size = keys.checkpoint(), parts.predicate["ceremony"]["logHead"]["size"]
    return InclusionProof(parts.index, keys.inclusion(parts.index), note), HeadProof(size, keys.consistency(size), note)


def _rebuild_copies(parts: Parts, payload: bytes) -> None:
    files, assertion = parts.files, parts.assertion
    files[FIRST + layout.STATEMENT] = payload
    files[FIRST + layout.SIGNED_BYTES] = approval_signed_bytes(payload)
    files[FIRST + layout.HUMAN_ENVELOPE] = canonical_bytes(human_dsse(payload, assertion))
    files.pop(FIRST + layout.HUMAN_SSHSIG, None)
    try:
        enrolled = parse_enrollment(canonical_bytes(parts.enrollment))
    except Refusal:
        return
    ceremony = parts.predicate["ceremony"]
    armor = sshsig_armor(
        key=enrolled.key,
        rp_id=ceremony["rpId"],
        origin=ceremony["origin"],
        namespace=NAMESPACE,
        message=approval_signed_bytes(payload),
        authenticator_data=assertion.authenticator_data,
        client_data_json=assertion.client_data_json,
        signature=assertion.signature,
    )
    if armor is not None:
        files[FIRST + layout.HUMAN_SSHSIG] = armor.encode()
    revoked = [parse_enrollment(parse_envelope(files[path]).payload) for path in files if path.endswith(".revoked.json")]
    # An issuer that OpenSSH has no name for leaves the old list in place.
    with suppress(Refusal):
        files[layout.ALLOWED_SIGNERS] = build_allowed_signers([enrolled], revoked)


def _rebuild_words(files: dict[str, bytes]) -> None:
    folders = sorted(path.removesuffix(layout.RECORD_BUNDLE) for path in files if path.endswith("/" + layout.RECORD_BUNDLE))
    # A statement that cannot be read gives no words; it is refused long before them.
    with suppress(Refusal):
        records = [(folder, parse_record(parse_record_bundle(files[folder + layout.RECORD_BUNDLE]).envelope.payload)) for folder in folders]
        files.update(build_words(records, files.keys()))


def decoded(text: str) -> bytes:
    """Return the bytes of base64 in a record or a bundle."""
    return b64_decode(text, code="test.base64", what="a part")
