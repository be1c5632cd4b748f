"""What the certificate proves beside what the statement claims, row by row, and where the two contradict each other. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

KNOWN_PREDICATES = {
    "https://slsa.dev/provenance/v1": "a build record (SLSA provenance)",
    "https://slsa.dev/provenance/v0.2": "a build record (SLSA provenance 0.2)",
    "https://slsa.dev/verification_summary/v1": "a verification summary (SLSA VSA)",
    "https://in-toto.io/attestation/test-result/v0.1": "a test result",
    "https://in-toto.io/attestation/svr/v0.1": "a simple verification result",
    "https://in-toto.io/attestation/release/v0.1": "a release record",
    "https://spdx.dev/Document": "a list of contents (SPDX)",
    "https://spdx.dev/Document/v2.3": "a list of contents (SPDX)",
    "https://cyclonedx.org/bom": "a list of contents (CycloneDX)",
    "https://openvex.dev/ns": "an assessment of vulnerabilities (OpenVEX)",
    "https://openvex.dev/ns/v0.2.0": "an assessment of vulnerabilities (OpenVEX)",
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
        return self.outcome == "fail"


def compare_sides(facts: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return the rows of the comparison from a verdict document's facts and findings; rows that say nothing are left out."""
    signer, claims = facts["signer"], facts["claims"]
    by_check = {finding["check"]: finding for finding in findings}
    rows = []
    if signer["kind"] == "key":
        rows.append(Row("Signed with", str(signer["keyId"]), ""))
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


def describe_predicate(predicate_type: str) -> str:
    """Return what kind of claim this is, in words; an unknown kind is called by its own name."""
    return KNOWN_PREDICATES.get(
        predicate_type, f"a statement of type {predicate_type}" if predicate_type else "a statement we could not read"
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)
