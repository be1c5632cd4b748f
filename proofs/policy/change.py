"""A change of policy as it is asked about: which version comes into force where and how, in place of what; and who has to agree.

The document is the one artifact of a request of kind policy-change, and people sign over its digest. Reading is closed and checks form
only: whether the policy it names exists, and whether what it replaces is in force, is for whoever acts on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proofs.approval.assurance import reaches_level
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.digest import sha256_hex
from proofs.fields import Fields
from proofs.moment import rfc3339
from proofs.policy.document import POLICY_SCHEMA

CHANGE_SCHEMA = "countersign-policy-change/v1"
MODES = ("observe", "warn", "enforce")
POLICY_OWNER = "policy-owner"
# Nobody's rules change by less than a passkey of their own, or a sign-in with two factors.
LOWEST_LEVEL = "H2"
VALIDITY_HOURS = 24

_CODE = "policy_change.malformed"


@dataclass(frozen=True, slots=True)
class InForce:
    """What a change replaces: the digest of the policy in force, and its mode."""

    digest: str
    mode: str


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A policy version that is to come into force for a project and environment, both by slug. `previous` is None where none was."""

    policy_id: str
    version: str
    digest: str
    project: str
    environment: str
    mode: str
    previous: InForce | None = None
    activate_at: datetime | None = None


def build_policy_change(change: PolicyChange) -> bytes:
    """Return the canonical bytes of a change (countersign-policy-change/v1). Refuses with `policy_change.malformed`."""
    before = change.previous
    document = canonical_bytes(
        {
            "schema": CHANGE_SCHEMA,
            "policy": {"id": change.policy_id, "version": change.version, "digest": {"sha256": change.digest}},
            "project": change.project,
            "environment": change.environment,
            "mode": change.mode,
            "previous": {"digest": {"sha256": before.digest}, "mode": before.mode} if before else None,
            "activateAt": rfc3339(change.activate_at) if change.activate_at else None,
        }
    )
    parse_policy_change(document)
    return document


def parse_policy_change(content: bytes) -> PolicyChange:
    """Parse the canonical bytes of a change. Refuses with `policy_change.malformed` or `json.*`."""
    fields = Fields(parse_canonical(content), path="policy change", code=_CODE)
    fields.only("schema", "policy", "project", "environment", "mode", "previous", "activateAt")
    fields.choice("schema", (CHANGE_SCHEMA,))
    policy = fields.fields("policy").only("id", "version", "digest")
    previous = None
    if fields.has("previous"):
        before = fields.fields("previous").only("digest", "mode")
        previous = InForce(before.sha256(), before.choice("mode", MODES))
    return PolicyChange(
        policy_id=policy.text("id", limit=80),
        version=policy.text("version", limit=40),
        digest=policy.sha256(),
        project=fields.text("project", limit=64),
        environment=fields.text("environment", limit=64),
        mode=fields.choice("mode", MODES),
        previous=previous,
        activate_at=fields.optional_time("activateAt"),
    )


def policy_for_change(*, minimum_assurance: str) -> bytes:
    """Return the canonical policy that a change of policy is decided by: two different policy owners, of whom one may have proposed it.

    `minimum_assurance` is the level of the policy that is replaced: whoever loosens a rule is no less sure than whoever keeps it. It is
    never below `LOWEST_LEVEL`.
    """
    level = minimum_assurance if reaches_level(minimum_assurance, LOWEST_LEVEL) else LOWEST_LEVEL
    return derived_policy(
        policy_id="policy-change",
        title="A change of policy",
        minimum_assurance=level,
        validity_hours=VALIDITY_HOURS,
        rules=[
            {"id": "policy-owners", "kind": "approvals", "title": "Two policy owners", "role": POLICY_OWNER, "count": 2},
            {
                "id": "two-people",
                "kind": "separation-of-duties",
                "title": "Whoever proposes may be one of the two",
                "requesterMayApprove": True,
            },
        ],
    )


def derived_policy(*, policy_id: str, title: str, minimum_assurance: str, validity_hours: int, rules: list[dict[str, Any]]) -> bytes:
    """Return the canonical bytes of a policy nobody wrote. Its version is the beginning of a digest of the rest, so that equal ones are one."""
    document = {
        "schema": POLICY_SCHEMA,
        "id": policy_id,
        "title": title,
        "minimumAssurance": minimum_assurance,
        "validityHours": validity_hours,
        "rules": rules,
    }
    return canonical_bytes({**document, "version": sha256_hex(canonical_bytes(document))[:16]})
