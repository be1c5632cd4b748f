"""The difference between two expectations of a project in words: what is accepted from now on first, then what no longer is.

Entries are held against each other whole, as they are written, so that nothing that is written goes uncompared: a changed entry reads as one
that comes and one that goes. Not compared: what the expectations make of real evidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proofs.canonical import canonical_bytes
from proofs.policy.compare import LOOSENED, REWORDED, TIGHTENED, Difference
from proofs.policy.reading import listed

_MAX_WORDS = 900
_CUT = " … and more; read both documents whole"
# Where these stand, they are read in this order; whatever else there is follows.
_IN_ORDER = ("workflow", "identity", "keyId", "issuer", "repository", "repositoryId", "refs")


def compare_expectations(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> list[Difference]:
    """Return how the expectations `now` differ from `before` (documents as parsed, None where none were in force), what is loosened first.

    What is accepted from now on loosens, what no longer is tightens; the order of entries, and the version, change nothing.
    """
    old, new = ({canonical_bytes(entry): entry for entry in (document or {}).get("accept", [])} for document in (before, now))
    come, gone = ([entry for key, entry in these.items() if key not in those] for these, those in ((new, old), (old, new)))
    found = [Difference("", LOOSENED, _tell("accepted from now on", entry, list(old.values()))) for entry in come]
    found += [Difference("", TIGHTENED, _tell("accepted no longer", entry, list(new.values()))) for entry in gone]
    if before is not None and before.get("title") != now.get("title"):
        found.append(
            Difference("", REWORDED, f"the title says {str(now.get('title'))!r}, and said {str(before.get('title'))!r}"[:_MAX_WORDS])
        )
    return found


def describe_entry(entry: Mapping[str, Any]) -> str:
    """Return one entry of `accept` in words, every field of it: of which types, signed by whom, from which sources, and what else is asked."""
    words = f"{listed(list(entry['predicateTypes']), word='or')}, signed by {listed([_pairs(one) for one in entry['builders']], word='or')}"
    if entry.get("sources"):
        words += f", from {listed([_pairs(one) for one in entry['sources']], word='or')}"
    else:
        words += ", from any source"
    others = {name: value for name, value in entry.items() if name not in ("predicateTypes", "builders", "sources")}
    return words + "".join(f", {name} {_value(value)}" for name, value in sorted(others.items()))


def _tell(verb: str, entry: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> str:
    """Return an entry in words; of one that is too long for them, what no entry of the other document has, so that no length hides a change."""
    whole = f"{verb}: {describe_entry(entry)}"
    if len(whole) <= _MAX_WORDS:
        return whole
    known = {(name, canonical_bytes(item)) for other in others for name, value in other.items() for item in _items(value)}
    own = {name: [item for item in _items(value) if (name, canonical_bytes(item)) not in known] for name, value in entry.items()}
    parts = [f"{name} {_value(items)}" for name, items in own.items() if items]
    parts += [f"nothing about {name}" for name in sorted({name for other in others for name in other} - set(entry))]
    words = f"{verb}: an entry too long to tell whole, with {'; '.join(parts) or 'parts that were there, put together otherwise'}"
    return words if len(words) <= _MAX_WORDS else f"{words[: _MAX_WORDS - len(_CUT)]}{_CUT}"


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _pairs(fields: Mapping[str, Any]) -> str:
    names = [*(name for name in _IN_ORDER if name in fields), *(name for name in fields if name not in _IN_ORDER)]
    return " ".join(f"{name} {_value(fields[name])}" for name in names)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return _pairs(value)
    if isinstance(value, list):
        return "(" + ", ".join(_value(item) for item in value) + ")"
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
