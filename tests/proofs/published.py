"""Reads the vectors other projects published (`COUNTERSIGN_VECTORS`, default `../shared/vectors` beside the repository)."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from proofs.errors import Refusal
from proofs.evidence import TrustMaterial
from proofs.keys import PublicKey, RegisteredKey, load_pem
from proofs.sigstore.trust_root import parse_trust_root
from tests.requirements import is_everything_required, skip_or_fail

FOLDER = Path(os.environ.get("COUNTERSIGN_VECTORS") or Path(__file__).resolve().parents[3] / "shared" / "vectors")
NOW = datetime(2026, 11, 22, tzinfo=UTC)
LONG_AGO = datetime(2015, 1, 1, tzinfo=UTC)
ABSENT = f"no vectors at {FOLDER}; set COUNTERSIGN_VECTORS to their folder"


def manifest() -> dict[str, Any]:
    """Return the manifest, or one without rows where the folder is absent."""
    if not FOLDER.is_dir():
        return {"rows": [], "reasons": {}}
    read: dict[str, Any] = json.loads((FOLDER / "manifest.json").read_bytes())
    return read


def rows(*formats: str, verdict: str = "") -> list[Any]:
    """Return the rows of these formats (and verdict) as pytest parameters named by their id; one skipped one where there are none."""
    found = [row for row in manifest()["rows"] if row["format"] in formats and verdict in ("", row["expected"]["verdict"])]
    if not found:
        if is_everything_required():
            raise RuntimeError(ABSENT)  # While tests are collected: nothing that reads the vectors may pass for run.
        return [pytest.param(None, marks=pytest.mark.skip(reason=ABSENT))]
    return [pytest.param(row, id=row["id"]) for row in found]


def row_named(identifier: str) -> dict[str, Any]:
    """Return one row, or skip the test where the folder is absent."""
    found: dict[str, Any] | None = next((row for row in manifest()["rows"] if row["id"] == identifier), None)
    if found is None:
        skip_or_fail(ABSENT)
    return found


def read(path: str) -> bytes:
    """Return the bytes of one file of the set."""
    return (FOLDER / path).read_bytes()


def trust_of(row: dict[str, Any]) -> TrustMaterial:
    """Return what the row says a verifier trusts: its trust root and its keys, registered long ago."""
    roots = [row["files"]["trusted_root"]] if "trusted_root" in row["files"] else []
    return TrustMaterial(
        tuple(parse_trust_root(read(path)) for path in roots),
        tuple(RegisteredKey(key, LONG_AGO) for path in _key_files(row) for key in _readable(read(path))),
    )


def _key_files(row: dict[str, Any]) -> list[str]:
    single = row["files"].get("public_key")
    return [*row["files"].get("public_keys", []), *([single] if single else [])]


def _readable(pem: bytes) -> list[PublicKey]:
    """One of the published keys is no key at all; who is given it knows no key."""
    try:
        return [load_pem(pem)]
    except Refusal:
        return []
