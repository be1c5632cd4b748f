"""What somebody else decided: SLSA verification summaries, in-toto SVR, test results, vulnerability scans."""

from __future__ import annotations

from typing import Any

from proofs.predicates.reading import MAX_LISTED, at, digests, items, text, texts, time

PASSED, WARNED, FAILED = "PASSED", "WARNED", "FAILED"
# Under this name stands what a verifier before version 4 made of a summary, where it differs. No rule reads it.
BEFORE_4 = "readBefore4"


_RESULT, _TIME, _RESOURCE = (
    ("verificationResult", "verification_result"),
    ("timeVerified", "time_verified"),
    ("resourceUri", "resource_uri"),
)


def read_verification_summary(predicate: dict[str, Any]) -> dict[str, Any]:
    """SLSA VSA (slsa.dev/verification_summary/v1): who verified what against which policy, and what came of it."""
    return _summary(predicate, newer=True, levels=texts(predicate, "verifiedLevels"))


def read_older_summary(predicate: dict[str, Any]) -> dict[str, Any]:
    """The same of version 0.2, which spells its fields with underscores and states one level."""
    level = text(predicate, "policy_level")
    return _summary(predicate, newer=False, levels=[] if level is None else [level])


def _summary(predicate: dict[str, Any], *, newer: bool, levels: list[str]) -> dict[str, Any]:
    """Read what the type's own spelling says; where the other spelling says something else, readers differ, and it is None."""
    result = _agreed(predicate, _RESULT, newer=newer)
    said = {
        "verifierId": text(predicate, "verifier", "id"),
        "timeVerified": time({"time": _agreed(predicate, _TIME, newer=newer)}, "time"),
        "resourceUri": text({"uri": _agreed(predicate, _RESOURCE, newer=newer)}, "uri"),
        "policy": {"uri": text(predicate, "policy", "uri"), "digests": digests(predicate, "policy", "digest")},
        "inputs": [digests(item, "digest") for item in items(predicate, "inputAttestations")[:MAX_LISTED]],
        "result": result if result in (PASSED, FAILED) else None,
        "levels": levels,
    }
    # Verdicts of before are derived again from this.
    loosely = _read_before_4(predicate)
    differing = {name: value for name, value in loosely.items() if value != said[name]}
    return said | ({BEFORE_4: differing} if differing else {})


def _agreed(predicate: dict[str, Any], spellings: tuple[str, str], *, newer: bool) -> Any:
    own, other = (at(predicate, name) for name in (spellings if newer else reversed(spellings)))
    return own if other is None or other == own else None


def _read_before_4(predicate: dict[str, Any]) -> dict[str, Any]:
    result = text(predicate, _RESULT[0]) or text(predicate, _RESULT[1])
    return {
        "timeVerified": time(predicate, _TIME[0]) or time(predicate, _TIME[1]),
        "resourceUri": text(predicate, _RESOURCE[0]) or text(predicate, _RESOURCE[1]),
        "result": result if result in (PASSED, FAILED) else None,
        "levels": texts(predicate, "verifiedLevels"),
    }


def read_simple_verification(predicate: dict[str, Any]) -> dict[str, Any]:
    """In-toto SVR: which properties a verifier found to hold."""
    return {
        "verifierId": text(predicate, "verifier", "id"),
        "timeCreated": time(predicate, "timeCreated"),
        "policies": [digests(item, "digest") for item in items(predicate, "policies")[:MAX_LISTED]],
        "properties": texts(predicate, "properties"),
    }


def read_test_result(predicate: dict[str, Any]) -> dict[str, Any]:
    """In-toto test result. A result of another spelling is None, which is not a pass."""
    result = text(predicate, "result")
    return {
        "result": result if result in (PASSED, WARNED, FAILED) else None,
        "configuration": [digests(item, "digest") for item in items(predicate, "configuration")[:MAX_LISTED]],
        "url": text(predicate, "url"),
        "passed": texts(predicate, "passedTests"),
        "warned": texts(predicate, "warnedTests"),
        "failed": texts(predicate, "failedTests"),
    }


def read_vulnerability_scan(predicate: dict[str, Any]) -> dict[str, Any]:
    """In-toto vulns and cosign's vuln: which scanner, with which database, found what, and when."""
    scanner, result = at(predicate, "scanner"), items(predicate, "scanner", "result")
    found = [text(item, "id") or text(item, "VulnerabilityID") for item in result[:MAX_LISTED]]
    return {
        "scannerUri": text(scanner, "uri"),
        "scannerVersion": text(scanner, "version"),
        "databaseUri": text(scanner, "db", "uri"),
        "databaseVersion": text(scanner, "db", "version"),
        "databaseUpdatedAt": time(scanner, "db", "lastUpdate"),
        "vulnerabilities": [name for name in found if name],
        "count": len(result) if isinstance(at(scanner, "result"), list) else None,
        "startedAt": time(predicate, "metadata", "scanStartedOn"),
        "finishedAt": time(predicate, "metadata", "scanFinishedOn"),
    }
