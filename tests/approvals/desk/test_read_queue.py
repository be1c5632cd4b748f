"""The queue: tabs that count what they show, filters, pages by key, and a number of queries that nothing makes larger."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals.desk.counts import MOST_COUNTED
from approvals.desk.filters import Filters, clean_query, read_filters
from approvals.desk.keyset import AFTER, Cursor, parse_cursor, write_cursor
from approvals.desk.read_queue import Queue, count_new, read_all_rows, read_queue
from approvals.desk.snooze import snooze_requests
from approvals.desk.tabs import TITLES, read_reader
from approvals.models import Approval, Attention, Request, RequestState
from approvals.requests.revise import revise_request
from attestations.models import VerificationJob
from identities.models import Environment, Identity, Project, RoleAssignment, Team
from identities.people.roles import grant_role
from identities.permissions import readable_projects
from identities.preferences.change import change_away
from tests import cast, make_break_glass
from tests import make_approvals as make
from tests.make_queue import copy_answer, copy_request

pytestmark = pytest.mark.django_db
# Whoever writes a cursor can put half a character of UTF-16 into it, which no database takes.
HALF_A_CHARACTER = "WyJhZnRlciIsIDAsICIyMDI2LTAzLTAyVDA5OjAwOjAwKzAwOjAwIiwgIlx1ZDgwMCJd"
LATER = make.NOW + timedelta(minutes=5)


def ready(*, count: int = 1, tag: str = "1.4.2", by: Identity | None = None) -> Request:
    cast.alice()
    make.send_provenance(make.set_stage(count=count), tag=tag)
    return make.ask(tag=tag, by=by)


def titles(queue: Queue) -> list[str]:
    return [row.request.title for row in queue.rows]


def read(person: Identity, tab: str = "mine", cursor: str = "", **filters: str) -> Queue:
    return read_queue(person, show=tab, filters=Filters(**filters), cursor=cursor, now=make.NOW)


class TestTabs:
    def test_each_counts_what_it_shows(self) -> None:
        request = ready()
        copy_request(request, 3)
        copy_request(request, 2, status="blocked")
        copy_request(request, 4, status="approved")
        copy_request(request, 1, status="changes_requested")
        snoozed = copy_request(request, 2)
        until = make.NOW + timedelta(days=1)
        snooze_requests(requests=[row.pk for row in snoozed], until=until, by=cast.alice(), now=make.NOW)
        queue = read(cast.alice())
        assert {tab.key: tab.total for tab in queue.tabs} == {"mine": 4, "others": 1, "stuck": 2, "snoozed": 2, "done": 4}
        for tab in TITLES:
            shown = read(cast.alice(), tab)
            assert shown.shown.key == tab
            assert shown.shown.total == len(shown.rows)

    def test_a_tab_nobody_knows_is_ones_own_turn(self) -> None:
        ready()
        assert read(cast.alice(), "nonsense").shown.key == "mine"

    def test_counts_stop_somewhere_and_say_so(self) -> None:
        copy_request(ready(), MOST_COUNTED)
        tab = read(cast.alice()).shown
        assert (tab.total, tab.shown_total) == (1001, "1,000+")

    def test_nothing_of_other_teams(self) -> None:
        copy_request(ready(), 2, status="approved")
        zoe = cast.person("zoe", "Zoe Park", "approver:release", team=Team.objects.create(slug="other", name="Other"))
        for tab in TITLES:
            queue = read(zoe, tab)
            assert (queue.rows, queue.shown.total) == ([], 0)

    def test_of_a_project_whoever_has_a_role_in_it_alone(self) -> None:
        request = ready()
        toy = make.toy()
        copy_request(request, 1, project=toy, title="a toy")
        zoe = cast.person("zoe", "Zoe Park", "auditor", project=toy)
        assert titles(read(zoe, "others")) == ["a toy"]


class TestOrder:
    def test_a_review_of_broken_glass_then_agents_then_what_is_due_first(self) -> None:
        request = ready()
        copy_request(request, 2)
        (agent,) = copy_request(request, 1, kind="agent-action", title="an agent")
        (review,) = copy_request(request, 1, kind="break-glass-review", title="a review")
        for row, rank in ((agent, 1), (review, 0)):
            RequestState.objects.filter(request=row).update(rank=rank)
            Attention.objects.filter(request=row).update(rank=rank)
        first = request.title
        assert titles(read(cast.alice())) == ["a review", "an agent", first, f"{first} copy 1", f"{first} copy 2"]
        assert titles(read(cast.carol(), "others")) == titles(read(cast.alice()))

    def test_or_the_newest_first_as_what_is_done_always(self) -> None:
        request = ready()
        copy_request(request, 2)
        copy_request(request, 2, status="approved")
        first = request.title
        assert titles(read(cast.alice(), sort="newest")) == [f"{first} copy 2", f"{first} copy 1", first]
        assert titles(read(cast.carol(), "done")) == [f"{first} copy 2", f"{first} copy 1"]
        assert titles(read(cast.carol(), "done", sort="due")) == [f"{first} copy 1", f"{first} copy 2"]

    def test_the_kinds_that_come_first_do_so_by_what_the_portal_writes(self) -> None:
        state = RequestState.objects.get(request=ready())
        turn = Attention.objects.get(request=state.pk)
        assert (state.rank, turn.rank, state.due_at) == (2, 2, turn.due_at)
        assert state.due_at == state.revision.frozen_at + timedelta(hours=72) or state.due_at > state.opened_at

    def test_a_new_revision_has_the_time_of_its_own_and_the_turn_its_old_beginning(self) -> None:
        request = ready()
        before = RequestState.objects.get(request=request).due_at
        revise_request(request=request, by=None, now=LATER)
        turn = Attention.objects.get(request=request)
        assert RequestState.objects.get(request=request).due_at == turn.due_at == before + timedelta(minutes=5)
        assert turn.since == make.NOW


class TestPages:
    @pytest.mark.parametrize(("tab", "sort"), [("mine", "due"), ("mine", "newest"), ("others", "due"), ("others", "newest")])
    def test_forth_and_back_without_a_gap_or_a_row_twice(self, tab: str, sort: str) -> None:
        copy_request(ready(), 120)
        person = cast.alice() if tab == "mine" else cast.carol()
        pages, cursor = [], ""
        while True:
            queue = read(person, tab, cursor=cursor, sort=sort)
            pages.append(queue)
            if not queue.next:
                break
            cursor = queue.next
        assert [len(page.rows) for page in pages] == [50, 50, 21]
        assert pages[0].previous == ""
        assert len({row.request.pk for page in pages for row in page.rows}) == 121
        back = read(person, tab, cursor=pages[2].previous, sort=sort)
        assert titles(back) == titles(pages[1])
        first = read(person, tab, cursor=back.previous, sort=sort)
        assert (titles(first), first.previous, bool(first.next)) == (titles(pages[0]), "", True)

    def test_no_page_skips_rows(self) -> None:
        copy_request(ready(), 60)
        queue = read(cast.alice())
        with CaptureQueriesContext(connection) as asked:
            read(cast.alice(), cursor=queue.next)
        assert [query["sql"] for query in asked if "OFFSET" in query["sql"].upper()] == []

    @pytest.mark.parametrize(
        "cursor", ["nonsense", "W10", "eyJhIjoxfQ", "A" * 5000, "WyJhZnRlciIsMiwyLDJd", "WyJhZnRlciIsIngiLCJ5IiwieiJd", HALF_A_CHARACTER]
    )
    def test_a_cursor_nobody_wrote_is_the_first_page(self, cursor: str) -> None:
        ready()
        assert len(read(cast.alice(), cursor=cursor).rows) == 1

    def test_a_cursor_is_read_as_it_was_written(self) -> None:
        cursor = Cursor(AFTER, (2, make.NOW, "req_1"))
        order = ["rank", "due_at", "request_id"]
        assert parse_cursor(write_cursor(cursor), order) == cursor
        assert parse_cursor(write_cursor(cursor), ["opened_at", "request_id"]) is None


class TestFilters:
    def test_each_narrows_rows_and_counts(self) -> None:
        request = ready()
        staging = Environment.objects.create(slug="staging", name="Staging", tier=1, team=cast.payments())
        copy_request(request, 2, environment_id=staging.pk)
        copy_request(request, 1, kind="promotion", title="another thing")
        copy_request(request, 1, project=make.toy(), requester_id=cast.runner().pk)
        for filters, count in (
            ({"env": "staging"}, 2),
            ({"kind": "promotion"}, 1),
            ({"project": "toy"}, 1),
            ({"requester": "release workflow"}, 1),
            ({"q": "ANOTHER"}, 1),
            ({"q": make.image()[:20]}, 1),
            ({"q": make.image().partition(":")[2][:8]}, 1),
            ({"q": request.pk}, 1),
            ({"env": "nowhere"}, 0),
            ({"kind": "nonsense"}, 0),
            ({"env": "staging", "q": "copy 2"}, 1),
        ):
            queue = read(cast.alice(), **filters)
            assert (len(queue.rows), queue.shown.total, queue.filters.is_narrowed) == (count, count, True), filters

    def test_an_address_is_read_and_written_again(self) -> None:
        query = {"show": "done", "q": " api ", "env": "production", "sort": "newest", "cursor": "x", "evil": "1"}
        assert read_filters(query) == Filters(q="api", env="production", sort="newest")
        assert clean_query(query) == "show=done&env=production&q=api&sort=newest"
        assert clean_query({"tab": "mine", "sort": "by luck"}) == "show=mine"


class TestRow:
    def test_says_what_changed_and_why_it_is_ones_turn(self) -> None:
        ready()
        (row,) = read(cast.alice()).rows
        assert (row.why, row.is_mine, row.approvals, row.required) == ("You are release approver", True, 0, 1)
        assert row.sentence == "Nothing was approved here before, so everything is new."
        assert row.due is not None
        assert not row.is_overdue

    def test_late_in_a_word_only_when_it_is(self) -> None:
        request = ready()
        state = RequestState.objects.get(request=request)
        given = state.due_at - state.opened_at
        for share, said in ((0.5, (False, False)), (0.85, (True, False)), (1.0, (False, True))):
            (row,) = read_queue(cast.alice(), now=make.NOW + given * share).rows
            assert (row.is_soon, row.is_overdue) == said

    def test_marks_what_came_after_the_readers_own_answer(self) -> None:
        cast.person("anna", "Anna Berg", "approver:release")
        request = ready(count=2)
        make.approve(request, cast.alice())
        assert [row.signed_before for row in read(cast.alice(), "others").rows] == [None]
        revise_request(request=request, by=None, now=LATER)
        (row,) = read(cast.alice()).rows
        assert (row.signed_before, row.signed_by) == (1, ())
        (row,) = read(cast.person("anna", "Anna Berg")).rows
        assert row.signed_before is None

    def test_names_who_signed(self) -> None:
        request = ready(count=2)
        make.approve(request, cast.alice())
        (row,) = read(cast.carol(), "others").rows
        assert (row.approvals, row.required, row.signed_by) == (1, 2, ("Alice Chen",))


class TestNews:
    def test_counts_what_came_since_the_page_was_drawn(self) -> None:
        request = ready()
        mark = {tab: read(cast.alice(), tab).mark for tab in TITLES}
        copy_request(request, 2)
        copy_request(request, 3, status="blocked")
        counted = {
            tab: count_new(cast.alice(), show=tab, filters=Filters(), mark=mark[tab], now=make.NOW) for tab in ("mine", "stuck", "done")
        }
        assert counted == {"mine": 2, "stuck": 3, "done": 0}
        assert count_new(cast.carol(), show="others", filters=Filters(), mark=mark["others"], now=make.NOW) == 2
        assert count_new(cast.alice(), show="mine", filters=Filters(env="nowhere"), mark=mark["mine"], now=make.NOW) == 0

    def test_a_mark_does_not_name_another_teams_request(self) -> None:
        request = ready()
        stranger = cast.person("zoe", "Zoe Park", "auditor", team=cast.Team.objects.create(slug="other", name="Other"))
        mark = read(stranger).mark
        assert request.pk.removeprefix("req_")[:10] in mark
        assert request.pk not in mark and request.pk[-16:] not in mark
        assert count_new(stranger, show="others", filters=Filters(), mark=mark, now=make.NOW) == 0
        copy_request(request, 2)
        assert count_new(cast.carol(), show="others", filters=Filters(), mark=mark, now=make.NOW) == 2
        assert count_new(stranger, show="others", filters=Filters(), mark=mark, now=make.NOW) == 0

    @pytest.mark.parametrize("mark", ["", "x", "x.y", "1" * 30])
    def test_nothing_for_a_mark_nobody_made(self, mark: str) -> None:
        ready()
        assert count_new(cast.alice(), show="mine", filters=Filters(), mark=mark, now=make.NOW) == 0

    def test_never_more_than_a_bound(self) -> None:
        request = ready()
        mark = read(cast.alice()).mark
        copy_request(request, 120)
        assert count_new(cast.alice(), show="mine", filters=Filters(), mark=mark, now=make.NOW) == 99


class TestBehind:
    def test_says_since_when_evidence_waits(self) -> None:
        ready()
        assert read(cast.alice()).minutes_behind == 0
        VerificationJob.objects.update(state="waiting", next_try_at=make.NOW - timedelta(minutes=12))
        assert read(cast.alice()).minutes_behind == 12

    def test_not_of_what_waits_a_minute(self) -> None:
        ready()
        VerificationJob.objects.update(state="waiting", next_try_at=make.NOW - timedelta(minutes=1))
        assert read(cast.alice()).minutes_behind == 0


class TestExport:
    def test_gives_every_row_of_a_tab_in_its_order(self) -> None:
        copy_request(ready(), 60)
        rows = list(read_all_rows(cast.alice(), show="mine", filters=Filters(), now=make.NOW))
        assert len(rows) == 61
        assert [row.request.title for row in rows[:50]] == titles(read(cast.alice()))


class TestQueries:
    def teams(self, request: Request, number: int) -> None:
        """Give alice roles in `number` more teams, each with a project of its own."""
        for each in range(number):
            team = Team.objects.create(slug=f"team-{each}", name=f"Team {each}")
            project = Project.objects.create(slug=f"project-{each}", name=f"Project {each}", team=team)
            grant_role(identity=cast.alice(), role="approver:release", team=team, project=None, by=None, now=make.NOW)
            copy_request(request, 1, project=project)

    def test_at_most_eight_whatever_the_size(self, client: Client) -> None:
        """Of the reading alone, and of the whole page from the session to the footer."""
        anna = cast.person("anna", "Anna Berg", "approver:release")
        change_away(away_from=date(2026, 3, 1), away_until=None, note="", by=anna, now=make.NOW)
        request = ready(count=2)
        answer: Approval = make.approve(request, cast.alice())
        seen = []
        for more in (0, 49, 50):
            copies = copy_request(request, more)
            copy_request(request, more, status="approved")
            copy_answer(answer, copies[: more // 2])
            self.teams(request, 10 if more == 49 else 0)
            until = make.NOW + timedelta(days=1)
            if more:
                snooze_requests(requests=[row.pk for row in copies[:20]], until=until, by=anna, now=make.NOW)
            for person in (anna, cast.alice(), cast.carol()):
                for tab in TITLES:
                    with CaptureQueriesContext(connection) as asked:
                        read(person, tab)
                    seen.append(len(asked))
            for person in (anna, cast.alice(), cast.carol()):
                client.force_login(cast.account_of(person))
                # The first page of a session notes that it is in use.
                client.get("/queue")
                for tab in TITLES:
                    with CaptureQueriesContext(connection) as asked:
                        page = client.get("/queue", {"show": tab})
                    assert page.status_code == 200
                    seen.append(len(asked))
        assert max(seen) <= 8

    def test_of_broken_glass_only_where_there_is_any(self, client: Client) -> None:
        ready()
        client.force_login(cast.account_of(cast.alice()))
        client.get("/queue")
        with CaptureQueriesContext(connection) as asked:
            client.get("/queue")
        assert not [query for query in asked.captured_queries if query["sql"].startswith('SELECT "approvals_breakglass"')]

    def test_however_often_the_glass_was_broken(self, client: Client) -> None:
        stage = make.set_stage(source=make_break_glass.POLICY)
        tags = ("1.4.2", "1.4.3", "1.4.4", "1.4.5")
        for tag in tags:
            make.send_provenance(stage, tag=tag)
        request = make.ask()
        client.force_login(cast.account_of(cast.alice()))
        seen = []
        for more in (tags[:1], tags[1:]):
            for tag in more:
                make_break_glass.declare(digest=make.image(tag))
            asked_of = {}
            for address in (*(f"/queue?show={tab}" for tab in TITLES), f"/requests/{request.pk}"):
                # The first page of a session notes that it is in use, and the first of a process reads each policy.
                client.get(address)
                with CaptureQueriesContext(connection) as asked:
                    assert b"went past the policy" in client.get(address).content
                asked_of[address] = len(asked)
            seen.append(asked_of)
        assert seen[0] == seen[1]
        assert {address: count for address, count in seen[1].items() if count > (8 if "queue" in address else 15)} == {}


class TestWhoReads:
    def test_the_queue_reads_where_the_permissions_say(self) -> None:
        """The queue asks by a condition of its own, as short for a thousand roles as for one; it has to say the same."""
        others = [Team.objects.create(slug=f"team-{each}", name="A team") for each in range(3)]
        projects = [Project.objects.create(slug=f"project-{each}", name="P", team=team) for each, team in enumerate(others)]
        cast.payments_api()
        zoe = cast.person("zoe", "Zoe Park")
        seen = []
        for team, project in ((others[0], None), (others[1], projects[1]), (cast.payments(), None)):
            seen.append(self.readable(zoe))
            role = grant_role(identity=zoe, role="auditor", team=team, project=project, by=None, now=make.NOW)
        seen.append(self.readable(zoe))
        RoleAssignment.objects.filter(pk=role.pk).update(ended_at=make.NOW)
        seen.append(self.readable(zoe))
        Identity.objects.filter(pk=zoe.pk).update(status="suspended", suspended_at=make.NOW)
        seen.append(self.readable(Identity.objects.get(pk=zoe.pk)))
        assert seen == [[], ["project-0"], ["project-0", "project-1"], ["payments-api", "project-0", "project-1"], seen[2], []]

    def readable(self, person: Identity) -> list[str]:
        named = read_reader(person, now=make.NOW).projects
        found = sorted(Project.objects.filter(pk__in=named).values_list("slug", flat=True))
        assert found == sorted(readable_projects(person, "requests.read").values_list("slug", flat=True))
        return found
