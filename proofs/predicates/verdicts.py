"""What somebody else decided: SLSA verification summaries, in-toto SVR, test results, vulnerability scans."""

from __future__ import annotations

from typing import Any

from proofs.predicates.reading import MAX_LISTED, at, digests, items, text, texts, time

PASSED, WARNED, FAILED = "PASSED", "WARNED", "FAILED"


def read_verification_summary(predicate: dict[str, Any]) -> dict[str, Any]:
    """SLSA VSA (slsa.dev/verification_summary): who verified what against which policy, and what came of it."""
    result = text(predicate, "verificationResult") or text(predicate, "verification_result")
    return {
        "verifierId": text(predicate, "verifier", "id"),
        "timeVerified": time(predicate, "timeVerified") or time(predicate, "time_verified"),
        "resourceUri": text(predicate, "resourceUri") or text(predicate, "resource_uri"),
        "policy": {"uri": text(predicate, "policy", "uri"), "digests": digests(predicate, "policy", "digest")},
        "inputs": [digests(item, "digest") for item in items(predicate, "inputAttestations")[:MAX_LISTED]],
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
