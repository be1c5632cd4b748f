"""Exact shapes of JSON objects: every field known, every demanded field there, nothing skipped.

A field nobody reads is where two readers of the same bytes begin to disagree, so an unknown one is refused.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from proofs.errors import Malformed


def demand_fields(value: object, required: Set[str], *, optional: Set[str] = frozenset(), code: str, what: str) -> dict[str, Any]:
    """Return `value` when it is an object with all `required` fields and otherwise only `optional` ones; refuse with `code`."""
    if not isinstance(value, dict):
        raise Malformed(code, f"got {type(value).__name__} for {what}, expected an object")
    keys = value.keys()
    if keys == required or (keys >= required and keys <= optional):
        return value
    missing, unknown = required - keys, keys - required - optional
    if missing or unknown:
        got = f"without {', '.join(sorted(missing))}" if missing else f"with the unknown field {min(unknown)[:40]!r}"
        raise Malformed(code, f"got {what} {got}, expected {', '.join(sorted(required))}")
    return value


def demand_object(parent: dict[str, Any], name: str, required: Set[str], *, code: str) -> dict[str, Any]:
    """Return the object `parent[name]`, which must have exactly the `required` fields; refuse with `code`."""
    return demand_fields(parent.get(name), required, code=code, what=name)
