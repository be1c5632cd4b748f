"""The picture of a release: what its verified evidence says, brought into one form that two releases can be compared in.

Each part is None where no verified evidence speaks of it. Of each kind of evidence, what the team's own signers signed is heard, else other
teams', else what strangers signed; of who signed what, all are named. The picture is only as true as the evidence; nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from proofs.assess import VERIFIED
from proofs.comparison.deployment import DEPLOYMENT_TYPE, read_deployment
from proofs.comparison.packages import KINDS, is_bill, read_packages
from proofs.comparison.read_statement import read_statement
from proofs.predicates.reading import at, items, text
from proofs.provenance import PROVENANCE_TYPES

PICTURE_SCHEMA = "countersign-release-picture/v1"
MAX_NAMES = 500
_SEVERITIES = ("critical", "high", "medium", "low", "none")


@dataclass(frozen=True, slots=True)
class Pictured:
    """One item of evidence: its verdict document, and its bytes."""

    verdict: Mapping[str, Any]
    content: bytes


@dataclass(frozen=True)
class _Item:
    facts: Mapping[str, Any]
    identity: Mapping[str, Any] | None
    content: bytes

    @property
    def type(self) -> str:
        return self.facts.get("predicateType") or ""

    @property
    def kind(self) -> str:
        said = self.facts.get("predicate")
        return str(said["kind"]) if isinstance(said, dict) else ""

    @property
    def sort(self) -> tuple[bool, str]:
        return (True, "") if self.type in PROVENANCE_TYPES else (False, self.kind or self.type)

    def distance(self, team: str) -> int:
        if self.identity is None:
            return 2
        return 0 if self.identity.get("team") == team else 1

    @cached_property
    def predicate(self) -> dict[str, Any]:
        statement = read_statement(self.content)
        return statement.predicate if statement else {}


def build_picture(
    evidence: Sequence[Pictured],
    *,
    artifacts: Sequence[Mapping[str, str]],
    policy: Mapping[str, str],
    subject: Mapping[str, Any] | None,
    team: str,
) -> dict[str, Any]:
    """Return the picture, ready for canonical JSON.

    `artifacts` are {"digest", "name"}; `policy` {"id", "version", "digest"}; `subject` the document that is asked about where it is no release;
    `team` the slug of the team that asks, whose own signers are heard first.
    """
    all_items = [
        _Item(item.verdict.get("facts") or {}, item.verdict.get("identity"), item.content)
        for item in evidence
        if item.verdict.get("result") == VERIFIED
    ]
    kept = _hear_nearest(all_items, team)
    provenance = [item.facts["claims"] for item in kept if item.type in PROVENANCE_TYPES]
    rollout = _merge_rollouts([read_deployment(item.predicate) for item in kept if item.type == DEPLOYMENT_TYPE])
    return {
        "schema": PICTURE_SCHEMA,
        "artifacts": [dict(item) for item in artifacts],
        "source": _unique(_source(claims) for claims in provenance) if provenance else None,
        "builder": _unique(_builder(item) for item in kept if item.type in PROVENANCE_TYPES) if provenance else None,
        "inputs": _unique(item for claims in provenance for item in _inputs(claims)) if provenance else None,
        **rollout,
        "packages": _packages(kept),
        "signers": _unique(_signer(item) for item in all_items),
        "unproven": sum(item.verdict.get("result") != VERIFIED for item in evidence),
        "scan": _scan(kept),
        "vex": _vex(kept),
        "tests": _tests(kept),
        "policy": dict(policy),
        "subject": dict(subject) if subject is not None else None,
    }


def _hear_nearest(found: list[_Item], team: str) -> list[_Item]:
    """Return, of each kind of evidence, what signers of the team signed; where there is none, of other teams; and strangers last."""
    nearest: dict[tuple[bool, str], int] = {}
    for item in found:
        nearest[item.sort] = min(nearest.get(item.sort, 9), item.distance(team))
    return [item for item in found if item.distance(team) == nearest[item.sort]]


def _source(claims: Mapping[str, Any]) -> dict[str, Any]:
    return {"repository": claims["sourceRepository"], "commit": claims["sourceCommit"], "ref": claims["sourceRef"]}


def _builder(item: _Item) -> dict[str, Any]:
    claims, signer = item.facts["claims"], item.facts["signer"]
    return {
        "id": claims["builderId"],
        "buildType": claims["buildType"],
        "workflow": claims["workflowPath"],
        # The certificate's authority vouches for this one; the rest is what the provenance says.
        "runner": signer.get("runnerEnvironment"),
        "issuer": signer.get("issuer"),
        "parameters": list(item.facts.get("parameters") or []),
    }


def _inputs(claims: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    source = claims["sourceRepository"] or "\0"
    for item in claims["dependencies"][:MAX_NAMES]:
        uri = item.get("uri") or ""
        # The source is compared by itself.
        if uri and source not in uri:
            yield {"uri": uri, "digests": sorted(item.get("digests") or [])}


def _packages(kept: list[_Item]) -> dict[str, Any] | None:
    bills = [item.predicate for item in kept if item.kind in KINDS and is_bill(item.predicate)]
    if not bills:
        return None
    contents = read_packages(bills)
    return {
        "listed": [[each.type, each.name, each.version, each.is_direct] for each in contents.packages],
        "unnamed": contents.unnamed,
        "isComplete": contents.is_complete,
    }


def _signer(item: _Item) -> dict[str, Any]:
    signer = item.facts.get("signer") or {}
    # Without the ref: another tag of the same workflow is the same signer.
    name = signer.get("workflow") or signer.get("identity") or signer.get("keyId") or ""
    return {"type": item.type, "signer": name, "issuer": signer.get("issuer"), "name": item.identity["name"] if item.identity else None}


def _scan(kept: list[_Item]) -> list[dict[str, Any]] | None:
    scans = [item for item in kept if item.kind == "vulnerability-scan"]
    if not scans:
        return None
    found: dict[str, str] = {}
    for item in scans:
        for result in items(item.predicate, "scanner", "result")[:MAX_NAMES]:
            name = text(result, "id") or text(result, "VulnerabilityID")
            if name:
                found[name] = _gravest(found.get(name, "none"), _severity(result))
    return [{"id": name, "severity": found[name]} for name in sorted(found)]


def _severity(result: Any) -> str:
    """Return how grave a scanner calls a finding; one that says nothing readable is called unknown."""
    said = [text(item, "method") and text(item, "score") for item in items(result, "severity")]
    words = [*filter(None, said), text(result, "severity"), text(result, "Severity")]
    for word in words:
        lower = str(word).lower()
        if lower in _SEVERITIES:
            return lower
        try:
            score = float(lower)
        except ValueError:
            continue
        return next(name for name, low in (("critical", 9.0), ("high", 7.0), ("medium", 4.0), ("low", 0.1), ("none", -1e9)) if score >= low)
    return "unknown"


def _gravest(one: str, other: str) -> str:
    order = ("unknown", *_SEVERITIES)
    return min(one, other, key=order.index)


def _vex(kept: list[_Item]) -> list[dict[str, Any]] | None:
    said = [item.facts["predicate"] for item in kept if item.kind == "openvex"]
    if not said:
        return None
    # The newest word about a vulnerability counts; without a time, the worse one.
    order = sorted(said, key=lambda document: (document["timestamp"] or "", document["version"] or 0))
    found = {each["vulnerability"]: each["status"] for document in order for each in document["statements"] if each["vulnerability"]}
    return [{"vulnerability": name, "status": found[name]} for name in sorted(found)]


def _tests(kept: list[_Item]) -> list[dict[str, Any]] | None:
    runs = [item for item in kept if item.kind == "test-result"]
    if not runs:
        return None
    found: dict[str, dict[str, Any]] = {}
    for item in runs:
        said, predicate = item.facts["predicate"], item.predicate
        names = [name for each in items(predicate, "configuration") if (name := text(each, "name"))] or [
            item.identity["name"] if item.identity else ""
        ]
        for name in names:
            found[name] = {
                "suite": name,
                "result": said["result"],
                "passed": len(items(predicate, "passedTests")),
                "warned": said["warned"],
                "failed": said["failed"],
            }
    return [found[name] for name in sorted(found)]


def _merge_rollouts(read: list[dict[str, Any]]) -> dict[str, Any]:
    """Lay several deployment statements together: lists one after the other, counts added up; None where none says it."""
    return {
        "since": sorted({item["since"] for item in read if item["since"]}) or None,
        "commits": _merge(read, "commits", lambda item: item["id"]),
        "identities": _merge(read, "identities", lambda item: (item["issuer"], item["subject"], item["step"])),
        "secrets": _merge(read, "secrets", lambda item: (item["path"], item["access"])),
        "plan": _add_up([item["changes"] for item in read if item["changes"]]),
    }


def _merge(read: list[dict[str, Any]], name: str, key: Callable[[dict[str, Any]], Any]) -> dict[str, Any] | None:
    said = [item[name] for item in read if item[name] is not None]
    if not said:
        return None
    found = {key(each): each for item in said for each in item["listed"]}
    return {"listed": [found[each] for each in sorted(found)], "unreadable": sum(item["unreadable"] for item in said)}


def _add_up(plans: list[dict[str, Any]]) -> dict[str, Any] | None:
    if not plans:
        return None
    counts = {name: sum(plan[name] for plan in plans) for name in ("create", "update", "destroy")}
    return {**counts, "destroyed": sorted({name for plan in plans for name in plan["destroyed"]})[:MAX_NAMES]}


def _unique(values: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {repr(sorted(value.items(), key=str)): value for value in values}
    return [found[key] for key in sorted(found)][:MAX_NAMES]


def at_of(picture: Mapping[str, Any] | None, *path: str) -> Any:
    """Return what stands at `path` in a picture, or None where there is no picture or no such part."""
    return at(dict(picture), *path) if picture is not None else None
