"""Find a commit or a package in all verified evidence, by the rows that were kept of what it lists (`attestations.listing`).

Only what verified by its newest verdict and somebody registered answers for. Reads only, a page at a time, in as many queries however much there is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.db.models import OuterRef, QuerySet, Subquery

from attestations.listing import is_all_listed
from attestations.models import BuiltFrom, ListedPackage, Listing, Verdict, VerdictSubject
from proofs.errors import Malformed
from proofs.packages.purl import PackageUrl, read_purl

MOST_FOUND = 20
ON_A_PAGE = 50
# Of evidence about very many artifacts at once, so many are shown.
MOST_SUBJECTS = 100
CUT = "Some bills of materials list more packages than are kept of one (10,000); the rest of those is not found here."
BEHIND = "What was received before search had an index is still being read; what it lists may be missing for a while."


@dataclass(frozen=True, slots=True)
class FoundCommit:
    """An artifact that was built from a commit, as verified provenance says."""

    digest: str
    name: str
    repository: str
    commit: str


@dataclass(frozen=True, slots=True)
class FoundPackage:
    """A package in an artifact, as a verified bill of materials says; `query` finds it among its packages."""

    digest: str
    name: str
    purl: str
    attestation: str

    @property
    def query(self) -> str:
        return quote(self.purl, safe="")


@dataclass(frozen=True, slots=True)
class PackagePage:
    """One page of the artifacts that hold a package, the key of the next one, and what may be missing."""

    wanted: PackageUrl
    found: tuple[FoundPackage, ...]
    next: str
    notes: tuple[str, ...]


def find_commit(beginning: str) -> tuple[list[FoundCommit], tuple[str, ...]]:
    """Return the artifacts built from a commit that begins so, the newest evidence first, and what may be missing."""
    # A range rather than a pattern: an index on text answers it whatever the database's language is.
    rows = list(_held(BuiltFrom.objects.filter(commit__gte=beginning, commit__lt=f"{beginning}g")).order_by("-pk")[:MOST_FOUND])
    subjects = _subjects(row.verdict for row in rows)
    found = [
        FoundCommit(digest, name, row.repository or "an unnamed source", row.commit)
        for row in rows
        for digest, name in subjects.get(row.verdict, ())
    ]
    return list({(item.digest, item.commit): item for item in found}.values()), _notes(of_packages=False)


def find_package(written: str, *, after: str = "", size: int = ON_A_PAGE) -> PackagePage | None:
    """Return a page of the artifacts in which verified bills of materials list a package URL, of any version if it names none.

    `after` is the key of the page before. None for what is no package URL.
    """
    try:
        wanted = read_purl(written)
    except Malformed:
        return None
    rows = ListedPackage.objects.filter(name=wanted.name, type=wanted.type)
    rows = rows.filter(version=wanted.version) if wanted.version else rows
    rows = rows.filter(pk__lt=int(after)) if after.isdecimal() and len(after) <= 18 else rows
    listed = list(_held(rows).order_by("-pk")[: size + 1])
    following = str(listed[size - 1].pk) if len(listed) > size else ""
    subjects = _subjects(row.verdict for row in listed[:size])
    found = [
        FoundPackage(digest, name, str(row), row.attestation_id)
        for row in listed[:size]
        for digest, name in subjects.get(row.verdict, ())[:MOST_SUBJECTS]
    ]
    return PackagePage(wanted, tuple(found), following, _notes(of_packages=True))


def _held(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Leave those whose evidence holds: verified by its newest verdict, which `verdict` names, and answered for."""
    newest = Verdict.objects.filter(attestation=OuterRef("attestation")).order_by("-number")
    rows = rows.annotate(
        verdict=Subquery(newest.values("pk")[:1]),
        result=Subquery(newest.values("result")[:1]),
        signer=Subquery(newest.values("signer")[:1]),
    )
    return rows.filter(result=Verdict.Result.VERIFIED, signer__isnull=False)


def _subjects(verdicts: Iterable[int]) -> dict[int, list[tuple[str, str]]]:
    found: dict[int, list[tuple[str, str]]] = {}
    rows = VerdictSubject.objects.filter(verdict__in=set(verdicts), claimed=False).order_by("pk")
    for verdict, digest, name in rows.values_list("verdict_id", "artifact_id", "name"):
        found.setdefault(verdict, []).append((digest, name))
    return found


def _notes(*, of_packages: bool) -> tuple[str, ...]:
    cut = (CUT,) if of_packages and Listing.objects.filter(left_out__gt=0).exists() else ()
    return cut if is_all_listed() else (*cut, BEHIND)
