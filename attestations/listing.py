"""What evidence lists, by what people look for: the packages of a bill of materials, and the commits that artifacts were built from.

The rows follow from the evidence's own bytes and are written with its verdict, so whatever verified can be found at once. They judge
nothing: whether the evidence holds today is asked of its newest verdict. Of a bill that lists more than `MOST_LISTED` packages the rest is left
out, and counted. What was verified before there were such rows is read by `index_older`, which can be killed anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Max

from attestations.blobs import bytes_of
from attestations.models import Attestation, BuiltFrom, ListedPackage, Listing, ListingProgress, Verdict
from attestations.queries import newest_verdicts, verdict_document
from proofs.comparison.packages import KINDS, read_packages
from proofs.comparison.read_statement import read_statement
from proofs.predicates.read import READERS
from proofs.provenance import PROVENANCE_TYPES

# With another way of reading, what was read before is read again.
VERSION = 1
MOST_LISTED = 10_000
LONGEST_NAME, LONGEST_VERSION = 300, 200
BATCH = 20
BILL_TYPES = tuple(predicate_type for predicate_type, (kind, _) in READERS.items() if kind in KINDS)
Named = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Listed:
    """What one piece of evidence lists: packages (type, name, version), how many were left out, and commits with their repositories."""

    packages: tuple[Named, ...] = ()
    left_out: int = 0
    commits: tuple[tuple[str, str], ...] = ()
    is_bill: bool = False


def read_listed(content: bytes, facts: Mapping[str, Any] | None) -> Listed | None:
    """Return what evidence with these verified `facts` lists; None where it is neither a bill of materials nor a build record. Never refuses."""
    predicate_type = (facts or {}).get("predicateType")
    if predicate_type in PROVENANCE_TYPES:
        return Listed(commits=_commits(facts or {}))
    if predicate_type not in BILL_TYPES:
        return None
    statement = read_statement(content)
    if statement is None:
        return Listed(is_bill=True)
    contents = read_packages([statement.predicate])
    named = [(package.type, package.name, package.version) for package in contents.packages]
    short = [each for each in named if len(each[0]) <= 40 and len(each[1]) <= LONGEST_NAME and len(each[2]) <= LONGEST_VERSION]
    kept = short[:MOST_LISTED]
    # That the reader itself stopped counts as one more: how many it did not come to nobody knows.
    return Listed(tuple(kept), len(named) - len(kept) + (0 if contents.is_complete else 1), is_bill=True)


def keep_listed(attestation: Attestation, listed: Listed) -> None:
    """Keep what evidence lists, in the transaction of whoever calls. As often as one likes: the same rows come of it."""
    commits = dict(listed.commits)
    BuiltFrom.objects.filter(attestation=attestation).exclude(commit__in=commits).delete()
    BuiltFrom.objects.bulk_create(
        [BuiltFrom(attestation=attestation, commit=commit, repository=repository) for commit, repository in commits.items()],
        ignore_conflicts=True,
    )
    if not listed.is_bill or Listing.objects.filter(pk=attestation.pk, version=VERSION).exists():
        return
    ListedPackage.objects.filter(attestation=attestation).delete()
    rows = [ListedPackage(attestation=attestation, type=type_, name=name, version=version) for type_, name, version in listed.packages]
    ListedPackage.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
    Listing.objects.update_or_create(attestation=attestation, defaults={"version": VERSION, "left_out": listed.left_out})


def index_older(*, limit: int = BATCH) -> int:
    """Read what was verified before there were rows of this version, at most `limit` pieces of evidence; return how many were looked at.

    Once everything was, it costs one query. Each piece is kept in a transaction of its own, and where to go on after each.
    """
    progress = ListingProgress.objects.filter(version=VERSION).first()
    if progress is None:
        progress, _ = ListingProgress.objects.get_or_create(version=VERSION, defaults={"until": _newest()})
    if progress.cursor == progress.until:
        return 0
    ids = list(
        Attestation.objects.filter(pk__gt=progress.cursor, pk__lte=progress.until).order_by("pk").values_list("pk", flat=True)[:limit]
    )
    wanted = newest_verdicts().filter(
        attestation__in=ids, result=Verdict.Result.VERIFIED, predicate_type__in=(*BILL_TYPES, *PROVENANCE_TYPES)
    )
    for verdict in wanted.select_related("attestation__blob").order_by("attestation_id"):
        listed = read_listed(bytes_of(verdict.attestation.blob), verdict_document(verdict)["facts"])
        if listed is not None:
            with transaction.atomic():
                keep_listed(verdict.attestation, listed)
    cursor = ids[-1] if len(ids) == limit else progress.until
    # Of two that read at the same time, the slower one sets nothing back.
    ListingProgress.objects.filter(pk=progress.pk, cursor__lt=cursor).update(cursor=cursor)
    return max(len(ids), 1)


def is_all_listed() -> bool:
    """Say whether everything that was verified before has been read."""
    progress = ListingProgress.objects.filter(version=VERSION).first()
    return progress is not None and progress.cursor == progress.until


def _newest() -> str:
    newest: str | None = Attestation.objects.aggregate(Max("pk"))["pk__max"]
    return newest or ""


def _commits(facts: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for said in (facts.get("signer") or {}, facts.get("claims") or {}):
        commit = str(said.get("sourceCommit") or "").lower()
        if commit and len(commit) <= 64:
            found.setdefault(commit, str(said.get("sourceRepository") or "")[:500])
    return tuple(found.items())
