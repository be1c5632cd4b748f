"""What the certificate proves beside what the statement claims, row by row, and where the two contradict each other. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proofs.predicates.read import READERS
from proofs.sigstore.cosign_layer import SIGNATURE_TYPE

_PROVENANCE = {
    "https://slsa.dev/provenance/v1": "a build record (SLSA provenance)",
    "https://slsa.dev/provenance/v0.2": "a build record (SLSA provenance 0.2)",
}
# By the kind that `proofs.predicates.read` gives each type it reads.
_KINDS = {
    "verification-summary": "a verification summary (SLSA VSA)",
    "simple-verification": "a simple verification result",
    "test-result": "a test result",
    "vulnerability-scan": "a scan for vulnerabilities",
    "scai": "a claim about attributes (SCAI)",
    "link": "a record of a step (in-toto link)",
    "release": "a release record",
    "reference": "a reference to documents",
    "runtime-trace": "a trace of a running build",
    "spdx": "a list of contents (SPDX)",
    "cyclonedx": "a list of contents (CycloneDX)",
    "openvex": "an assessment of vulnerabilities (OpenVEX)",
    "npm-publish": "a record of publishing (npm)",
    "pypi-publish": "a record of publishing (PEP 740)",
    "witness-collection": "a collection of step records (witness)",
    "chainloop": "a record of a workflow run (Chainloop)",
}

# label, finding, name on the certificate's side, name on the statement's side
_COMPARED = (
    ("Builder", "builder", "identity", "builderId"),
    ("Source", "source", "sourceRepository", "sourceRepository"),
    ("Commit", "commit", "sourceCommit", "sourceCommit"),
    ("Branch or tag", "ref", "sourceRef", "sourceRef"),
    ("Workflow file", "workflow", "buildConfig", "workflowPath"),
    ("Run", "run", "runUrl", "invocationId"),
    ("Trigger", "trigger", "trigger", "trigger"),
)
_CERTIFICATE_ONLY = (("Issued by", "issuer"), ("Runner", "runnerEnvironment"), ("Valid from", "notBefore"), ("Valid until", "notAfter"))


@dataclass(frozen=True, slots=True)
class Row:
    """One line: what is compared, both sides ("" where a side says nothing), and the finding's outcome and sentence."""

    label: str
    proved: str
    claimed: str
    outcome: str = ""
    sentence: str = ""

    @property
    def is_contradiction(self) -> bool:
        """Whether the statement says something else than what is proven."""
        return self.outcome == "fail"


def compare_sides(facts: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return the rows of the comparison from a verdict document's facts and findings; rows that say nothing are left out."""
    signer, claims = facts["signer"], facts["claims"]
    by_check = {finding["check"]: finding for finding in findings}
    rows = []
    if signer["kind"] == "key":
        rows.append(Row("Signed with", str(signer["keyId"]), ""))
    rows += [Row("Signed as well with", str(other["keyId"]), "") for other in facts.get("coSigners", ())]
    for label, check, proved, claimed in _COMPARED:
        finding = by_check.get(check, {})
        rows.append(
            Row(label, _text(signer.get(proved)), _text(claims.get(claimed)), finding.get("outcome", ""), finding.get("sentence", ""))
        )
    rows += [Row(label, _text(signer.get(name)), "") for label, name in _CERTIFICATE_ONLY]
    rows.append(Row("Kind of build", "", _text(claims.get("buildType"))))
    dependencies = claims.get("dependencies", [])
    rows.append(Row("Inputs", "", f"{len(dependencies)} listed" if dependencies else ""))
    return [row for row in rows if row.proved or row.claimed]


def describe_predicate(predicate_type: str | None) -> str:
    """Return what kind of claim this is, in words; an unknown kind is called by its own name, and None is what could not be read."""
    if predicate_type is None:
        return "a statement we could not read"
    if predicate_type in _PROVENANCE:
        return _PROVENANCE[predicate_type]
    if predicate_type == SIGNATURE_TYPE:
        return "a signature over an image (cosign)"
    if predicate_type in READERS:
        return _KINDS[READERS[predicate_type][0]]
    return f"a statement of type {predicate_type}" if predicate_type else "a signature over a file, or a statement without a type"


def _text(value: object) -> str:
    return "" if value is None else str(value)
