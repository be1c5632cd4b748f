"""Write a line into the ledger, inside the transaction of the act that it is about.

One locked row gives the index, so there are no gaps and no two entries with one index. The hashes of the subtrees that the
entry completes are written with it: a constant number of rows on average. Signing tree heads is `ledger.publish`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from ledger.models import Entry, Head, Node
from ledger.recorder import recorder_key
from ledger.rehearse import is_rehearsed
from ledger.tree import read_hashes
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import TooLarge
from proofs.leaf import build_dsse_leaf, build_event_leaf
from proofs.merkle import leaf_hash, node_hash
from proofs.moment import rfc3339

# The tiles of a log write the length of a leaf in two bytes.
MAX_LEAF_BYTES = 65_535


def append_event(*, event: str, ref_digest: str, actor: str, now: datetime) -> Entry:
    """Append that `event` happened to the document with SHA-256 `ref_digest`, done by `actor` (a pseudonym, `h:<hex>`).

    Refuses with `ledger.leaf_too_large`. Must run inside the caller's transaction. Does not check that the document exists.
    """
    body = build_event_leaf(event=event, at=rfc3339(now), ref_digest=ref_digest, actor=actor)
    return _append(event=event, ref_digest=ref_digest, body=body, now=now)


def append_dsse(*, event: str, envelope: dict[str, Any], now: datetime) -> Entry:
    """Append an envelope signed by the recorder's key; the entry's reference is the digest of the envelope's canonical bytes.

    Refuses with `ledger.leaf_too_large`. Must run inside the caller's transaction. Does not verify the envelope's signature.
    """
    body = build_dsse_leaf(envelope, recorder_key().pem)
    return _append(
        event=event,
        ref_digest=sha256_hex(canonical_bytes(envelope)),
        body=body,
        now=now,
    )


def hold_ledger() -> None:
    """Wait for the lock that every entry takes, and hold it until the caller's transaction ends. For what must not pass an entry by.

    A rehearsal does not wait: nothing of it is kept."""
    if not is_rehearsed():
        _lock_head()


def _append(*, event: str, ref_digest: str, body: bytes, now: datetime) -> Entry:
    if not connection.in_atomic_block:
        raise RuntimeError("a ledger entry is appended in the transaction of the act it is about")
    if len(body) > MAX_LEAF_BYTES:
        raise TooLarge("ledger.leaf_too_large", f"got a ledger entry of {len(body)} bytes, expected at most {MAX_LEAF_BYTES}")
    if is_rehearsed():
        # It has no index, so nothing can rest on it.
        return Entry(event=event, body=body, leaf_hash=leaf_hash(body), ref_digest=ref_digest, appended_at=now)
    head = _lock_head()
    entry = Entry(
        index=head.size,
        event=event,
        body=body,
        leaf_hash=leaf_hash(body),
        ref_digest=ref_digest,
        appended_at=now,
    )
    entry.save()
    _write_completed_subtrees(entry.index, bytes(entry.leaf_hash))
    head.size += 1
    head.save(update_fields=["size"])
    return entry


def _lock_head() -> Head:
    head = Head.objects.select_for_update(no_key=True).first()
    if head is None:
        # The first entry of all: two processes may both get here, one inserts, and both then queue for the lock.
        Head.objects.bulk_create([Head(id=1, size=0)], ignore_conflicts=True)
        head = Head.objects.select_for_update(no_key=True).get()
    return head


def _write_completed_subtrees(index: int, leaf: bytes) -> None:
    """Write the hash of every subtree whose last leaf is `index`: one for each trailing one-bit of the index."""
    siblings = []
    position, level = index, 0
    while position & 1:
        siblings.append((level, position - 1))
        position >>= 1
        level += 1
    stored = read_hashes(siblings)
    nodes, value = [], leaf
    for level, left in siblings:
        value = node_hash(stored[level, left], value)
        nodes.append(Node(level=level + 1, index=left >> 1, hash=value))
    Node.objects.bulk_create(nodes)
