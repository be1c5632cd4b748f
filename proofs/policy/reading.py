"""Reading verdict documents that may have any shape: what is missing or of another kind is empty."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from proofs.errors import Refusal
from proofs.moment import parse_moment


def part_of(value: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return the object inside, or an empty one where anything on the way is missing or of another kind."""
    current: Any = value
    for name in names:
        if not isinstance(current, dict):
            return {}
        current = current.get(name)
    return current if isinstance(current, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; an empty one for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts(value: Any) -> list[str]:
    """Return the texts of a list; an empty one for anything else."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def moment_of(value: object) -> datetime | None:
    """Return the time, or None for anything that is none."""
    try:
        return parse_moment(value, code="policy.time", what="the time of a verdict") if isinstance(value, str) else None
    except Refusal:
        return None


def name_of(artifact: dict[str, str]) -> str:
    """Return what sentences call an artifact: its name, or its digest where it has none."""
    return artifact["name"] or artifact["digest"]


def listed(words: list[str], *, word: str = "and") -> str:
    """Return one or more words as a list in a sentence."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {word} {words[-1]}"
