"""The words a statement puts to the person: derived from snapshot, verdicts and policy result, so that a verifier can derive them again."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from proofs.approval.approval_parts import MissingEvidence, StandingIn
from proofs.statement import is_plain_text

MEDIA_TYPES = {
    "sigstore-bundle": "application/vnd.dev.sigstore.bundle.v0.3+json",
    "pep740-attestation": "application/json",
    "cosign-layer": "application/vnd.oci.descriptor.v1+json",
    "dsse": "application/vnd.dsse.envelope.v1+json",
}
DECISION_WORDS = {"approve": "Approve", "reject": "Reject", "request_changes": "Request changes to"}


def add_stead(summary: str, standing: StandingIn | None) -> str:
    """Return the summary with the words for whom somebody answers, where it is for somebody else."""
    return f"{summary} In the stead of {standing.username}." if standing else summary


def summarise(snapshot: Mapping[str, Any], decision: str) -> str:
    """Return the one sentence that says what a signature would mean; it is part of what is signed."""
    artifacts = snapshot["artifacts"]
    first = artifacts[0]
    algorithm, _, value = first["digest"].partition(":")
    # A name that only the requester gave is said to be one: it is the digest that is decided on.
    unchecked = "name not checked, " if first["name"] and not first["nameChecked"] else ""
    named = f"{first['name'] or 'an unnamed artifact'} ({unchecked}{algorithm}:{value[:8]}…{value[-4:]})"
    others = f" and {len(artifacts) - 1} more" if len(artifacts) > 1 else ""
    count = len(snapshot["evidence"])
    policy = snapshot["policy"]
    waived = sum(rule["outcome"] == "waived" for rule in policy["rules"])
    exceptions = f", {waived} {'rule' if waived == 1 else 'rules'} waived" if waived else ""
    return (
        f"{DECISION_WORDS[decision]} {named}{others} for {snapshot['environment']['name']}. "
        f"{count} evidence {'item' if count == 1 else 'items'} shown; policy {policy['id']} {policy['version']}: {policy['result']}{exceptions}."
    )


def evidence_label(predicate_type: str) -> str:
    """Return what an evidence item is called in a statement."""
    return label(predicate_type, 300) or "unreadable claim"


def signer_label(signer: Mapping[str, Any] | None) -> str:
    """Return who signed an evidence item, as the certificate or key says; empty when nothing was proven."""
    if not signer:
        return ""
    return label(str(signer.get("identity") or signer.get("keyId") or ""), 1000)


def media_type_of(evidence_format: str) -> str:
    """Return the media type of evidence in this format."""
    return MEDIA_TYPES.get(evidence_format, "application/octet-stream")


def missing_evidence(rules: Sequence[Mapping[str, Any]]) -> tuple[MissingEvidence, ...]:
    """Return what the policy asks for and nobody sent, from the rules of a policy result."""
    failed = [rule for rule in rules if rule["kind"] == "evidence" and rule["outcome"] == "fail"]
    return tuple(MissingEvidence(rule["title"], "blocking") for rule in failed)


def label(text: str, limit: int) -> str:
    """Return text that came from evidence as a label for a signed document: shortened, or empty when it could deceive a reader."""
    shortened = unicodedata.normalize("NFC", text)[:limit]
    return shortened if is_plain_text(shortened) else ""
