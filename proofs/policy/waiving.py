"""Which rule a waiver is of, whether that rule still says the same, and how a policy input names a waiver."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from proofs.approval.waiver_terms import WaiverTerms
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Conflict, NotFound
from proofs.moment import rfc3339


def find_waivable_rule(document: Mapping[str, Any], rule_id: str) -> Mapping[str, Any]:
    """Return the rule of a policy document (as parsed) that may be waived.

    Refuses with `waiver.rule_unknown`, `waiver.not_possible` where the policy allows no waivers, and `waiver.rule_kind` for a rule of kind
    approvals: no waiver stands in for a person.
    """
    rule = next((rule for rule in document["rules"] if rule["id"] == rule_id), None)
    if rule is None:
        raise NotFound("waiver.rule_unknown", f"the policy has no rule {rule_id[:80]!r}; ask for an exception from one it has")
    if not document.get("waivers"):
        raise Conflict("waiver.not_possible", "the policy says nothing of waivers, so none of its rules can be waived")
    if rule["kind"] == "approvals":
        raise Conflict("waiver.rule_kind", "rules of kind approvals are never waived; ask for an exception from another rule")
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
