"""Look for a commit or a package in the newest verified evidence, because neither has an index.

Bounded by so many documents and bytes; whether all there is was looked at is said. Only what verified and somebody registered answers for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from attestations.blobs import bytes_of
from attestations.models import Verdict, VerdictSubject
from attestations.queries import newest_verdicts, verdict_document
from proofs.comparison.packages import read_packages
from proofs.comparison.read_statement import read_statement
from proofs.errors import Malformed
from proofs.packages.purl import PackageUrl, read_purl
from proofs.provenance import PROVENANCE_TYPES
from reports.passport.contents import BILL_TYPES, purl_of

LOOKED_AT = 200
MOST_BILLS, MOST_BYTES = 60, 12 * 1024 * 1024
MOST_FOUND = 20


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

    @property
    def query(self) -> str:
        return quote(self.purl, safe="")


def find_commit(beginning: str) -> tuple[list[FoundCommit], bool]:
    """Return the artifacts built from a commit that begins so, and whether every build record was looked at."""
    rows = _newest(PROVENANCE_TYPES, LOOKED_AT)
    hits: list[tuple[Verdict, str, str]] = []
    for verdict in rows[:LOOKED_AT]:
        facts = verdict_document(verdict)["facts"] or {}
        for said in (facts.get("signer") or {}, facts.get("claims") or {}):
            commit = str(said.get("sourceCommit") or "")
            if commit.lower().startswith(beginning):
                hits.append((verdict, str(said.get("sourceRepository") or "an unnamed source"), commit))
                break
    subjects = _subjects(verdict for verdict, *_ in hits[:MOST_FOUND])
    found = [
        FoundCommit(digest, name, repository, commit)
        for verdict, repository, commit in hits[:MOST_FOUND]
        for digest, name in subjects.get(verdict.pk, ())
    ]
    return list({(item.digest, item.commit): item for item in found}.values()), len(rows) <= LOOKED_AT


def find_package(written: str) -> tuple[list[FoundPackage], bool]:
    """Return the artifacts in which a bill of materials lists a package URL, of any version if it names none; and whether all were looked at."""
    try:
        wanted = read_purl(written)
    except Malformed:
        return [], True
    rows = _newest(BILL_TYPES, MOST_BILLS)
    hits: list[tuple[Verdict, str]] = []
    size, is_all = 0, len(rows) <= MOST_BILLS
    for verdict in rows[:MOST_BILLS]:
        size += verdict.attestation.blob.size
        if size > MOST_BYTES or len(hits) >= MOST_FOUND:
            is_all = False
            break
        hits += [(verdict, purl) for purl in _listed_in(verdict, wanted)]
    subjects = _subjects(verdict for verdict, _ in hits)
    found = [FoundPackage(digest, name, purl) for verdict, purl in hits for digest, name in subjects.get(verdict.pk, ())]
    return list({(item.digest, item.purl): item for item in found}.values())[:MOST_FOUND], is_all


def _newest(types: Iterable[str], most: int) -> list[Verdict]:
    rows = newest_verdicts().filter(result=Verdict.Result.VERIFIED, signer__isnull=False, predicate_type__in=types)
    return list(rows.select_related("document", "attestation__blob").order_by("-verified_at", "-pk")[: most + 1])


def _listed_in(verdict: Verdict, wanted: PackageUrl) -> Iterator[str]:
    statement = read_statement(bytes_of(verdict.attestation.blob))
    if statement is None:
        return
    for package in read_packages([statement.predicate]).packages:
        if (package.type, package.name) == (wanted.type, wanted.name) and wanted.version in ("", package.version):
            yield purl_of(package)


def _subjects(verdicts: Iterable[Verdict]) -> dict[int, list[tuple[str, str]]]:
    found: dict[int, list[tuple[str, str]]] = {}
    rows = VerdictSubject.objects.filter(verdict__in={verdict.pk for verdict in verdicts}, claimed=False).order_by("pk")
    for verdict, digest, name in rows.values_list("verdict_id", "artifact_id", "name"):
        found.setdefault(verdict, []).append((digest, name))
    return found
