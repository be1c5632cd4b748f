"""The picture of a release: what its verified evidence says, brought into one form that two releases can be compared in.

Each part is None where no verified evidence speaks of it, and what could not be read is counted. Of each kind of evidence, what the team's own
signers signed is heard, else other teams', else what strangers signed; of who signed what, all are named. Where two say different things of one, the
worse is kept. The picture is only as true as the evidence; nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from proofs.artifact_name import read_name
from proofs.assess import VERIFIED
from proofs.comparison.answers import Answers, Subject, read_answers, read_answers_of_version_2
from proofs.comparison.deployment import DEPLOYMENT_TYPE, read_deployment
from proofs.comparison.packages import KINDS, is_bill, read_packages
from proofs.comparison.read_statement import read_statement
from proofs.comparison.scans import STRANGER, Scan, read_scans
from proofs.comparison.settings import read_settings
from proofs.predicates.reading import at, items, text
from proofs.provenance import PROVENANCE_TYPES

# What is pictured and compared how: whoever compares again under another number may come to other words.
COMPARISON_VERSION = 3
# Those of before are made again as they were, so that what was signed then can be checked for ever.
KNOWN_VERSIONS = (2, COMPARISON_VERSION)
# The last version that took a VEX statement for one about the artifact whichever product it names.
VEX_WITHOUT_PRODUCTS = 2
VALUES_NOT_COMPARED = 2
MAX_NAMES = 500
# Each provenance lists at most a thousand.
MAX_INPUTS = 5_000
UNNAMED = "an unnamed input"
# How a suite came out, the worst first: what is no result is no pass.
_RESULTS = ("FAILED", None, "WARNED", "PASSED")


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
            return STRANGER
        return 0 if self.identity.get("team") == team else 1

    @property
    def about(self) -> frozenset[str]:
        """The digests that its statement is about."""
        return frozenset(digest for subject in self.facts.get("subjects") or () for digest in subject["digests"])

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """The same, one by one, with their names."""
        return tuple(Subject(each["name"] or "", frozenset(each["digests"])) for each in self.facts.get("subjects") or ())

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
    environment: str,
    version: int = COMPARISON_VERSION,
) -> dict[str, Any]:
    """Return the picture, ready for canonical JSON.

    `artifacts` are {"digest", "name"}; `policy` {"id", "version", "digest"}; `subject` the document that is asked about where it is no release;
    `team` the slug of the team that asks, whose own signers are heard first, `environment` that of the environment: what is said of the rollout to
    another one is not heard; `version` one of `KNOWN_VERSIONS`.
    """
    all_items = [
        _Item(item.verdict.get("facts") or {}, item.verdict.get("identity"), item.content)
        for item in evidence
        if item.verdict.get("result") == VERIFIED
    ]
    kept = _hear_nearest(all_items, team)
    provenance = [item.facts["claims"] for item in kept if item.type in PROVENANCE_TYPES]
    rollouts = [item.predicate for item in _hear_nearest([item for item in all_items if _is_rollout_to(item, environment)], team)]
    rollout = _merge_rollouts([read_deployment(predicate) for predicate in rollouts])
    named = frozenset(read_name(item["name"]).version.removeprefix("v") for item in artifacts if item["name"]) - {""}
    # Before version 3 parameters were told by their names alone.
    versions = named if version > VALUES_NOT_COMPARED else None
    return {
        "schema": f"countersign-release-picture/v{version}",
        "artifacts": [dict(item) for item in artifacts],
        "source": _unique(_source(claims) for claims in provenance) if provenance else None,
        "builder": _unique(_builder(item, versions) for item in kept if item.type in PROVENANCE_TYPES) if provenance else None,
        "inputs": _unique((item for claims in provenance for item in _inputs(claims)), most=MAX_INPUTS) if provenance else None,
        **rollout,
        "packages": _packages(kept),
        "signers": _unique(_signer(item, team) for item in all_items),
        "unproven": sum(item.verdict.get("result") != VERIFIED for item in evidence),
        "scan": _scan(kept, team, artifacts) if version > VEX_WITHOUT_PRODUCTS else _scan_of_version_2(kept, team),
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


def _builder(item: _Item, versions: frozenset[str] | None) -> dict[str, Any]:
    claims, signer = item.facts["claims"], item.facts["signer"]
    settings = (
        {}
        if versions is None
        else {"settings": read_settings(item.predicate, {**claims, "runner": signer.get("runnerEnvironment")}, versions)}
    )
    return {
        "id": claims["builderId"],
        "buildType": claims["buildType"],
        "workflow": claims["workflowPath"],
        # The certificate's authority vouches for this one; the rest is what the provenance says.
        "runner": signer.get("runnerEnvironment"),
        "issuer": signer.get("issuer"),
        "parameters": list(item.facts.get("parameters") or []),
        **settings,
    }


def _inputs(claims: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    source = bare_address(claims["sourceRepository"] or "")
    for item in claims["dependencies"]:
        uri = item.get("uri") or ""
        # The source is compared by itself.
        if not source or bare_address(uri) != source:
            yield {"uri": uri or UNNAMED, "digests": sorted(item.get("digests") or [])}


def bare_address(uri: str) -> str:
    """Return an address without what tells one version of the thing from another: its tag, commit, query and fragment."""
    bare = uri.partition("?")[0].partition("#")[0].removeprefix("git+").rstrip("/")
    before, mark, after = bare.rpartition("@")
    if mark and (after.startswith("refs/") or "/" not in after):
        bare = before
    before, mark, after = bare.rpartition(":")
    bare = before if mark and after and "/" not in after else bare
    return bare.removesuffix(".git")


def _packages(kept: list[_Item]) -> dict[str, Any] | None:
    bills = [item.predicate for item in kept if item.kind in KINDS and is_bill(item.predicate)]
    if not bills:
        return None
    contents = read_packages(bills)
    return {
        "listed": [[each.type, each.name, each.version, each.is_direct, each.origin] for each in contents.packages],
        "unnamed": contents.unnamed,
        "isComplete": contents.is_complete,
    }


def _signer(item: _Item, team: str) -> dict[str, Any]:
    signer = item.facts.get("signer") or {}
    # Without the ref: another tag of the same workflow is the same signer.
    name = signer.get("workflow") or signer.get("identity") or signer.get("keyId") or ""
    return {
        "type": item.type,
        "signer": name,
        "issuer": signer.get("issuer"),
        "name": item.identity["name"] if item.identity else None,
        "distance": item.distance(team),
    }


def _scan(kept: list[_Item], team: str, artifacts: Sequence[Mapping[str, str]]) -> dict[str, Any] | None:
    asked = {item["digest"]: item["name"] or "" for item in artifacts}
    scans = []
    for item in kept:
        if item.kind == "vulnerability-scan":
            # What a scan says of others matters to nobody here.
            subjects = [Subject(_name_asked(each, asked), each.digests) for each in item.subjects if each.digests & asked.keys()]
            scans.append(Scan(item.predicate, tuple(subjects or item.subjects), item.distance(team)))
    answers = [Answers(read_answers(item.predicate), item.subjects, item.distance(team)) for item in kept if item.kind == "openvex"]
    return read_scans(scans, answers)


def _name_asked(subject: Subject, asked: Mapping[str, str]) -> str:
    return next((asked[digest] for digest in sorted(subject.digests & asked.keys()) if asked[digest]), subject.name)


def _scan_of_version_2(kept: list[_Item], team: str) -> dict[str, Any] | None:
    scans = [Scan(item.predicate, (Subject("", item.about),), item.distance(team)) for item in kept if item.kind == "vulnerability-scan"]
    answers = [
        Answers(read_answers_of_version_2(item.facts["predicate"]), (Subject("", item.about),), item.distance(team))
        for item in kept
        if item.kind == "openvex"
    ]
    return read_scans(scans, answers, with_reasons=False)


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
            run = {
                "suite": name,
                "result": said["result"],
                "passed": len(items(predicate, "passedTests")),
                "warned": said["warned"],
                "failed": said["failed"],
            }
            # Run again until it passed, or passed for another artifact of the same release: it did fail.
            found[name] = min(found.get(name, run), run, key=lambda each: _RESULTS.index(each["result"]))
    return [found[name] for name in sorted(found)]


def _is_rollout_to(item: _Item, environment: str) -> bool:
    """Return whether somebody who may say it says what a rollout to this environment brings along; one that names no environment speaks of all."""
    return item.type == DEPLOYMENT_TYPE and item.identity is not None and at(item.predicate, "environment") in (None, environment)


def _merge_rollouts(read: list[dict[str, Any]]) -> dict[str, Any]:
    """Lay several deployment statements together: what is said twice is said once, as the worse of both; counts added up; None where none says it."""
    return {
        "since": sorted({item["since"] for item in read if item["since"]}) or None,
        "commits": _merge(read, "commits", lambda item: item["id"], _worse_commit),
        "identities": _merge(read, "identities", lambda item: (item["issuer"], item["subject"], item["step"]), _wider_identity),
        "secrets": _merge(read, "secrets", lambda item: (item["path"], item["access"]), _longer_secret),
        "plan": _add_up([item["changes"] for item in read if item["changes"]]),
    }


def _merge(
    read: list[dict[str, Any]],
    name: str,
    key: Callable[[dict[str, Any]], Any],
    join: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]],
) -> dict[str, Any] | None:
    said = [item[name] for item in read if item[name] is not None]
    if not said:
        return None
    found: dict[Any, dict[str, Any]] = {}
    for item in said:
        for each in item["listed"]:
            found[key(each)] = join(found[key(each)], each) if key(each) in found else each
    return {"listed": [found[each] for each in sorted(found)], "unreadable": sum(item["unreadable"] for item in said)}


def _worse_commit(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    flags = {name: one[name] and other[name] for name in ("isReviewed", "isSigned")}
    return {**one, **flags, "paths": sorted({*one["paths"], *other["paths"]})}


def _wider_identity(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {**one, "scopes": sorted({*one["scopes"], *other["scopes"]})}


def _longer_secret(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    days = [item["rotationDays"] for item in (one, other)]
    return {**one, "rotationDays": None if None in days else max(days)}


def _add_up(plans: list[dict[str, Any]]) -> dict[str, Any] | None:
    if not plans:
        return None
    counts = {name: sum(plan[name] for plan in plans) for name in ("create", "update", "destroy")}
    return {**counts, "destroyed": sorted({name for plan in plans for name in plan["destroyed"]})[:MAX_NAMES]}


def _unique(values: Iterable[dict[str, Any]], *, most: int = MAX_NAMES) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {repr(sorted(value.items(), key=str)): value for value in values}
    return [found[key] for key in sorted(found)][:most]


def at_of(picture: Mapping[str, Any] | None, *path: str) -> Any:
    """Return what stands at `path` in a picture, or None where there is no picture or no such part."""
    return at(dict(picture), *path) if picture is not None else None
