"""The baseline of a request: the newest one that was approved for the same, in the same environment, or else in another.

Releases are about the same where they share an artifact's name without tag and digest; actions where the same agent asks; rotations where the same
is rotated. Approved is what the portal signed an outcome of. Reads only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from approvals.models import OutcomeStatement, Request, RequestState, Revision
from attestations.blobs import bytes_of
from proofs.artifact_name import read_name
from proofs.canonical import parse_canonical

Kind, Status = Request.Kind, RequestState.Status
COMPARED = (Kind.RELEASE, Kind.PROMOTION, Kind.AGENT_ACTION, Kind.ROTATION)
_RELEASES = (Kind.RELEASE, Kind.PROMOTION)
# What people took back, or stopped afterwards, is nothing to measure others by.
_UNDONE = (Status.REJECTED, Status.REVOKED, Status.WITHDRAWN)
LOOKED_THROUGH = 60


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
    is_alike = _alike(request)
    approved = list_approved(request)
    here = next(
        (row for row in approved.filter(revision__request__environment=request.environment_id)[:LOOKED_THROUGH] if is_alike(row)), None
    )
    if here is not None:
        return Baseline(here, True)
    there = approved.exclude(revision__request__environment=request.environment_id)[:LOOKED_THROUGH]
    return next((Baseline(row, False) for row in there if is_alike(row)), None)


def list_alike(request: Request) -> list[OutcomeStatement]:
    """Return what was approved of the same, one for each request, here first, then elsewhere; of the newest that `find_baseline` looks at."""
    is_alike, approved = _alike(request), list_approved(request)
    here = approved.filter(revision__request__environment=request.environment_id)[:LOOKED_THROUGH]
    there = approved.exclude(revision__request__environment=request.environment_id)[:LOOKED_THROUGH]
    newest: dict[str, OutcomeStatement] = {}
    for row in (*here, *there):
        if is_alike(row):
            newest.setdefault(_request_of(row).pk, row)
    return list(newest.values())


def list_approved(request: Request) -> QuerySet[OutcomeStatement]:
    """Return what was approved in the project of `request`, of its kind, newest first."""
    kinds = _RELEASES if request.kind in _RELEASES else (request.kind,)
    rows = OutcomeStatement.objects.filter(
        type=OutcomeStatement.Type.SIMPLE_RESULT, revision__request__project=request.project_id, revision__request__kind__in=kinds
    )
    rows = rows.exclude(revision__request=request.pk).exclude(revision__request__state__status__in=_UNDONE)
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
    if request.kind == Kind.ROTATION:
        what = subject_of(request).get("what")
        return lambda row: subject_of(_request_of(row)).get("what") == what
    names = _names(request)
    return lambda row: bool(names & _names(_request_of(row)))


def _request_of(row: OutcomeStatement) -> Request:
    assert row.revision is not None
    return row.revision.request


def _names(request: Request) -> frozenset[tuple[str, Sequence[str]]]:
    taken_apart = [read_name(item.name) for item in request.artifacts.all() if item.name]
    return frozenset((name.type, name.spellings) for name in taken_apart)
