"""Expectations of a project: whose evidence counts for it, as one canonical document (countersign-expectations/v1).

The same words as in a policy's evidence rule, said once for a project instead of in every rule. A rule that says
`expectations: project` is checked with them. Reading is closed: what we do not know, and what would accept anything, refuses.
Not checked: whether they are the ones in force, and whether they are good ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from proofs.canonical import canonical_bytes, parse_canonical
from proofs.digest import sha256_hex
from proofs.errors import Malformed, TooLarge
from proofs.fields import Fields
from proofs.policy.read_rules import ACCEPTED_FIELDS, read_accepted
from proofs.policy.rules import EvidenceRule

EXPECTATIONS_SCHEMA = "countersign-expectations/v1"
MAX_EXPECTATIONS_BYTES = 256 * 1024
MAX_ENTRIES = 64

_CODE = "expectations.malformed"


@dataclass(frozen=True, slots=True)
class ProjectExpectations:
    """Parsed expectations. Evidence counts when it is as one entry of `accept` says; `digest` is that of the canonical document."""

    project: str
    version: str
    title: str
    accept: tuple[EvidenceRule, ...]
    digest: str

    def __str__(self) -> str:
        return f"the expectations of {self.project}, version {self.version}"


def parse_expectations(document: bytes) -> ProjectExpectations:
    """Parse the canonical bytes of expectations.

    Refuses with `expectations.empty`, `expectations.malformed`, `expectations.too_large`, `expectation.pattern` or `json.*`.
    """
    if len(document) > MAX_EXPECTATIONS_BYTES:
        raise TooLarge("expectations.too_large", f"got expectations of {len(document)} bytes, expected at most {MAX_EXPECTATIONS_BYTES}")
    value = parse_canonical(document)
    fields = Fields(value, path="expectations", code=_CODE)
    fields.only("schema", "project", "version", "title", "accept")
    fields.choice("schema", (EXPECTATIONS_SCHEMA,))
    if value.get("accept") == []:
        raise Malformed("expectations.empty", "got expectations that accept nothing, expected at least one entry")
    title = fields.text("title", limit=200)
    return ProjectExpectations(
        project=fields.text("project", limit=64),
        version=fields.text("version", limit=40),
        title=title,
        accept=tuple(
            read_accepted(item.only(*ACCEPTED_FIELDS), rule_id="", title=title) for item in fields.each("accept", high=MAX_ENTRIES)
        ),
        digest=sha256_hex(document),
    )


def rules_of_project(rule: EvidenceRule, expected: ProjectExpectations) -> tuple[EvidenceRule, ...]:
    """Return what a rule that leaves it to the project comes to: one rule for each entry about a predicate type of its own."""
    shared = [(entry, tuple(kind for kind in entry.predicate_types if kind in rule.predicate_types)) for entry in expected.accept]
    return tuple(
        replace(entry, id=rule.id, title=rule.title, predicate_types=kinds, results=rule.results) for entry, kinds in shared if kinds
    )


def read_carried(carried: Any, *, project: str, code: str) -> ProjectExpectations:
    """Return the expectations that a policy input carries, as {"digest", "document"}.

    Refuses with `code` when the document has another digest or is another project's, and as `parse_expectations` does.
    """
    fields = Fields(carried, path="policy input.expectations", code=code).only("digest", "document")
    expected = parse_expectations(canonical_bytes(fields.raw("document")))
    if expected.digest != fields.hex_sha256("digest"):
        fields.refuse("digest", "the SHA-256 of the canonical document beside it")
    if expected.project != project:
        fields.refuse("document", f"the expectations of {project}")
    return expected
