"""What a statement says beyond provenance, and when it was signed, in words for the evidence page. Pure; nothing is judged here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FORMATS = {
    "sigstore-bundle": "Sigstore bundle",
    "pep740-attestation": "PEP 740 attestation",
    "cosign-layer": "layer of cosign, beside an image",
    "dsse": "DSSE envelope",
}
_TIME_SOURCES = {"log": "the transparency log", "rfc3161": "a timestamp authority (RFC 3161)"}
_LABELS = {
    "verifierId": "Verifier",
    "timeVerified": "Verified at",
    "timeCreated": "Created at",
    "resourceUri": "Resource",
    "result": "Result",
    "levels": "Levels",
    "properties": "Properties",
    "url": "Details",
    "passed": "Passed",
    "warned": "Warned",
    "failed": "Failed",
    "scannerUri": "Scanner",
    "scannerVersion": "Scanner version",
    "databaseUri": "Database",
    "databaseVersion": "Database version",
    "databaseUpdatedAt": "Database updated",
    "vulnerabilities": "Vulnerabilities",
    "count": "Found",
    "startedAt": "Started",
    "finishedAt": "Finished",
    "version": "Version",
    "name": "Name",
    "tools": "Made with",
    "createdAt": "Created at",
    "components": "Components",
    "rootDigests": "About",
    "author": "Author",
    "timestamp": "Written at",
    "purl": "Package",
    "tag": "Tag",
    "repository": "Repository",
    "repositoryId": "Repository number",
    "ownerId": "Owner number",
    "registry": "Registry",
    "command": "Command",
    "producer": "Producer",
    "types": "Contains",
    "workflow": "Workflow",
    "project": "Project",
    "runId": "Run",
    "attester": "Attester",
    "monitor": "Monitor",
    "events": "Events",
}
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class SigningMoment:
    """One proven signing time, and whose word it is."""

    at: str
    source: str


def describe_format(evidence_format: str) -> str:
    """Return what a format of evidence is called; an unknown one by its own name."""
    return FORMATS.get(evidence_format, evidence_format)


def list_claims(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return label and value of each thing an understood predicate says; empty for provenance, which is compared side by side."""
    said = facts.get("predicate") or {}
    rows = [(label, _text(said[name])) for name, label in _LABELS.items() if name in said]
    rows.append(("Materials", _text([_name_of(material) for material in said.get("materials") or []])))
    statements = said.get("statements") or []
    rows += [(str(item.get("vulnerability") or "A vulnerability"), str(item.get("status") or "status unreadable")) for item in statements]
    return [(label, value) for label, value in rows if value]


def list_signing_times(facts: Mapping[str, Any]) -> list[SigningMoment]:
    """Return when it was signed, as log and timestamp authorities prove it; empty where only a key signed."""
    times: Sequence[Mapping[str, Any]] = facts.get("times") or []
    return [SigningMoment(str(time["at"]), _TIME_SOURCES.get(str(time["source"]), str(time["source"]))) for time in times]


def _name_of(material: Mapping[str, Any]) -> str:
    return str(material.get("name") or ", ".join(material.get("digests") or []) or "one without a name")


def _text(value: object) -> str:
    if isinstance(value, list):
        words = [str(item) for item in value if isinstance(item, str)]
        more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
        return ", ".join(words[:_SHOWN]) + more
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
