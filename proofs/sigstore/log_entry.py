"""The transparency log entry of a bundle: when it was logged, and that it is in the log.

Entries of Rekor v1, of the kinds in `log_body.py`, which holds them against the bundle; another kind is answered with
`evidence.unsupported_log_entry`. Numbers as in `bundle.py`. Not checked: whether the log shows everyone the same tree.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from proofs.canonical import MAX_INTEGER, canonical_bytes
from proofs.encoding import b64_decode
from proofs.errors import Malformed, TooLarge, Unproven
from proofs.merkle import leaf_hash, verify_inclusion
from proofs.sigstore.log_body import KINDS
from proofs.sigstore.rekor_checkpoint import verify_rekor_checkpoint
from proofs.sigstore.shape import demand_fields, demand_object
from proofs.sigstore.trust_root import LogKey, TrustRoot, find_log

MAX_PROOF_HASHES = 64
CLOCK_SKEW = timedelta(minutes=5)

_FIELDS = {"logIndex", "logId", "kindVersion", "integratedTime", "inclusionPromise", "canonicalizedBody"}
_PROOF_FIELDS = {"logIndex", "rootHash", "treeSize", "hashes", "checkpoint"}


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """A parsed, unverified proof that the entry is in the log's tree."""

    index: int
    tree_size: int
    root: bytes
    path: tuple[bytes, ...]
    checkpoint: str


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A parsed, unverified entry. Only a bundle of version 0.1 may come without a `proof`."""

    kind: tuple[str, str]
    log_id: bytes
    index: int
    integrated_time: int
    promise: bytes
    body: bytes
    proof: InclusionProof | None


def parse_log_entry(unverified: dict[str, Any], *, may_lack_proof: bool = False) -> LogEntry:
    """Read the shape of an entry; refuses with `tlog.malformed`, `tlog.proof_too_long`, `evidence.unsupported_log_entry`."""
    kind = demand_object(unverified, "kindVersion", {"kind", "version"}, code="tlog.malformed")
    if (kind["kind"], kind["version"]) not in KINDS:
        got, known = f"{str(kind['kind'])[:40]}/{str(kind['version'])[:20]}", " or ".join("/".join(known) for known in KINDS)
        raise Unproven("evidence.unsupported_log_entry", f"got a log entry of kind {got}, expected {known}; other kinds are not read yet")
    required, optional = (_FIELDS, {"inclusionProof"}) if may_lack_proof else (_FIELDS | {"inclusionProof"}, frozenset[str]())
    demand_fields(unverified, required, optional=optional, code="tlog.malformed", what="the log entry")
    log_id = demand_object(unverified, "logId", {"keyId"}, code="tlog.malformed")
    promise = demand_object(unverified, "inclusionPromise", {"signedEntryTimestamp"}, code="tlog.malformed")
    return LogEntry(
        kind=(kind["kind"], kind["version"]),
        log_id=_decode(log_id["keyId"], "the log id"),
        index=_number(unverified["logIndex"]),
        integrated_time=_number(unverified["integratedTime"]),
        promise=_decode(promise["signedEntryTimestamp"], "the log's promise"),
        body=_decode(unverified["canonicalizedBody"], "the entry's body"),
        proof=_parse_proof(unverified) if "inclusionProof" in unverified else None,
    )


def verify_log_entry(entry: LogEntry, *, trust_root: TrustRoot, received_at: datetime) -> datetime:
    """Return when the log took the entry in, proven by its promise and, where it has one, its proof and checkpoint.

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
    if entry.proof is not None:
        _verify_proof(entry.proof, entry.body, log)
    return logged_at


def _verify_proof(proof: InclusionProof, body: bytes, log: LogKey) -> None:
    verify_inclusion(leaf_hash(body), proof.index, proof.tree_size, proof.path, proof.root, code="tlog.inclusion")
    checkpoint = verify_rekor_checkpoint(proof.checkpoint, log=log)
    if checkpoint.size != proof.tree_size or not hmac.compare_digest(checkpoint.root, proof.root):
        raise Unproven("tlog.checkpoint_mismatch", "the signed checkpoint is of another tree than the inclusion proof")


def _parse_proof(unverified: dict[str, Any]) -> InclusionProof:
    proof = demand_object(unverified, "inclusionProof", _PROOF_FIELDS, code="tlog.malformed")
    checkpoint = demand_object(proof, "checkpoint", {"envelope"}, code="tlog.malformed")["envelope"]
    hashes = proof["hashes"]
    if not isinstance(hashes, list) or not isinstance(checkpoint, str):
        raise Malformed("tlog.malformed", "expected the inclusion proof to have a list of hashes and a checkpoint text")
    if len(hashes) > MAX_PROOF_HASHES:
        raise TooLarge("tlog.proof_too_long", f"got {len(hashes)} hashes in the inclusion proof, expected at most {MAX_PROOF_HASHES}")
    return InclusionProof(
        index=_number(proof["logIndex"]),
        tree_size=_number(proof["treeSize"]),
        root=_decode(proof["rootHash"], "the root hash"),
        path=tuple(_decode(item, "a proof hash") for item in hashes),
        checkpoint=checkpoint,
    )


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
