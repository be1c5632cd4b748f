"""The review page at its doors: what has to be ticked, a page that has gone stale, the same as text, and the receipt."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from approvals.models import Approval, Ceremony, Request
from approvals.pages.comparison_words import describe_comparison
from approvals.signing.begin_signing import begin_signing
from attestations.blobs import bytes_of
from identities.models import SigningKey
from ledger.models import Entry
from portal.notices.receipt import write_receipt
from proofs.approval.human_approval import parse_human_approval
from proofs.canonical import parse_canonical
from tests import cast
from tests import make_approvals as make
from tests import make_releases as of

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_() -> Request:
    stage = make.set_stage()
    of.approved(stage, cyclonedx=of.cyclonedx("pkg:npm/lodash@4.17.21"))
    return of.release(stage, of.SECOND, now=of.later(), cyclonedx=of.cyclonedx("pkg:npm/lodash@4.17.20"))


@pytest.fixture
def client(client: Client) -> Client:
    client.force_login(cast.account_of(cast.alice()))
    return client


def answer(client: Client, request: Request, **more: Any) -> tuple[int, str]:
    key = SigningKey.objects.filter(identity=cast.alice()).first() or make.enrol(cast.alice(), now=of.later())[1]
    given = {
        "snapshot": request.revisions.get().snapshot_id,
        "decision": "approve",
        "key": key.pk,
        "digest_tail": make.tail_of(request.revisions.get()),
        **more,
    }
    response = client.post(reverse("approvals:sign", args=[request.pk]), given)
    return response.status_code, response.content.decode()


def ticked(request: Request, why: str = "") -> dict[str, str]:
    """A tick at everything that is asked, with a reason."""
    asked = make.asked_of(request.revisions.get())
    return {f"agree_{digest}": "on" for digest in asked} | {f"why_{digest}": why for digest in asked}


class TestTicking:
    def test_nothing_is_begun_without_the_tick(self, client: Client, request_: Request) -> None:
        status, page = answer(client, request_)
        assert (status, Ceremony.objects.filter(revision__request=request_).exists()) == (400, False)
        assert "Tick it if you accept it" in page

    def test_in_the_highest_tier_each_tick_takes_a_reason(self, client: Client, request_: Request) -> None:
        status, page = answer(client, request_, **ticked(request_))
        assert (status, Ceremony.objects.filter(revision__request=request_).exists()) == (400, False)
        assert "Say in a few words why that is all right here." in page

    def test_the_reason_stands_in_what_is_signed(self, client: Client, request_: Request) -> None:
        assert answer(client, request_, **ticked(request_, why="4.17.21 breaks us"), reason="Looked at it")[0] == 302
        statement = parse_human_approval(bytes(Ceremony.objects.get(revision__request=request_).payload))
        assert statement.justification == "Looked at it\nDEP_DOWNGRADE: 4.17.21 breaks us"
        assert [name for name, _ in statement.review.acknowledged] == ["DEP_DOWNGRADE"]

    def test_what_was_written_is_not_lost_with_the_time_to_sign(self, client: Client, request_: Request) -> None:
        assert answer(client, request_, **ticked(request_, why="4.17.21 breaks us"), reason="Looked at it\ntwice")[0] == 302
        ceremony = Ceremony.objects.get(revision__request=request_)
        offered = client.get(reverse("approvals:ceremony", args=[ceremony.pk])).content.decode()
        (back,) = re.findall(r'href="([^"]+again=[^"]+)"', offered)
        form = client.get(html.unescape(back)).content.decode()
        assert "Looked at it\ntwice</textarea>" in form
        assert 'value="4.17.21 breaks us"' in form
        # To accept something, and to say which artifact it is, is done anew.
        (digest,) = make.asked_of(request_.revisions.get())
        (box,) = re.findall(rf'<input[^>]*name="agree_{digest}"[^>]*>', form)
        assert "checked" not in box
        ivan = Client()
        ivan.force_login(cast.account_of(cast.person("ivan", "Ivan Petrov", "approver:release")))
        for query in (back, back.replace(ceremony.pk, "%00"), back.replace(ceremony.pk, "cer_unknown")):
            reader = ivan if query == back else client
            assert "Looked at it" not in reader.get(html.unescape(query)).content.decode()

    def test_a_tick_at_what_is_not_on_the_page_is_refused(self, client: Client, request_: Request) -> None:
        for forged in ("agree_0", f"agree_{'0' * 64}", f"why_{'0' * 64}"):
            status, page = answer(client, request_, **ticked(request_, why="4.17.21 breaks us"), **{forged: "on"})
            assert (status, Ceremony.objects.filter(revision__request=request_).exists()) == (400, False), forged
            assert "Got the acknowledgement of a signal that is not on this page" in page

    def test_a_tick_that_comes_twice_is_refused(self, client: Client, request_: Request) -> None:
        (digest,) = make.asked_of(request_.revisions.get())
        for doubled in (f"agree_{digest}", f"why_{digest}"):
            given: dict[str, Any] = {**ticked(request_, why="4.17.21 breaks us"), doubled: ["on", "on"]}
            status, page = answer(client, request_, **given)
            assert (status, Ceremony.objects.filter(revision__request=request_).exists()) == (400, False), doubled
            assert "Got the acknowledgement of one signal twice" in page


class TestStale:
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_a_decision_about_an_older_page_signs_nothing_and_says_what_changed(self, client: Client, method: str) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        request = make.ask()
        old = request.revisions.get().snapshot_id
        make.send_lie(stage, now=of.later())
        make.refresh(now=of.later())
        _, key = make.enrol(cast.alice())
        address = reverse("approvals:sign", args=[request.pk])
        response = getattr(client, method)(address, {"snapshot": old, "decision": "reject", "reason": "no", "key": key.pk})
        assert response.status_code == 302
        assert parse_qs(urlsplit(response.headers["Location"]).query) == {"shown": [old]}
        page = client.get(response.headers["Location"]).content.decode()
        assert "This page changed since you opened it, so nothing was signed." in page
        assert not Ceremony.objects.exists()

    def test_a_statement_that_was_overtaken_is_neither_offered_nor_signed_and_the_page_says_what_changed(self, client: Client) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        request, now = make.ask(), timezone.now()
        passkey, key = make.enrol(cast.alice())
        seen = request.revisions.get().snapshot_id
        answer(client, request, key=key.pk)
        ceremony = Ceremony.objects.get()
        make.send_lie(stage, now=now)
        given = {"assertion": make.posted(passkey, bytes(ceremony.payload))}
        make.refresh(now=now)
        changed = f"{reverse('approvals:request', args=[request.pk])}?shown={seen}"
        assert client.get(reverse("approvals:ceremony", args=[ceremony.pk]))["Location"] == changed
        assert client.post(reverse("approvals:ceremony_complete", args=[ceremony.pk]), given)["Location"] == changed
        page = client.get(changed).content.decode()
        notice = page[page.index('id="changed-since"') :]
        assert "nothing was signed" in notice
        assert "<li>" in notice[: notice.index("</div></div>")]
        assert not Approval.objects.exists()

    def test_where_the_change_is_not_frozen_yet_the_page_says_so(self, client: Client) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        request = make.ask()
        make.send_lie(stage, now=timezone.now())
        _, key = make.enrol(cast.alice())
        assert answer(client, request, key=key.pk, decision="reject", reason="no")[0] == 302
        page = client.get(reverse("approvals:request", args=[request.pk])).content.decode()
        assert "This request has changed since the page was drawn" in page
        assert not Ceremony.objects.exists()

    def test_an_open_page_learns_of_the_newest_snapshot(self, client: Client, request_: Request) -> None:
        said = client.get(reverse("approvals:request_now", args=[request_.pk])).json()
        assert said == {"snapshot": request_.revisions.get().snapshot_id, "revision": 1}


def test_the_text_says_what_the_page_says_and_the_same_every_time(client: Client, request_: Request) -> None:
    address = reverse("approvals:review_text", args=[request_.pk])
    first, second = (client.get(address) for _ in range(2))
    assert first.content == second.content
    text = " ".join(first.content.decode().split())
    assert f"CHANGED since payments/api {of.FIRST}, approved for Production" in text
    assert "LOOK DEP_DOWNGRADE: An older version goes in: lodash (npm) 4.17.21 → 4.17.20. [whoever approves is asked about this]" in text
    assert max(len(line) for line in first.content.decode().splitlines() if "sha256:" not in line) <= 88


def test_the_text_says_each_thing_once_and_tells_as_before_from_not_known(client: Client) -> None:
    stage = make.set_stage()
    of.approved(stage)
    request = of.release(stage, of.SECOND, now=of.later(), rollout=of.rollout(since="f" * 40))
    text = " ".join(client.get(reverse("approvals:review_text", args=[request.pk])).content.decode().split())
    assert text.count("STOP SRC_NOT_DESCENDANT") == 1
    assert "As before: policy, builder, inputs. Not known: identities, secrets, dependencies, vulnerabilities, plan, tests." in text
    rules = parse_canonical(bytes_of(request.revisions.get().policy_result))["rules"]
    assert rules
    for rule in rules:
        assert text.count(f"{rule['title']}. {rule['title']}") == 0


def test_the_receipt_is_made_of_the_signed_payload(request_: Request) -> None:
    approval = make.approve(request_, cast.alice(), now=of.later())
    receipt = write_receipt(approval.record.entry)
    assert receipt is not None
    for words in (
        parse_human_approval(bytes(approval.payload)).review.summary,
        make.image(of.SECOND),
        "Acknowledged: DEP_DOWNGRADE",
        approval.payload_digest,
        reverse("approvals:revoke", args=[approval.pk]),
    ):
        assert words in receipt
    assert write_receipt(Entry.objects.order_by("index")[0]) is None


def test_the_receipt_of_a_no_does_not_say_that_nothing_was_asked(request_: Request) -> None:
    passkey, key = make.enrol(cast.alice(), now=of.later())
    asked = make.begin(request_, cast.alice(), key, decision="request_changes", reason="Why is it older?", now=of.later())
    receipt = write_receipt(make.complete(asked, passkey, now=of.later()).record.entry)
    assert receipt is not None
    assert "Acknowledged: nothing; only an approval asks for it" in receipt


def test_the_receipt_of_a_no_says_why_and_sends_nobody_to_revoke_it(client: Client, request_: Request) -> None:
    passkey, key = make.enrol(cast.alice(), now=of.later())
    offered = begin_signing(
        request=request_,
        shown_snapshot=request_.revisions.get().snapshot_id,
        decision="reject",
        reason="Not on a Friday.",
        reason_codes=["not-now"],
        key=key,
        session=make.session(),
        by=cast.alice(),
        now=of.later(40),
    )
    refused = make.complete(offered, passkey, now=of.later(40))
    receipt = write_receipt(refused.record.entry)
    assert receipt is not None
    assert "You rejected and signed:" in receipt
    assert "Why not: It is the wrong moment\nYour reason: Not on a Friday.\n" in receipt
    # The page asked for a word on the downgrade; a no needs none.
    assert make.asked_of(request_.revisions.get())
    assert "nothing was asked" not in receipt
    address = reverse("approvals:revoke", args=[refused.pk])
    assert address not in receipt
    assert client.get(address).status_code == 409


class TestOrder:
    """What an approver meets first, in the order that a phone shows and a keyboard goes."""

    def test_changes_come_first_then_the_decision_then_what_it_rests_on(self, client: Client, request_: Request) -> None:
        page = client.get(reverse("approvals:request", args=[request_.pk])).content.decode()
        places = [page.index(f'id="{name}"') for name in ("changes", "requirements", "decision", "chain-1", "evidence", "note")]
        assert places == sorted(places)

    def test_what_changed_leads_and_a_few_changes_need_no_click(self) -> None:
        def area(name: str, state: str, changes: int = 0) -> dict[str, object]:
            said = [{"change": "upgraded", "words": f"lib {at}"} for at in range(changes)]
            return {"area": name, "state": state, "severity": "none", "token": "t", "sentence": "s", "changes": said, "more": 0}

        areas = [area("policy", "same"), area("dependencies", "changed", 2), area("builder", "same"), area("source", "changed", 4)]
        described = describe_comparison({"baseline": None, "signals": [], "areas": areas})
        assert described is not None
        assert [row["area"] for row in described["areas"]] == ["dependencies", "source", "policy", "builder"]
        assert [row["isFolded"] for row in described["areas"]] == [False, True, False, False]

    def test_the_head_of_what_nobody_can_approve_says_so_and_praises_nothing(self, client: Client) -> None:
        stage = make.set_stage()
        of.approved(stage)
        request = of.release(stage, of.SECOND, now=of.later(), rollout=of.rollout(since="f" * 40, commits=[]))
        page = client.get(reverse("approvals:request", args=[request.pk])).content.decode()
        head = page[page.index('<header class="page-head') : page.index('id="changes"')]
        assert "Nobody can approve this</span>" in head and "Evidence meets the policy" not in head
