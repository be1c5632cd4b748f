"""What the log last signed, kept in a file outside the database, so that a database put back in time is noticed.

`frontier` holds the roots of the complete subtrees of the signed tree, largest first: enough to extend it without the old rows.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from proofs.canonical import canonical_bytes, parse_canonical
from proofs.errors import Conflict, Refusal
from proofs.merkle import EMPTY_ROOT, node_hash


@dataclass(frozen=True, slots=True)
class LogState:
    """The last signed tree head: its note, its frontier, and how far the round of re-reading old entries has come."""

    size: int
    frontier: tuple[bytes, ...]
    note: str
    signed_at: str
    audited: int

    @property
    def root(self) -> bytes:
        """The 32-byte root of the tree of this size."""
        return fold_frontier(self.frontier)


EMPTY_STATE = LogState(0, (), "", "", 0)


def fold_frontier(frontier: tuple[bytes, ...]) -> bytes:
    """Return the root of the tree whose complete subtrees, largest first, are `frontier`."""
    if not frontier:
        return EMPTY_ROOT
    root = frontier[-1]
    for left in reversed(frontier[:-1]):
        root = node_hash(left, root)
    return root


def extend_frontier(frontier: tuple[bytes, ...], size: int, leaf: bytes) -> tuple[bytes, ...]:
    """Return the frontier of the tree with `leaf` (a leaf hash) added to a tree of `size` leaves."""
    grown, value = list(frontier), leaf
    while size & 1:
        value = node_hash(grown.pop(), value)
        size >>= 1
    return (*grown, value)


def read_log_state(path: Path) -> LogState | None:
    """Return the state, or None where there is no file. Refuses with `log.state_unreadable` when it is damaged."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        value = parse_canonical(content)
        state = LogState(
            int(value["size"]),
            tuple(bytes.fromhex(item) for item in value["frontier"]),
            str(value["note"]),
            str(value["signedAt"]),
            int(value["audited"]),
        )
    except (Refusal, KeyError, TypeError, ValueError) as error:
        raise Conflict(
            "log.state_unreadable",
            f"the log's state file {path} is damaged; nothing is signed until it is restored",
        ) from error
    if len(state.frontier) != state.size.bit_count():
        raise Conflict(
            "log.state_unreadable",
            f"the log's state file {path} contradicts itself; nothing is signed until it is restored",
        )
    return state


def write_log_state(path: Path, state: LogState) -> None:
    """Replace the state file durably: written beside, synced, renamed, and the folder synced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = canonical_bytes(
        {
            "size": state.size,
            "frontier": [item.hex() for item in state.frontier],
            "note": state.note,
            "signedAt": state.signed_at,
            "audited": state.audited,
        }
    )
    draft = path.with_name(f".{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(draft, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def hold_log_state(path: Path) -> Iterator[None]:
    """Hold the state for this process alone; the kernel lets go when the process dies, however it dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
