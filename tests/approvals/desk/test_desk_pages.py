"""The queue's pages and forms: filters and cursors in the address, saved views, and that nothing done to many rows is a decision."""

from __future__ import annotations

import csv
import html
import io
import re

import pytest
from django.test import Client
from django.urls import reverse

from approvals.models import Approval, Ceremony, Record, Request, RequestState, SignedStatement, Snooze, Withdrawal
from approvals.urls import urlpatterns
from identities.models import AuditEvent, Identity, Preferences
from identities.preferences.queue_views import MOST_VIEWS
from tests import cast
from tests import make_approvals as make
from tests.make_queue import copy_request

pytestmark = pytest.mark.django_db
QUEUE = reverse("approvals:queue")
FORMS = ("queue_snooze", "queue_unsnooze", "queue_withdraw")


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
        assert f'<a class="open" href="{reverse("approvals:request", args=[request.pk])}"><bdi>{request.title}</bdi></a>' in page
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


class TestNothingDecides:
    def test_every_form_of_the_queue_is_known_here(self) -> None:
        forms = {pattern.name for pattern in urlpatterns if str(pattern.pattern).startswith("queue")}
        reads = {"queue", "queue_new", "queue_export", "queue_view"}
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
            client.post(reverse(f"approvals:{name}"), {"requests": ids, "until": "tomorrow", "reason": "Because", **named})
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
