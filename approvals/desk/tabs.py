"""The five tabs of the queue as conditions. What a tab counts and what it shows come from the same ones, so they agree.

A request is in one of the last four of "your turn, snoozed, waiting on others, blocked, done", or it waits for the reader; what waits for
them and is blocked or decided too, because somebody named them, is in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, FilteredRelation, OuterRef, Q, QuerySet
from django.utils.translation import gettext_noop as noop

from approvals.attention.turns import WAITING
from approvals.desk.excluded import is_excluded
from approvals.desk.filters import DUE, NEWEST, Filters
from approvals.desk.merge import Reach
from approvals.models import Attention, RequestState, Revision, Snooze
from attestations.blobs import bytes_of
from identities.models import Identity
from identities.permissions import held_kinds, readable_projects
from proofs.policy.evaluate import parse_policy

MINE, OTHERS, STUCK, SNOOZED, DONE = "mine", "others", "stuck", "snoozed", "done"
TITLES = {
    MINE: noop("Your turn"),
    OTHERS: noop("Waiting on others"),
    STUCK: noop("Blocked"),
    SNOOZED: noop("Snoozed"),
    DONE: noop("Done"),
}
OF_ONESELF = (MINE, SNOOZED)
Section = RequestState.Section
# Of a program that somebody took over and that asked very often: the next renewal, within the hour, writes the rows of all.
MOST_TAKEN = 200
MOST_NAMED = 200


@dataclass(frozen=True)
class Reader:
    """Who reads, the roles they hold, where they may read, and the requests of which a row still says that it is their turn though they must not answer."""

    person: Identity
    roles: frozenset[str]
    projects: Reach
    taken: frozenset[str]
    now: datetime


def read_reader(person: Identity, *, now: datetime) -> Reader:
    """Return what the conditions need to know. Two queries, and one more for whoever took a program over for which it is their turn; as short
    for a thousand roles as for one. One less on a page, which has asked for the kinds of roles before."""
    roles = frozenset(role for role, _ in held_kinds(person))
    readable = readable_projects(person, "requests.read")
    owns = Q(Exists(Identity.objects.filter(owner=person))) & Q(Exists(_turns_of_programs(person)))
    found = list(readable.annotate(owns=owns).values_list("pk", "owns")[: MOST_NAMED + 1])
    # Named one by one where they are few, so that the database knows how few and goes by their own index; of many it looks up each row's.
    projects = [project for project, _ in found] if len(found) <= MOST_NAMED else readable
    taken = _read_taken(person) if any(owns for _, owns in found) else frozenset()
    return Reader(person, roles, projects, taken, now)


def states_of(tab: str, reader: Reader, filters: Filters, *, is_counted: bool = False) -> QuerySet[RequestState]:
    """Return the states of the requests in a tab, not yet ordered. Of what is only counted (`is_counted`) no turn is brought along to order by."""
    return _of_tab(tab, RequestState.objects.filter(project__in=reader.projects), reader, filters, is_counted=is_counted)


def states_everywhere(tab: str, reader: Reader, *, is_counted: bool = False) -> QuerySet[RequestState]:
    """Return the states a tab would have if its reader read every project. Never to be shown: the caller leaves out what is not theirs."""
    return _of_tab(tab, RequestState.objects.all(), reader, Filters(), is_counted=is_counted)


def _of_tab(tab: str, rows: QuerySet[RequestState], reader: Reader, filters: Filters, *, is_counted: bool) -> QuerySet[RequestState]:
    narrowed = filters.condition()
    rows = rows.filter(narrowed) if narrowed else rows
    mine = Exists(Attention.objects.filter(identity=reader.person, request=OuterRef("request")))
    if tab in OF_ONESELF:
        put_off = Exists(Snooze.objects.filter(identity=reader.person, request=OuterRef("request"), until__gt=reader.now))
        if is_counted:
            rows = rows.filter(mine)
        else:
            turn = FilteredRelation("request__attention", condition=Q(request__attention__identity=reader.person))
            rows = rows.annotate(turn=turn).filter(turn__identity=reader.person)
        return rows.exclude(pk__in=reader.taken).filter(put_off if tab == SNOOZED else ~put_off)
    if tab == OTHERS:
        waits = Q(~mine) | Q(pk__in=reader.taken) if reader.taken else Q(~mine)
        return rows.filter(waits, section=Section.OPEN)
    return rows.filter(section=Section.STUCK if tab == STUCK else Section.DONE)


def sort_of(tab: str, filters: Filters) -> str:
    """Return how a tab is ordered: as asked, or what was decided by its age and all else by when it is due."""
    return filters.sort or (NEWEST if tab == DONE else DUE)


def order_of(tab: str, filters: Filters) -> tuple[list[str], bool]:
    """Return the fields a tab is ordered by, all one way, and whether it is the other way round, the newest first."""
    if sort_of(tab, filters) == DUE:
        names = ["turn__rank", "turn__due_at", "turn__request_id"] if tab in OF_ONESELF else ["rank", "due_at", "request_id"]
        return names, False
    return (["turn__since", "turn__request_id"] if tab in OF_ONESELF else ["opened_at", "request_id"]), True


def _turns_of_programs(person: Identity) -> QuerySet[Attention]:
    """Return the turns that `person` has by what is written of what their own programs asked."""
    rows = Attention.objects.filter(identity=person, request__requester__owner=person, request__state__status__in=sorted(WAITING))
    return rows.exclude(reason_code="mentioned")


def _read_taken(person: Identity) -> frozenset[str]:
    """Return the requests that wait for `person` by what is written, of a program that became theirs since, under a policy that bars its
    owner. Whose turn it is was written before somebody took the program over; who asks is not told to answer meanwhile."""
    rows = _turns_of_programs(person).select_related(
        "request__state__revision__policy__document", "request__requester__owner", "request__on_behalf_of"
    )
    taken, parsed = set(), {}
    for row in rows[:MOST_TAKEN]:
        revision: Revision | None = row.request.state.revision
        if revision is None:
            continue
        if revision.policy_id not in parsed:
            parsed[revision.policy_id] = parse_policy(bytes_of(revision.policy.document))
        if is_excluded(row.request, parsed[revision.policy_id].for_kind(row.request.kind), person):
            taken.add(row.request_id)
    return frozenset(taken)
