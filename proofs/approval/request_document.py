"""The request document: what was asked, by whom, about which artifacts, and on what evidence, as one revision froze it.

Its digest stands in every statement about the revision. Reading checks form only; whether the statement that names it says the same
is for `proofs.pack.check_documents`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from proofs.approval.approval_parts import EnvironmentReference
from proofs.approval.subjects import has_subject, parse_subject
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.digest import sha256_hex
from proofs.fields import Fields
from proofs.moment import rfc3339

REQUEST_SCHEMA = "countersign-request/v1"

# There only where there is something to say, so that documents of before keep their bytes.
OPTIONAL = ("subject", "fromEnvironment", "about", "answersChanges")
# Further facts that the policy was evaluated on, word for word as in its input.
FACTS = ("people", "waivers", "approvedIn")

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
    *OPTIONAL,
    *FACTS,
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
    more: Mapping[str, Any] | None = None,
) -> bytes:
    """Return the canonical bytes of one revision's request.

    `artifacts` are {"digest", "name"}; the parties {"kind", "issuer", "subject", "name", "id"}, of which name and id are labels;
    `evidence` pairs the digest of each item with the digest of its verdict. `more` holds the fields of `OPTIONAL` that are there: the
    subject document, where a promotion comes from ({"id", "name", "tier"}), the request it is about, and the note with which the
    requester answers those who asked for changes; and what `facts_of` returns.
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
            **{name: value for name, value in (more or {}).items() if value is not None},
        }
    )


def parse_request_document(content: bytes) -> Fields:
    """Return the fields of a request document. Refuses with `json.*`, or with `request.mismatch` when it is no such document."""
    document = Fields(parse_canonical(content), path="request", code=_CODE).only(*_FIELDS)
    document.choice("schema", (REQUEST_SCHEMA,))
    return document


def facts_of(policy_input: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `FACTS` that a policy input has: they stand in the request as well, which people sign by its digest."""
    return {name: policy_input[name] for name in FACTS if name in policy_input}


def read_more(document: Fields, *, kind: str, digests: Sequence[str]) -> dict[str, Any]:
    """Return the fields of `OPTIONAL` that a request document has, each read strictly.

    A request of a kind that has a subject document has exactly one artifact, the digest of that document. Refuses with
    `request.mismatch`, and as `parse_subject` does.
    """
    more: dict[str, Any] = {name: document.raw(name) for name in OPTIONAL if name in document.value}
    if None in more.values():
        document.refuse(next(name for name in more if more[name] is None), "a value, or no such field")
    if has_subject(kind) != ("subject" in more):
        document.refuse("subject", f"{'a' if has_subject(kind) else 'no'} subject document in a request of kind {kind}")
    if "subject" in more:
        content = canonical_bytes(more["subject"])
        parse_subject(content, kind=kind)
        if list(digests) != [f"sha256:{sha256_hex(content)}"]:
            document.refuse("artifacts", "the digest of the subject document, and nothing else")
    if (kind == "promotion") != ("fromEnvironment" in more):
        document.refuse("fromEnvironment", "where it comes from, in a promotion and nowhere else")
    if "fromEnvironment" in more:
        origin = document.fields("fromEnvironment").only("id", "name", "tier")
        origin.text("id", limit=80), origin.text("name", limit=80), origin.integer("tier", low=1, high=3)
    if "about" in more:
        document.text("about", limit=80)
    if "answersChanges" in more:
        document.text("answersChanges", limit=2000, lines=True)
    return more


def read_party(document: Fields, name: str) -> dict[str, str] | None:
    """Return a party of a request document, or None where there is none. Refuses with `request.mismatch`."""
    if document.raw(name) is None:
        return None
    party = document.fields(name).only("kind", "issuer", "subject", "name", "id")
    read: dict[str, Any] = party.value
    if set(read) != {"kind", "issuer", "subject", "name", "id"} or not all(isinstance(value, str) for value in read.values()):
        document.refuse(name, "kind, issuer, subject, name and id, all of them texts")
    return read
