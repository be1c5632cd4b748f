"""At the highest tier, whoever approves types the end of the artifact's digest: best read off where the artifact lies, not off this page.

It makes somebody look at the one thing that says which artifact it is, and catches a portal that shows another one. It authenticates
nobody and is no part of the statement, which names every digest whole. Of several artifacts it is the first that is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from approvals.models import Approval, Request, Revision
from approvals.requests.snapshot import read_snapshot
from attestations.blobs import bytes_of
from proofs.digest import parse_digest
from proofs.errors import Malformed
from proofs.pack.check_signer import HIGHEST_TIER

CHARACTERS = 4
# A whole digest with its algorithm may be pasted.
MOST_CHARACTERS = 140
CODE = "approval.digest_tail"
# What has an artifact that lies somewhere; the others are about a document that only the portal holds.
KINDS = (Request.Kind.RELEASE, Request.Kind.PROMOTION)


def asks_for_tail(request: Request) -> bool:
    """Say whether to approve this takes the end of a digest."""
    return request.environment.tier >= HIGHEST_TIER and request.kind in KINDS


def artifact_asked(artifacts: list[dict[str, Any]]) -> Mapping[str, Any]:
    """Return which of a snapshot's artifacts it is whose digest is asked for."""
    return artifacts[0]


def take_tail(revision: Revision, decision: str, typed: str) -> str:
    """Return the typed end of the digest, "" where none is asked for. Refuses with `approval.digest_tail` for none, a short or another one."""
    if decision != Approval.Decision.APPROVE or not asks_for_tail(revision.request):
        return ""
    artifact = artifact_asked(read_snapshot(bytes_of(revision.snapshot))["artifacts"])
    given = typed.strip().lower()
    name = artifact["name"] or "the artifact"
    if len(given) < CHARACTERS:
        raise Malformed(CODE, f"got {len(given)} characters, expected at least the last {CHARACTERS} of the digest of {name}")
    if not str(parse_digest(artifact["digest"])).endswith(given):
        raise Malformed(CODE, f"got {given[:20]!r}, expected the last {CHARACTERS} characters of the digest of {name}; look where it lies")
    return given[-CHARACTERS:]
