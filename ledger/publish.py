"""Sign the tree head, in a process of its own, and only for a tree that extends the last one signed.

The argument, in this order; the first step that fails refuses with `log.rollback_or_fork` and nothing is signed:

1. The database holds at least as many entries as were last signed.
2. The last signed tree, kept outside the database, is extended by the bodies of the new entries, read and hashed here.
3. The stored hashes give the same root, both for the last signed tree and for the new one.
4. A slice of the old entries, another one each time, is read again: their bodies still lead to the signed root.
5. The newest checkpoint row, should it be ahead of the state file, is signed by this log's key and is a tree of these entries.

The state file is written before the row. Killed in between, the next run stores the note that the file remembers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction

from ledger.keys import load_log_key, refuse_renamed_log
from ledger.log_state import (
    EMPTY_STATE,
    LogState,
    extend_frontier,
    hold_log_state,
    read_log_state,
    write_log_state,
)
from ledger.models import Checkpoint, Entry
from ledger.prove import latest_checkpoint, tree_root
from ledger.tree import current_size, read_hashes
from proofs.checkpoint import Checkpoint as TreeHead
from proofs.checkpoint import NoteKey, sign_checkpoint, verify_checkpoint
from proofs.errors import Conflict, Refusal
from proofs.merkle import leaf_hash, node_hash, subtree_root
from proofs.moment import rfc3339

AUDIT_LEVEL = 10
READ_BATCH = 512


def publish_checkpoint(*, now: datetime) -> Checkpoint | None:
    """Sign and store the tree head when there are new entries; return the newest checkpoint, or None for an empty ledger.

    Refuses with `log.rollback_or_fork`, `log.state_missing`, `log.state_unreadable`, `log.renamed` or `ledger.key_missing`, and then
    signs nothing. Safe to kill anywhere, safe to run twice at a time. Does not check what entries say.
    """
    path = Path(settings.LOG_STATE_FILE)
    with hold_log_state(path):
        state = _read_state(path)
        _store_row(state)
        size = current_size()
        if size < state.size:  # 1
            raise Conflict(
                "log.rollback_or_fork",
                f"the ledger has {size} entries, but a tree of {state.size} was signed: it was rolled back",
            )
        grown = _extend(state, size)
        _compare_stored_hashes(state, grown)
        _reread_slice(grown)
        ahead = _row_ahead(state, grown)
        grown = replace(grown, audited=_next_slice(grown))
        if ahead is not None and ahead.size == size:
            grown = replace(grown, note=ahead.note, signed_at=rfc3339(ahead.signed_at))
        elif size > state.size:
            refuse_renamed_log()
            head = TreeHead(settings.LOG_ORIGIN, grown.size, grown.root)
            grown = replace(
                grown,
                note=sign_checkpoint(head, load_log_key()),
                signed_at=rfc3339(now),
            )
        if grown != state:
            write_log_state(path, grown)
        _store_row(grown)
        return latest_checkpoint()


def _read_state(path: Path) -> LogState:
    state = read_log_state(path)
    if state is not None:
        return state
    if Checkpoint.objects.exists():
        raise Conflict(
            "log.state_missing",
            f"tree heads were signed, but {path} is gone; restore it, or nothing tells a rolled-back ledger from a true one",
        )
    return EMPTY_STATE


def _extend(state: LogState, size: int) -> LogState:
    frontier = state.frontier
    for index, body in _bodies(state.size, size):  # 2
        frontier = extend_frontier(frontier, index, leaf_hash(body))
    return replace(state, size=size, frontier=frontier)


def _compare_stored_hashes(state: LogState, grown: LogState) -> None:
    for expected in (state, grown):  # 3
        if tree_root(expected.size) != expected.root:
            raise Conflict(
                "log.rollback_or_fork",
                f"the ledger's first {expected.size} entries do not give the root that {'was signed' if expected is state else 'their bodies give'}",
            )


def _reread_slice(grown: LogState) -> None:
    first = grown.audited
    last = min(first + (1 << AUDIT_LEVEL), grown.size)
    bodies = {index: leaf_hash(body) for index, body in _bodies(first, last)}

    def rederive(level: int, index: int) -> bytes:
        start, end = index << level, (index + 1) << level
        if end <= first or start >= last:
            return read_hashes([(level, index)])[level, index]
        if level == 0:
            return bodies[index]
        return node_hash(rederive(level - 1, index * 2), rederive(level - 1, index * 2 + 1))

    if subtree_root(rederive, 0, grown.size) != grown.root:  # 4
        raise Conflict(
            "log.rollback_or_fork",
            f"an entry between {first} and {last - 1} is not what it was when the tree was signed",
        )


def _next_slice(grown: LogState) -> int:
    following = grown.audited + (1 << AUDIT_LEVEL)
    return following if following < grown.size else 0


def _row_ahead(state: LogState, grown: LogState) -> Checkpoint | None:
    """Return the newest row when it is ahead of the state file, which then came back from a copy: believed only when all agrees."""
    newest = latest_checkpoint()
    if newest is None or newest.size <= state.size:
        return None
    if newest.size > grown.size:  # 5
        raise Conflict(
            "log.rollback_or_fork",
            f"the ledger has {grown.size} entries, but a tree of {newest.size} was signed: it was rolled back",
        )
    key = NoteKey(settings.LOG_ORIGIN, load_log_key().public_key().public_bytes_raw())
    try:
        signed = verify_checkpoint(newest.note, key)
    except Refusal as error:
        raise Conflict(
            "log.rollback_or_fork",
            f"the stored checkpoint of {newest.size} entries does not verify: {error.reason}",
        ) from error
    if (signed.size, signed.root) != (newest.size, tree_root(newest.size)):
        raise Conflict(
            "log.rollback_or_fork",
            f"another tree of {newest.size} entries was signed before: the log was forked",
        )
    return newest


def _store_row(state: LogState) -> None:
    if not state.size:
        return
    with transaction.atomic():
        known = Checkpoint.objects.filter(size=state.size).first()
        if known is None:
            Checkpoint(
                size=state.size,
                root=state.root,
                note=state.note,
                signed_at=datetime.fromisoformat(state.signed_at),
            ).save()
        elif bytes(known.root) != state.root or known.note != state.note:
            raise Conflict(
                "log.rollback_or_fork",
                f"the stored checkpoint of {state.size} entries is not the one that was signed",
            )


def _bodies(first: int, last: int) -> Iterator[tuple[int, bytes]]:
    """Yield (index, body) for every entry in [first, last); a gap refuses."""
    expected = first
    while expected < last:
        rows = list(
            Entry.objects.filter(index__gte=expected, index__lt=min(expected + READ_BATCH, last))
            .order_by("index")
            .values_list("index", "body")
        )
        for index, body in rows:
            if index != expected:
                break
            yield index, bytes(body)
            expected += 1
        if not rows or rows[-1][0] != expected - 1:
            raise Conflict(
                "log.rollback_or_fork",
                f"the ledger has no entry {expected}: it was removed",
            )
