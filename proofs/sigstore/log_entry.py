"""The transparency log entry of a bundle: when it was logged, and that it is in the log.

Entries of Rekor v1 and v2, of the kinds in `log_body.py`, which holds them against the bundle; another kind is answered with
`evidence.unsupported_log_entry`. Numbers as in `bundle.py`. Not checked: whether the log shows everyone the same tree.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from proofs.canonical import MAX_INTEGER
from proofs.encoding import b64_decode
from proofs.errors import Malformed, TooLarge, Unproven
from proofs.merkle import leaf_hash, verify_inclusion
from proofs.sigstore.log_body import HASHEDREKORD_V2, KINDS
from proofs.sigstore.rekor_checkpoint import verify_rekor_checkpoint
from proofs.sigstore.shape import demand_fields, demand_object
from proofs.sigstore.trust_root import LogKey, TrustRoot, find_log

MAX_PROOF_HASHES = 64
CLOCK_SKEW = timedelta(minutes=5)

_FIELDS = frozenset({"logIndex", "logId", "kindVersion", "canonicalizedBody"})
_PROMISE_FIELDS = frozenset({"integratedTime", "inclusionPromise"})
_KNOWN_FIELDS = _FIELDS | _PROMISE_FIELDS | {"inclusionProof"}
_FIELDS_OF_A_PROOF, _FIELDS_OF_A_PROMISE = _FIELDS | {"inclusionProof"}, _FIELDS | _PROMISE_FIELDS
_TIME_FIELDS = frozenset({"integratedTime"})
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
    """A parsed, unverified entry. Without `promise` it proves no time; only a bundle of version 0.1 may come without `proof`."""

    kind: tuple[str, str]
    log_id: bytes
    index: int
    integrated_time: int | None
    promise: bytes | None
    body: bytes
    body_text: str
    proof: InclusionProof | None

    @property
    def is_v2(self) -> bool:
        """Whether Rekor v2 wrote it: such a log promises nothing and tells no time."""
        return self.kind == HASHEDREKORD_V2


def parse_log_entry(unverified: dict[str, Any], *, may_lack_proof: bool = False) -> LogEntry:
    """Read the shape of an entry; refuses with `tlog.malformed`, `tlog.proof_too_long`, `evidence.unsupported_log_entry`."""
    stated = demand_object(unverified, "kindVersion", {"kind", "version"}, code="tlog.malformed")
    kind = (stated["kind"], stated["version"])
    if kind not in KINDS:
        got, known = f"{str(kind[0])[:40]}/{str(kind[1])[:20]}", " or ".join("/".join(known) for known in KINDS)
        raise Unproven("evidence.unsupported_log_entry", f"got a log entry of kind {got}, expected {known}; other kinds are not read yet")
    # Protobuf's JSON may write an absent field as null; one that nobody knows is refused whatever it holds.
    demand_fields(unverified, frozenset(), optional=_KNOWN_FIELDS, code="tlog.malformed", what="the log entry")
    given = {name: value for name, value in unverified.items() if value is not None} if None in unverified.values() else dict(unverified)
    if may_lack_proof and _lacks_checkpoint(given.get("inclusionProof")):
        # A root that nobody signed proves nothing: such a proof, which version 0.1 knows, is none.
        del given["inclusionProof"]
    is_v2 = kind == HASHEDREKORD_V2
    # What is missing must leave something that proves inclusion, or for version 0.1 at least a promise of it.
    required = _FIELDS_OF_A_PROMISE if may_lack_proof else _FIELDS_OF_A_PROOF
    optional = _TIME_FIELDS if is_v2 and not may_lack_proof else _KNOWN_FIELDS
    demand_fields(given, required, optional=optional, code="tlog.malformed", what="the log entry")
    entry = LogEntry(
        kind=kind,
        log_id=_decode(demand_object(unverified, "logId", {"keyId"}, code="tlog.malformed")["keyId"], "the log id"),
        index=_number(unverified["logIndex"]),
        integrated_time=_number(unverified["integratedTime"]) if "integratedTime" in given else None,
        promise=_parse_promise(unverified) if "inclusionPromise" in given else None,
        body=_decode(unverified["canonicalizedBody"], "the entry's body"),
        body_text=unverified["canonicalizedBody"],
        proof=_parse_proof(unverified) if "inclusionProof" in given else None,
    )
    if entry.promise is not None and not entry.integrated_time:
        raise Malformed("tlog.malformed", "got a promise without the time it was made, expected both")
    if is_v2 and entry.proof is not None and entry.proof.index != entry.index:
        raise Malformed("tlog.malformed", f"got log index {entry.index} and a proof for index {entry.proof.index}, expected the same")
    return entry


def verify_promise(entry: LogEntry, *, trust_root: TrustRoot) -> datetime:
    """Return when the log promised, in so many words, to include exactly this body at this index.

    Refuses with `tlog.unknown_log`, `tlog.key_window`, `tlog.promise`, `tlog.malformed`. Only entries of Rekor v1 carry a promise.
    """
    # 2. We know the log, and trusted its key at the time it claims.
    logged_at = _logged_at(entry)
    log = verify_log_key(entry, trust_root=trust_root, times=[logged_at])
    # 3. The log promised, at that time, to include exactly this body at this index: that is a signing time.
    # Its RFC 8785 form, written out: base64, hex and whole numbers below 2^53 are spelled the same in it, and the keys are in order.
    # The body's text is the one spelling of its bytes, or it would not have been read.
    promised = (
        f'{{"body":"{entry.body_text}","integratedTime":{entry.integrated_time},"logID":"{entry.log_id.hex()}","logIndex":{entry.index}}}'
    )
    log.key.verify(entry.promise or b"", promised.encode(), code="tlog.promise", what="the log's promise")
    return logged_at


def verify_log_key(entry: LogEntry, *, trust_root: TrustRoot, times: Sequence[datetime]) -> LogKey:
    """Return the key of the entry's log that was trusted at each of `times`; refuses with `tlog.unknown_log`, `tlog.key_window`."""
    # 2. An id is derived from the key in one way by Rekor v1 and in another by v2; a log under another id is another log.
    logs = [
        log for log in find_log(trust_root.logs, entry.log_id) if log.is_named_by_key_hash or (entry.is_v2 and log.is_named_by_note_key)
    ]
    if not logs:
        raise Unproven("tlog.unknown_log", "the entry is from a log that the trust root does not know")
    for log in logs:
        if all(log.window.contains(time) for time in times):
            return log
    raise Unproven("tlog.key_window", f"the log's key was not trusted at {', '.join(f'{time:%Y-%m-%dT%H:%M:%SZ}' for time in times)}")


def verify_inclusion_in_log(entry: LogEntry, log: LogKey) -> None:
    """Return when the entry's body is a leaf of a tree whose head `log` signed, or when it carries no proof.

    Refuses with `tlog.inclusion`, `tlog.checkpoint_*`. Does not look at what the entry is about.
    """
    # 4. The log kept its promise: the body is a leaf of a tree whose head the log signed.
    proof = entry.proof
    if proof is None:
        return
    verify_inclusion(leaf_hash(entry.body), proof.index, proof.tree_size, proof.path, proof.root, code="tlog.inclusion")
    checkpoint = verify_rekor_checkpoint(proof.checkpoint, log=log)
    if checkpoint.size != proof.tree_size or not hmac.compare_digest(checkpoint.root, proof.root):
        raise Unproven("tlog.checkpoint_mismatch", "the signed checkpoint is of another tree than the inclusion proof")


def _lacks_checkpoint(proof: object) -> bool:
    return isinstance(proof, dict) and proof.get("checkpoint") is None


def _parse_promise(unverified: dict[str, Any]) -> bytes:
    promise = demand_object(unverified, "inclusionPromise", {"signedEntryTimestamp"}, code="tlog.malformed")
    return _decode(promise["signedEntryTimestamp"], "the log's promise")


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
        path=tuple([b64_decode(item, code="tlog.malformed", what="a proof hash") for item in hashes]),
        checkpoint=checkpoint,
    )


def _logged_at(entry: LogEntry) -> datetime:
    try:
        return datetime.fromtimestamp(entry.integrated_time or 0, UTC)
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
