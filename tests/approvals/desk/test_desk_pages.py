"""The queue's pages and forms: filters and cursors in the address, saved views, and that nothing done to many rows is a decision."""

from __future__ import annotations

import csv
import html
import io
import re
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from approvals.models import Approval, Ceremony, Comment, Record, Request, RequestState, SignedStatement, Snooze, Withdrawal
from approvals.urls import urlpatterns
from identities.models import AuditEvent, Identity, Preferences, Project
from identities.preferences.queue_views import MOST_VIEWS
from tests import cast
from tests import make_approvals as make
from tests.make_queue import copy_request

pytestmark = pytest.mark.django_db
QUEUE = reverse("approvals:queue")
STATIC = Path(__file__).resolve().parents[3] / "static"
FORMS = ("queue_snooze", "queue_unsnooze", "queue_comment", "queue_withdraw")


def client_of(person: Identity) -> Client:
    client = Client()
    client.force_login(cast.account_of(person))
    return client


def read(client: Client, address: str = QUEUE, status: int = 200, **query: str) -> str:
    response = client.get(address, query)
    assert response.status_code == status, response.content.decode()[:2000]
    return html.unescape(response.content.decode())


def post(client: Client, page: str, /, *arguments: str, status: int = 302, **sent: object) -> str:
    response = client.post(reverse(f"approvals:{page}", args=arguments), sent)
    assert response.status_code == status, response.content.decode()[:2000]
    return response["Location"] if status == 302 else html.unescape(response.content.decode())


def ready() -> Request:
    cast.alice()
    make.send_provenance(make.set_stage())
    return make.ask()


class TestPage:
    def test_is_a_table_with_a_link_in_each_row(self) -> None:
        request = ready()
        page = read(client_of(cast.alice()))
        (link,) = re.findall(r'<th scope="row"><a class="open" href="([^"]+)"[^>]*><bdi>([^<]+)</bdi></a>', page)
        assert link == (reverse("approvals:request", args=[request.pk]), request.title)
        assert 'role="grid"' not in page
        for said in ("Production", "Release", "Bob Ruiz", "0 of 1", "You are release approver"):
            assert said in page

    def test_links_keep_the_filters(self) -> None:
        copy_request(ready(), 60)
        page = read(client_of(cast.alice()), env="production", sort="newest")
        (forth,) = re.findall(r'rel="next" href="([^"]+)"', page)
        assert forth.startswith("?show=mine&env=production&sort=newest&cursor=")
        second = read(client_of(cast.alice()), QUEUE + forth)
        assert 'rel="prev"' in second
        assert "?show=done&env=production&sort=newest" in second

    def test_nothing_under_the_filters_offers_to_clear_them(self) -> None:
        ready()
        page = read(client_of(cast.alice()), q="no such thing")
        assert "No match" in page
        assert 'href="?show=mine">Clear filters</a>' in page

    def test_an_empty_turn_leads_on(self) -> None:
        ready()
        assert "1 request waits for others." in read(client_of(cast.carol()))
        assert "Nothing is put off" in read(client_of(cast.carol()), show="snoozed")

    def test_an_empty_turn_says_what_is_due_and_what_was_approved(self, monkeypatch: pytest.MonkeyPatch) -> None:
        request = ready()
        (sooner,) = copy_request(request, 1, title="payments/api sooner")
        RequestState.objects.filter(pk=sooner.pk).update(due_at=make.NOW)
        there = reverse("approvals:request", args=[sooner.pk])
        page = read(client_of(cast.carol()))
        assert f'Next for your teams: <a href="{there}"><bdi>payments/api sooner</bdi></a> for <bdi>Production</bdi>, due <time' in page
        assert "Approved today: 0." in page
        make.approve(request, cast.alice(), now=timezone.now())
        assert "Approved today: 1." in read(client_of(cast.carol()))
        monkeypatch.setattr("approvals.desk.quiet.LOOKED_AT", 1)
        assert "Approved today: at least 1." in read(client_of(cast.carol()))
        assert "Next for your teams" not in read(client_of(cast.carol()), q="no such thing")

    def test_an_empty_turn_tells_nothing_of_other_teams(self) -> None:
        request = ready()
        other = cast.Team.objects.create(slug="other", name="Other")
        theirs = Project.objects.create(slug="theirs", name="Theirs", team=other)
        copy_request(request, 1, title="theirs 1", project=theirs)
        make.approve(request, cast.alice(), now=timezone.now())
        page = read(client_of(cast.person("zoe", "Zoe Park", "auditor", team=other)))
        assert "<bdi>theirs 1</bdi></a> for" in page and "Approved today: 0." in page
        assert "payments/api" not in page

    def test_the_first_run_is_a_list_of_what_to_do(self) -> None:
        cast.alice(), cast.bob()
        page = read(client_of(cast.alice()))
        for said in ("Enrol an approval key", "Whoever keeps the register connects CI", "CI, or a colleague, asks for the first release"):
            assert said in page
        assert f'href="{reverse("approvals:request_new")}">Ask for a release</a>' in read(client_of(cast.bob()))
        steward = cast.person("stella", "Stella Day", "identity-steward")
        assert f'href="{reverse("identities:list")}">Connect CI' in read(client_of(steward))
        ready()
        assert "Whoever keeps the register" not in read(client_of(cast.carol()))

    def test_an_empty_turn_asks_no_more_than_a_full_one(self) -> None:
        request = ready()
        asked = {}
        for person in (cast.alice(), cast.carol()):
            client = client_of(person)
            client.get(QUEUE)
            with CaptureQueriesContext(connection) as captured:
                client.get(QUEUE)
            asked[person.pk] = len(captured)
        assert request.title and asked[cast.carol().pk] <= asked[cast.alice().pk], asked

    def test_what_was_on_the_page_may_be_gone(self) -> None:
        request = ready()
        copy_request(request, 60)
        client = client_of(cast.alice())
        (forth,) = re.findall(r'rel="next" href="([^"]+)"', read(client))
        last = [row.request_id for row in RequestState.objects.order_by("-due_at")[:11]]
        post(client, "queue_snooze", requests=last, until="tomorrow")
        assert "Back to the first page" in read(client, QUEUE + forth)

    def test_both_names_of_a_tab_work(self) -> None:
        ready()
        for query in ({"show": "others"}, {"tab": "others"}):
            assert 'aria-current="page">Waiting on others' in read(client_of(cast.carol()), **query)

    def test_the_shortcut_sheet_has_its_keys_unless_they_are_off(self) -> None:
        ready()
        client = client_of(cast.alice())
        assert "In the queue" in read(client)
        Preferences.objects.create(identity=cast.alice(), shortcuts=False, changed_at=make.NOW)
        assert "In the queue" not in read(client)

    def test_the_shortcut_sheet_names_every_key_of_the_queue_and_of_a_review(self) -> None:
        ready()
        sheet = read(client_of(cast.alice())).partition('id="shortcuts"')[2]
        queue, review = sheet.partition("On a request")[::2]
        for part, name in ((queue, "queue"), (review, "review")):
            acts = (STATIC / "js" / f"{name}.js").read_text(encoding="utf-8").partition("const acts = {")[2].partition("\n};")[0]
            keys = set(re.findall(r"^  (\w): ", acts, re.MULTILINE))
            assert len(keys) > 5
            assert keys <= set(re.findall(r"<kbd>(\w)</kbd>", part)), name


class TestNews:
    def test_a_page_asks_with_its_mark_and_filters(self) -> None:
        request = ready()
        client = client_of(cast.alice())
        (address,) = re.findall(r'data-ask="([^"]+)"', read(client, env="production"))
        assert client.get(address).json() == {"new": 0}
        copy_request(request, 2)
        response = client.get(address)
        assert (response.json(), "no-cache" in response["Cache-Control"]) == ({"new": 2}, True)

    def test_not_where_nothing_can_be_new(self) -> None:
        ready()
        assert "data-ask" not in read(client_of(cast.alice()), show="done")

    def test_needs_a_sign_in_and_a_role(self) -> None:
        assert Client().get(reverse("approvals:queue_new")).status_code == 302
        assert client_of(cast.mallory()).get(reverse("approvals:queue_new")).status_code == 403


class TestSnooze:
    def test_goes_back_to_where_one_was(self) -> None:
        request = ready()
        client = client_of(cast.alice())
        back = post(client, "queue_snooze", requests=[request.pk], until="tomorrow", here="show=mine&env=production&cursor=x&next=//evil")
        assert back == f"{QUEUE}?show=mine&env=production"
        page = read(client, back)
        assert "One request is put off" in page
        assert request.title in read(client, show="snoozed")
        post(client, "queue_unsnooze", requests=[request.pk])
        assert Snooze.objects.count() == 0

    def test_not_without_a_day_or_a_tick(self) -> None:
        request = ready()
        client = client_of(cast.alice())
        assert "snooze.day" in post(client, "queue_snooze", requests=[request.pk], until="day", status=400)
        assert "snooze.day" in post(client, "queue_snooze", requests=[request.pk], until="never", status=400)
        assert "queue.selection" in post(client, "queue_snooze", until="tomorrow", status=400)
        assert "queue.selection" in post(client, "queue_snooze", requests=["x"] * 51, until="tomorrow", status=400)

    def test_the_audit_keeps_that_it_was_done(self) -> None:
        request = ready()
        post(client_of(cast.alice()), "queue_snooze", requests=[request.pk], until="tomorrow")
        assert AuditEvent.objects.filter(act="approvals:queue_snooze", identity=cast.alice()).exists()


class TestWithdraw:
    def test_takes_back_ones_own_and_says_what_it_leaves(self) -> None:
        request = ready()
        (second,) = copy_request(request, 1)
        (foreign,) = copy_request(request, 1, title="Rita's", requester_id=cast.person("rita", "Rita Long", "requester").pk)
        client = client_of(cast.bob())
        post(client, "queue_withdraw", requests=[request.pk, second.pk, foreign.pk, "req_none"], reason="Not needed", here="show=others")
        assert {row.request_id for row in Withdrawal.objects.all()} == {request.pk, second.pk}
        page = read(client, show="others")
        assert "2 requests are taken back." in page
        assert f"Not taken back: {foreign.title}: only who asked" in page

    def test_says_nothing_of_what_one_may_not_read(self) -> None:
        request = ready()
        other = cast.Team.objects.create(slug="other", name="Other")
        client = client_of(cast.person("zoe", "Zoe Park", "requester", team=other))
        post(client, "queue_withdraw", requests=[request.pk], reason="Not needed")
        assert request.title not in read(client)

    def test_not_without_a_reason(self) -> None:
        request = ready()
        assert "request.text" in post(client_of(cast.bob()), "queue_withdraw", requests=[request.pk], status=400)


class TestComment:
    def test_stands_on_each_and_answers_none(self) -> None:
        request = ready()
        (second,) = copy_request(request, 1)
        copy_request(request, 1)
        client = client_of(cast.alice())
        back = post(client, "queue_comment", requests=[request.pk, second.pk, "req_none"], text="Why @bob\ntoday?", here="show=mine")
        assert back == f"{QUEUE}?show=mine"
        assert "Your comment stands on 2 requests. It is no answer." in read(client, back)
        said = Comment.objects.order_by("pk").values_list("request", "text", "author", "entry__event")
        assert sorted(said) == sorted((row, "Why @bob\ntoday?", cast.alice().pk, "request.commented") for row in (request.pk, second.pk))
        assert "Why @bob" in read(client, reverse("approvals:request_live", args=[second.pk]))

    def test_in_the_readers_language(self) -> None:
        request = ready()
        client = client_of(cast.alice())
        post(client, "queue_comment", requests=[request.pk], text="Why today?")
        page = html.unescape(client.get(QUEUE, headers={"Accept-Language": "de"}).content.decode())
        assert "Ihr Kommentar steht jetzt bei 1 Antrag. Er ist keine Antwort." in page

    def test_what_may_not_be_is_told_and_holds_nothing_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        request = ready()
        (second,) = copy_request(request, 1, title="payments/api second")
        client = client_of(cast.alice())
        post(client, "queue_comment", requests=[request.pk], text="First")
        monkeypatch.setattr("approvals.conversation.add_comment.MAX_COMMENTS", 1)
        post(client, "queue_comment", requests=[request.pk, second.pk], text="Hello @nobody")
        page = read(client)
        assert "Your comment stands on 1 request." in page
        assert f"No comment stands on {request.title}: got more than 1 comments" in page
        assert "Nobody who may read all of these requests is called @nobody" in page
        assert Comment.objects.filter(request=second).count() == 1

    def test_says_nothing_of_what_one_may_not_read(self) -> None:
        request = ready()
        other = cast.Team.objects.create(slug="other", name="Other")
        client = client_of(cast.person("zoe", "Zoe Park", "requester", team=other))
        post(client, "queue_comment", requests=[request.pk], text="Hello")
        assert not Comment.objects.exists()
        assert request.title not in read(client)

    @pytest.mark.parametrize("text", ["", "  ", "x" * 2001, "a\u202eb"])
    def test_not_without_plain_words(self, text: str) -> None:
        request = ready()
        status = 413 if len(text) > 2001 else 400
        assert "request.text" in post(client_of(cast.alice()), "queue_comment", requests=[request.pk], text=text, status=status)
        assert not Comment.objects.exists()

    @pytest.mark.parametrize("tab", ["mine", "others", "stuck", "done"])
    def test_is_offered_wherever_there_are_rows(self, tab: str) -> None:
        request = ready()
        copy_request(request, 1, status="blocked")
        copy_request(request, 1, status="approved")
        reader = cast.alice() if tab == "mine" else cast.carol()
        assert 'formaction="/queue/comment"' in read(client_of(reader), show=tab)


class TestDelegate:
    def test_a_row_leads_to_a_form_that_begins_with_its_scope(self) -> None:
        request = ready()
        cast.production(), make.staging()
        make.enrol(cast.alice())
        client = cast.let_in(Client(), cast.alice())
        (address,) = re.findall(r'class="small delegate" href="([^"]+)"', read(client))
        assert address == f"{reverse('approvals:delegation_new')}?request={request.pk}"
        page = read(client, address)
        assert f'<option value="{request.project_id}" selected>' in page
        ticked = re.findall(r'name="(?:environments|roles)" value="([^"]+)"[^>]* checked', page)
        assert ticked == ["approver:release", request.environment_id]
        assert not SignedStatement.objects.exists()

    def test_the_review_leads_there_as_its_row_does_while_it_is_ones_turn(self) -> None:
        request = ready()
        offered = f'class="button button-small delegate" href="{reverse("approvals:delegation_new")}?request={request.pk}"'
        passkey, key = make.enrol(cast.alice())
        page = [
            cast.let_in(Client(), person).get(f"/requests/{request.pk}").content.decode()
            for person in (cast.alice(), cast.bob(), cast.carol())
        ]
        assert [offered in each for each in page] == [True, False, False]
        make.complete(make.begin(request, cast.alice(), key), passkey)
        assert offered not in cast.let_in(Client(), cast.alice()).get(f"/requests/{request.pk}").content.decode()

    def test_only_to_whoever_has_a_turn_and_may(self) -> None:
        ready()
        for person, tab in ((cast.bob(), "mine"), (cast.carol(), "others"), (cast.alice(), "others")):
            assert "?request=" not in read(client_of(person), show=tab)

    def test_says_nothing_of_what_one_may_not_read(self) -> None:
        request = ready()
        other = cast.Team.objects.create(slug="other", name="Other")
        client = cast.let_in(Client(), cast.person("zoe", "Zoe Park", "approver:release", team=other))
        for named in (request.pk, "req_none"):
            read(client, reverse("approvals:delegation_new"), status=404, request=named)


class TestBeside:
    def address(self, request: Request) -> str:
        return reverse("approvals:queue_beside", args=[request.pk])

    def test_is_the_frozen_review_to_read_and_has_nothing_to_send(self) -> None:
        request = ready()
        page = read(client_of(cast.alice()))
        assert f'data-beside="{self.address(request)}?part=1"' in page
        part = read(client_of(cast.alice()), self.address(request), part="1")
        assert f'href="{reverse("approvals:request", args=[request.pk])}">Open the review</a>' in part
        for said in (request.title, request.note, "Requirements", "New to you"):
            assert said in part
        assert not re.search(r"<(form|input|select|textarea|script|html)\b", part)
        assert set(re.findall(r"<button[^>]*>", part)) == set(re.findall(r'<button[^>]*class="copy"[^>]*>', part))

    def test_by_itself_it_leads_to_the_review(self) -> None:
        request = ready()
        response = client_of(cast.alice()).get(self.address(request))
        assert response["Location"] == reverse("approvals:request", args=[request.pk])

    def test_not_to_whoever_may_not_read_it(self) -> None:
        request = ready()
        other = cast.Team.objects.create(slug="other", name="Other")
        for part in ({}, {"part": "1"}):
            read(client_of(cast.person("zoe", "Zoe Park", "auditor", team=other)), self.address(request), status=404, **part)

    def test_asks_little_however_much_there_is(self) -> None:
        request = ready()
        client = client_of(cast.alice())
        client.get(self.address(request), {"part": "1"})
        with CaptureQueriesContext(connection) as captured:
            client.get(self.address(request), {"part": "1"})
        assert len(captured) <= 9, [query["sql"][:120] for query in captured]


class TestNothingDecides:
    def test_every_form_of_the_queue_is_known_here(self) -> None:
        forms = {pattern.name for pattern in urlpatterns if str(pattern.pattern).startswith("queue")}
        reads = {"queue", "queue_beside", "queue_new", "queue_export", "queue_view"}
        assert forms - reads == {*FORMS, "queue_view_keep", "queue_view_drop"}

    @pytest.mark.parametrize("name", FORMS)
    def test_no_act_on_many_answers_a_request(self, name: str) -> None:
        """Whoever holds every role and a key sends a form whatever a decision might be called, and nothing is answered, waived or revoked."""
        roles = ("requester", "approver:release", "approver:security", "approver:owner", "policy-owner", "officer", "administrator")
        request = ready()
        person = cast.person("ada", "Ada Moss", *roles)
        make.enrol(person)
        copy_request(request, 3)
        ids = list(Request.objects.values_list("pk", flat=True))
        before = dict(RequestState.objects.values_list("pk", "status"))
        client = client_of(person)
        for decision in ("approve", "reject", "request_changes", "exception", "revoke", "waive", "break_glass"):
            named = dict.fromkeys(("decision", "act", "action", "do", "answer", decision), decision)
            client.post(
                reverse(f"approvals:{name}"),
                {"requests": ids, "until": "tomorrow", "reason": "Because", "text": "Approved, all of them", **named},
            )
            client.get(reverse(f"approvals:{name}"), {"requests": ids, "decision": decision})
            assert client.post(f"/queue/{decision}", {"requests": ids}).status_code == 404
        for model in (Approval, Ceremony, Record, SignedStatement, Withdrawal):
            assert model.objects.count() == 0, model
        assert dict(RequestState.objects.values_list("pk", "status")) == before

    def test_and_the_page_offers_none(self) -> None:
        ready()
        page = read(client_of(cast.alice()))
        forms = re.findall(r'<form[^>]* method="post"[^>]* action="([^"]+)"', page) + re.findall(r'formaction="([^"]+)"', page)
        assert {address for address in forms if address.startswith("/queue")} >= {"/queue/snooze", "/queue/v"}
        assert [address for address in forms if "/requests/" in address or "/approvals/" in address] == []


class TestViews:
    def test_are_kept_listed_opened_and_deleted(self) -> None:
        ready()
        client = client_of(cast.alice())
        back = post(client, "queue_view_keep", name="Production, now", here="show=mine&env=production&cursor=abc")
        assert back == f"{QUEUE}?show=mine&env=production"
        assert "Production, now" in read(client, back)
        response = client.get(reverse("approvals:queue_view", args=["production-now"]))
        assert response["Location"] == back
        assert 'aria-current="page"><bdi>Production, now</bdi>' in read(client, back)
        post(client, "queue_view_drop", "production-now")
        assert Preferences.objects.get(identity=cast.alice()).queue_views == []

    def test_are_nobody_elses(self) -> None:
        ready()
        post(client_of(cast.alice()), "queue_view_keep", name="Mine", here="show=mine")
        client = client_of(cast.carol())
        assert "queue.view_unknown" in read(client, reverse("approvals:queue_view", args=["mine"]), status=404)
        assert "queue.view_unknown" in post(client, "queue_view_drop", "mine", status=404)

    def test_one_name_is_one_view(self) -> None:
        ready()
        client = client_of(cast.alice())
        for env in ("production", "staging"):
            post(client, "queue_view_keep", name="Soon", here=f"env={env}")
        assert Preferences.objects.get(identity=cast.alice()).queue_views == [{"slug": "soon", "name": "Soon", "query": "env=staging"}]

    @pytest.mark.parametrize(
        ("name", "here", "code"),
        [
            ("", "show=mine", "queue.view_name"),
            ("…", "show=mine", "queue.view_name"),
            ("a\u202eb", "show=mine", "queue.view_name"),
            ("Soon", "", "queue.view_empty"),
            ("Soon", "evil=1", "queue.view_empty"),
        ],
    )
    def test_not_without_a_name_or_a_filter(self, name: str, here: str, code: str) -> None:
        ready()
        assert code in post(client_of(cast.alice()), "queue_view_keep", name=name, here=here, status=400)

    def test_twenty_are_enough(self) -> None:
        ready()
        client = client_of(cast.alice())
        for number in range(MOST_VIEWS):
            post(client, "queue_view_keep", name=f"View {number}", here="show=mine")
        assert "queue.too_many_views" in post(client, "queue_view_keep", name="One more", here="show=mine", status=409)


class TestExport:
    def test_gives_the_rows_of_the_filter_as_csv(self) -> None:
        request = ready()
        copy_request(request, 1, title="=cmd|' /C calc'!A0")
        client = client_of(cast.alice())
        response = client.get(reverse("approvals:queue_export"), {"show": "mine"})
        rows = list(csv.DictReader(io.StringIO(response.content.decode())))
        assert [row["request"] for row in rows] == [request.pk, Request.objects.exclude(pk=request.pk).get().pk]
        assert rows[0]["whose turn"] == "You are release approver"
        assert not rows[1]["title"].startswith("=")
        assert client.get(reverse("approvals:queue_export"), {"q": "copy"}).content.count(b"\n") == 1
        assert AuditEvent.objects.filter(act="approvals:queue_export").count() == 2
