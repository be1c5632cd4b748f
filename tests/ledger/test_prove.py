"""Proofs made from stored rows verify with the pure verifier, for every size up to seventy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ledger.models import Entry
from ledger.prove import (
    checkpoint_covering,
    latest_checkpoint,
    prove_consistency,
    prove_inclusion,
    tree_root,
)
from ledger.publish import publish_checkpoint
from proofs.errors import NotFound
from proofs.merkle import EMPTY_ROOT, node_hash, verify_consistency, verify_inclusion
from tests.make_ledger import NOW, make_entries, use_own_keys

pytestmark = pytest.mark.django_db
SIZE = 70


def plain_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word, as a second opinion."""
    if len(leaves) < 2:
        return leaves[0] if leaves else EMPTY_ROOT
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(plain_root(leaves[:split]), plain_root(leaves[split:]))


def test_every_entry_is_proved_in_every_tree() -> None:
    leaves = [bytes(entry.leaf_hash) for entry in make_entries(SIZE)]
    for size in range(1, SIZE + 1):
        root = plain_root(leaves[:size])
        assert tree_root(size) == root
        for index in range(0, size, 1 if size in (1, 2, 3, 31, 32, 33, 63, 64, 65, SIZE) else 7):
            verify_inclusion(leaves[index], index, size, prove_inclusion(index, size), root, code="t")


def test_every_tree_is_proved_to_extend_every_older_one() -> None:
    leaves = [bytes(entry.leaf_hash) for entry in make_entries(SIZE)]
    roots = [plain_root(leaves[:size]) for size in range(SIZE + 1)]
    for size in range(SIZE + 1):
        for old in range(0, size + 1, 1 if size in (8, 33, 64, SIZE) else 5):
            verify_consistency(
                old,
                size,
                roots[old],
                roots[size],
                prove_consistency(old, size),
                code="t",
            )


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0), (0, 4), (9, 4)])
def test_refuses_to_prove_what_is_not_there(index: int, size: int) -> None:
    make_entries(3)
    with pytest.raises(NotFound) as refusal:
        prove_inclusion(index, size)
    assert refusal.value.code == "log.no_such_entry"


@pytest.mark.parametrize(("old", "size"), [(-1, 3), (3, 2), (0, 4)])
def test_refuses_to_prove_trees_that_never_were(old: int, size: int) -> None:
    make_entries(3)
    with pytest.raises(NotFound) as refusal:
        prove_consistency(old, size)
    assert refusal.value.code == "log.no_such_tree"


def test_finds_the_checkpoint_that_covers_an_entry(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)
    assert latest_checkpoint() is None
    make_entries(3)
    publish_checkpoint(now=NOW)
    make_entries(2)
    assert checkpoint_covering(3) is None
    publish_checkpoint(now=NOW)
    sizes = {index: found.size for index in range(Entry.objects.count()) if (found := checkpoint_covering(index))}
    assert sizes == {0: 3, 1: 3, 2: 3, 3: 5, 4: 5}
    newest = latest_checkpoint()
    assert newest is not None and newest.size == 5
