"""What a verification came to, as values to show: the argument's steps, who approved what, and what nobody checked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proofs.approval.approval_parts import ApprovedArtifact, EnvironmentReference, PolicyReference, RequestReference
from proofs.assess import VERIFIED, Assessment
from proofs.policy.evidence_rule import describe_signer
from proofs.policy.reading import part_of

NOT_WITNESSED = "The log is not witnessed: a rewritten log shows only to people who kept an earlier approval or checkpoint."
NEVER_CHECKED = (
    NOT_WITNESSED,
    "Whether anybody rejected this, withdrew it, or the key was revoked, before or after: a pack can be made without saying so.",
    "That a revocation would be in the pack: those in it are a courtesy. Ask the portal's gate.",
    "Whether this policy was in force, and demands enough: compare its digest with the one you expect.",
    "That the person held the role, and up to level H2 that the key is theirs: the portal vouches for both, nobody else.",
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
    # The identity provider's issuer, where the person answered by signing in there; then there is no key and `key_id` is empty.
    signed_in_at: str = ""
    level_words: str = ""
    # For whom they answered, where they stand in for somebody; `roles` are that person's then.
    standing_in_for: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class VerifiedItem:
    """One item of evidence, as verified again here. `signer` and `source` are what certificate or key proved and empty for an item that
    did not verify; `identity` is who the portal says the signer is."""

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
    # {"digest", "document"} of the project's expectations, where the policy leaves it to them.
    expectations: dict[str, Any] | None = None


def describe_person(approval: VerifiedApproval) -> str:
    """Return who approved. The username is a label anybody may be given; what was checked stands behind it."""
    plain = all(character.isalnum() or character in "._@+-" for character in approval.username)
    # A label that could be read as more than a name, such as one with an identity of its own in brackets, is shown in quotes.
    label = approval.username if plain else json.dumps(approval.username, ensure_ascii=False)
    how = f"key {approval.key_id}" if approval.key_id else "without a key"
    instead = f", for {approval.standing_in_for[1]} at {approval.standing_in_for[0]}" if approval.standing_in_for else ""
    return f"{label} ({approval.subject} at {approval.issuer}, {how}{instead})"


def describe_item(name: str, digest: str, assessment: Assessment, *, identity: str) -> VerifiedItem:
    """Return an item of evidence in words, from what verifying it again came to; `identity` is who the portal says the signer is.

    Of an item that did not verify, neither signer nor source nor identity is told: whoever made it chose them.
    """
    facts = assessment.facts if assessment.result == VERIFIED and assessment.facts is not None else None
    signer = part_of({"facts": facts}, "facts", "signer")
    source = ""
    if signer.get("sourceRepository"):
        source = " ".join([str(signer["sourceRepository"]), *(f"{word} {signer[key]}" for word, key in _SOURCE_WORDS if signer.get(key))])
    return VerifiedItem(
        name=name,
        digest=digest,
        result=assessment.result,
        reason=assessment.reason,
        signer=describe_signer(signer) if facts else "",
        source=source,
        identity=identity if facts else "",
        not_checked=assessment.not_checked,
    )


def everything_not_checked(items: Sequence[VerifiedItem]) -> tuple[str, ...]:
    """Return what no step looked at, the general first, then what the verification of evidence left out."""
    return tuple(dict.fromkeys([*NEVER_CHECKED, *(remark for item in items if item.result == VERIFIED for remark in item.not_checked)]))


_SOURCE_WORDS = (("at", "sourceRef"), ("commit", "sourceCommit"))
