"""What is in an artifact, as bills of materials say that verified: packages by package URL, searched, and two artifacts held against each other.

Bounded: the newest documents, so many bytes and packages; what was left out is said. That a list is complete, and that the artifact really holds
what it names, nobody can tell from it. Reads only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from attestations.blobs import bytes_of
from attestations.listing import BILL_TYPES
from attestations.models import Verdict
from attestations.queries import verdicts_about
from proofs.comparison.packages import Contents, Package, read_packages
from proofs.comparison.read_statement import read_statement
from proofs.comparison.versions import order_versions

MAX_DOCUMENTS = 8
MAX_BYTES = 16 * 1024 * 1024
MAX_SHOWN = 200


@dataclass(frozen=True)
class Bills:
    """The documents that were read, what they list together, and how many more there are that were not read."""

    documents: tuple[Verdict, ...]
    contents: Contents
    left_out: int

    @property
    def is_known(self) -> bool:
        return bool(self.documents)


@dataclass(frozen=True)
class Found:
    """The packages that a search found, as far as they are shown, and how many there are in all."""

    shown: tuple[Package, ...]
    count: int


@dataclass(frozen=True)
class Moved:
    """How the packages of one artifact differ from those of another: each with its versions there and here."""

    added: tuple[tuple[str, str], ...]
    removed: tuple[tuple[str, str], ...]
    upgraded: tuple[tuple[str, str, str], ...]
    downgraded: tuple[tuple[str, str, str], ...]
    changed: tuple[tuple[str, str, str], ...]
    same: int

    @property
    def is_same(self) -> bool:
        return not (self.added or self.removed or self.upgraded or self.downgraded or self.changed)


def read_bills(digest: str) -> Bills:
    """Read the bills of materials about `digest` that verified and that somebody registered answers for, the newest first."""
    rows = verdicts_about(digest).filter(result=Verdict.Result.VERIFIED, predicate_type__in=BILL_TYPES, signer__isnull=False)
    rows = rows.select_related("attestation__blob")
    listed = list(rows[: MAX_DOCUMENTS + 1])
    read, size, predicates = [], 0, list[dict[str, Any]]()
    for verdict in listed[:MAX_DOCUMENTS]:
        size += verdict.attestation.blob.size
        if size > MAX_BYTES:
            break
        statement = read_statement(bytes_of(verdict.attestation.blob))
        if statement is not None:
            read.append(verdict)
            predicates.append(statement.predicate)
    return Bills(tuple(read), read_packages(predicates), len(listed) - len(read))


def search_packages(contents: Contents, query: str) -> Found:
    """Return the packages whose package URL or name holds every word of `query`; all of them where it is empty."""
    words = query.lower().split()
    found = [package for package in contents.packages if all(word in f"{purl_of(package)} {package.words}".lower() for word in words)]
    return Found(tuple(found[:MAX_SHOWN]), len(found))


def purl_of(package: Package) -> str:
    """Return a package as a package URL, without escapes."""
    return f"pkg:{package.type}/{package.name}" + (f"@{package.version}" if package.version else "")


def compare_packages(before: Contents, after: Contents) -> Moved:
    """Return what `after` lists otherwise than `before`."""
    old, new = _versions(before.packages), _versions(after.packages)
    moves: dict[int | None, list[tuple[str, str, str]]] = {1: [], -1: [], None: []}
    for key in sorted(old.keys() & new.keys()):
        gone, came = old[key] - new[key], new[key] - old[key]
        if gone or came:
            way = order_versions(*gone, *came) if len(gone) == len(came) == 1 else None
            moves[way or None].append((_name(key), _listed(old[key]), _listed(new[key])))
    return Moved(
        added=tuple((_name(key), _listed(new[key])) for key in sorted(new.keys() - old.keys())),
        removed=tuple((_name(key), _listed(old[key])) for key in sorted(old.keys() - new.keys())),
        upgraded=tuple(moves[1]),
        downgraded=tuple(moves[-1]),
        changed=tuple(moves[None]),
        same=sum(old[key] == new[key] for key in old.keys() & new.keys()),
    )


def _versions(packages: Sequence[Package]) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for package in packages:
        found.setdefault((package.type, package.name), set()).add(package.version)
    return found


def _name(key: tuple[str, str]) -> str:
    return f"pkg:{key[0]}/{key[1]}"


def _listed(versions: set[str]) -> str:
    return ", ".join(sorted(versions)) or "no version"
