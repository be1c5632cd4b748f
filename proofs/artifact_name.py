"""The names artifacts go by, as people and observers write them: `registry/app:1.2`, `app@1.2`, `pkg:npm/%40acme/app@1.2`.

A name fits another when it is the end of it, by whole segments. What a package URL says beyond that is held to: its type, its namespace, and its
registry where it names one. Nothing here knows which registry people meant who named none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import unquote

from proofs.errors import Malformed
from proofs.packages.purl import PackageUrl, read_purl

_PURL_SCHEME = re.compile(r"pkg:", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_DIGEST = re.compile(r"sha[0-9]+:.*", re.IGNORECASE)
_AT_DIGEST = re.compile(r"@sha[0-9]+:.*", re.IGNORECASE)
_RUNS_OF_MARKS = re.compile(r"[-_.]+")

_IMAGES = frozenset({"oci", "docker"})
# Their registries take no notice of case.
_CASELESS = frozenset({"nuget", "composer", "github", "bitbucket"})


@dataclass(frozen=True, slots=True)
class ArtifactName:
    """A name taken apart. `spellings` are ways to write it without its registry; `type` is that of a package URL, else empty."""

    spellings: tuple[str, ...]
    version: str = ""
    type: str = ""
    registry: str = ""

    @property
    def full(self) -> tuple[str, ...]:
        """The spellings, each behind the registry where there is one."""
        return tuple(_under(self.registry, spelling) for spelling in self.spellings)

    def at(self, location: str) -> ArtifactName:
        """Return the name as one that was seen at a location, which may end with the name or only lead to it."""
        return self if self.registry else replace(self, registry=without_scheme(location))


@lru_cache(maxsize=4096)
def read_name(text: str) -> ArtifactName:
    """Take a name apart; never refuses. A digest is no version. What claims to be a package URL and is none is plain text."""
    if _PURL_SCHEME.match(text):
        try:
            return _of_purl(read_purl(text))
        except Malformed:
            pass
    bare = _AT_DIGEST.sub("", text.partition("?")[0])
    for mark in ("@", ":"):
        before, _, after = bare.rpartition(mark)
        if before and after and "/" not in after:
            return ArtifactName((before,), after)
    return ArtifactName((bare,))


@lru_cache(maxsize=4096)
def name_at(location: str, version: str, *, has_escapes: bool) -> ArtifactName:
    """Return the name of what a location keeps under a version. `has_escapes`: the location is part of an address, as `@acme%2fapp`."""
    bare = without_scheme(location)
    return ArtifactName((unquote(bare) if has_escapes else bare,), version)


def fits(found: ArtifactName, wanted: ArtifactName) -> bool:
    """Say whether what was found may be called by the wanted name, whatever the version."""
    kind, other = _family(wanted.type), _family(found.type)
    if kind and other:
        if kind != other:
            return False
        # Two package URLs both say the whole name; only an image's namespace may stand in its registry.
        if kind not in _IMAGES and not {_fold(kind, item) for item in found.spellings} & {_fold(kind, item) for item in wanted.spellings}:
            return False
    kind = kind or other
    return any(
        _ends_with(_fold(kind, theirs), _fold(kind, ours), is_whole=wanted.type == "npm") for theirs in found.full for ours in wanted.full
    )


def _of_purl(url: PackageUrl) -> ArtifactName:
    spellings: tuple[str, ...] = (url.name,)
    version = "" if _DIGEST.fullmatch(url.version) else url.version
    if url.type in _IMAGES:
        version = url.qualifiers.get("tag", "") or version
    elif url.type == "maven":
        group, _, artifact = url.name.rpartition("/")
        # Its repositories keep a group in folders, and its tools write a colon.
        spellings = (url.name, f"{group.replace('.', '/')}/{artifact}", f"{group}:{artifact}") if group else spellings
    return ArtifactName(spellings, version, url.type, without_scheme(url.qualifiers.get("repository_url", "")))


def _under(registry: str, name: str) -> str:
    if not registry or registry == name or registry.endswith("/" + name):
        return registry or name
    return f"{registry}/{name}"


def without_scheme(address: str) -> str:
    """Return an address without the `https://` or the like that it may begin with, and without slashes at its ends."""
    return _SCHEME.sub("", address, count=1).strip("/")


def _family(kind: str) -> str:
    return "oci" if kind in _IMAGES else kind


def _fold(kind: str, name: str) -> str:
    """Write a name the one way its kind of registry knows it: only what that registry takes for the same becomes equal."""
    before, slash, last = name.rpartition("/")
    if kind == "pypi":
        return before + slash + _RUNS_OF_MARKS.sub("-", last).lower()
    return name.lower() if kind in _CASELESS else name


def _ends_with(found: str, wanted: str, *, is_whole: bool) -> bool:
    if not wanted:
        return False
    if _fold_host(found) == _fold_host(wanted):
        return True
    if not found.endswith("/" + wanted):
        return False
    # `app` and `@acme/app` are two packages, and a package URL says which.
    return not is_whole or not found[: -len(wanted) - 1].rpartition("/")[2].startswith("@")


def _fold_host(name: str) -> str:
    host, slash, path = name.partition("/")
    is_host = bool(slash) and ("." in host or ":" in host or host.lower() == "localhost")
    return f"{host.lower()}/{path}" if is_host else name
