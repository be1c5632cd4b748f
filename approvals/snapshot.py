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
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.moment import rfc3339

SCHEMA = "countersign-review-snapshot/v1"


@dataclasses.dataclass(frozen=True)
class SeenEvidence:
    """One evidence item of a revision: the row, its latest verdict's row, and the verdict document as parsed."""

    verdict: Verdict
    document: Mapping[str, Any]

    @property
    def digest(self) -> str:
        return self.verdict.attestation.blob_id

    @property
    def verdict_digest(self) -> str:
        return self.verdict.document_id


def build_snapshot(
    *,
    request: Request,
    number: int,
    request_digest: str,
    artifacts: Sequence[Mapping[str, str]],
    policy: Mapping[str, Any],
    policy_digest: str,
    result: Mapping[str, Any],
    result_digest: str,
    excluded: Sequence[Mapping[str, Any]],
    evidence: Sequence[SeenEvidence],
    trails: Sequence[tuple[str, Any]],
    now: datetime,
) -> bytes:
    """Return the canonical bytes of the snapshot of one revision. `trails` pairs an artifact's digest with its traced chain."""
    return canonical_bytes(
        {
            "schema": SCHEMA,
            "frozenAt": rfc3339(now),
            "request": {
                "id": request.pk,
                "revision": number,
                "kind": str(request.kind),
                "title": request.title,
                "digest": {"sha256": request_digest},
                "openedAt": rfc3339(request.opened_at),
            },
            "project": {"slug": request.project.slug, "name": request.project.name, "team": request.project.team.slug},
            "environment": {
                "id": request.environment.pk,
                "slug": request.environment.slug,
                "name": request.environment.name,
                "tier": request.environment.tier,
            },
            "requester": party(request.requester),
            "onBehalfOf": party(request.on_behalf_of) if request.on_behalf_of else None,
            "artifacts": [dict(item) for item in artifacts],
            "policy": {
                "id": policy["id"],
                "version": policy["version"],
                "title": policy.get("title", ""),
                "digest": {"sha256": policy_digest},
                "inputDigest": {"sha256": result["inputDigest"]},
                "resultDigest": {"sha256": result_digest},
                "result": result["result"],
                "rules": plain(result["rules"]),
                "minimumAssurance": policy["minimumAssurance"],
                "validityHours": policy["validityHours"],
                "excluded": plain(excluded),
            },
            "evidence": [_evidence(item) for item in evidence],
            "trails": [{"artifact": digest, **plain(trace)} for digest, trace in trails],
            "note": {"text": request.note, "checked": False},
        }
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


def _evidence(item: SeenEvidence) -> dict[str, Any]:
    facts = item.document.get("facts") or {}
    attestation = item.verdict.attestation
    return {
        "id": attestation.pk,
        "digest": {"sha256": item.digest},
        "verdictDigest": {"sha256": item.verdict_digest},
        "format": attestation.format,
        "receivedAt": rfc3339(attestation.received_at),
        "verifiedAt": rfc3339(item.verdict.verified_at),
        "result": str(item.verdict.result),
        "code": item.verdict.code,
        "reason": item.verdict.reason,
        "predicateType": facts.get("predicateType") or item.verdict.predicate_type,
        "subjects": plain(facts.get("subjects") or []),
        "signer": plain(facts.get("signer")),
        "identity": plain(item.document.get("identity")),
        "findings": plain(item.document.get("findings") or []),
        "notChecked": plain(item.document.get("notChecked") or []),
    }
