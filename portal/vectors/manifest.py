"""A manifest of vectors: rows with files, inputs and the verdict a verifier must reach. Nothing is verified here."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proofs.errors import Malformed

VERIFIED, REJECTED, UNSUPPORTED = "verified", "rejected", "unsupported"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What we say of one row: verdict, our code, a sentence, and the facts in the manifest's words."""

    verdict: str
    code: str
    reason: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """One row, with the folder its files are in."""

    id: str
    format: str
    files: dict[str, Any]
    inputs: dict[str, Any]
    expected: dict[str, Any]
    cases: list[dict[str, Any]]
    folder: Path

    def read(self, name: str) -> bytes:
        """Return the bytes of the file that the row calls `name`; refuses with `vectors.file`."""
        return self.read_path(self.files.get(name))

    def read_path(self, path: object) -> bytes:
        """Return the bytes of a file of the set by its path; refuses with `vectors.file` for one that is absent or outside."""
        whole = (self.folder / path).resolve() if isinstance(path, str) else None
        if whole is None or not whole.is_relative_to(self.folder.resolve()) or not whole.is_file():
            raise Malformed("vectors.file", f"the row names the file {path!r}, which is not in the set")
        return whole.read_bytes()

    def has(self, name: str) -> bool:
        return name in self.files


def read_manifest(path: Path) -> list[Row]:
    """Return the rows of a manifest; refuses with `vectors.manifest` when it is not one."""
    try:
        value = json.loads(path.read_bytes())
        rows = [
            Row(
                id=row["id"],
                format=row["format"],
                files=row.get("files", {}),
                inputs=row.get("inputs", {}),
                expected=row["expected"],
                cases=row.get("cases", []),
                folder=path.parent,
            )
            for row in value["rows"]
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Malformed(
            "vectors.manifest", f"got no manifest at {path} ({type(error).__name__}: {error}), expected one with rows"
        ) from error
    if not rows:
        raise Malformed("vectors.manifest", f"got a manifest without rows at {path}, expected at least one")
    return rows
