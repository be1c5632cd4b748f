"""Proofs from stored entries: that an entry is in the tree, and that a newer tree extends an older one.

A proof is worth what the checkpoint's signature is worth; it is verified with `proofs.merkle` and `proofs.checkpoint`.
"""

from __future__ import annotations

from ledger.models import Checkpoint
from ledger.tree import build_from_tree, current_size
from proofs.errors import NotFound
from proofs.merkle import build_consistency_proof, build_inclusion_proof, subtree_root


def latest_checkpoint() -> Checkpoint | None:
    """Return the newest signed tree head, or None when none was signed yet."""
    return Checkpoint.objects.order_by("-size").first()


def checkpoint_covering(index: int) -> Checkpoint | None:
    """Return the oldest signed tree head that holds the entry at `index`, or None when none does yet."""
    return Checkpoint.objects.filter(size__gt=index).order_by("size").first()


def prove_inclusion(index: int, size: int) -> list[bytes]:
    """Return the audit path of the entry at `index` in the tree of `size` entries.

    Refuses with `log.no_such_entry` when the tree has no such entry, or the ledger has no such tree.
    """
    if not 0 <= index < size <= current_size():
        raise NotFound("log.no_such_entry", f"the ledger has no entry {index} in a tree of {size}")
    return build_from_tree(lambda node: build_inclusion_proof(node, index, size))


def prove_consistency(old_size: int, size: int) -> list[bytes]:
    """Return the proof that the tree of `size` entries extends the tree of `old_size`.

    Refuses with `log.no_such_tree` when the ledger never had those sizes in that order.
    """
    if not 0 <= old_size <= size <= current_size():
        raise NotFound(
            "log.no_such_tree",
            f"the ledger has no tree of {old_size} entries followed by one of {size}",
        )
    return build_from_tree(lambda node: build_consistency_proof(node, old_size, size))


def tree_root(size: int) -> bytes:
    """Return the root of the first `size` entries as the stored hashes give it. Refuses with `log.no_such_tree`."""
    if not 0 <= size <= current_size():
        raise NotFound("log.no_such_tree", f"the ledger has no tree of {size} entries")
    return build_from_tree(lambda node: subtree_root(node, 0, size))
