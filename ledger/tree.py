"""Reading the stored hashes of the tree. A leaf's hash stands in its entry; the rows of `Node` begin one level above.

What is read here is what the database says; `ledger.publish` is where it is compared with what was signed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from django.db.models import Q

from ledger.models import Entry, Head, Node
from proofs.errors import Conflict
from proofs.merkle import NodeReader

Place = tuple[int, int]
Built = TypeVar("Built")


def current_size() -> int:
    """Return how many entries are committed."""
    return Head.objects.values_list("size", flat=True).first() or 0


def read_hashes(places: Iterable[Place]) -> dict[Place, bytes]:
    """Return the hashes at `places` (level, index), with at most two queries.

    Refuses with `log.rollback_or_fork` when one that belongs to the tree is not there.
    """
    wanted = set(places)
    leaves = [index for level, index in wanted if level == 0]
    found: dict[Place, bytes] = {}
    if leaves:
        rows = Entry.objects.filter(index__in=leaves).values_list("index", "leaf_hash")
        found.update({(0, index): bytes(value) for index, value in rows})
    condition = Q()
    for level, index in wanted:
        if level:
            condition |= Q(level=level, index=index)
    if condition:
        nodes = Node.objects.filter(condition).values_list("level", "index", "hash")
        found.update({(level, index): bytes(value) for level, index, value in nodes})
    if missing := wanted - found.keys():
        raise Conflict(
            "log.rollback_or_fork",
            f"the ledger lacks the hash at level, index {min(missing)}; rows were removed",
        )
    return found


def build_from_tree(build: Callable[[NodeReader], Built]) -> Built:
    """Return what `build` makes of the stored hashes: it runs once to learn which it asks for, and again with their values."""
    asked: list[Place] = []

    def note_place(level: int, index: int) -> bytes:
        asked.append((level, index))
        return b"\x00" * 32

    build(note_place)
    stored = read_hashes(asked)
    return build(lambda level, index: stored[level, index])
