"""What is new to a reader comes first on their page, and everybody signs the same."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from approvals.models import Ceremony, Request, SignalsSeen
from approvals.pages.comparison_words import describe_comparison
from approvals.pages.review_text import write_review
from approvals.seen.signals_seen import KEPT, MOST_KEPT, forget_seen, read_seen
from attestations.blobs import bytes_of
from identities.models import Identity, SigningKey
from portal.notices.receipt import write_receipt
from proofs.approval.human_approval import parse_human_approval
from tests import cast
from tests import make_approvals as make
from tests import make_releases as of

pytestmark = pytest.mark.django_db
THIRD = "1.4.3"
OLDER, ALIKE = "An older version goes in: lodash (npm) 4.17.21 → 4.17.20.", "is called almost like"
BEFORE = of.cyclonedx("pkg:npm/lodash@4.17.21")
DOWN = of.cyclonedx("pkg:npm/lodash@4.17.20")
DOWN_AND_ALIKE = of.cyclonedx("pkg:npm/lodash@4.17.20", "pkg:npm/expresss@4.0.0")


def dave() -> Identity:
    return cast.person("dave", "Dave Kim", "approver:release")


def decided(request: Request, person: Identity) -> None:
    """The person asks for changes on a request."""
    passkey, key = make.enrol(person, now=of.later())
    ceremony = make.begin(request, person, key, decision="request_changes", reason="Keep lodash", acknowledged=(), now=of.later())
    make.complete(ceremony, passkey, now=of.later())


@pytest.fixture
def request_() -> Request:
    """Alice has decided about the older lodash once; now it comes again, with a name that is new to everybody."""
    stage = make.set_stage()
    of.approved(stage, cyclonedx=BEFORE)
    decided(of.release(stage, of.SECOND, now=of.later(), cyclonedx=DOWN), cast.alice())
    make.enrol(dave(), now=of.later(50))
    return of.release(stage, THIRD, now=of.later(60), cyclonedx=DOWN_AND_ALIKE)


def client_of(person: Identity) -> Client:
    client = Client()
    client.force_login(cast.account_of(person))
    return client


def page_of(person: Identity, request: Request, name: str = "request") -> str:
    response = client_of(person).get(reverse(f"approvals:{name}", args=[request.pk]), {"snapshot": request.revisions.get().snapshot_id})
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def described(request: Request) -> list[dict[str, Any]]:
    compared = describe_comparison(of.comparison_of(request))
    assert compared is not None
    return list(compared["signals"])


def ticks(page: str) -> list[str]:
    return re.findall(r'name="agree_([0-9a-f]{64})"', page)


class TestOrder:
    @pytest.mark.parametrize("name", ["request", "sign"])
    def test_what_one_never_decided_about_comes_first(self, request_: Request, name: str) -> None:
        down, alike = make.asked_of(request_.revisions.get())
        assert ticks(page_of(dave(), request_, name)) == [down, alike]
        assert ticks(page_of(cast.alice(), request_, name)) == [alike, down]

    def test_each_is_marked(self, request_: Request) -> None:
        page = page_of(cast.alice(), request_)
        # Once in the row of its area, once at its tick.
        assert (page.count("New to you"), page.count("You saw this on 2 March 2026.")) == (2, 2)
        assert page.index(ALIKE) < page.index(OLDER)
        page = page_of(dave(), request_)
        assert (page.count("New to you"), page.count("You saw this on")) == (4, 0)

    def test_who_decides_nothing_is_told_nothing(self, request_: Request) -> None:
        for reader in (cast.bob(), cast.carol()):
            page = page_of(reader, request_)
            assert "New to you" not in page and "You saw this" not in page
            assert page.index(OLDER) < page.index(ALIKE)

    def test_in_another_environment_it_is_new(self, request_: Request) -> None:
        SignalsSeen.objects.update(environment=make.staging())
        assert "You saw this on" not in page_of(cast.alice(), request_)

    def test_what_others_decided_is_new(self, request_: Request) -> None:
        SignalsSeen.objects.update(identity=dave())
        assert "You saw this on" not in page_of(cast.alice(), request_)
        assert "You saw this on" in page_of(dave(), request_)


class TestSigned:
    def test_the_same_for_every_reader(self, request_: Request) -> None:
        signed = []
        for person in (cast.alice(), dave()):
            key = SigningKey.objects.filter(identity=person).latest("enrolled_at")
            asked = ticks(page_of(person, request_))
            given = {f"agree_{digest}": "on" for digest in asked} | {f"why_{digest}": f"word on {digest[:6]}" for digest in asked}
            revision = request_.revisions.get()
            said = {"snapshot": revision.snapshot_id, "decision": "approve", "key": key.pk, "digest_tail": make.tail_of(revision)}
            response = client_of(person).post(reverse("approvals:sign", args=[request_.pk]), {**said, **given})
            assert response.status_code == 302, response.content.decode()
            statement = parse_human_approval(bytes(Ceremony.objects.get(revision=revision, identity=person).payload))
            signed.append((statement.review, statement.justification))
        assert signed[0] == signed[1]
        assert [digest for _, digest in signed[0][0].acknowledged] == make.asked_of(request_.revisions.get())

    def test_text_and_receipt_keep_the_order_of_the_snapshot(self, request_: Request) -> None:
        text = " ".join(write_review(bytes_of(request_.revisions.get().snapshot)).split())
        assert text.index(OLDER) < text.index(ALIKE)
        receipt = write_receipt(make.approve(request_, cast.alice(), now=of.later(61)).record.entry)
        assert receipt is not None and "Acknowledged: DEP_DOWNGRADE, DEP_TYPO" in receipt


class TestKept:
    def test_of_every_answer_the_last_time(self, request_: Request) -> None:
        before = len(SignalsSeen.objects.get().words)
        make.approve(request_, cast.alice(), now=of.later(61))
        row = SignalsSeen.objects.get()
        assert (row.identity, row.seen_at, len(row.words)) == (cast.alice(), of.later(61), before + 1)
        assert sorted(row.words.values())[-2:] == [int(of.later(61).timestamp())] * 2

    def test_of_one_place_the_newest(self, request_: Request) -> None:
        long_ago = int(make.NOW.timestamp()) - 1000
        SignalsSeen.objects.update(words={f"{number:032x}": long_ago + number for number in range(MOST_KEPT)})
        make.approve(request_, cast.alice(), now=of.later(61))
        words = SignalsSeen.objects.get().words
        assert len(words) == MOST_KEPT
        assert f"{0:032x}" not in words and f"{1:032x}" not in words and f"{2:032x}" in words

    def test_is_forgotten(self, request_: Request) -> None:
        assert forget_seen(now=of.later() + KEPT) == 0
        words, signals = SignalsSeen.objects.get().words, described(request_)
        assert len(read_seen(words, signals=signals, now=of.later() + KEPT)) == 1
        assert read_seen(words, signals=signals, now=of.later() + KEPT + timedelta(seconds=1)) == {}
        assert forget_seen(now=of.later() + KEPT + timedelta(seconds=1)) == 1

    def test_of_the_answers_before_it_was_kept(self, request_: Request) -> None:
        make.approve(request_, cast.alice(), now=of.later(61))
        kept = SignalsSeen.objects.values("identity", "project", "environment", "words", "seen_at").get()
        SignalsSeen.objects.all().delete()
        import_module("approvals.migrations.0210_signals_seen").fill(apps, None)
        assert SignalsSeen.objects.values("identity", "project", "environment", "words", "seen_at").get() == kept
