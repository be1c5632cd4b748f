"""A change of a project's expectations as it is asked about: which version comes into force, in place of what, and what that changes.

The document is the one artifact of a request of kind policy-change, and people sign over its digest. Reading is closed and checks form
only: whether the expectations it names exist, whether what it replaces is in force, and whether the differences are those of the two
documents (`proofs.policy.compare_expectations` tells them anew) is for whoever acts on it.
"""

from __future__ import annotations

from dataclasses import dataclass

from proofs.approval.policy_change import MAX_DIFFERENCES, ToldDifference, read_difference
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.fields import Fields

EXPECTATIONS_CHANGE_SCHEMA = "countersign-expectations-change/v1"

_CODE = "expectations_change.malformed"


@dataclass(frozen=True, slots=True)
class ExpectationsChange:
    """Expectations that are to come into force for a project (its slug). `previous` is the digest of those in force, empty where none were."""

    version: str
    digest: str
    project: str
    previous: str = ""
    differences: tuple[ToldDifference, ...] = ()


def build_expectations_change(change: ExpectationsChange) -> bytes:
    """Return the canonical bytes of a change (countersign-expectations-change/v1). Refuses with `expectations_change.malformed`."""
    document = canonical_bytes(
        {
            "schema": EXPECTATIONS_CHANGE_SCHEMA,
            "expectations": {"version": change.version, "digest": {"sha256": change.digest}},
            "project": change.project,
            "previous": {"digest": {"sha256": change.previous}} if change.previous else None,
            "differences": [
                {"rule": item.rule, "change": item.change, "loosens": item.loosens, "words": item.words} for item in change.differences
            ],
        }
    )
    parse_expectations_change(document)
    return document


def parse_expectations_change(content: bytes) -> ExpectationsChange:
    """Parse the canonical bytes of a change. Refuses with `expectations_change.malformed` or `json.*`."""
    return read_expectations_change(Fields(parse_canonical(content), path="change of expectations", code=_CODE))


def read_expectations_change(fields: Fields) -> ExpectationsChange:
    """Read a change from its fields. Refuses with the code they bring."""
    fields.only("schema", "expectations", "project", "previous", "differences")
    fields.choice("schema", (EXPECTATIONS_CHANGE_SCHEMA,))
    expected = fields.fields("expectations").only("version", "digest")
    return ExpectationsChange(
        version=expected.text("version", limit=40),
        digest=expected.sha256(),
        project=fields.text("project", limit=64),
        previous=fields.fields("previous").only("digest").sha256() if fields.has("previous") else "",
        differences=tuple(read_difference(item) for item in fields.each("differences", high=MAX_DIFFERENCES)),
    )
