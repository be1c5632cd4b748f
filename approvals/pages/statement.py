"""What the confirmation page says: read from the payload's bytes alone, so that it cannot say anything else than is signed. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from proofs.approval.human_approval import parse_human_approval
from proofs.approval.reason_codes import REASON_CODES
from proofs.canonical import parse_canonical
from proofs.digest import sha256_hex

DECISIONS: Mapping[str, str] = {"approve": "Approve", "reject": "Reject", "request_changes": "Request changes"}


@dataclass(frozen=True)
class StatementWords:
    """A statement in words. `digests` pairs each artifact's name with its digest as the browser script compares it."""

    decision: str
    decision_word: str
    summary: str
    digests: tuple[tuple[str, str], ...]
    environment: str
    tier: int
    justification: str
    reasons: tuple[str, ...]
    evidence: int
    verified: int
    policy: str
    policy_digest: str
    policy_result: str
    snapshot: str
    not_after: datetime
    expires_at: datetime
    excluded: tuple[str, ...]
    log_head: int
    whole: str
    digest: str


def describe_statement(payload: bytes) -> StatementWords:
    """Return the words for a statement's bytes. Refuses as `parse_human_approval` does."""
    statement = parse_human_approval(payload)
    return StatementWords(
        decision=statement.decision,
        decision_word=DECISIONS[statement.decision],
        summary=statement.review.summary,
        digests=tuple((artifact.name, str(digest)) for artifact in statement.artifacts for digest in artifact.digests),
        environment=statement.environment.name,
        tier=statement.environment.tier,
        justification=statement.justification,
        reasons=tuple(REASON_CODES[code] for code in statement.reason_codes),
        evidence=len(statement.evidence),
        verified=sum(1 for item in statement.evidence if item.verdict == "verified"),
        policy=f"{statement.policy.id} {statement.policy.version}",
        policy_digest=statement.policy.digest,
        policy_result=statement.policy.result,
        snapshot=statement.review.snapshot_digest,
        not_after=statement.validity.not_after,
        expires_at=statement.ceremony.expires_at,
        excluded=tuple(party.subject for party in statement.separation_of_duties.excluded),
        log_head=statement.ceremony.log_head.size,
        whole=json.dumps(parse_canonical(payload), indent=2, ensure_ascii=False),
        digest=sha256_hex(payload),
    )
