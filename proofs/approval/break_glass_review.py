"""What people look at after somebody broke the glass: who did it, for which artifact, where, how often it may be used, and why.

Its digest is what the reviewers sign. Reading checks form only: whether the statement it names was signed is for whoever holds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proofs.canonical import canonical_bytes
from proofs.fields import Fields

REVIEW_SCHEMA = "countersign-break-glass-review/v1"
_FIELDS = ("schema", "statement", "policy", "project", "environment", "artifacts", "declarer")
_MORE = ("incident", "reason", "maxUses", "until", "reviewBy")


def build_review(
    *,
    statement_digest: str,
    policy_digest: str,
    project: str,
    environment: str,
    artifacts: Sequence[str],
    declarer: Mapping[str, str],
    incident: str,
    reason: str,
    max_uses: int,
    until: str,
    review_by: str,
) -> bytes:
    """Return the canonical bytes. `statement_digest` (SHA-256, hex) is of the payload its declarer signed, `policy_digest` of the policy
    it went past; `until` and `review_by` are as `rfc3339` spells them.
    """
    return canonical_bytes(
        {
            "schema": REVIEW_SCHEMA,
            "statement": {"sha256": statement_digest},
            "policy": {"sha256": policy_digest},
            "project": project,
            "environment": environment,
            "artifacts": list(artifacts),
            "declarer": dict(declarer),
            "incident": incident,
            "reason": reason,
            "maxUses": max_uses,
            "until": until,
            "reviewBy": review_by,
        }
    )


def read_review(document: Fields) -> None:
    """Check the form of such a document. Refuses with `subject.malformed`."""
    document.only(*_FIELDS, *_MORE)
    document.choice("schema", (REVIEW_SCHEMA,))
    for name in ("statement", "policy"):
        document.sha256(name)
    document.text("project", limit=80)
    document.text("environment", limit=80)
    document.texts("artifacts", low=1, high=1, limit=140)
    declarer = document.fields("declarer").only("issuer", "subject")
    declarer.text("issuer", limit=300)
    declarer.text("subject", limit=300)
    document.text("incident", limit=200)
    document.text("reason", limit=2000, lines=True)
    document.integer("maxUses", low=1, high=10)
    document.time("until")
    document.time("reviewBy")
