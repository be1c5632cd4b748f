"""The snapshot a review page is drawn from: everything the page says about what is being decided, as the revision froze it.

All of it follows from request, policy, result and verdicts, except what only the portal knows: display names, ids of its rows, when
evidence was received, and the trails it traced. The value is only as true as what it is built from; it checks nothing itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proofs.approval.request_document import OPTIONAL
from proofs.canonical import canonical_bytes

SNAPSHOT_SCHEMA = "countersign-review-snapshot/v1"


@dataclass(frozen=True, slots=True)
class ShownEvidence:
    """One item as the page shows it: the portal's row id, format and time of receipt, both digests, and the verdict document."""

    id: str
    format: str
    received_at: str
    digest: str
    verdict_digest: str
    verdict: Mapping[str, Any]


def build_review_snapshot(
    *,
    request: Mapping[str, Any],
    request_digest: str,
    project_name: str,
    environment_name: str,
    policy: Mapping[str, Any],
    policy_digest: str,
    result: Mapping[str, Any],
    result_digest: str,
    excluded: Sequence[Mapping[str, Any]],
    evidence: Sequence[ShownEvidence],
    trails: Sequence[Mapping[str, Any]],
    comparison: Mapping[str, Any] | None = None,
) -> bytes:
    """Return the canonical bytes of a snapshot. `request`, `policy` and `result` are the documents as parsed.

    `comparison` is what changed since the baseline, and the signals; None in snapshots of before there was one, and of kinds without.
    """
    environment = request["environment"]
    return canonical_bytes(
        {
            "schema": SNAPSHOT_SCHEMA,
            "frozenAt": request["frozenAt"],
            "request": {
                **{name: request[name] for name in ("id", "revision", "kind", "title", "openedAt")},
                "digest": {"sha256": request_digest},
            },
            "project": {"slug": request["project"], "name": project_name, "team": request["team"]},
            "environment": {
                "id": environment["id"],
                "slug": environment["name"],
                "name": environment_name,
                "tier": environment["tier"],
            },
            "requester": request["requester"],
            "onBehalfOf": request["onBehalfOf"],
            "owner": request["owner"],
            "artifacts": [{**item, "nameChecked": _is_name_proven(item, evidence)} for item in request["artifacts"]],
            "policy": {
                "id": policy["id"],
                "version": policy["version"],
                "title": policy.get("title", ""),
                "digest": {"sha256": policy_digest},
                **({"expectations": result["expectations"]} if "expectations" in result else {}),
                "inputDigest": {"sha256": result["inputDigest"]},
                "resultDigest": {"sha256": result_digest},
                "result": result["result"],
                "rules": result["rules"],
                "minimumAssurance": policy["minimumAssurance"],
                "validityHours": policy["validityHours"],
                "excluded": list(excluded),
            },
            "evidence": [_evidence(item) for item in evidence],
            "trails": list(trails),
            "note": {"text": request["note"], "checked": False},
            **({"comparison": dict(comparison)} if comparison is not None else {}),
            **{name: request[name] for name in OPTIONAL if name in request},
        }
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _evidence(item: ShownEvidence) -> dict[str, Any]:
    # Only a verdict that says "verified" is derived again by a verifier; of any other, not even the shape is known.
    verdict = item.verdict
    facts = _object(verdict.get("facts"))
    predicate_type = facts.get("predicateType")
    return {
        "id": item.id,
        "digest": {"sha256": item.digest},
        "verdictDigest": {"sha256": item.verdict_digest},
        "format": item.format,
        "receivedAt": item.received_at,
        "verifiedAt": verdict.get("verifiedAt"),
        "result": verdict.get("result"),
        "code": verdict.get("code"),
        "reason": verdict.get("reason"),
        "predicateType": predicate_type if isinstance(predicate_type, str) else "",
        "subjects": facts.get("subjects") or [],
        "signer": _object(facts.get("signer")) or None,
        "identity": verdict.get("identity"),
        **({"coIdentities": verdict["coIdentities"]} if verdict.get("coIdentities") else {}),
        "findings": verdict.get("findings") or [],
        "notChecked": verdict.get("notChecked") or [],
    }


def _is_name_proven(artifact: Mapping[str, Any], evidence: Sequence[ShownEvidence]) -> bool:
    """Say whether a verified statement calls the artifact so; otherwise the name is only what the requester wrote."""
    for item in evidence:
        if item.verdict.get("result") != "verified":
            continue
        for subject in _object(item.verdict.get("facts")).get("subjects") or []:
            if artifact["digest"] in subject["digests"] and artifact["name"] and subject["name"] == artifact["name"]:
                return True
    return False
