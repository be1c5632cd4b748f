"""The bundles that are measured: published ones where they are at hand, made ones otherwise.

The published ones are the vectors of other projects (`COUNTERSIGN_VECTORS`, default `../shared/vectors` beside the repository).
Made ones have keys on smaller curves than the public instance, so goals, which are ratios, are judged on published ones only.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path(os.environ.get("COUNTERSIGN_VECTORS") or Path(__file__).resolve().parents[2] / "shared" / "vectors")
RECEIVED_AT = datetime(2026, 11, 22, tzinfo=UTC)
REKOR_V1, REKOR_V2 = "Rekor v1", "Rekor v2"

_PUBLISHED = {
    "Rekor v1, envelope": ("sigstore-conformance/happy-path-intoto-in-dsse-v3", REKOR_V1),
    "Rekor v1, file": ("sigstore-conformance/happy-path-v0.3", REKOR_V1),
    "Rekor v1, intoto": ("github/sigstore-js-2.1.0", REKOR_V1),
    "Rekor v2 and timestamp, envelope": ("sigstore-conformance/rekor2-dsse-happy-path", REKOR_V2),
    "Rekor v2 and timestamp, file": ("sigstore-conformance/rekor2-happy-path", REKOR_V2),
}
_MADE = {
    "Rekor v1, envelope": ("", REKOR_V1),
    "Rekor v1, file": ("file-v1", REKOR_V1),
    "Rekor v1, intoto": ("envelope-intoto", REKOR_V1),
    "Rekor v2 and timestamp, envelope": ("envelope-v2", REKOR_V2),
    "Rekor v2 and timestamp, file": ("file-v2", REKOR_V2),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """One bundle that verifies, the trust root it verifies under, and which kind of log it is from."""

    name: str
    content: bytes
    trusted_root: bytes
    received_at: datetime
    log: str

    @property
    def is_intoto(self) -> bool:
        return self.name.endswith("intoto")


def is_published_here() -> bool:
    """Whether the published bundles are at hand."""
    return (FOLDER / "manifest.json").is_file()


def published_bundles() -> list[Measured]:
    """Return one published bundle of each kind."""
    rows = {row["id"]: row["files"] for row in json.loads((FOLDER / "manifest.json").read_bytes())["rows"]}
    return [
        Measured(name, (FOLDER / rows[row]["evidence"]).read_bytes(), (FOLDER / rows[row]["trusted_root"]).read_bytes(), RECEIVED_AT, log)
        for name, (row, log) in _PUBLISHED.items()
    ]


def made_bundles() -> list[Measured]:
    """Return one bundle of each kind, made by the instance of the tests."""
    from tests.proofs.factory import NOON, STATEMENT, WORKLOAD
    from tests.proofs.formats import KINDS, Formats

    formats = Formats(NOON)
    contents = {
        name: formats.make(KINDS[kind], STATEMENT, WORKLOAD, NOON) if kind else formats.sign_as(WORKLOAD, STATEMENT, at=NOON)
        for name, (kind, _) in _MADE.items()
    }
    document = formats.document()
    return [Measured(name, content, document, NOON, _MADE[name][1]) for name, content in contents.items()]
