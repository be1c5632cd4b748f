"""Messages to other systems: who is told what, signed, again until they arrive, and never to an inside address."""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, b64encode
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from approvals.emergency.withdraw_break_glass import withdraw_break_glass
from attestations.models import Attestation
from gates.decide import decide
from identities.models import AuditEvent, Team
from ledger.models import Entry
from ledger.publish import publish_checkpoint
from portal.models import WebhookDelivery, WebhookEndpoint, WebhookTry
from portal.notices.follow_ledger import follow_ledger
from portal.webhooks.deliver_messages import PAUSES, STOP_AFTER, deliver_messages
from portal.webhooks.keep_endpoint import add_endpoint, remove_endpoint, rotate_secret, send_again, send_test, switch_endpoint
from proofs.errors import Refusal
from tests import cast, make_break_glass
from tests import make_approvals as make
from tests.make_ledger import use_own_keys
from tests.portal.webhooks.receiver import receiver

pytestmark = pytest.mark.django_db
NOW = cast.NOW


@pytest.fixture(autouse=True)
def own_keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)
    settings.WEBHOOK_PRIVATE_HOSTS = frozenset({"127.0.0.1"})


def added(url: str, *, events: tuple[str, ...] = (), team: Team | None = None, name: str = "chat") -> tuple[WebhookEndpoint, str]:
    return add_endpoint(team=team or cast.payments(), name=name, url=url, events=events, by=cast.dave(), now=NOW)


def follow() -> None:
    while follow_ledger(now=NOW):
        pass


def deliver(at: datetime = NOW) -> int:
    return deliver_messages(clock=lambda: at)


def refused(code: str, act: Any) -> str:
    with pytest.raises(Refusal) as refusal:
        act()
    assert refusal.value.code == code
    return refusal.value.reason


def verify(headers: dict[str, str], body: str, secret: str) -> bool:
    """As a receiver checks it, written apart from our own code."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    right = b64encode(hmac.new(b64decode(secret.removeprefix("whsec_")), signed, "sha256").digest()).decode()
    return f"v1,{right}" in headers["webhook-signature"].split(" ")


class TestWhatIsTold:
    def test_a_request_and_its_answer_once_each_signed(self) -> None:
        stage = make.set_stage()
        follow()
        with receiver() as there:
            _, secret = added(there.url, events=("request.", "approval."))
            make.send_provenance(stage)
            make.send_tests(stage)
            request = make.ask()
            make.approve(request, cast.alice())
            follow()
            follow()
            assert [deliver(), deliver()] == [1, 1]
            assert deliver() == 0
        told = [json.loads(body) for _, body, _ in there.got]
        assert [(item["type"], item["data"]["request"]) for item in told] == [
            ("request.opened", request.pk),
            ("approval.recorded", request.pk),
        ]
        assert told[1]["data"]["decision"] == "approve"
        assert told[1]["data"]["artifacts"] == [make.image()]
        assert told[1]["data"]["url"].endswith(f"/requests/{request.pk}")
        assert all(verify(headers, body, secret) for headers, body, _ in there.got)
        assert {path for _, _, path in there.got} == {"/in?from=here"}

    def test_nothing_of_what_people_wrote_and_nothing_to_answer_with(self) -> None:
        stage = make.set_stage()
        added("https://hooks.example/in")
        make.send_provenance(stage)
        make.ask(note="PLEASE <b>approve</b> at once")
        follow()
        body = WebhookDelivery.objects.get(event="request.opened").body
        assert "PLEASE" not in body
        assert set(json.loads(body)) == {"type", "timestamp", "data"}
        assert not [word for word in ("token", "sign", "approve", "secret") if word in body]

    def test_a_break_glass_from_its_declaration_to_its_end(self) -> None:
        make.set_stage(source=make_break_glass.POLICY)
        make.ask()
        follow()
        added("https://hooks.example", events=("break_glass.",))
        row = make_break_glass.declare()
        publish_checkpoint(now=NOW)
        assert decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=NOW).outcome == "break_glass"
        withdraw_break_glass(break_glass=row, reason="Up again.", by=make_break_glass.declarer(), now=NOW)
        follow()
        bodies = WebhookDelivery.objects.order_by("entry_id").values_list("body", flat=True)
        told = [json.loads(body) for body in bodies]
        assert [item["type"] for item in told] == ["break_glass.declared", "break_glass.used", "break_glass.withdrawn"]
        assert {(item["data"]["request"], *item["data"]["artifacts"]) for item in told} == {(row.review_id, make.image())}
        assert [item["data"]["maxUses"] for item in told] == [2, 2, 2]
        assert not [body for body in bodies if "INC-7" in body or "Payments are down" in body or "Up again" in body]

    def test_another_team_hears_nothing(self) -> None:
        stage = make.set_stage()
        other = Team.objects.create(slug="other", name="Other")
        WebhookEndpoint.objects.create(
            team=other, name="theirs", url="https://hooks.example", sealed_secret=b"x", added_by=cast.dave(), added_at=NOW
        )
        make.send_provenance(stage)
        make.ask()
        follow()
        assert not WebhookDelivery.objects.filter(endpoint__team=other).exists()

    def test_only_what_it_asked_for(self) -> None:
        stage = make.set_stage()
        added("https://hooks.example", events=("gate.",))
        make.send_provenance(stage)
        make.ask()
        follow()
        assert not WebhookDelivery.objects.exists()

    def test_an_entry_that_breaks_stops_nothing(self) -> None:
        """A digest that leads to nothing that can be read: nobody is told, and what comes after it is."""
        added("https://hooks.example")
        stage = make.set_stage()
        make.send_provenance(stage)
        assert Attestation.objects.exists()
        request = make.ask()
        follow()
        assert WebhookDelivery.objects.get(event="request.opened").body.count(request.pk) == 2


class TestDelivery:
    def test_it_is_tried_again_with_longer_pauses_and_then_given_up(self) -> None:
        with receiver() as there:
            there.answers = [(500, {})] * (len(PAUSES) + 1)
            endpoint, _ = added(there.url)
            message = send_test(endpoint=endpoint, by=cast.dave(), now=NOW)
            at = NOW
            for pause in PAUSES:
                assert deliver(at) == 1
                assert deliver(at) == 0
                message.refresh_from_db()
                assert message.due_at == at + pause
                at += pause
            assert deliver(at) == 1
            message.refresh_from_db()
        assert (message.due_at, message.given_up_at, message.tries) == (None, at, len(PAUSES) + 1)
        assert {headers["webhook-id"] for headers, _, _ in there.got} == {message.pk}
        assert WebhookTry.objects.filter(delivery=message, status=500).count() == len(PAUSES) + 1

    @pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 404, 429])
    def test_a_redirect_is_not_followed_and_nothing_but_2xx_is_arrival(self, status: int) -> None:
        with receiver() as there:
            there.answers = [(status, {"Location": "http://127.0.0.1:1/elsewhere"})]
            endpoint, _ = added(there.url)
            message = send_test(endpoint=endpoint, by=cast.dave(), now=NOW)
            deliver()
        message.refresh_from_db()
        assert (message.delivered_at, message.tries, len(there.got)) == (None, 1, 1)
        endpoint.refresh_from_db()
        assert endpoint.failing_since == NOW

    def test_who_answers_410_is_left_alone(self) -> None:
        with receiver() as there:
            there.answers = [(410, {})]
            endpoint, _ = added(there.url)
            send_test(endpoint=endpoint, by=cast.dave(), now=NOW)
            deliver()
            endpoint.refresh_from_db()
            assert endpoint.stopped_at == NOW
            assert deliver(NOW + timedelta(days=1)) == 0

    def test_after_days_of_nothing_it_is_stopped_and_goes_on_when_it_is_started(self) -> None:
        with receiver() as there:
            endpoint, _ = added(there.url)
            there.answers = [(503, {})] * 2
            send_test(endpoint=endpoint, by=cast.dave(), now=NOW)
            deliver()
            later = NOW + STOP_AFTER + timedelta(minutes=1)
            deliver(later)
            endpoint.refresh_from_db()
            assert endpoint.stopped_at == later
            switch_endpoint(endpoint=endpoint, on=True, by=cast.dave(), now=later)
            assert deliver(later + timedelta(hours=1)) == 1
        endpoint.refresh_from_db()
        assert (endpoint.stopped_at, endpoint.failing_since) == (None, None)

    def test_killed_while_sending_it_is_sent_again_after_a_while_under_the_same_id(self) -> None:
        with receiver() as there:
            endpoint, _ = added(there.url)
            message = send_test(endpoint=endpoint, by=cast.dave(), now=NOW)
            WebhookDelivery.objects.filter(pk=message.pk).update(claimed_at=NOW)
            assert deliver(NOW + timedelta(minutes=1)) == 0
            assert deliver(NOW + timedelta(minutes=2)) == 1
        assert there.got[0][0]["webhook-id"] == message.pk

    def test_one_slow_receiver_takes_one_place_of_a_round(self) -> None:
        with receiver() as there, receiver() as other:
            endpoint, _ = added(there.url)
            second, _ = added(other.url, name="tickets")
            for _ in range(5):
                send_test(endpoint=endpoint, by=cast.dave(), now=NOW)
            send_test(endpoint=second, by=cast.dave(), now=NOW + timedelta(seconds=1))
            assert deliver(NOW + timedelta(seconds=1)) == 2
        assert (len(there.got), len(other.got)) == (1, 1)

    def test_a_given_up_message_can_be_sent_again(self) -> None:
        with receiver() as there:
            endpoint, _ = added(there.url)
            message = send_test(endpoint=endpoint, by=cast.dave(), now=NOW)
            WebhookDelivery.objects.filter(pk=message.pk).update(due_at=None, given_up_at=NOW)
            send_again(delivery=message, by=cast.dave(), now=NOW)
            assert deliver() == 1
        assert there.got[0][0]["webhook-id"] == message.pk

    def test_for_a_day_both_secrets_sign(self) -> None:
        with receiver() as there:
            endpoint, old = added(there.url)
            new = rotate_secret(endpoint=endpoint, by=cast.dave(), now=NOW)
            send_test(endpoint=endpoint, by=cast.dave(), now=NOW)
            deliver()
            send_test(endpoint=endpoint, by=cast.dave(), now=NOW)
            deliver(NOW + timedelta(hours=24))
        checked = [[verify(headers, body, secret) for secret in (new, old)] for headers, body, _ in there.got]
        assert checked == [[True, True], [True, False]]

    def test_the_secret_is_nowhere_in_the_database(self) -> None:
        endpoint, secret = added("https://hooks.example")
        endpoint.refresh_from_db()
        kept = bytes(endpoint.sealed_secret)
        assert secret.encode() not in kept
        assert b64decode(secret.removeprefix("whsec_")) not in kept


class TestNoWayInside:
    @pytest.mark.parametrize(
        "host",
        ["127.0.0.1", "localhost", "10.0.0.7", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "2130706433", "0.0.0.0", "[fd00::1]"],
    )
    def test_no_address_that_is_not_public(self, host: str, settings: Any) -> None:
        settings.WEBHOOK_PRIVATE_HOSTS = frozenset()
        endpoint, _ = added(f"https://{host}/in")
        message = send_test(endpoint=endpoint, by=cast.dave(), now=NOW)
        deliver()
        attempt = WebhookTry.objects.get(delivery=message)
        assert attempt.status is None
        assert attempt.why_not.startswith("webhook.private_address")

    @pytest.mark.parametrize(
        "url",
        [
            "http://hooks.example/in",
            "http://127.0.0.1.example/in",
            "ftp://hooks.example",
            "https://user:pass@hooks.example",
            "https://@hooks.example",
            "https://hooks.example/#x",
            "https://",
            "https://hooks.example:99999",
            "https://hooks.example/ü",
            "https://hooks.example/\r\nX-Injected: 1",
            "javascript:alert(1)",
            "",
        ],
    )
    def test_no_address_of_another_form(self, url: str) -> None:
        refused("webhook.url", lambda: added(url))
        assert not WebhookEndpoint.objects.exists()

    def test_http_to_this_machine_only_where_the_operator_allows_it(self, settings: Any) -> None:
        settings.WEBHOOK_PRIVATE_HOSTS = frozenset()
        refused("webhook.url", lambda: added("http://127.0.0.1:9/in"))


class TestWhoMay:
    @pytest.mark.parametrize("who", ["alice", "bob", "carol", "mallory"])
    def test_nobody_but_an_administrator(self, who: str) -> None:
        team = cast.payments()
        person = getattr(cast, who)()
        refused("permission.missing", lambda: add_endpoint(team=team, name="x", url="https://hooks.example", events=(), by=person, now=NOW))

    def test_twice_the_same_name_and_an_event_that_is_none(self) -> None:
        endpoint, _ = added("https://hooks.example")
        refused("webhook.name_taken", lambda: added("https://hooks.example"))
        refused("webhook.events", lambda: added("https://hooks.example", events=("everything",), name="b"))
        refused("webhook.name", lambda: added("https://hooks.example", name=" "))
        remove_endpoint(endpoint=endpoint, by=cast.dave(), now=NOW)
        added("https://hooks.example")
        refused("webhook.removed", lambda: send_test(endpoint=endpoint, by=cast.dave(), now=NOW))

    def test_what_is_done_to_it_stands_in_the_log(self) -> None:
        endpoint, _ = added("https://hooks.example")
        rotate_secret(endpoint=endpoint, by=cast.dave(), now=NOW)
        switch_endpoint(endpoint=endpoint, on=False, by=cast.dave(), now=NOW)
        switch_endpoint(endpoint=endpoint, on=False, by=cast.dave(), now=NOW)
        remove_endpoint(endpoint=endpoint, by=cast.dave(), now=NOW)
        events = list(Entry.objects.filter(event__startswith="webhook.").order_by("index").values_list("event", flat=True))
        assert events == ["webhook.added", "webhook.secret_rotated", "webhook.stopped", "webhook.removed"]


class TestPages:
    def sign_in(self, client: Client) -> None:
        account = cast.account_of(cast.dave())
        account.set_password("correct horse battery")
        account.save()
        client.post("/accounts/login/", {"login": account.username, "password": "correct horse battery"})

    def test_add_look_send_again_remove(self, client: Client) -> None:
        cast.payments()
        self.sign_in(client)
        assert b"No webhooks" in client.get("/settings/webhooks").content
        form = {"team": cast.payments().pk, "name": "chat", "url": "https://hooks.example/in", "events": ["request."]}
        answer = client.post("/settings/webhooks/add", form)
        assert answer.status_code == 200
        assert b"whsec_" in answer.content
        endpoint = WebhookEndpoint.objects.get()
        page = f"/settings/webhooks/{endpoint.pk}"
        assert b"whsec_" not in client.get(page).content
        assert client.post(f"{page}/test").status_code == 302
        message = WebhookDelivery.objects.get()
        assert message.pk in client.get(page).content.decode()
        assert client.post(f"{page}/messages/{message.pk}/again").status_code == 302
        assert b"whsec_" in client.post(f"{page}/rotate").content
        assert client.post(f"{page}/open").status_code == 400
        assert client.post(f"{page}/stop").status_code == 302
        assert b"Stopped" in client.get(page).content
        assert client.post(f"{page}/start").status_code == 302
        assert client.post(f"{page}/remove").status_code == 302
        assert b"No webhooks" in client.get("/settings/webhooks").content
        assert not AuditEvent.objects.filter(path__contains="whsec").exists()

    def test_a_bad_address_is_said_beside_the_field(self, client: Client) -> None:
        self.sign_in(client)
        form = {"team": cast.payments().pk, "name": "chat", "url": "http://hooks.example/in"}
        answer = client.post("/settings/webhooks/add", form)
        assert answer.status_code == 400
        assert b"expected an https address" in answer.content

    def test_a_look_changes_nothing(self, client: Client) -> None:
        endpoint, _ = added("https://hooks.example")
        self.sign_in(client)
        for what in ("test", "start", "stop", "rotate", "remove"):
            assert client.get(f"/settings/webhooks/{endpoint.pk}/{what}").status_code == 405
        assert not WebhookDelivery.objects.exists()
