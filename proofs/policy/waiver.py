"""A waiver: one rule of one policy is not asked of some artifacts, or of a whole place, until a moment; and who has to agree.

The document is the one artifact of a request of kind exception, and people sign over its digest. It names the rule by the digest of its
canonical form: a rule that says something else afterwards is not waived. Reading is closed and checks form only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proofs.canonical import canonical_bytes, parse_canonical
from proofs.digest import parse_digest, sha256_hex
from proofs.errors import Conflict, NotFound
from proofs.fields import Fields
from proofs.moment import rfc3339
from proofs.policy.change import derived_policy

WAIVER_SCHEMA = "countersign-waiver/v1"
MAX_ARTIFACTS = 64
MAX_DAYS = 90
MAX_REASON = 1000
VALIDITY_HOURS = 72

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
    fields = Fields(parse_canonical(content), path="waiver", code=_CODE)
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


def find_waivable_rule(document: Mapping[str, Any], rule_id: str) -> Mapping[str, Any]:
    """Return the rule of a policy document (as parsed) that may be waived.

    Refuses with `waiver.rule_unknown`, `waiver.not_possible` where the policy allows no waivers, and `waiver.rule_kind` for a rule about who
    approves: no waiver stands in for a person.
    """
    rule = next((rule for rule in document["rules"] if rule["id"] == rule_id), None)
    if rule is None:
        raise NotFound("waiver.rule_unknown", f"the policy has no rule {rule_id[:80]!r}; ask for an exception from one it has")
    if not document.get("waivers"):
        raise Conflict("waiver.not_possible", "the policy says nothing of waivers, so none of its rules can be waived")
    if rule["kind"] in ("approvals", "separation-of-duties"):
        raise Conflict("waiver.rule_kind", "rules about who approves are never waived; ask for an exception from another rule")
    found: Mapping[str, Any] = rule
    return found


def rule_digest(rule: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hex) of a rule's canonical form: the same while the rule says the same, in whatever version of the policy."""
    return sha256_hex(canonical_bytes(dict(rule)))


def is_same_rule(waiver: WaiverTerms, document: Mapping[str, Any]) -> bool:
    """Say whether the policy document still has the rule that was waived, word for word, and is a version of the same policy."""
    rules = [rule for rule in document["rules"] if rule["id"] == waiver.rule_id]
    return document["id"] == waiver.policy_id and len(rules) == 1 and rule_digest(rules[0]) == waiver.rule_digest


def touches(waiver: WaiverTerms, artifacts: Iterable[str]) -> bool:
    """Say whether a waiver speaks of any of `artifacts`."""
    return waiver.artifacts is None or not set(waiver.artifacts).isdisjoint(artifacts)


def carried(waiver: WaiverTerms, digest: str) -> dict[str, Any]:
    """Return how a policy input names a waiver whose document has this SHA-256 (hex)."""
    return {
        "digest": digest,
        "rule": waiver.rule_id,
        "policy": waiver.policy_id,
        "artifacts": list(waiver.artifacts) if waiver.artifacts is not None else None,
        "until": rfc3339(waiver.until),
    }


def policy_for_exception(document: Mapping[str, Any]) -> bytes:
    """Return the canonical policy that an exception from the policy `document` (as parsed) is decided by: the people its `waivers` name.

    Refuses with `waiver.not_possible` where it names none.
    """
    waivers = document.get("waivers")
    if not waivers:
        raise Conflict("waiver.not_possible", "the policy says nothing of waivers, so none of its rules can be waived")
    return derived_policy(
        policy_id=f"exception-{sha256_hex(str(document['id']).encode())[:12]}",
        title=f"Exceptions from {document['id']}",
        minimum_assurance=document["minimumAssurance"],
        validity_hours=VALIDITY_HOURS,
        rules=[
            {
                "id": f"agrees-{number}",
                "kind": "approvals",
                "title": f"Agrees to the exception: {wanted['role']}",
                "role": wanted["role"],
                "count": wanted["count"],
            }
            for number, wanted in enumerate(waivers["approvals"], start=1)
        ],
    )
