"""Other spellings of the names we read: `external_parameters` or `ExternalParameters` for `externalParameters`.

Readers of the same JSON differ: some take snake case as well, some ignore case, and of two spellings some take the last one. What stands
under another spelling is therefore known to be there and never read. Which names may stand in free lists of a signer's own is not checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_SHORT = 64


class Names:
    """The names that are read in one kind of object."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._by_letters: dict[str, tuple[str, ...]] = {}
        for name in sorted(self._names):
            self._by_letters[letters_of(name)] = (*self._by_letters.get(letters_of(name), ()), name)

    def respelled(self, members: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Return each of the names that `members` hold in a spelling that is none of them, with what stands there; nothing counts as absent."""
        found: dict[str, list[Any]] = {}
        if members.keys() <= self._names:
            return found
        for other, value in members.items():
            if other in self._names:
                continue
            names = self._by_letters.get(letters_of(other))
            # An empty text is how some libraries write a field that was never set.
            if names and value is not None and value != "":
                for name in names:
                    found.setdefault(name, []).append(value)
        return found


@dataclass(frozen=True, slots=True)
class NameTree:
    """The names that are read in an object, and in the objects below each of them."""

    names: Names
    below: dict[str, NameTree]


def letters_of(name: str) -> str:
    """Return what all spellings of a name have in common: its letters and digits without their case."""
    # Builders write the same few names again and again. Long ones may be anybody's, and are not kept.
    return _letters_of_known(name) if len(name) <= _SHORT else _letters_of(name)


def tree_of(places: Iterable[str]) -> NameTree:
    """Return the tree of names out of places such as `runDetails.builder.id`."""
    below: dict[str, list[str]] = {}
    for place in places:
        name, _, rest = place.partition(".")
        below.setdefault(name, []).extend([rest] if rest else [])
    return NameTree(Names(below), {name: tree_of(rest) for name, rest in below.items() if rest})


def respelled_places(members: Mapping[str, Any], tree: NameTree, prefix: str = "") -> set[str]:
    """Return the places of a tree that are stated in another spelling, as in `tree_of`; lists are not looked into."""
    found = {prefix + name for name in tree.names.respelled(members)}
    for name, inner in tree.below.items():
        value = members.get(name)
        if isinstance(value, dict):
            found |= respelled_places(value, inner, f"{prefix}{name}.")
    return found


def without_doubtful(value: Any, tree: NameTree) -> tuple[Any, bool]:
    """Return the value without the members of a tree that another spelling contradicts, in lists as well, and whether that is all of it."""
    if isinstance(value, list):
        cleared = [without_doubtful(item, tree) for item in value]
        return [item for item, _ in cleared], all(is_whole for _, is_whole in cleared)
    if not isinstance(value, dict):
        return value, True
    # What says the same in both spellings says it to every reader.
    doubtful = {name for name, others in tree.names.respelled(value).items() if any(other != value.get(name) for other in others)}
    kept, is_whole = {name: inner for name, inner in value.items() if name not in doubtful}, not doubtful
    for name, below in tree.below.items():
        if name in kept:
            kept[name], is_clear = without_doubtful(kept[name], below)
            is_whole = is_whole and is_clear
    return kept, is_whole


def _letters_of(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()


_letters_of_known = lru_cache(maxsize=1024)(_letters_of)
