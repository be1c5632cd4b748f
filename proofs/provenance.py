"""SLSA provenance (v1 and v0.2) read into claims: every value that is stated about builder and source, and where it stands.

A signer can state a value in several places, and readers of provenance look in different ones. So all places of both versions are
read, whichever version the type names. A value that is there and cannot be read is stated as None, an input as unreadable, and neither is
ever left out; so is what stands under another spelling of a name we read. Nothing is judged here.
"""

from __future__ import annotations

import re
from typing import Any

from proofs.digest import LENGTHS
from proofs.errors import TooLarge
from proofs.repository import split_location
from proofs.spelling import Names, NameTree, letters_of, respelled_places, tree_of
from proofs.statement import is_plain_text

PROVENANCE_TYPES = ("https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2")
# Inputs in all places together. Verifiers before version 4 read any number, and listed the first 1,024 of them.
MAX_INPUTS = 1000
# What stands for parameters that are there, and are no object whose names could be read.
NO_NAMES = "(no object)"

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_COMMIT_ALGORITHMS = ("gitCommit", "sha1")
_EXTERNAL, _INTERNAL = "buildDefinition.externalParameters", "buildDefinition.internalParameters"
_ENVIRONMENT = "invocation.environment"

# What is stated as plain text: claim, and the places where it may stand.
_TEXTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("builder", ("runDetails.builder.id", "builder.id")),
    ("workflow", (f"{_EXTERNAL}.workflow.path", "invocation.configSource.entryPoint")),
    ("commit", (f"{_INTERNAL}.GITHUB_SHA", f"{_ENVIRONMENT}.GITHUB_SHA", f"{_ENVIRONMENT}.github_sha1")),
    ("ref", (f"{_INTERNAL}.GITHUB_REF", f"{_ENVIRONMENT}.GITHUB_REF", f"{_ENVIRONMENT}.github_ref")),
    (
        "run",
        (
            "runDetails.metadata.invocationId",
            "runDetails.metadata.invocationID",
            "metadata.buildInvocationID",
            "metadata.buildInvocationId",
            "metadata.invocationId",
        ),
    ),
    (
        "trigger",
        (
            f"{_INTERNAL}.github.event_name",
            f"{_INTERNAL}.GITHUB_EVENT_NAME",
            f"{_ENVIRONMENT}.github_event_name",
            f"{_ENVIRONMENT}.GITHUB_EVENT_NAME",
        ),
    ),
)
# Where the source is named: as text, or as an object with a repository, a ref and a digest.
_SOURCES = (
    *(f"{_EXTERNAL}.{name}" for name in ("workflow", "source", "source.artifact", "sourceToBuild", "configSource", "buildConfigSource")),
    "invocation.configSource",
)
# Where everything that went into the build is listed, the source among it.
_INPUTS = ("buildDefinition.resolvedDependencies", "materials")
# Where what a caller of the build could set stands.
_PARAMETERS = (_EXTERNAL, "invocation.parameters")
_BUILD_TYPES = ("buildDefinition.buildType", "buildType")
# Spelled so by some builders, and not read by verifiers before version 4.
_READ_SINCE_4 = ("runDetails.metadata.invocationID",)

_PLACES = (
    *(place for _, places in _TEXTS for place in places),
    *_SOURCES,
    *(f"{place}.{name}" for place in _SOURCES for name in ("uri", "repository", "ref", "digest")),
    *_INPUTS,
    *_PARAMETERS,
    *_BUILD_TYPES,
)
_STEPS = {place: tuple(place.split(".")) for place in _PLACES}
_TREE, _TREE_OF_PARAMETERS = tree_of(_PLACES), tree_of(_PARAMETERS)
_OF_INPUT, _OF_DIGEST = Names(("uri", "digest")), Names((*LENGTHS, *_COMMIT_ALGORITHMS))


def read_provenance(predicate: dict[str, Any], *, as_before_4: bool = False) -> dict[str, Any]:
    """Return the claims of a predicate, ready for canonical JSON; refuses more than `MAX_INPUTS` inputs with `statement.too_many_inputs`.

    `as_before_4` is for verdicts of verifiers before version 4: they read any number of inputs, and looked for no other spellings.

    `stated` lists each value about builder, workflow, source, commit, ref, run and trigger with its place; `dependencies` each input
    (`unreadable` where it is no object, `otherDigests` where it has digests of other kinds), and `inputs` those that are source code. The other fields are the first value of each kind, for reading.
    """
    reading = _Reading(predicate, as_before_4=as_before_4)
    if not as_before_4:
        reading.refuse_many_inputs(MAX_INPUTS)
    for place in _SOURCES:
        reading.read_source(place)
    for claim, places in _TEXTS:
        for place in places:
            if not (as_before_4 and place in _READ_SINCE_4):
                reading.read_text(claim, place)
    listed = [item for place in _INPUTS for item in reading.read_inputs(place)]
    repository = reading.first("source")
    location = split_location(repository) if repository else None
    repository = location.repository if location else repository
    return {
        "builderId": reading.first("builder"),
        "buildType": next(filter(None, map(reading.text_at, _BUILD_TYPES)), None),
        "sourceRepository": repository,
        "sourceCommit": reading.commit_of(repository),
        "sourceRef": reading.first("ref") or reading.ref_of(repository),
        "workflowPath": reading.first("workflow"),
        "invocationId": reading.first("run"),
        "trigger": reading.first("trigger"),
        "dependencies": [_described(item, as_before_4=as_before_4) for item in listed],
        "stated": [{"claim": claim, "at": place, "value": value} for claim, place, value in reading.stated],
        "inputs": reading.inputs,
    }


def read_parameters(predicate: dict[str, Any], *, as_before_4: bool = False) -> list[str] | None:
    """Return the names of the external parameters, sorted; None where no place has any. What cannot be read is named too, in brackets.

    `as_before_4` is as in `read_provenance`.
    """
    stated = _Reading(predicate, as_before_4=as_before_4, tree=_TREE_OF_PARAMETERS).parameters()
    if not stated:
        return None
    names = {name for parameters in stated if isinstance(parameters, dict) for name in parameters}
    # A name that cannot be shown is shown as such, and is nobody's allowed parameter.
    shown = {name if is_plain_text(name) and name else "(unreadable)" for name in names}
    return sorted(shown | {NO_NAMES for parameters in stated if not isinstance(parameters, dict)})


class _Reading:
    """One predicate while it is read: what was found so far."""

    def __init__(self, predicate: dict[str, Any], *, as_before_4: bool, tree: NameTree = _TREE) -> None:
        self._predicate = predicate
        self._as_before_4 = as_before_4
        self._respelled = set() if as_before_4 else respelled_places(predicate, tree)
        self.stated: list[tuple[str, str, str | None]] = []
        self.inputs: list[dict[str, Any]] = []

    def read_text(self, claim: str, place: str) -> None:
        found = self._find(place)
        if not _is_absent(found):
            self._state(claim, place, found)

    def read_source(self, place: str) -> None:
        found = self._find(place, through_text=True)
        if isinstance(found, dict):
            for claim, name in (("source", "uri"), ("source", "repository"), ("ref", "ref")):
                self.read_text(claim, f"{place}.{name}")
            for name, commit in self._commits(self._find(f"{place}.digest")):
                self.stated.append(("commit", f"{place}.digest.{name}", commit))
        elif not _is_absent(found):
            self._state("source", place, found)

    def read_inputs(self, place: str) -> list[Any]:
        found = self._find(place)
        if _is_absent(found):
            return []
        if not isinstance(found, list):
            self.stated.append(("source", place, None))
            return [found]
        for number, item in enumerate(found):
            self._read_input(f"{place}[{number}]", item)
        return found

    def refuse_many_inputs(self, most: int) -> None:
        # Each of them is compared with each source that is named, so they are counted first.
        count = sum(len(found) for found in map(self._find, _INPUTS) if isinstance(found, list))
        if count > most:
            raise TooLarge("statement.too_many_inputs", f"got provenance of {count} inputs, expected at most {most}")

    def parameters(self) -> list[Any]:
        return [found for found in map(self._find, _PARAMETERS) if not _is_absent(found)]

    def first(self, claim: str) -> str | None:
        return next((value for stated, _, value in self.stated if stated == claim and value), None)

    def text_at(self, place: str) -> str | None:
        found = self._find(place)
        return found if is_plain_text(found) and found else None

    def commit_of(self, repository: str | None) -> str | None:
        """Return the one commit stated for the source; None when there are several, or none."""
        commits = {value for claim, _, value in self.stated if claim == "commit" and value}
        commits |= {commit for item in self.inputs if item["repository"] == repository for commit in item["commits"] if commit}
        return commits.pop() if len(commits) == 1 else None

    def ref_of(self, repository: str | None) -> str | None:
        refs = {item["ref"] for item in self.inputs if item["repository"] == repository and item["ref"]}
        return refs.pop() if len(refs) == 1 else None

    def _state(self, claim: str, place: str, found: object) -> None:
        value = found if is_plain_text(found) and found.strip() else None
        if claim == "commit":
            value = _commit(value)
        if claim == "ref" and value is not None and _commit(value):
            # Some write the commit where others write the branch.
            claim, value = "commit", _commit(value)
        self.stated.append((claim, place, value))
        location = split_location(value) if claim == "source" and value else None
        if location is not None and location.ref:
            self._state("ref", place, location.ref)

    def _read_input(self, place: str, item: object) -> None:
        uri: Any = item.get("uri") if isinstance(item, dict) else item
        if not isinstance(item, dict) or not is_plain_text("" if uri is None else uri) or self._is_respelled(item):
            self.stated.append(("source", place, None))
            return
        location = split_location(uri) if uri else None
        named = [] if location is None else self._commits(item.get("digest"))
        is_git = str(uri).lower().startswith("git+") or any(name.lower() == "gitcommit" for name, _ in named)
        if location is None or not (named or is_git or location.ref or location.scheme in ("ssh", "git")):
            return
        commits, ref = [commit for _, commit in named], location.ref
        if ref and _commit(ref):
            commits, ref = [*commits, _commit(ref)], None
        self.inputs.append({"at": place, "uri": uri, "repository": location.repository, "ref": ref, "commits": commits, "isGit": is_git})

    def _find(self, place: str, *, through_text: bool = False) -> Any:
        """Return what stands at `place`: None for nothing, and `_UNREADABLE` where something on the way is no object."""
        current: Any = self._predicate
        names = _STEPS[place]
        if self._respelled and any(".".join(names[:count]) in self._respelled for count in range(1, len(names) + 1)):
            return _UNREADABLE
        for name in names:
            if not isinstance(current, dict):
                return None if through_text and isinstance(current, str) else _UNREADABLE
            current = current.get(name)
            if _is_absent(current):
                return None
        return current

    def _is_respelled(self, item: dict[str, Any]) -> bool:
        return not self._as_before_4 and bool(_OF_INPUT.respelled(item))

    def _commits(self, digest: object) -> list[tuple[str, str | None]]:
        """Return the commits in a digest by the name they stand under; None for one that cannot be read."""
        if _is_absent(digest):
            return []
        if not isinstance(digest, dict):
            return [("", None)]
        found: list[tuple[str, str | None]] = []
        for name, value in digest.items():
            if is_plain_text(name) and name.lower() in _COMMITS_IN_ANY_CASE:
                found.append((name, _commit(value)))
            elif not self._as_before_4 and is_plain_text(name) and letters_of(name) in _COMMITS_IN_ANY_CASE:
                found.append((name, None))
        return found


_UNREADABLE = object()
_COMMITS_IN_ANY_CASE = {name.lower() for name in _COMMIT_ALGORITHMS}


def _is_absent(found: object) -> bool:
    # An empty text is how some libraries write a field that was never set.
    return found is None or found == ""


def _commit(value: object) -> str | None:
    text = value.lower() if isinstance(value, str) else ""
    return text if _COMMIT.fullmatch(text) else None


def _described(item: object, *, as_before_4: bool) -> dict[str, Any]:
    if not isinstance(item, dict) or (not as_before_4 and _OF_INPUT.respelled(item)):
        return {"uri": None, "digests": [], "unreadable": True}
    stated, uri = item.get("digest"), item.get("uri")
    digest = stated if isinstance(stated, dict) and (as_before_4 or not _OF_DIGEST.respelled(stated)) else {}
    known = [f"{name}:{digest[name]}" for name in (*sorted(LENGTHS), *_COMMIT_ALGORITHMS) if is_plain_text(digest.get(name))]
    left_out = {} if _is_absent(stated) or (digest == stated and len(known) == len(digest)) else {"otherDigests": True}
    return {"uri": uri if is_plain_text(uri) and uri else None, "digests": known, **left_out}
