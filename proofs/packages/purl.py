"""Package URLs. `parse_purl` reads them as evidence names packages, `read_purl` as people write them: with qualifiers, with escapes or without."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from proofs.errors import Malformed
from proofs.statement import is_plain_text

_PURL = re.compile(r"pkg:([a-z][a-z0-9.+-]*)/((?:[^@?#]|%40)+)@([^@?#/]+)")
_WRITTEN = re.compile(r"pkg:/*([a-z][a-z0-9.+-]*)/+([^?#]+)(?:\?([^#]*))?(?:#.*)?", re.IGNORECASE)
# A package's own name may begin with an at sign, and nobody escapes it by hand; a slash after it is not in a version.
_VERSIONED = re.compile(r"(.+)@([^@/]*)")


@dataclass(frozen=True, slots=True)
class PackageName:
    """A package's type (`npm`, `pypi`), its full name with its scope, and its version."""

    type: str
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class PackageUrl:
    """A package URL as somebody wrote it: type in lower case, full name, version (may be empty) and qualifiers, all without escapes."""

    type: str
    name: str
    version: str
    qualifiers: Mapping[str, str]


def parse_purl(unverified_text: str) -> PackageName:
    """Read a package URL with a version and nothing after it; refuses with `package.malformed`."""
    match = _PURL.fullmatch(unverified_text)
    if match is None:
        raise _not_read(unverified_text)
    return PackageName(match[1], _plain(match[2]), _plain(match[3]))


def read_purl(unverified_text: str) -> PackageUrl:
    """Read a package URL with or without version, qualifiers and subpath (which is dropped); refuses with `package.malformed`.

    Does not check what its type demands of names.
    """
    match = _WRITTEN.fullmatch(unverified_text)
    if match is None:
        raise _not_read(unverified_text)
    path = match[2].strip("/")
    versioned = _VERSIONED.fullmatch(path)
    name, version = versioned.groups() if versioned else (path, "")
    segments = _plain(name).split("/")
    if any(segment in ("", ".", "..") for segment in segments):
        raise _not_read(unverified_text)
    return PackageUrl(match[1].lower(), "/".join(segments), _plain(version), _qualifiers(match[3] or "", unverified_text))


def _qualifiers(written: str, unverified_text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in filter(None, written.split("&")):
        key, equals, value = pair.partition("=")
        key = key.lower()
        # Of two values nobody could say which one was meant.
        if not key or not equals or key in found:
            raise _not_read(unverified_text)
        found[key] = _plain(value)
    return found


def _plain(escaped: str) -> str:
    try:
        text = unquote(escaped, errors="strict")
    except UnicodeDecodeError as error:
        raise Malformed("package.malformed", "got a package URL whose escapes are not UTF-8") from error
    if not is_plain_text(text):
        raise Malformed("package.malformed", "got a package URL with control characters in it, expected plain text")
    return text


def _not_read(unverified_text: str) -> Malformed:
    return Malformed("package.malformed", f"got {unverified_text[:100]!r}, expected a package URL like pkg:npm/name@1.0.0")
