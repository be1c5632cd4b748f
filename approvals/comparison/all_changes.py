"""Every change of a frozen comparison, also beyond what a snapshot has room for: made again from the two pictures that it names by digest.

What is made again has to begin with what the snapshot holds, word by word, else nothing is said. Reads only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attestations.blobs import read_blob
from proofs.canonical import parse_canonical
from proofs.comparison.compare import list_changes
from proofs.comparison.picture import KNOWN_VERSIONS


def all_changes(comparison: Mapping[str, Any], area: str) -> list[dict[str, str]] | None:
    """Return the changes of one area of a snapshot's comparison, all of them; None where they cannot be told any more."""
    shown = next((row for row in comparison["areas"] if row["area"] == area), None)
    if shown is None:
        return None
    if not shown["more"]:
        return list(shown["changes"])
    if comparison["version"] not in KNOWN_VERSIONS:
        return None
    baseline = comparison["baseline"]
    now = parse_canonical(read_blob(comparison["picture"]["sha256"]))
    before = parse_canonical(read_blob(baseline["picture"]["sha256"])) if baseline else None
    found = list_changes(before, now, comparison["context"]).get(area, [])
    count = len(shown["changes"])
    return found if found[:count] == shown["changes"] and len(found) == count + shown["more"] else None
