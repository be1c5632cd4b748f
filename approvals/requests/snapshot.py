"""The snapshot: the one frozen value a review page is drawn from, and whose digest the person signs.

Everything the page says about what is being decided stands in here, as it was when the revision was frozen. Nothing is looked up later.
The value is only as true as what it was built from; it checks nothing itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from approvals.models import Request
from attestations.models import Verdict
from identities.models import Identity
from proofs.approval.review_snapshot import ShownEvidence, build_review_snapshot
from proofs.canonical import parse_canonical
from proofs.digest import sha256_hex
from proofs.moment import rfc3339


@dataclasses.dataclass(frozen=True)
class SeenEvidence:
    """One evidence item of a revision: the row, its latest verdict's row, and the verdict document as parsed."""

    verdict: Verdict
    document: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the evidence's bytes."""
        return self.verdict.attestation.blob_id

    @property
    def verdict_digest(self) -> str:
        """SHA-256 (hex) of the verdict document."""
        return self.verdict.document_id


def build_snapshot(
    *,
    request: Request,
    document: bytes,
    policy: Mapping[str, Any],
    policy_digest: str,
    result: Mapping[str, Any],
    result_digest: str,
    excluded: Sequence[Mapping[str, Any]],
    evidence: Sequence[SeenEvidence],
    trails: Sequence[tuple[str, Any]],
    comparison: Mapping[str, Any] | None,
) -> bytes:
    """Return the canonical bytes of the snapshot of one revision, whose request document is `document`.

    `trails` pairs an artifact's digest with its traced chain.
    """
    return build_review_snapshot(
        request=parse_canonical(document),
        request_digest=sha256_hex(document),
        project_name=request.project.name,
        environment_name=request.environment.name,
        policy=policy,
        policy_digest=policy_digest,
        result=result,
        result_digest=result_digest,
        excluded=excluded,
        evidence=[_shown(item) for item in evidence],
        trails=[{"artifact": digest, **plain(trace)} for digest, trace in trails],
        comparison=comparison,
    )


def read_snapshot(content: bytes) -> dict[str, Any]:
    """Return the stored snapshot as a value to draw a page from. Refuses with `json.*` when the bytes are not canonical."""
    value: dict[str, Any] = parse_canonical(content)
    return value


def party(identity: Identity) -> dict[str, str]:
    """Return how a snapshot and a request document name an identity. The name is a label; issuer and subject are the identity."""
    return {
        "kind": str(identity.kind),
        "issuer": identity.issuer,
        "subject": identity.subject,
        "name": identity.name,
        "id": identity.pk,
    }


def plain(value: Any) -> Any:
    """Return `value` with dataclasses, tuples, enumerations and times turned into what canonical JSON can hold."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return rfc3339(value)
    return value


def _shown(item: SeenEvidence) -> ShownEvidence:
    attestation = item.verdict.attestation
    return ShownEvidence(
        id=attestation.pk,
        format=attestation.format,
        received_at=rfc3339(attestation.received_at),
        digest=item.digest,
        verdict_digest=item.verdict_digest,
        verdict=item.document,
    )
