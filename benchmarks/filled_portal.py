"""A portal with very many requests: a few made through the real acts, and the rest copied in the database as rows like theirs.

The copies are for counting and for pages of lists. What they would be worth at a gate is not asked: nothing was signed for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import current_thread, main_thread
from typing import Any
from unittest.mock import patch

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from approvals.desk import counts
from approvals.desk import read_queue as reading
from approvals.desk.filters import Filters
from approvals.desk.read_queue import read_queue
from approvals.desk.tabs import Reader, states_everywhere
from approvals.models import Attention, RequestState
from identities.models import Environment, Identity, Project, RoleAssignment, Team
from ledger.keys import create_portal_keys
from tests import cast
from tests import make_approvals as make

PAGE_DEEP = 40
# Of every thousand so many wait for answers, so many are stuck, and the others are done. The first all wait, so that a page is full in a small portal too.
OPEN, STUCK, ALL_OPEN = 20, 5, 120
MOST_MINE = 250


class FilledPortal:
    """Teams with a project each, readers of some of them, and requests spread over all."""

    def __init__(self, *, teams: int, readers: Sequence[int]) -> None:
        create_portal_keys()
        self.now = timezone.now()
        stage = make.set_stage(now=self.now)
        make.send_provenance(stage, now=self.now)
        self.request = make.ask(now=self.now)
        make.approve(self.request, cast.alice(now=self.now), now=self.now)
        self.template = make.ask(tag="1.4.3", now=self.now)
        self._make_teams(teams)
        self.readers = {count: self._make_reader(count) for count in readers}

    def _make_teams(self, count: int) -> None:
        teams = Team.objects.bulk_create([Team(slug=f"team-{number:04}", name=f"Team {number}") for number in range(count)])
        self.projects = Project.objects.bulk_create(
            [Project(slug=f"project-{number:04}", name=f"Project {number}", team=team) for number, team in enumerate(teams)]
        )
        Environment.objects.bulk_create(
            [Environment(slug=f"production-{number:04}", name="Production", tier=3, team=team) for number, team in enumerate(teams)]
        )

    def _make_reader(self, count: int) -> Identity:
        person = cast.person(f"reader{count}", f"Reader of {count}", "auditor", now=self.now)
        RoleAssignment.objects.bulk_create(
            RoleAssignment(identity=person, role="approver:release", team=project.team, granted_at=self.now)
            for project in self.projects[:count]
        )
        return person

    def fill(self, count: int) -> None:
        """Bring the number of copied requests to `count`, their times spread over 90 days, and let the database look at what there is."""
        state = RequestState.objects.get(request=self.template)
        values: dict[str, Any] = {
            "first": 0,
            "last": count - 1,
            "template": self.template.pk,
            "teams": len(self.projects),
            "now": self.now,
            "open": OPEN,
            "stuck": OPEN + STUCK,
            "all_open": ALL_OPEN,
        }
        request = {"id": _ID, "opened_at": _MOMENT, "project_id": "place.project", "environment_id": "place.environment"}
        columns = {"request_id": _ID, "status": _STATUS, "project_id": "place.project", "opened_at": _MOMENT, "due_at": _DUE}
        with connection.cursor() as cursor:
            cursor.execute(_PLACES)
        # Each table by a connection of its own: no row waits for another where keys are not looked up.
        fill_requests = partial(_fill, REQUESTS, _copy(REQUESTS, {**request, "title": "'release ' || n"}), values)
        fill_states = partial(_fill, STATES, _copy(STATES, columns, key="request_id", left_out=("section",)), values)
        if _may_skip_keys():
            with ThreadPoolExecutor(2) as both:
                for filled in [both.submit(fill_requests), both.submit(fill_states)]:
                    filled.result()
        else:
            fill_requests()
            fill_states()
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE bench_places")
        self._give_turns(state)
        with connection.cursor() as cursor:
            # As the database does by itself some time after such a load.
            cursor.execute("VACUUM ANALYZE")

    def _give_turns(self, state: RequestState) -> None:
        for reader in self.readers.values():
            held = RoleAssignment.objects.filter(identity=reader).values("team")
            waiting = RequestState.objects.filter(status="ready", project__team__in=held, request__attention__isnull=True).order_by("pk")
            rows = [
                Attention(
                    request_id=row.request_id,
                    identity=reader,
                    reason_code="approve",
                    sentence="You are release approver",
                    since=row.opened_at,
                    rank=row.rank,
                    due_at=row.due_at,
                )
                for row in waiting[:MOST_MINE]
            ]
            Attention.objects.bulk_create(rows, ignore_conflicts=True)

    def client_of(self, person: Identity) -> Client:
        """A browser in which somebody is signed in, without a browser."""
        client = Client(headers={"host": "localhost"})
        client.force_login(cast.account_of(person), backend=settings.AUTHENTICATION_BACKENDS[0])
        return client

    def pages(self) -> dict[str, Callable[[], object]]:
        """The pages to time, each as a call that draws it through the portal's own views, and what the queue alone asks the database."""
        queue, image = reverse("approvals:queue"), reverse("reports:artifact", args=[make.image()])
        review = reverse("approvals:request", args=[self.request.pk])
        clients = {count: self.client_of(person) for count, person in self.readers.items()}
        one, all_of_them = clients[min(clients)], clients[max(clients)]
        approver, cursor = self.client_of(cast.alice()), self._cursor()
        found: dict[str, Callable[[], object]] = {
            "queue, page 1": lambda: _ok(all_of_them.get(queue, {"show": "done"})),
            "queue, deep": lambda: _ok(all_of_them.get(queue, {"show": "done", "cursor": cursor})),
            "queue, your turn": lambda: _ok(all_of_them.get(queue)),
            "review": lambda: _ok(approver.get(review)),
            "passport": lambda: _ok(approver.get(image)),
            "queue, unrestricted": lambda: _without_restriction(lambda: _ok(one.get(queue, {"show": "done"}))),
            "asked, unrestricted": lambda: _without_restriction(self._asking(min(clients))),
        }
        for count, client in clients.items():
            teams = f"{count} team{'' if count == 1 else 's'}"
            found[f"queue, {teams}"] = lambda client=client: _ok(client.get(queue, {"show": "done"}))  # type: ignore[misc]
            found[f"asked, {teams}"] = self._asking(count)
            found[f"review, {teams}"] = lambda client=client: _ok(client.get(review))  # type: ignore[misc]
            found[f"passport, {teams}"] = lambda client=client: _ok(client.get(image))  # type: ignore[misc]
        return found

    def _asking(self, count: int) -> Callable[[], object]:
        return lambda: read_queue(self.readers[count], show="done", now=self.now)

    def _cursor(self) -> str:
        """Return where a full page begins that is `PAGE_DEEP` pages in, or as far in as there are such pages."""
        cursors, reader = [""], self.readers[max(self.readers)]
        while len(cursors) <= PAGE_DEEP and (following := read_queue(reader, show="done", cursor=cursors[-1], now=self.now).next):
            cursors.append(following)
        return cursors[-1] if len(cursors) > PAGE_DEEP else cursors[-2]

    def loads(self) -> dict[str, dict[str, str]]:
        """The pages for a browser, each with a session of somebody who may read it."""
        reader, approver = self.client_of(self.readers[max(self.readers)]), self.client_of(cast.alice())
        paths = {
            "queue": (reader, reverse("approvals:queue") + "?show=done"),
            "review": (approver, reverse("approvals:request", args=[self.request.pk])),
            "passport": (approver, reverse("reports:artifact", args=[make.image()])),
        }
        name = settings.SESSION_COOKIE_NAME
        return {page: {"path": path, "cookie": name, "session": client.cookies[name].value} for page, (client, path) in paths.items()}


def _without_restriction(ask: Callable[[], object]) -> object:
    """Do the same work but for the condition on projects: the same page, counted and looked up among the requests of all teams."""

    def counted(tab: str, reader: Reader, filters: Filters, *, is_counted: bool = False) -> QuerySet[RequestState]:
        return states_everywhere(tab, reader, is_counted=is_counted)

    def shown(tab: str, reader: Reader, filters: Filters) -> tuple[QuerySet[RequestState], None]:
        return states_everywhere(tab, reader).select_related("revision"), None

    with patch.object(counts, "states_of", counted), patch.object(reading, "where_to_look", shown):
        return ask()


REQUESTS, STATES = "approvals_request", "approvals_requeststate"
_PLACES = (
    "CREATE UNLOGGED TABLE bench_places AS SELECT row_number() OVER (ORDER BY p.slug) - 1 AS place, p.id AS project, e.id AS environment "
    "FROM identities_project p JOIN identities_environment e ON e.team_id = p.team_id WHERE p.slug LIKE 'project-%%'"
)
_ID = "'req_' || to_char(n, 'FM00000000000000000000000000')"
# A prime that spreads the moments, so that neither teams nor states come in runs.
_MOMENT = "%(now)s - make_interval(secs => (n::bigint * 7919) %% 7776000)"
_DUE = f"{_MOMENT} + interval '8 hours'"
# Mixed with the number of the thousand, or each team would have requests of one state alone.
_PLACE = "(n / 1000 + n * 31) %% 1000"
_STATUS = f"CASE WHEN n < %(all_open)s OR {_PLACE} < %(open)s THEN 'ready' WHEN {_PLACE} < %(stuck)s THEN 'blocked' ELSE 'promoted' END"


def _may_skip_keys() -> bool:
    """Say whether the database lets this user load rows without looking up every key."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        return bool(cursor.fetchone()[0])


def _fill(table: str, statement: str, values: dict[str, Any]) -> None:
    """Load one table without looking up every key and keeping every index for each row: indexes are made again afterwards, whole, as they were.

    The keys are right because rows are copied; who may not switch that look-up off, waits for it.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = %s::regclass "
                "AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)",
                [table],
            )
            indexes = cursor.fetchall()
            for name, _ in indexes:
                cursor.execute(f"DROP INDEX {name}")
            # It is thrown away soon: nobody waits for the disk.
            cursor.execute("SET synchronous_commit = off")
            cursor.execute("SET maintenance_work_mem = '256MB'")
            skips = _may_skip_keys()
            if skips:
                cursor.execute("SET session_replication_role = replica")
            cursor.execute(statement, values)
            if skips:
                cursor.execute("SET session_replication_role = DEFAULT")
            for _, definition in indexes:
                cursor.execute(definition)
    finally:
        if current_thread() is not main_thread():
            connection.close()


def _copy(table: str, columns: dict[str, str], *, key: str = "id", left_out: Sequence[str] = ()) -> str:
    """Return the statement that copies the template's row `first` to `last` times, with these columns made anew."""
    with connection.cursor() as cursor:
        names = [column.name for column in connection.introspection.get_table_description(cursor, table) if column.name not in left_out]
    made = ", ".join(columns.get(name, f"kept.{name}") for name in names)
    return (
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {made} FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n "  # noqa: S608
        f"JOIN bench_places AS place ON place.place = n %% %(teams)s CROSS JOIN {table} AS kept WHERE kept.{key} = %(template)s"
    )


def _ok(response: Any) -> object:
    assert response.status_code == 200, response.status_code
    return response
