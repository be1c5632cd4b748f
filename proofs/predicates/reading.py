"""Values out of a predicate that anyone may have written: plain text, times, counts and lists within limits, else None. Never refuses."""

from __future__ import annotations

import re
from typing import Any

from proofs.statement import is_plain_text

MAX_LISTED = 100

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")


def at(value: Any, *path: str) -> Any:
    """Return what stands at `path`, or None."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def text(value: Any, *path: str) -> str | None:
    """Return the plain text at `path`, or None."""
    found = at(value, *path)
    return found if is_plain_text(found) and found else None


def time(value: Any, *path: str) -> str | None:
    """Return the RFC 3339 time at `path` as it is written, or None."""
    found = text(value, *path)
    return found if found is not None and _TIME.fullmatch(found) else None


def items(value: Any, *path: str) -> list[Any]:
    """Return the list at `path`, or an empty one."""
    found = at(value, *path)
    return found if isinstance(found, list) else []


def texts(value: Any, *path: str) -> list[str]:
    """Return the plain texts in the list at `path`, at most `MAX_LISTED`; anything else in it is left out."""
    return [item for item in items(value, *path) if is_plain_text(item) and item][:MAX_LISTED]


def digests(value: Any, *path: str) -> list[str]:
    """Return the digest set at `path` as `algorithm:value`, sorted."""
    found = at(value, *path)
    pairs = found.items() if isinstance(found, dict) else ()
    return sorted(f"{name}:{digest}" for name, digest in pairs if is_plain_text(name) and is_plain_text(digest))[:MAX_LISTED]
