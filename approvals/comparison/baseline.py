"""The baseline of a request: the newest one that was approved for the same, in the same environment, or else in another.

Releases are about the same where they share an artifact's name without tag and digest, however it is written, with its registry or without; actions
where the same agent asks; rotations where the same is rotated. Approved is what the portal signed an outcome of, however long ago. Reads only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from approvals.models import OutcomeStatement, Request, RequestState, Revision
from attestations.blobs import bytes_of
from proofs.artifact_name import ArtifactName, fits, read_name
from proofs.canonical import parse_canonical

Kind, Status = Request.Kind, RequestState.Status
COMPARED = (Kind.RELEASE, Kind.PROMOTION, Kind.AGENT_ACTION, Kind.ROTATION)
RELEASES = (Kind.RELEASE, Kind.PROMOTION)
# What people took back, or stopped afterwards, is nothing to measure others by.
UNDONE = (Status.REJECTED, Status.REVOKED, Status.WITHDRAWN)
# Of actions and rotations, whose documents have to be opened.
LOOKED_THROUGH = 500
AT_ONCE = 200
LISTED = 60
_RUN = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True)
class Baseline:
    """The approved revision to compare with, and whether it was approved for the same environment."""

    outcome: OutcomeStatement
    is_same_environment: bool

    @property
    def revision(self) -> Revision:
        """The revision that was approved."""
        assert self.outcome.revision is not None
        return self.outcome.revision


def find_baseline(request: Request) -> Baseline | None:
    """Return the baseline of `request`, or None where nothing like it was ever approved."""
    if request.kind in RELEASES:
        return _find_release(request)
    is_alike = _alike(request)
    approved = list_approved(request)
    here = next(
        (row for row in approved.filter(revision__request__environment=request.environment_id)[:LOOKED_THROUGH] if is_alike(row)), None
    )
    if here is not None:
        return Baseline(here, True)
    there = approved.exclude(revision__request__environment=request.environment_id)[:LOOKED_THROUGH]
    return next((Baseline(row, False) for row in there if is_alike(row)), None)


def _find_release(request: Request) -> Baseline | None:
    """Look through the names alone, all of them: others that were approved since do not bury the one that counts."""
    wanted = _names(request)
    approved = list_approved(request)
    names = approved.filter(_may_be_called(wanted)).values_list(
        "pk", "revision__request__environment", "revision__request__artifacts__name"
    )
    there = None
    for pk, environment, name in names.iterator(chunk_size=AT_ONCE):
        if not _is_one_of(name, wanted):
            continue
        if environment == request.environment_id:
            return Baseline(approved.get(pk=pk), True)
        there = there or pk
    return Baseline(approved.get(pk=there), False) if there else None


def list_others_here(request: Request, *, most: int) -> list[str]:
    """Return what else of this project was approved for the environment of `request`, the newest first, a few."""
    rows = list_approved(request).filter(revision__request__environment=request.environment_id)
    found = rows.exclude(revision__request__artifacts__name="").values_list("revision__request__artifacts__name", flat=True)
    spelled = [read_name(name).spellings[0] for name in found[: most * 20] if name]
    return list(dict.fromkeys(spelled))[:most]


def _may_be_called(wanted: list[ArtifactName]) -> Q:
    """Return a condition that holds of each artifact that may have one of these names, so that the database leaves most others out."""
    found = Q(pk__in=[])
    for name in wanted:
        found |= Q(revision__request__artifacts__name__icontains=run_of(name))
    return found


def run_of(name: ArtifactName) -> str:
    """Return the longest run of letters and digits in the last part of a name: however the name is written, that is in it."""
    last = name.spellings[0].rpartition("/")[2]
    return max(_RUN.findall(last), key=len, default=last)


def _is_one_of(written: str | None, wanted: list[ArtifactName]) -> bool:
    name = read_name(written) if written else None
    return name is not None and any(fits(name, other) or fits(other, name) for other in wanted)


def list_alike(request: Request) -> list[OutcomeStatement]:
    """Return what was approved of the same, one for each request, here first, then elsewhere; of the newest few."""
    approved = list_approved(request)
    if request.kind in RELEASES:
        approved = approved.filter(_may_be_called(_names(request))).distinct()
    is_alike = _is_release_of(_names(request)) if request.kind in RELEASES else _alike(request)
    here = approved.filter(revision__request__environment=request.environment_id)[:LISTED]
    there = approved.exclude(revision__request__environment=request.environment_id)[:LISTED]
    newest: dict[str, OutcomeStatement] = {}
    for row in (*here, *there):
        if is_alike(row):
            newest.setdefault(_request_of(row).pk, row)
    return list(newest.values())


def list_approved(request: Request) -> QuerySet[OutcomeStatement]:
    """Return what was approved in the project of `request`, of its kind, newest first."""
    kinds = RELEASES if request.kind in RELEASES else (request.kind,)
    rows = OutcomeStatement.objects.filter(
        type=OutcomeStatement.Type.SIMPLE_RESULT, revision__request__project=request.project_id, revision__request__kind__in=kinds
    )
    rows = rows.exclude(revision__request=request.pk).exclude(revision__request__state__status__in=UNDONE)
    related = ("revision__request__environment", "revision__request__subject", "revision__snapshot", "revision__policy__document")
    return rows.select_related(*related).prefetch_related("revision__request__artifacts").order_by("-signed_at", "-pk")


def subject_of(request: Request) -> dict[str, Any]:
    """Return the subject document of a request, or an empty one."""
    read: dict[str, Any] = parse_canonical(bytes_of(request.subject)) if request.subject else {}
    return read


def _alike(request: Request) -> Callable[[OutcomeStatement], bool]:
    if request.kind == Kind.AGENT_ACTION:
        agent = subject_of(request).get("agent")
        return lambda row: subject_of(_request_of(row)).get("agent") == agent
    what = subject_of(request).get("what")
    return lambda row: subject_of(_request_of(row)).get("what") == what


def _is_release_of(wanted: list[ArtifactName]) -> Callable[[OutcomeStatement], bool]:
    return lambda row: any(_is_one_of(item.name, wanted) for item in _request_of(row).artifacts.all())


def _request_of(row: OutcomeStatement) -> Request:
    assert row.revision is not None
    return row.revision.request


def _names(request: Request) -> list[ArtifactName]:
    return [read_name(item.name) for item in request.artifacts.all() if item.name]
