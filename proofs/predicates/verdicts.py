"""What somebody else decided: SLSA verification summaries, in-toto SVR, test results, vulnerability scans.

Of the first three, a member that another spelling of its name contradicts says nothing, and the whole states no result: readers differ
over which of the two they take. Of scans other spellings are not looked for; no rule reads them.
"""

from __future__ import annotations

from typing import Any

from proofs.predicates.reading import MAX_LISTED, at, digests, items, text, texts, time
from proofs.spelling import tree_of, without_doubtful

PASSED, WARNED, FAILED = "PASSED", "WARNED", "FAILED"
# Under this name stands what a verifier before version 4 made of one, where it differs. No rule reads it.
BEFORE_4 = "readBefore4"

_BOTH = ("verifier.id", "policy.uri", "policy.digest")
_NEWER = tree_of((*_BOTH, "inputAttestations.digest", "verifiedLevels", "verificationResult", "timeVerified", "resourceUri"))
_OLDER = tree_of((*_BOTH, "input_attestations.digest", "policy_level", "verification_result", "time_verified", "resource_uri"))
_SIMPLE = tree_of(("verifier.id", "timeCreated", "policies.digest", "properties"))
_TEST = tree_of(("result", "configuration.digest", "url", "passedTests", "warnedTests", "failedTests"))


def read_verification_summary(predicate: dict[str, Any]) -> dict[str, Any]:
    """SLSA VSA (slsa.dev/verification_summary/v1): who verified what against which policy, and what came of it."""
    clear, is_whole = without_doubtful(predicate, _NEWER)
    said = _summary(
        clear,
        result=text(clear, "verificationResult"),
        verified_at=time(clear, "timeVerified"),
        resource=text(clear, "resourceUri"),
        inputs=items(clear, "inputAttestations"),
        levels=texts(clear, "verifiedLevels"),
    )
    return _with_before_4(said if is_whole else said | {"result": None}, _summary_before_4(predicate))


def read_older_summary(predicate: dict[str, Any]) -> dict[str, Any]:
    """The same of version 0.2, which spells its fields with underscores and states one level."""
    clear, is_whole = without_doubtful(predicate, _OLDER)
    level = text(clear, "policy_level")
    said = _summary(
        clear,
        result=text(clear, "verification_result"),
        verified_at=time(clear, "time_verified"),
        resource=text(clear, "resource_uri"),
        inputs=items(clear, "input_attestations"),
        levels=[] if level is None else [level],
    )
    return _with_before_4(said if is_whole else said | {"result": None}, _summary_before_4(predicate))


def read_simple_verification(predicate: dict[str, Any]) -> dict[str, Any]:
    """In-toto SVR: which properties a verifier found to hold; none where another spelling says something else."""
    clear, is_whole = without_doubtful(predicate, _SIMPLE)
    said = _simple_verification(clear)
    return said if is_whole else _with_before_4(said | {"properties": []}, _simple_verification(predicate))


def read_test_result(predicate: dict[str, Any]) -> dict[str, Any]:
    """In-toto test result. A result of another spelling is None, which is not a pass; so is one of a predicate that says two things."""
    clear, is_whole = without_doubtful(predicate, _TEST)
    said = _test_result(clear)
    return said if is_whole else _with_before_4(said | {"result": None}, _test_result(predicate))


def _summary(
    predicate: Any, *, result: str | None, verified_at: str | None, resource: str | None, inputs: list[Any], levels: list[str]
) -> dict[str, Any]:
    return {
        "verifierId": text(predicate, "verifier", "id"),
        "timeVerified": verified_at,
        "resourceUri": resource,
        "policy": {"uri": text(predicate, "policy", "uri"), "digests": digests(predicate, "policy", "digest")},
        "inputs": [digests(item, "digest") for item in inputs[:MAX_LISTED]],
        "result": result if result in (PASSED, FAILED) else None,
        "levels": levels,
    }


def _summary_before_4(predicate: dict[str, Any]) -> dict[str, Any]:
    return _summary(
        predicate,
        result=text(predicate, "verificationResult") or text(predicate, "verification_result"),
        verified_at=time(predicate, "timeVerified") or time(predicate, "time_verified"),
        resource=text(predicate, "resourceUri") or text(predicate, "resource_uri"),
        inputs=items(predicate, "inputAttestations"),
        levels=texts(predicate, "verifiedLevels"),
    )


def _with_before_4(said: dict[str, Any], loosely: dict[str, Any]) -> dict[str, Any]:
    # Verdicts of before are derived again from this.
    differing = {name: value for name, value in loosely.items() if value != said[name]}
    return said | ({BEFORE_4: differing} if differing else {})


def _simple_verification(predicate: Any) -> dict[str, Any]:
    return {
        "verifierId": text(predicate, "verifier", "id"),
        "timeCreated": time(predicate, "timeCreated"),
        "policies": [digests(item, "digest") for item in items(predicate, "policies")[:MAX_LISTED]],
        "properties": texts(predicate, "properties"),
    }


def _test_result(predicate: Any) -> dict[str, Any]:
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
