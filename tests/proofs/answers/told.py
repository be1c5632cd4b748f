"""Makers of the facts that the answers are told from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from proofs.answers.told import ToldEvidence

AT = datetime(2026, 7, 1, 12, tzinfo=UTC)
OURS, FORK = "https://github.com/payments/api", "https://github.com/intern/fork"
SLSA = "https://slsa.dev/provenance/v1"


def build(number: int = 1, *, source: str = OURS, commit: str = "c" * 40, key: bool = False, **fields: Any) -> ToldEvidence:
    """A verified build record, by default of a registered program of ours, signed by certificate."""
    proved = {"kind": "certificate", "identity": f"{source}/.github/workflows/release.yml@refs/tags/v1", "sourceRepository": source}
    signer = {"kind": "key", "keyId": "k1"} if key else {**proved, "sourceCommit": commit}
    claims = {"understood": True, "sourceRepository": source, "dependencies": []}
    facts = {"predicateType": SLSA, "signer": signer, "claims": claims, "subjects": []}
    given = {"result": "verified", "reason": "", "facts": facts, "identity": "release workflow", "owner": "Bob Ruiz", **fields}
    return ToldEvidence(id=f"att_{number}", at=AT, **given)


def unanswered(number: int = 1, *, code: str = "signer.unknown", words: str = "", **fields: Any) -> ToldEvidence:
    """A verified build record of a signer that nobody answers for, and why."""
    return build(number, **{"identity": None, "owner": None, "signer_code": code, "signer_words": words, **fields})


def refused(number: int = 1, *, reason: str = "The signature does not hold.", **fields: Any) -> ToldEvidence:
    """Evidence that did not verify."""
    return build(number, **{"result": "rejected", "reason": reason, "identity": None, "facts": None, **fields})
