"""What a build service's own statement says of source, ref and builder, held against a row's inputs.

A key speaks for the service here, and no certificate: the signed statement is all there is. Which key that is, was checked before.
"""

from __future__ import annotations

from typing import Any

from proofs.errors import Unproven
from proofs.expectations import is_of_release_line
from proofs.predicates.reading import at, items
from proofs.provenance import read_provenance
from proofs.repository import SAME, compare_repositories
from proofs.statement import Statement

# Where Cloud Build writes what triggered a build, newest form first.
_SUBSTITUTIONS = (
    ("buildDefinition", "internalParameters", "systemSubstitutions"),
    ("invocation", "parameters", "substitutions"),
    ("recipe", "arguments", "substitutions"),
)
_TAGS, _HEADS = "refs/tags/", "refs/heads/"


def refuse_other_build(inputs: dict[str, Any], statement: Statement) -> None:
    """Return when a build is the one a row asks for; refuses with `expectation.source`, `expectation.builder` or `expectation.ref`."""
    said = read_provenance(statement.predicate)
    wanted = inputs.get("source_repository")
    if wanted is not None:
        sources = _sources(statement.predicate, said)
        if not sources or not all(isinstance(uri, str) and compare_repositories(uri, with_scheme(wanted)) == SAME for uri in sources):
            raise Unproven("expectation.source", f"the build names the sources {sources}, expected {wanted}")
    builder = at(statement.predicate, "runDetails", "builder", "id") or at(statement.predicate, "builder", "id")
    if "builder_id" in inputs and inputs["builder_id"] not in (builder, str(builder).rpartition("@")[0]):
        raise Unproven("expectation.builder", f"the build names the builder {builder}, expected {inputs['builder_id']}")
    _refuse_other_ref(inputs, _refs(statement.predicate, said))


def with_scheme(repository: str) -> str:
    """Return the address of a repository; people write it without its scheme."""
    return repository if "://" in repository else f"https://{repository}"


def _sources(predicate: dict[str, Any], said: dict[str, Any]) -> list[Any]:
    """Return all that is named as the source of a build; only where nothing is, the first of what went into it."""
    stated = [item["value"] for item in said["stated"] if item["claim"] == "source"]
    listed = [*items(predicate, "buildDefinition", "resolvedDependencies"), *items(predicate, "materials")]
    # A dependency is not the source: whoever builds from one place may list any other.
    return stated or [at(item, "uri") for item in listed[:1]]


def _refs(predicate: dict[str, Any], said: dict[str, Any]) -> set[str]:
    """Return every ref that a build names, whole; a name without its kind counts as a branch."""
    found = {said["sourceRef"]} if said["sourceRef"] else set()
    for place in _SUBSTITUTIONS:
        for name, kind in (("TAG_NAME", _TAGS), ("BRANCH_NAME", _HEADS)):
            value = at(predicate, *place, name)
            if isinstance(value, str) and value:
                found.add(f"{kind}{value}")
    return {ref if ref.startswith("refs/") else f"{_HEADS}{ref}" for ref in found}


def _refuse_other_ref(inputs: dict[str, Any], refs: set[str]) -> None:
    branch, tag, line = (inputs.get(name) for name in ("source_branch", "source_tag", "versioned_tag"))
    # What the build does not say is a no, and so is one that names two.
    ref = next(iter(refs)) if len(refs) == 1 else ""
    for wanted, holds in (
        (branch, ref == f"{_HEADS}{branch}"),
        (tag, ref == f"{_TAGS}{tag}"),
        (line, line is not None and ref.startswith(_TAGS) and is_of_release_line(ref.removeprefix(_TAGS), line)),
    ):
        if wanted is not None and not holds:
            raise Unproven("expectation.ref", f"the build names the ref {', '.join(sorted(refs)) or 'not at all'}, expected {wanted}")
