"""Package URLs, as far as evidence names packages by them: `pkg:npm/%40scope/name@1.0.3`. Qualifiers and subpaths are refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from proofs.errors import Malformed
from proofs.statement import is_plain_text

_PURL = re.compile(r"pkg:([a-z][a-z0-9.+-]*)/((?:[^@?#]|%40)+)@([^@?#/]+)")


@dataclass(frozen=True, slots=True)
class PackageName:
    """A package's type (`npm`, `pypi`), its full name with its scope, and its version."""

    type: str
    name: str
    version: str


def parse_purl(unverified_text: str) -> PackageName:
    """Read a package URL with a version; refuses with `package.malformed`."""
    match = _PURL.fullmatch(unverified_text)
    if match is None:
        raise Malformed("package.malformed", f"got {unverified_text[:100]!r}, expected a package URL like pkg:npm/name@1.0.0")
    try:
        name, version = (unquote(part, errors="strict") for part in match.groups()[1:])
    except UnicodeDecodeError as error:
        raise Malformed("package.malformed", "got a package URL whose escapes are not UTF-8") from error
    if not is_plain_text(name) or not is_plain_text(version):
        raise Malformed("package.malformed", "got a package URL with control characters in it, expected plain text")
    return PackageName(match[1], name, version)
