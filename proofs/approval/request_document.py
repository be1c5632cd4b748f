"""The request document: what was asked, by whom, about which artifacts, and on what evidence, as one revision froze it.

Its digest stands in every statement about the revision. Reading checks form only; whether the statement that names it says the same
is for `proofs.pack.check_documents`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from proofs.approval.approval_parts import EnvironmentReference
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.fields import Fields
from proofs.moment import rfc3339

REQUEST_SCHEMA = "countersign-request/v1"

_CODE = "request.mismatch"
_FIELDS = (
    "schema",
    "id",
    "revision",
    "kind",
    "title",
    "note",
    "project",
    "team",
    "environment",
    "artifacts",
    "requester",
    "onBehalfOf",
    "owner",
    "policy",
    "evidence",
    "openedAt",
    "frozenAt",
)


def build_request_document(
    *,
    request_id: str,
    revision: int,
    kind: str,
    title: str,
    note: str,
    project: str,
    team: str,
    environment: EnvironmentReference,
    artifacts: Iterable[Mapping[str, str]],
    requester: Mapping[str, str],
    on_behalf_of: Mapping[str, str] | None,
    owner: Mapping[str, str] | None,
    policy_digest: str,
    evidence: Iterable[tuple[str, str]],
    opened_at: datetime,
    frozen_at: datetime,
) -> bytes:
    """Return the canonical bytes of one revision's request.

    `artifacts` are {"digest", "name"}; the parties {"kind", "issuer", "subject", "name", "id"}, of which name and id are labels;
    `evidence` pairs the digest of each item with the digest of its verdict.
    """
    return canonical_bytes(
        {
            "schema": REQUEST_SCHEMA,
            "id": request_id,
            "revision": revision,
            "kind": kind,
            "title": title,
            "note": note,
            "project": project,
            "team": team,
            "environment": {"id": environment.id, "name": environment.name, "tier": environment.tier},
            "artifacts": [dict(item) for item in artifacts],
            "requester": dict(requester),
            "onBehalfOf": dict(on_behalf_of) if on_behalf_of else None,
            "owner": dict(owner) if owner else None,
            "policy": {"sha256": policy_digest},
            "evidence": [{"digest": {"sha256": digest}, "verdictDigest": {"sha256": verdict}} for digest, verdict in evidence],
            "openedAt": rfc3339(opened_at),
            "frozenAt": rfc3339(frozen_at),
        }
    )


def parse_request_document(content: bytes) -> Fields:
    """Return the fields of a request document. Refuses with `json.*`, or with `request.mismatch` when it is no such document."""
    document = Fields(parse_canonical(content), path="request", code=_CODE).only(*_FIELDS)
    document.choice("schema", (REQUEST_SCHEMA,))
    return document


def read_party(document: Fields, name: str) -> dict[str, str] | None:
    """Return a party of a request document, or None where there is none. Refuses with `request.mismatch`."""
    if document.raw(name) is None:
        return None
    party = document.fields(name).only("kind", "issuer", "subject", "name", "id")
    read: dict[str, Any] = party.value
    if set(read) != {"kind", "issuer", "subject", "name", "id"} or not all(isinstance(value, str) for value in read.values()):
        document.refuse(name, "kind, issuer, subject, name and id, all of them texts")
    return read
