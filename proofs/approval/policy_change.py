"""A change of policy as it is asked about: which version comes into force where and how, in place of what, and what that changes.

The document is the one artifact of a request of kind policy-change, and people sign over its digest. Reading is closed and checks form
only: whether the policy it names exists, whether what it replaces is in force, and whether the differences are those of the two
policies (`proofs.policy.compare` tells them anew) is for whoever acts on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from proofs.canonical import canonical_bytes, parse_canonical
from proofs.fields import Fields
from proofs.moment import rfc3339

CHANGE_SCHEMA = "countersign-policy-change/v1"
MODES = ("observe", "warn", "enforce")
MAX_DIFFERENCES = 100
MAX_WORDS = 1000

_CODE = "policy_change.malformed"


@dataclass(frozen=True, slots=True)
class InForce:
    """What a change replaces: the digest of the policy in force, and its mode."""

    digest: str
    mode: str


@dataclass(frozen=True, slots=True)
class ToldDifference:
    """One difference between what is replaced and what replaces it, in words: of a rule, or (empty) of the policy as a whole."""

    rule: str
    change: str
    loosens: bool
    words: str


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
    differences: tuple[ToldDifference, ...] = ()


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
            "differences": [
                {"rule": item.rule, "change": item.change, "loosens": item.loosens, "words": item.words} for item in change.differences
            ],
        }
    )
    parse_policy_change(document)
    return document


def parse_policy_change(content: bytes) -> PolicyChange:
    """Parse the canonical bytes of a change. Refuses with `policy_change.malformed` or `json.*`."""
    return read_policy_change(Fields(parse_canonical(content), path="policy change", code=_CODE))


def read_policy_change(fields: Fields) -> PolicyChange:
    """Read a change from its fields. Refuses with the code they bring."""
    fields.only("schema", "policy", "project", "environment", "mode", "previous", "activateAt", "differences")
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
        differences=tuple(read_difference(item) for item in fields.each("differences", high=MAX_DIFFERENCES)),
    )


def read_difference(item: Fields) -> ToldDifference:
    """Read one difference from its fields. Refuses with the code they bring."""
    item.only("rule", "change", "loosens", "words")
    return ToldDifference(
        rule=item.text("rule", limit=80, empty=True),
        change=item.text("change", limit=20),
        loosens=item.flag("loosens"),
        words=item.text("words", limit=MAX_WORDS),
    )
