"""How many there are in each tab, bounded, in one query; with it what else the page needs one word about.

Each count stops at a bound: nobody reads the difference between two thousand and three, and counting a million takes a second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.utils.dateparse import parse_datetime

from approvals.desk.filters import Filters
from approvals.desk.tabs import TITLES, Reader, states_of
from approvals.emergency.live import unreviewed
from approvals.models import Attention, RequestState
from attestations.models import VerificationJob
from identities.models import IdentityProvider, Preferences, Project, SigningKey

MOST_COUNTED = 1000
# Shorter than this is the usual way of things.
BEHIND = timedelta(minutes=5)
# So many characters of a request's id say when it was made; the rest would tell a reader the id of whichever team's is the newest.
_MOMENT = len("req_") + 10
# What `_ask` calls the projects of somebody who reads very many.
_REACH = RawSQL("SELECT id FROM reach", ())


@dataclass(frozen=True)
class Counts:
    """What the page says in numbers and single words. `mark` stands for this moment, to ask later what came since."""

    of_tabs: Mapping[str, int]
    has_key: bool
    has_provider: bool
    has_glass: bool
    has_away: bool
    minutes_behind: int
    mark: str


def read_counts(reader: Reader, filters: Filters) -> Counts:
    """Return the counts of every tab under these filters. One query, in which the projects of whoever reads very many are looked up once."""
    person, reach = reader.person, reader.projects
    if isinstance(reach, QuerySet):
        reader = replace(reader, projects=_REACH)
    tabs = [_bounded(states_of(tab, reader, filters, is_counted=True), MOST_COUNTED + 1) for tab in TITLES]
    provider = IdentityProvider.objects.filter(issuer=person.issuer, protocol=IdentityProvider.Protocol.OIDC, removed_at__isnull=True)
    open_jobs = VerificationJob.objects.filter(state__in=["waiting", "claimed"])
    single = [
        _bounded(SigningKey.objects.filter(identity=person, revoked_at=None), 1),
        _bounded(provider, 1),
        _bounded(unreviewed(reader.projects), 1),
        _bounded(Preferences.objects.filter(away_from__isnull=False), 1),
        _only(open_jobs.order_by("next_try_at").values("next_try_at")[:1]),
        _only(Attention.objects.order_by("-pk").values("pk")[:1]),
        _only(RequestState.objects.order_by("-pk").values("pk")[:1]),
    ]
    *counted, has_key, has_provider, has_glass, has_away, waiting, attention, request = _ask(
        [*tabs, *single], reach=reach if isinstance(reach, QuerySet) else None
    )
    return Counts(
        of_tabs=dict(zip(TITLES, counted, strict=True)),
        has_key=bool(has_key),
        has_provider=bool(has_provider),
        has_glass=bool(has_glass),
        has_away=bool(has_away),
        minutes_behind=_minutes_behind(waiting, reader.now),
        mark=f"{attention or 0}.{str(request or '')[:_MOMENT]}",
    )


def after_mark(request: str) -> str:
    """Return what the ids of requests are greater than that came after the moment in a mark; empty for none."""
    return request and f"{request}{'Z' * 16}"


def count_at_most(rows: QuerySet[Any], most: int) -> int:
    """Return how many rows there are, and `most` where there are more. One query."""
    return int(_ask([_bounded(rows, most)])[0] or 0)


def _bounded(rows: QuerySet[Any], most: int) -> tuple[str, Sequence[Any]]:
    sql, values = _only(rows.order_by().values("pk")[:most])
    return f"SELECT COUNT(*) FROM ({sql}) AS bounded", values  # noqa: S608  # the database layer wrote it, values apart


def _only(rows: QuerySet[Any, Any]) -> tuple[str, Sequence[Any]]:
    try:
        sql, values = rows.query.sql_with_params()
    except EmptyResultSet:
        return "SELECT NULL AS pk WHERE 1 = 0", ()
    return sql, values


def _ask(asked: Sequence[tuple[str, Sequence[Any]]], *, reach: QuerySet[Project] | None = None) -> Sequence[Any]:
    """Put each question as one column of one row. The questions are written by the database layer, with their values apart."""
    sql, values = f"SELECT {', '.join(f'({sql})' for sql, _ in asked)}", [value for _, values in asked for value in values]
    if reach is not None:
        named, first = _only(reach.order_by().values("pk"))
        sql, values = f"WITH reach(id) AS MATERIALIZED ({named}) {sql}", [*first, *values]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return tuple(cursor.fetchone())


def _minutes_behind(waiting: object, now: datetime) -> int:
    """Return since how many minutes evidence waits to be verified; 0 where that is usual."""
    # SQLite has no type for moments, and gives back the text.
    since = parse_datetime(waiting) if isinstance(waiting, str) else waiting
    if not isinstance(since, datetime):
        return 0
    late = now - (since if since.tzinfo else since.replace(tzinfo=UTC))
    return int(late.total_seconds() // 60) if late >= BEHIND else 0
