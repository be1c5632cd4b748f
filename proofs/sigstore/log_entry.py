"""The transparency log entry of a bundle: when it was logged, that it is in the log, and that it is about this bundle.

One kind is read, `dsse/0.0.1` of Rekor v1; another kind is answered with `evidence.unsupported_log_entry`. Numbers as in
`bundle.py`. Not checked: whether the log shows everyone the same tree, and the entry's `envelopeHash`, which covers the
envelope's original spelling that nobody keeps.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from proofs.canonical import MAX_INTEGER, canonical_bytes, parse_json
from proofs.digest import sha256_hex
from proofs.encoding import b64_decode
from proofs.errors import Malformed, Refusal, TooLarge, Unproven
from proofs.merkle import leaf_hash, verify_inclusion
from proofs.sigstore.rekor_checkpoint import verify_rekor_checkpoint
from proofs.sigstore.shape import demand_fields, demand_object
from proofs.sigstore.trust_root import LogKey, TrustRoot, find_log

KIND, VERSION = "dsse", "0.0.1"
MAX_PROOF_HASHES = 64
CLOCK_SKEW = timedelta(minutes=5)

_FIELDS = {"logIndex", "logId", "kindVersion", "integratedTime", "inclusionPromise", "inclusionProof", "canonicalizedBody"}
_PROOF_FIELDS = {"logIndex", "rootHash", "treeSize", "hashes", "checkpoint"}


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A parsed, unverified entry."""

    log_id: bytes
    index: int
    integrated_time: int
    promise: bytes
    body: bytes
    proof_index: int
    tree_size: int
    root: bytes
    path: tuple[bytes, ...]
    checkpoint: str


def parse_log_entry(unverified: dict[str, Any]) -> LogEntry:
    """Read the shape of an entry; refuses with `tlog.malformed`, `tlog.proof_too_long`, `evidence.unsupported_log_entry`."""
    kind = demand_object(unverified, "kindVersion", {"kind", "version"}, code="tlog.malformed")
    if (kind["kind"], kind["version"]) != (KIND, VERSION):
        got = f"{str(kind['kind'])[:40]}/{str(kind['version'])[:20]}"
        raise Unproven(
            "evidence.unsupported_log_entry", f"got a log entry of kind {got}, expected {KIND}/{VERSION}; other kinds are not read yet"
        )
    demand_fields(unverified, _FIELDS, code="tlog.malformed", what="the log entry")
    log_id = demand_object(unverified, "logId", {"keyId"}, code="tlog.malformed")
    promise = demand_object(unverified, "inclusionPromise", {"signedEntryTimestamp"}, code="tlog.malformed")
    proof = demand_object(unverified, "inclusionProof", _PROOF_FIELDS, code="tlog.malformed")
    checkpoint = demand_object(proof, "checkpoint", {"envelope"}, code="tlog.malformed")["envelope"]
    hashes = proof["hashes"]
    if not isinstance(hashes, list) or not isinstance(checkpoint, str):
        raise Malformed("tlog.malformed", "expected the inclusion proof to have a list of hashes and a checkpoint text")
    if len(hashes) > MAX_PROOF_HASHES:
        raise TooLarge("tlog.proof_too_long", f"got {len(hashes)} hashes in the inclusion proof, expected at most {MAX_PROOF_HASHES}")
    return LogEntry(
        log_id=_decode(log_id["keyId"], "the log id"),
        index=_number(unverified["logIndex"]),
        integrated_time=_number(unverified["integratedTime"]),
        promise=_decode(promise["signedEntryTimestamp"], "the log's promise"),
        body=_decode(unverified["canonicalizedBody"], "the entry's body"),
        proof_index=_number(proof["logIndex"]),
        tree_size=_number(proof["treeSize"]),
        root=_decode(proof["rootHash"], "the root hash"),
        path=tuple(_decode(item, "a proof hash") for item in hashes),
        checkpoint=checkpoint,
    )


def verify_log_entry(entry: LogEntry, *, trust_root: TrustRoot, received_at: datetime) -> datetime:
    """Return when the log took the entry in, proven by its promise, its tree and its checkpoint.

    Refuses with `tlog.unknown_log`, `tlog.key_window`, `tlog.promise`, `tlog.time_in_future`, `tlog.inclusion`,
    `tlog.checkpoint_*`. Does not look at what the entry is about.
    """
    # 2. We know the log, and trusted its key at the time it claims.
    logged_at = _logged_at(entry)
    log = _trusted_log(entry, trust_root, logged_at)
    # 3. The log promised, at that time, to include exactly this body at this index: that is the signing time.
    promised = {
        "body": base64.b64encode(entry.body).decode(),
        "integratedTime": entry.integrated_time,
        "logID": entry.log_id.hex(),
        "logIndex": entry.index,
    }
    log.key.verify(entry.promise, canonical_bytes(promised), code="tlog.promise", what="the log's promise")
    # The difference always exists; the sum does not, in the last minutes of the year 9999.
    if logged_at - received_at > CLOCK_SKEW:
        raise Unproven("tlog.time_in_future", f"logged at {logged_at:%Y-%m-%dT%H:%M:%SZ}, which is after it was received")
    # 4. It kept the promise: the body is a leaf of a tree whose head the log signed.
    verify_inclusion(leaf_hash(entry.body), entry.proof_index, entry.tree_size, entry.path, entry.root, code="tlog.inclusion")
    checkpoint = verify_rekor_checkpoint(entry.checkpoint, log=log)
    if checkpoint.size != entry.tree_size or not hmac.compare_digest(checkpoint.root, entry.root):
        raise Unproven("tlog.checkpoint_mismatch", "the signed checkpoint is of another tree than the inclusion proof")
    return logged_at


def verify_body_binding(entry: LogEntry, *, payload: bytes, signature: bytes, certificate: x509.Certificate) -> None:
    """Return when the entry's body is about this payload, this signature and this certificate, and nothing else.

    Refuses with `tlog.entry_mismatch` otherwise. Without this step any entry of the log would do for any bundle.
    """
    # 9. The entry is about this very bundle.
    try:
        body = parse_json(entry.body)
        demand_fields(body, {"apiVersion", "kind", "spec"}, code="tlog.entry_mismatch", what="the entry's body")
        spec = demand_object(body, "spec", {"envelopeHash", "payloadHash", "signatures"}, code="tlog.entry_mismatch")
        signers = spec["signatures"]
        if not isinstance(signers, list) or len(signers) != 1:
            raise Unproven("tlog.entry_mismatch", "the log entry is not about exactly one signature")
        demand_fields(signers[0], {"signature", "verifier"}, code="tlog.entry_mismatch", what="the entry's signature")
        logged_signature = b64_decode(signers[0]["signature"], code="tlog.entry_mismatch", what="the logged signature")
        logged_verifier = b64_decode(signers[0]["verifier"], code="tlog.entry_mismatch", what="the logged verifier")
    except Refusal as refusal:
        raise Unproven("tlog.entry_mismatch", f"the log entry's body is not a dsse entry: {refusal.reason}") from refusal
    if (body["kind"], body["apiVersion"]) != (KIND, VERSION):
        raise Unproven("tlog.entry_mismatch", "the log entry's body is of another kind than the entry says")
    if spec["payloadHash"] != {"algorithm": "sha256", "value": sha256_hex(payload)}:
        raise Unproven("tlog.entry_mismatch", "the log entry is about another payload than the bundle carries")
    if logged_signature != signature:
        raise Unproven("tlog.entry_mismatch", "the log entry is about another signature than the bundle carries")
    if logged_verifier != certificate.public_bytes(serialization.Encoding.PEM):
        raise Unproven("tlog.entry_mismatch", "the log entry is about another certificate than the bundle carries")


def _trusted_log(entry: LogEntry, trust_root: TrustRoot, logged_at: datetime) -> LogKey:
    logs = [log for log in find_log(trust_root.logs, entry.log_id) if log.is_named_by_key_hash]
    if not logs:
        raise Unproven("tlog.unknown_log", "the entry is from a log that the trust root does not know")
    for log in logs:
        if log.window.contains(logged_at):
            return log
    raise Unproven("tlog.key_window", f"the log's key was not trusted at {logged_at:%Y-%m-%dT%H:%M:%SZ}")


def _logged_at(entry: LogEntry) -> datetime:
    try:
        return datetime.fromtimestamp(entry.integrated_time, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Malformed("tlog.malformed", f"got the time {entry.integrated_time}, expected seconds since 1970") from error


def _decode(unverified_text: object, what: str) -> bytes:
    return b64_decode(unverified_text, code="tlog.malformed", what=what)


def _number(value: object) -> int:
    # Protobuf writes 64-bit integers as decimal text; one spelling each.
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 16 and str(int(value)) == value:
        value = int(value)
    if type(value) is not int or not 0 <= value <= MAX_INTEGER:
        raise Malformed("tlog.malformed", f"got {str(value)[:40]!r}, expected a whole number")
    return value
