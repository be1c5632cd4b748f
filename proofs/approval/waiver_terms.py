"""The terms of a waiver: one rule of one policy is not asked of some artifacts, or of a whole place, until a moment.

The document is the one artifact of a request of kind exception, and people sign over its digest. It names the rule by the digest of its
canonical form: a rule that says something else afterwards is not waived. Reading is closed and checks form only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from proofs.canonical import canonical_bytes, parse_canonical
from proofs.digest import parse_digest
from proofs.fields import Fields
from proofs.moment import rfc3339

WAIVER_SCHEMA = "countersign-waiver/v1"
MAX_ARTIFACTS = 64
MAX_DAYS = 90
MAX_REASON = 1000

_CODE = "waiver.malformed"


@dataclass(frozen=True, slots=True)
class WaiverTerms:
    """What a waiver says. `artifacts` is None for everything that goes to the place; `owner` is (issuer, subject) of who answers for it."""

    policy_id: str
    policy_digest: str
    rule_id: str
    rule_digest: str
    project: str
    environment: str
    artifacts: tuple[str, ...] | None
    owner: tuple[str, str]
    reason: str
    until: datetime


def build_waiver(waiver: WaiverTerms) -> bytes:
    """Return the canonical bytes of a waiver (countersign-waiver/v1). Refuses with `waiver.malformed` or `digest.malformed`."""
    document = canonical_bytes(
        {
            "schema": WAIVER_SCHEMA,
            "policy": {"id": waiver.policy_id, "digest": {"sha256": waiver.policy_digest}},
            "rule": {"id": waiver.rule_id, "digest": {"sha256": waiver.rule_digest}},
            "project": waiver.project,
            "environment": waiver.environment,
            "artifacts": sorted(waiver.artifacts) if waiver.artifacts is not None else None,
            "owner": {"issuer": waiver.owner[0], "subject": waiver.owner[1]},
            "reason": waiver.reason,
            "until": rfc3339(waiver.until),
        }
    )
    parse_waiver(document)
    return document


def parse_waiver(content: bytes) -> WaiverTerms:
    """Parse the canonical bytes of a waiver. Refuses with `waiver.malformed`, `digest.malformed` or `json.*`."""
    return read_waiver(Fields(parse_canonical(content), path="waiver", code=_CODE))


def read_waiver(fields: Fields) -> WaiverTerms:
    """Read a waiver from its fields. Refuses with the code they bring, or with `digest.malformed`."""
    fields.only("schema", "policy", "rule", "project", "environment", "artifacts", "owner", "reason", "until")
    fields.choice("schema", (WAIVER_SCHEMA,))
    policy, rule = fields.fields("policy").only("id", "digest"), fields.fields("rule").only("id", "digest")
    owner = fields.fields("owner").only("issuer", "subject")
    artifacts = fields.texts("artifacts", low=1, high=MAX_ARTIFACTS, limit=140) if fields.has("artifacts") else None
    if artifacts is not None and list(artifacts) != sorted(str(parse_digest(digest)) for digest in artifacts):
        fields.refuse("artifacts", "the digests in order, in their one spelling")
    return WaiverTerms(
        policy_id=policy.text("id", limit=80),
        policy_digest=policy.sha256(),
        rule_id=rule.text("id", limit=80),
        rule_digest=rule.sha256(),
        project=fields.text("project", limit=64),
        environment=fields.text("environment", limit=64),
        artifacts=artifacts,
        owner=(owner.text("issuer"), owner.text("subject")),
        reason=fields.text("reason", limit=MAX_REASON, lines=True),
        until=fields.time("until"),
    )
