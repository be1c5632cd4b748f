"""Remind people of what waits, and tell more of them the longer it does.

At half of the time to answer those whose turn it is; at four fifths whoever holds the role in the whole team, else the officers; when it
is over who asks, and the officers. Each stage is written once for a revision, with its entry in the ledger, and who is told stands beside
the entry until they were. A stage that was missed while no worker ran is not made up for: the highest that is reached is told.
Nobody is told who may not read the request. Nothing is ever approved, answered or closed by it. Safe to run twice and by several processes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypeGuard

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from approvals.attention.due import AGENT_ACTION, due_at, time_to_answer
from approvals.attention.renew import read_facts
from approvals.attention.turns import WAITING, free_holders
from approvals.models import Attention, Reminder, Request, RequestState, Revision
from approvals.requests.revise import lock_state
from approvals.requests.status import compute_standing, refresh_state
from attestations.blobs import store_blob
from identities.actors import portal_actor
from identities.models import EventSubject, Identity, RoleAssignment
from identities.people.officers import list_officers
from identities.permissions import may
from ledger.append import append_event
from proofs.canonical import canonical_bytes
from proofs.moment import rfc3339

log = structlog.get_logger(__name__)

Stage = Reminder.Stage
BATCH = 50


def remind_requests(*, now: datetime, limit: int = BATCH) -> int:
    """Remind of at most `limit` requests, those that wait longest first, and return of how many."""
    found = [request for stage in sorted(Stage, reverse=True) for request in _list_reached(stage, now, limit)]
    return sum(_attempt(request, now=now) for request in list(dict.fromkeys(found))[:limit])


def _attempt(request: Request, *, now: datetime) -> bool:
    """Remind of one request. Whatever goes wrong is logged and holds up no other."""
    try:
        return _remind(request, now=now)
    except Exception:
        log.exception("remind_failed", request=request.pk)
        return False


def _list_reached(stage: Reminder.Stage, now: datetime, limit: int) -> list[Request]:
    told = Reminder.objects.filter(request=OuterRef("request"), revision__number=OuterRef("revision_number"), stage__gte=stage)
    current = Revision.objects.filter(request=OuterRef("request"), number=OuterRef("revision_number"))
    reached = _frozen_before(stage, now)
    states = RequestState.objects.filter(~Exists(told), Exists(current.filter(reached)), status__in=sorted(WAITING))
    return [state.request for state in states.select_related("request").order_by("request__opened_at", "pk")[:limit]]


def _frozen_before(stage: Reminder.Stage, now: datetime) -> Q:
    """Return the condition on revisions that have waited for this stage."""
    is_agent = Q(request__kind=Request.Kind.AGENT_ACTION)
    waited = is_agent & Q(frozen_at__lte=now - _share(AGENT_ACTION, stage))
    highest = max(settings.ANSWER_HOURS)
    for tier, hours in settings.ANSWER_HOURS.items():
        here = Q(request__environment__tier=tier) if tier != highest else Q(request__environment__tier__gte=tier)
        waited |= ~is_agent & here & Q(frozen_at__lte=now - _share(timedelta(hours=hours), stage))
    return waited


def _share(whole: timedelta, stage: Reminder.Stage) -> timedelta:
    return whole * int(stage) / 100


@transaction.atomic
def _remind(request: Request, *, now: datetime) -> bool:
    """Write the highest stage that is reached, if the request still waits and nobody wrote it meanwhile."""
    now = now.replace(microsecond=0)
    state = refresh_state(lock_state(request, now=now), now=now)
    revision = request.revisions.filter(number=state.revision_number).first()
    if revision is None or state.status not in WAITING:
        return False
    whole = time_to_answer(kind=str(request.kind), tier=request.environment.tier)
    stage = max((stage for stage in Stage if revision.frozen_at + _share(whole, stage) <= now), default=None)
    if stage is None or Reminder.objects.filter(revision=revision, stage__gte=stage).exists():
        return False
    people = _readers(request, _whom(request, stage, now))
    document = {
        "schema": "countersign-reminder/v1",
        "request": request.pk,
        "revision": revision.number,
        "stage": int(stage),
        "people": len(people),
        "at": rfc3339(now),
    }
    entry = append_event(
        event="request.reminded", ref_digest=store_blob(canonical_bytes(document), now).digest, actor=portal_actor(), now=now
    )
    due = due_at(kind=str(request.kind), tier=request.environment.tier, frozen_at=revision.frozen_at)
    Reminder.objects.create(request=request, revision=revision, stage=stage, due_at=due, entry=entry, reminded_at=now)
    EventSubject.objects.bulk_create([EventSubject(entry=entry, identity_id=person, about=request.pk) for person in sorted(people)])
    return True


def _whom(request: Request, stage: Reminder.Stage, now: datetime) -> set[str]:
    if stage == Stage.OVERDUE:
        askers = (request.requester, request.on_behalf_of, request.requester.owner)
        return {person.pk for person in askers if _is_here(person)} | _ids(list_officers())
    if stage == Stage.REMINDED:
        return set(Attention.objects.filter(request=request).values_list("identity_id", flat=True))
    facts = read_facts(request, compute_standing(request, now=now), now=now)
    in_role = {person for role in facts.open_roles for person in free_holders(role, facts)}
    held = RoleAssignment.objects.held().filter(
        team=request.project.team_id, project__isnull=True, role__in=[role.role for role in facts.open_roles]
    )
    return in_role & set(held.values_list("identity_id", flat=True)) or _ids(list_officers())


def _readers(request: Request, people: Iterable[str]) -> set[str]:
    """Return those who may read the request: an officer of another team, or who asked and left, is not told its title."""
    found = Identity.objects.filter(pk__in=people)
    return {person.pk for person in found if may(person, "requests.read", project=request.project).allowed}


def _is_here(person: Identity | None) -> TypeGuard[Identity]:
    return person is not None and person.is_person and person.status == Identity.Status.ACTIVE


def _ids(people: Iterable[Identity]) -> set[str]:
    return {person.pk for person in people}
