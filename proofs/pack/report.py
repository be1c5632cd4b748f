"""What a verification came to, as values to show: the argument's steps, who approved what, and what nobody checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proofs.approval.approval_parts import ApprovedArtifact, EnvironmentReference, PolicyReference, RequestReference
from proofs.policy.evidence_rule import describe_signer, part_of

NOT_WITNESSED = "The log is not witnessed: a rewritten log shows only to people who kept an earlier approval or checkpoint."
NEVER_CHECKED = (
    NOT_WITNESSED,
    "Whether this approval was withdrawn, or its key revoked, after the pack was made: ask the portal's gate.",
    "That the key belongs to the person, and that the person held the role: the portal vouches for both, nobody else.",
    "Which registered identity stands behind a signer of evidence: the portal's register says so.",
    "What the person understood: a passkey proves the intent to sign on this page, not comprehension.",
    "Whether the bytes in a registry or at run time have this digest: compare them yourself.",
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the argument that held: its number, its question, and the answer in words."""

    number: int
    title: str
    words: str


@dataclass(frozen=True, slots=True)
class VerifiedApproval:
    """One approval, all of whose steps held."""

    issuer: str
    subject: str
    username: str
    roles: tuple[str, ...]
    level: str
    key_id: str
    checked_at: datetime
    not_before: datetime
    not_after: datetime
    justification: str
    statement_digest: str
    record_digest: str
    log_index: int
    log_size: int
    key_revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class VerifiedItem:
    """One item of evidence. `signer` and `source` are what certificate or key proved, `identity` who the portal says that is."""

    name: str
    digest: str
    result: str
    reason: str
    signer: str
    source: str
    identity: str
    not_checked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PackReport:
    """A pack, all of whose steps held. `at` is the moment validity was judged at, `rules` every rule's outcome."""

    artifacts: tuple[ApprovedArtifact, ...]
    environment: EnvironmentReference
    request: RequestReference
    policy: PolicyReference
    at: datetime
    log_origin: str
    approvals: tuple[VerifiedApproval, ...]
    evidence: tuple[VerifiedItem, ...]
    rules: tuple[dict[str, Any], ...]
    steps: tuple[Step, ...]
    not_checked: tuple[str, ...]


def describe_item(name: str, digest: str, verdict: dict[str, Any]) -> VerifiedItem:
    """Return an item of evidence in words, from its verdict document."""
    # A verdict that does not say "verified" counts for nothing and is not derived again, so its shape is not known either.
    signer = part_of(verdict, "facts", "signer")
    identity = part_of(verdict, "identity")
    not_checked = verdict.get("notChecked")
    source = ""
    if signer.get("sourceRepository"):
        source = " ".join([str(signer["sourceRepository"]), *(f"{word} {signer[key]}" for word, key in _SOURCE_WORDS if signer.get(key))])
    return VerifiedItem(
        name=name,
        digest=digest,
        result=str(verdict.get("result")),
        reason=str(verdict.get("reason") or ""),
        signer=describe_signer(signer),
        source=source,
        identity=str(identity.get("name") or ""),
        not_checked=tuple(str(item) for item in not_checked) if isinstance(not_checked, list) else (),
    )


def everything_not_checked(items: Sequence[VerifiedItem]) -> tuple[str, ...]:
    """Return what no step looked at, the general first, then what the verification of evidence left out."""
    return tuple(dict.fromkeys([*NEVER_CHECKED, *(remark for item in items if item.result == "verified" for remark in item.not_checked)]))


_SOURCE_WORDS = (("at", "sourceRef"), ("commit", "sourceCommit"))
