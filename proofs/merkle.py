"""Merkle trees of RFC 6962 section 2.1: leaf and node hashes, inclusion and consistency proofs, both made and checked.

Making a proof takes a reader of complete subtree hashes (`node(level, index)`), so a log of any size is never in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from proofs.errors import Unproven

NodeReader = Callable[[int, int], bytes]

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Return SHA-256(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def subtree_root(node: NodeReader, start: int, end: int) -> bytes:
    """Return the hash of leaves [start, end), `start` aligned to the largest complete subtree in the range.

    `node(level, index)` must return the hash of the complete subtree of 2**level leaves number `index`.
    """
    if start == end:
        return EMPTY_ROOT
    parts = []
    position, count = start, end - start
    for level in range(count.bit_length() - 1, -1, -1):
        if count >> level & 1:
            parts.append(node(level, position >> level))
            position += 1 << level
    root = parts.pop()
    while parts:
        root = node_hash(parts.pop(), root)
    return root


def build_inclusion_proof(node: NodeReader, index: int, size: int) -> list[bytes]:
    """Return the audit path of leaf `index` in the tree of `size` leaves, leaf side first."""
    path = []
    low, high = 0, size
    while high - low > 1:
        split = low + (1 << ((high - low - 1).bit_length() - 1))
        if index < split:
            path.append(subtree_root(node, split, high))
            high = split
        else:
            path.append(subtree_root(node, low, split))
            low = split
    return path[::-1]


def build_consistency_proof(node: NodeReader, old_size: int, size: int) -> list[bytes]:
    """Return the proof that the tree of `size` leaves extends the tree of `old_size` leaves."""
    if old_size in (0, size):
        return []
    path = []
    low, high = 0, size
    whole = True
    while old_size != high:
        split = low + (1 << ((high - low - 1).bit_length() - 1))
        if old_size <= split:
            path.append(subtree_root(node, split, high))
            high = split
        else:
            path.append(subtree_root(node, low, split))
            low = split
            whole = False
    if not whole:
        path.append(subtree_root(node, low, high))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes, *, code: str) -> None:
    """Return when `path` leads from the leaf hash at `index` to `root` (RFC 9162 section 2.1.3.2); refuse with `code` otherwise."""
    if not 0 <= index < size:
        raise Unproven(code, f"got leaf index {index} in a tree of {size}, expected an index inside the tree")
    if len(leaf) != 32 or len(root) != 32:
        raise Unproven(code, "got a leaf or a root that is not a hash, expected 32 bytes")
    position, last, value, sha256 = index, size - 1, leaf, hashlib.sha256
    for sibling in path:
        if last == 0 or len(sibling) != 32:
            raise Unproven(code, "the inclusion proof is longer than the tree is high, or holds something that is not a hash")
        if position & 1 or position == last:
            value = sha256(b"\x01" + sibling + value).digest()
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            value = sha256(b"\x01" + value + sibling).digest()
        position >>= 1
        last >>= 1
    if last != 0 or value != root:
        raise Unproven(code, "the inclusion proof does not lead to the root of the checkpoint")


def verify_consistency(old_size: int, size: int, old_root: bytes, root: bytes, path: Sequence[bytes], *, code: str) -> None:
    """Return when the tree (`size`, `root`) extends (`old_size`, `old_root`) (RFC 9162 section 2.1.4.2); refuse with `code` otherwise."""
    if len(old_root) != 32 or len(root) != 32:
        raise Unproven(code, "got a root that is not a hash, expected 32 bytes")
    if old_size == size or old_size == 0:
        if path or (old_size == size and old_root != root) or (old_size == 0 and old_root != EMPTY_ROOT):
            raise Unproven(code, "the older tree is not the beginning of the newer one")
        return
    if old_size > size or not path:
        raise Unproven(code, f"got a tree of {size} leaves, expected one that extends a tree of {old_size}")
    nodes = list(path) if old_size & (old_size - 1) else [old_root, *path]
    position, last = old_size - 1, size - 1
    while position & 1:
        position >>= 1
        last >>= 1
    old_value = value = nodes[0]
    for sibling in nodes[1:]:
        if last == 0 or len(sibling) != 32:
            raise Unproven(code, "the consistency proof is too long, or holds something that is not a hash")
        if position & 1 or position == last:
            old_value = node_hash(sibling, old_value)
            value = node_hash(sibling, value)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            value = node_hash(value, sibling)
        position >>= 1
        last >>= 1
    if last != 0 or old_value != old_root or value != root:
        raise Unproven(code, "the older tree is not the beginning of the newer one: the log was rolled back or forked")
