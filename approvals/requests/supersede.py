"""A newer request takes the place of older ones about the same that still wait.

It does where the artifact names of the older one, without tag and digest, are all among the newer one's, for the same project and
environment. One about exactly the same artifacts is the same question once more and stays: a no to either stops both at the gate. One
that is approved stays: what people decided is not undone by asking for something else. A draft takes no place: it asks nobody yet. Called by
the acts that open and submit, in their transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from approvals.models import Request, Supersession
from approvals.requests.happened import append_request_event
from approvals.requests.revise import lock_state
from approvals.requests.status import PENDING, refresh_state
from identities.models import Identity, Project
from proofs.artifact_name import read_name

Kind = Request.Kind
# The others are about one document each: two of them are two questions.
KINDS = (Kind.RELEASE, Kind.PROMOTION)


_Name = tuple[str, str, tuple[str, ...]]


def hold_project(project: Project) -> None:
    """Let the requests of a project be opened one after the other, so that of two at once one is the newer. Locked before any request."""
    list(Project.objects.select_for_update(no_key=True).filter(pk=project.pk))


def hold_older(request: Request, *, now: datetime) -> list[Request]:
    """Lock `request` and what it might take the place of, in the order of their ids, and return the latter.

    Before the act writes into the ledger: an answer to one of them holds its request and waits for the ledger.
    """
    older = _list_older(request)
    for each in sorted([*older, request], key=lambda held: held.pk):
        lock_state(each, now=now)
    return older


def supersede_older(*, request: Request, older: Sequence[Request], by: Identity, now: datetime) -> list[Supersession]:
    """Supersede those of `older`, which `hold_older` returned in the same transaction, that still wait; return the rows."""
    return [row for other in older if (row := _supersede(other, request, by=by, now=now)) is not None]


def _list_older(request: Request) -> list[Request]:
    if request.kind not in KINDS:
        return []
    names = _names(request)
    others = Request.objects.filter(project=request.project, environment=request.environment, kind__in=KINDS, state__status__in=PENDING)
    others = others.exclude(pk=request.pk).select_related("project", "requester__owner", "on_behalf_of").prefetch_related("artifacts")
    return [other for other in others.order_by("pk") if _takes_place(other, request, names)]


def _takes_place(older: Request, newer: Request, names: frozenset[_Name]) -> bool:
    before, after = ({item.artifact_id for item in each.artifacts.all()} for each in (older, newer))
    return before != after and bool(_names(older)) and _names(older) <= names


def _supersede(older: Request, newer: Request, *, by: Identity, now: datetime) -> Supersession | None:
    state = refresh_state(lock_state(older, now=now), now=now)
    if state.status not in PENDING:
        # Somebody was quicker: it was approved, or closed.
        return None
    entry = append_request_event(event="request.superseded", request=older, document={"by": newer.pk}, by=by, now=now)
    row = Supersession.objects.create(request=older, by_request=newer, entry=entry, superseded_at=now)
    refresh_state(state, now=now)
    return row


def _names(request: Request) -> frozenset[_Name]:
    """Return what the artifacts are called without tag and digest; nothing where one has no name, which is then like no other."""
    names = [item.name for item in request.artifacts.all()]
    taken_apart = [read_name(name) for name in names]
    return frozenset((name.type, name.registry, name.spellings) for name in taken_apart) if all(names) else frozenset()
