"""The queue of one person: what waits for them, what waits for others, what is stuck, what they put off, what is done.

Reads only, with a number of queries that does not grow with the requests shown or with how many there are. Whether the person may really
sign is decided when they do; here it is told whose turn it is, and why.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet

from approvals.desk.counts import MOST_COUNTED, Counts, after_mark, count_at_most, read_counts
from approvals.desk.filters import Filters
from approvals.desk.keyset import read_page
from approvals.desk.merge import EACH, Among, Reach
from approvals.desk.quiet import Quiet, read_quiet
from approvals.desk.rows import Row, read_rows
from approvals.desk.tabs import (
    DONE,
    MINE,
    OF_ONESELF,
    OTHERS,
    STUCK,
    TITLES,
    Reader,
    order_of,
    read_reader,
    sort_of,
    states_everywhere,
    states_of,
)
from approvals.models import RequestState
from identities.models import Identity, RoleAssignment
from identities.permissions import ACTIONS, APPROVERS
from identities.preferences.current import list_away_among
from proofs.errors import TooLarge

MOST_NEW = 99
# Of what is new there is a count in these; the others say what was, and what the reader put off themselves.
TABS_WITH_NEWS = (MINE, OTHERS, STUCK)
MOST_EXPORTED = 5000
EXPORTED_AT_ONCE = 500


@dataclass(frozen=True)
class Tab:
    """One tab of the queue, and how many there are in it: "1,000+" where there are more than anybody counts."""

    key: str
    title: str
    total: int

    @property
    def shown_total(self) -> str:
        """The number as it is written."""
        return f"{MOST_COUNTED:,}+" if self.total > MOST_COUNTED else f"{self.total:,}"


@dataclass(frozen=True)
class Queue:
    """Everything the queue page shows."""

    tabs: tuple[Tab, ...]
    shown: Tab
    rows: list[Row]
    previous: str
    next: str
    filters: Filters
    mark: str
    has_key: bool
    may_sign_in: bool
    may_decide: bool
    may_ask: bool
    has_glass: bool
    may_comment: bool
    may_connect: bool
    may_delegate: bool
    reach: Reach
    away: list[str] = field(default_factory=list)
    minutes_behind: int = 0
    # Where nothing waits for the reader: what does for others.
    quiet: Quiet | None = None

    @property
    def others(self) -> Tab:
        """The tab that a reader without anything to do is led to."""
        return self.tabs[1]

    @property
    def sort(self) -> str:
        """The order the rows stand in."""
        return sort_of(self.shown.key, self.filters)

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was ever asked in what the reader may read, as far as no filter hides it."""
        return not self.filters.is_narrowed and not any(tab.total for tab in self.tabs)

    @property
    def is_past_the_end(self) -> bool:
        """Whether there are rows, and only this page has none."""
        return not self.rows and self.shown.total > 0

    @property
    def may_withdraw(self) -> bool:
        """Whether the reader asked for anything on this page that can still be taken back."""
        return self.shown.key != DONE and any(row.may_withdraw for row in self.rows)

    @property
    def may_select(self) -> bool:
        """Whether there is anything to do with several rows at once."""
        return self.may_comment or self.shown.key in OF_ONESELF or self.may_withdraw

    @property
    def environments(self) -> list[str]:
        """What the filter of environments offers: those on this page, for more would take reading the others."""
        return sorted({row.request.environment.slug for row in self.rows})

    @property
    def projects(self) -> list[str]:
        """What the filter of projects offers."""
        return sorted({row.project for row in self.rows})

    @property
    def requesters(self) -> list[str]:
        """What the filter of those who ask offers."""
        return sorted({row.request.requester.name for row in self.rows})


def read_queue(person: Identity, *, show: str = "", filters: Filters | None = None, cursor: str = "", now: datetime) -> Queue:
    """Return one page of the queue of `person`; `show` names the tab, their own turn otherwise."""
    filters = filters or Filters()
    reader = read_reader(person, now=now)
    tab = show if show in TITLES else MINE
    counts = read_counts(reader, filters)
    order, newest_first = order_of(tab, filters)
    states, among = where_to_look(tab, reader, filters)
    page = read_page(states, order=order, newest_first=newest_first, cursor=cursor, among=among)
    rows = read_rows(page.rows, reader)
    tabs = tuple(Tab(key, title, counts.of_tabs[key]) for key, title in TITLES.items())
    return Queue(
        tabs=tabs,
        shown=next(item for item in tabs if item.key == tab),
        rows=rows,
        previous=page.previous,
        next=page.next,
        filters=filters,
        mark=counts.mark,
        away=_away_approvers(rows, now) if tab == OTHERS and rows and counts.has_away else [],
        minutes_behind=counts.minutes_behind,
        reach=reader.projects,
        quiet=_read_quiet(reader) if tab == MINE and not (rows or cursor or filters.is_narrowed) else None,
        **_powers(reader, counts),
    )


def count_new(person: Identity, *, show: str, filters: Filters, mark: str, now: datetime) -> int:
    """Return how many came into a tab since the page with this mark was drawn, at most `MOST_NEW`; 0 for a mark nobody made."""
    attention, _, request = mark.partition(".")
    if show not in TABS_WITH_NEWS or not attention.isdecimal() or len(attention) > 18:
        return 0
    rows: QuerySet[Any] = states_of(show, read_reader(person, now=now), filters)
    rows = (
        rows.annotate(turn_id=F("turn__id")).filter(turn_id__gt=int(attention)) if show == MINE else rows.filter(pk__gt=after_mark(request))
    )
    return count_at_most(rows, MOST_NEW)


def read_all_rows(person: Identity, *, show: str, filters: Filters, now: datetime) -> Iterator[Row]:
    """Yield every line of a tab. Refuses with `queue.too_many` what no file should hold."""
    reader, tab = read_reader(person, now=now), show if show in TITLES else MINE
    states, among = where_to_look(tab, reader, filters)
    if count_at_most(states_of(tab, reader, filters, is_counted=True), MOST_EXPORTED + 1) > MOST_EXPORTED:
        raise TooLarge("queue.too_many", f"got more than {MOST_EXPORTED} requests to export, expected at most that many; filter them first")
    order, newest_first = order_of(tab, filters)
    cursor = ""
    while True:
        page = read_page(states, order=order, newest_first=newest_first, cursor=cursor, size=EXPORTED_AT_ONCE, among=among)
        yield from read_rows(page.rows, reader)
        cursor = page.next
        if not cursor:
            return


def where_to_look(tab: str, reader: Reader, filters: Filters) -> tuple[QuerySet[RequestState], Among | None]:
    """Return the states of a tab, and the projects to look through for them where that is quicker than leaving it to the database: what waits
    for oneself and what is filtered has indexes of its own, and SQLite cannot."""
    if tab in OF_ONESELF or filters.is_narrowed or connection.vendor != "postgresql":
        return states_of(tab, reader, filters).select_related("revision"), None
    rows = states_of(tab, replace(reader, projects=EACH), filters).select_related("revision")
    return rows, Among(reader.projects, states_everywhere(tab, reader))


def _powers(reader: Reader, counts: Counts) -> dict[str, bool]:
    roles = reader.roles
    return {
        "has_key": counts.has_key,
        "has_glass": counts.has_glass,
        "may_sign_in": counts.has_provider and not counts.has_key,
        "may_decide": bool(roles & ACTIONS["requests.answer"][1]),
        "may_ask": RoleAssignment.Role.REQUESTER in roles,
        "may_comment": bool(roles & ACTIONS["requests.comment"][1]),
        "may_connect": bool(roles & ACTIONS["identities.steward"][1]),
        "may_delegate": bool(roles & ACTIONS["delegations.give"][1]),
    }


def _read_quiet(reader: Reader) -> Quiet:
    states, among = where_to_look(OTHERS, reader, Filters())
    states = states.select_related(None).select_related("request__environment")
    order, newest_first = order_of(OTHERS, Filters())
    page = read_page(states, order=order, newest_first=newest_first, size=1, among=among)
    return read_quiet(reader, next(iter(page.rows), None))


def _away_approvers(rows: Sequence[Row], now: datetime) -> list[str]:
    """Return who may approve in the teams of these requests and is away, each with the words for it. One query."""
    teams = {row.team_id for row in rows}
    held = RoleAssignment.objects.held().filter(role__in=APPROVERS, team__in=teams, identity__status=Identity.Status.ACTIVE)
    people = Identity.objects.filter(pk__in=held.values("identity"))
    return [f"{name} ({words})" for name, words in list_away_among(people, now=now)]
