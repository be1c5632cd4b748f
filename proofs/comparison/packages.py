"""The packages that a bill of materials lists, by package URL: SPDX 2 and 3, CycloneDX.

What has no package URL, or one that cannot be read, is counted and not named. Where a package comes from is told where its package URL names
another place than the usual one of its type. Whether the list is complete nobody can tell from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from proofs.errors import Malformed
from proofs.packages.purl import read_purl
from proofs.predicates.reading import at, items, text, texts

MAX_PACKAGES = 20_000
KINDS = ("spdx", "cyclonedx")
_DEPENDS_ON, _DEPENDENCY_OF = ("DEPENDS_ON",), ("DEPENDENCY_OF", "RUNTIME_DEPENDENCY_OF")
# What of a package URL says where its bytes come from; the rest of its qualifiers tell variants apart.
_ORIGINS = ("repository_url", "download_url", "vcs_url")


class Package(NamedTuple):
    """One package: type and name of its package URL, its version (may be empty), whether the artifact names it as its own dependency, and the
    place its package URL says it comes from (empty where it names none)."""

    type: str
    name: str
    version: str
    is_direct: bool
    origin: str = ""

    @property
    def words(self) -> str:
        """The package as people write it."""
        return f"{self.name} {self.version}".strip()


@dataclass(frozen=True, slots=True)
class Contents:
    """What bills of materials list: each package once, how many entries could not be named, and whether all of it was read."""

    packages: tuple[Package, ...]
    unnamed: int
    is_complete: bool


def read_packages(predicates: Iterable[dict[str, Any]]) -> Contents:
    """Return what these SPDX and CycloneDX predicates list together; never refuses."""
    found: dict[tuple[str, str, str, str], bool] = {}
    unnamed, is_complete = 0, True
    for predicate in predicates:
        direct = _direct(predicate)
        for reference, url in _listed(predicate):
            if len(found) >= MAX_PACKAGES:
                is_complete = False
                break
            try:
                read = read_purl(url or "")
            except Malformed:
                unnamed += 1
                continue
            key = (read.type, read.name, read.version, _origin(read.qualifiers))
            found[key] = found.get(key, False) or reference in direct
    return Contents(tuple(Package(*key[:3], found[key], key[3]) for key in sorted(found)), unnamed, is_complete)


def _origin(qualifiers: Mapping[str, str]) -> str:
    return " ".join(qualifiers[name] for name in _ORIGINS if qualifiers.get(name))


def _listed(predicate: dict[str, Any]) -> Iterator[tuple[str | None, str | None]]:
    """Yield reference and package URL of every entry."""
    roots = _roots(predicate)
    for package in items(predicate, "packages"):
        urls = [text(item, "referenceLocator") for item in items(package, "externalRefs") if text(item, "referenceType") == "purl"]
        if text(package, "SPDXID") not in roots:
            yield text(package, "SPDXID"), next(filter(None, urls), None)
    for element in items(predicate, "@graph"):
        if text(element, "type") == "software_Package":
            yield text(element, "spdxId"), text(element, "software_packageUrl")
    waiting = list(reversed(items(predicate, "components")))
    while waiting:
        component = waiting.pop()
        yield text(component, "bom-ref"), text(component, "purl")
        waiting += reversed(items(component, "components"))


def _roots(predicate: dict[str, Any]) -> set[str | None]:
    """Return what the document is about: the artifact itself is no dependency of its own."""
    described = set(texts(predicate, "documentDescribes"))
    for relation in items(predicate, "relationships"):
        if text(relation, "relationshipType") == "DESCRIBES":
            described.add(text(relation, "relatedSpdxElement") or "")
    return {*described, text(predicate, "metadata", "component", "bom-ref")} - {None, ""}


def _direct(predicate: dict[str, Any]) -> set[str | None]:
    """Return the references of what the artifact itself depends on, where the document says so."""
    roots = _roots(predicate)
    found: set[str | None] = set()
    for relation in items(predicate, "relationships"):
        kind = text(relation, "relationshipType")
        first, second = text(relation, "spdxElementId"), text(relation, "relatedSpdxElement")
        if kind in _DEPENDS_ON and first in roots:
            found.add(second)
        elif kind in _DEPENDENCY_OF and second in roots:
            found.add(first)
    for dependency in items(predicate, "dependencies"):
        if text(dependency, "ref") in roots:
            found |= {item for item in items(dependency, "dependsOn") if isinstance(item, str)}
    return found - {None}


def is_bill(predicate: dict[str, Any]) -> bool:
    """Return whether a predicate lists packages at all, so that an empty list says something."""
    return any(isinstance(at(predicate, name), list) for name in ("packages", "components", "@graph"))
