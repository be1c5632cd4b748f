"""A portal with very many requests: a few made through the real acts, and the rest copied in the database as rows like theirs.

The copies are for counting and for pages of lists. What they would be worth at a gate is not asked: nothing was signed for them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from approvals.desk.counts import MOST_COUNTED
from approvals.desk.keyset import read_page
from approvals.desk.read_queue import read_queue
from approvals.models import Attention, RequestState
from identities.models import Environment, Identity, Project, RoleAssignment, Team
from ledger.keys import create_portal_keys
from tests import cast
from tests import make_approvals as make

# Of every thousand: so many wait for answers, so many are stuck; the others are done.
OPEN, STUCK = 20, 5
MINE_OF_OPEN = 5


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
        self.filled = 0

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
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMP TABLE IF NOT EXISTS places AS SELECT row_number() OVER (ORDER BY p.slug) - 1 AS place, p.id AS project, e.id AS environment FROM identities_project p JOIN identities_environment e ON e.team_id = p.team_id WHERE p.slug LIKE 'project-%%'"
            )
            values: dict[str, Any] = {
                "first": self.filled,
                "last": count - 1,
                "template": self.template.pk,
                "teams": len(self.projects),
                "now": self.now,
                "open": OPEN,
                "stuck": OPEN + STUCK,
            }
            cursor.execute(
                _copy(
                    "approvals_request",
                    {
                        "id": "'req_' || to_char(n, 'FM00000000000000000000000000')",
                        "opened_at": _MOMENT,
                        "project_id": "place.project",
                        "environment_id": "place.environment",
                        "title": "'release ' || n",
                    },
                ),
                values,
            )
            status = "CASE WHEN n %% 1000 < %(open)s THEN 'ready' WHEN n %% 1000 < %(stuck)s THEN 'blocked' ELSE 'promoted' END"
            columns = {
                "request_id": "'req_' || to_char(n, 'FM00000000000000000000000000')",
                "status": status,
                "project_id": "place.project",
                "opened_at": _MOMENT,
                "due_at": f"{_MOMENT} + interval '8 hours'",
            }
            cursor.execute(_copy("approvals_requeststate", columns, key="request_id", left_out=("section",)), values)
        self._give_turns(state)
        self.filled = count
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

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
                for row in waiting[: MINE_OF_OPEN * 50]
            ]
            Attention.objects.bulk_create(rows, ignore_conflicts=True)

    def client_of(self, person: Identity) -> Client:
        """A browser in which somebody is signed in, without a browser."""
        client = Client(headers={"host": "localhost"})
        client.force_login(cast.account_of(person), backend=settings.AUTHENTICATION_BACKENDS[0])
        return client

    def pages(self, *, deep: int) -> dict[str, Callable[[], object]]:
        """The pages to time, each as a call that draws it, for whoever reads all teams; `deep` is how many pages the deep one is in."""
        client, queue = self.client_of(self.readers[max(self.readers)]), reverse("approvals:queue")
        approver = self.client_of(cast.alice())
        cursor = self._cursor(deep)
        return {
            "queue, page 1": lambda: _ok(client.get(queue, {"show": "done"})),
            "queue, deep": lambda: _ok(client.get(queue, {"show": "done", "cursor": cursor})),
            "queue, your turn": lambda: _ok(client.get(queue)),
            "review": lambda: _ok(approver.get(reverse("approvals:request", args=[self.request.pk]))),
            "passport": lambda: _ok(approver.get(reverse("reports:artifact", args=[make.image()]))),
        }

    def _cursor(self, deep: int) -> str:
        cursor = ""
        for _ in range(min(deep, max(1, self.filled // 100))):
            cursor = read_queue(self.readers[max(self.readers)], show="done", cursor=cursor, now=self.now).next or cursor
        return cursor

    def questions(self) -> dict[str, Callable[[], object]]:
        """What the queue asks for each reader, and the same without any restriction."""
        asked: dict[str, Callable[[], object]] = {
            f"{count} team{'' if count == 1 else 's'}": (lambda person=person: read_queue(person, show="done", now=self.now))  # type: ignore[misc]
            for count, person in self.readers.items()
        }
        return asked | {"unrestricted": lambda: self._unrestricted()}

    def _unrestricted(self) -> object:
        for section in ("open", "stuck", "done"):
            list(RequestState.objects.filter(section=section).values("pk")[: MOST_COUNTED + 1])
        related = ("request__project__team", "request__environment", "request__requester", "revision__policy__document")
        rows = RequestState.objects.filter(section="done").select_related(*related)
        return read_page(rows, order=["opened_at", "request_id"], newest_first=True)

    def browse(self) -> dict[str, dict[str, float]]:
        """Return for each page what a real Chromium loads for it with nothing kept: bytes on the wire, bytes of own script, and when it was there."""
        from playwright.sync_api import sync_playwright

        server = make_server("localhost", 0, get_wsgi_application(), handler_class=_Quiet)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        origin = f"http://localhost:{server.server_port}"
        reader, approver = self.readers[max(self.readers)], cast.alice()
        addresses = {
            "queue": (reader, reverse("approvals:queue") + "?show=done"),
            "review": (approver, reverse("approvals:request", args=[self.request.pk])),
            "passport": (approver, reverse("reports:artifact", args=[make.image()])),
        }
        found = {}
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            for name, (person, address) in addresses.items():
                found[name] = _load(browser, origin + address, self.client_of(person).cookies[settings.SESSION_COOKIE_NAME].value)
            browser.close()
        server.shutdown()
        return found


class _Quiet(WSGIRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        """Say nothing of each request."""


_MOMENT = "%(now)s - make_interval(secs => (n::bigint * 7919) %% 7776000)"


def _copy(table: str, columns: dict[str, str], *, key: str = "id", left_out: Sequence[str] = ()) -> str:
    """Return the statement that copies the template's row `first` to `last` times, with these columns made anew."""
    with connection.cursor() as cursor:
        names = [column.name for column in connection.introspection.get_table_description(cursor, table) if column.name not in left_out]
    made = ", ".join(columns.get(name, f"kept.{name}") for name in names)
    return (
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {made} FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n "  # noqa: S608
        f"JOIN places AS place ON place.place = n %% %(teams)s CROSS JOIN {table} AS kept WHERE kept.{key} = %(template)s"
    )


def _ok(response: Any) -> object:
    assert response.status_code == 200, response.status_code
    return response


def _load(browser: Any, address: str, session: str) -> dict[str, float]:
    context = browser.new_context()
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": address}])
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    loaded: dict[str, float] = {"wire": 0, "script": 0}
    scripts: set[str] = set()
    network.on("Network.responseReceived", lambda event: scripts.add(event["requestId"]) if event["type"] == "Script" else None)

    def finished(event: dict[str, Any]) -> None:
        loaded["wire"] += event["encodedDataLength"]
        loaded["script"] += event["encodedDataLength"] if event["requestId"] in scripts else 0

    network.on("Network.loadingFinished", finished)
    page.goto(address)
    page.wait_for_load_state("networkidle")
    loaded["lcp"] = page.evaluate(
        "() => new Promise(found => new PerformanceObserver(list => found(list.getEntries().at(-1).startTime)).observe({type: 'largest-contentful-paint', buffered: true}))"
    )
    context.close()
    return loaded
