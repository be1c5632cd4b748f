"""What people are told about requests: their turn, a stale approval, a name in a comment, a reminder; and never twice the same thing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from approvals.attention.remind import remind_requests
from approvals.conversation.add_comment import add_comment
from approvals.models import Request
from approvals.requests.revise import revise_request
from identities.actors import portal_actor
from identities.models import EventSubject, Identity, RoleAssignment
from identities.people.roles import end_role
from identities.preferences.choices import NOTICE_KINDS
from ledger.append import append_event
from portal.models import Notice
from portal.notices.follow_ledger import follow_ledger
from tests import cast
from tests import make_approvals as make
from tests.make_ledger import use_own_keys

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


@pytest.fixture
def request_() -> Request:
    cast.alice()
    make.send_provenance(make.set_stage(count=2))
    return make.ask()


def told(identity: Identity) -> list[str]:
    while follow_ledger(now=make.NOW):
        pass
    rows = Notice.objects.filter(identity=identity, kind__startswith="request.").order_by("entry_id")
    assert {row.kind for row in rows} <= set(NOTICE_KINDS)
    assert all(row.link.startswith("/requests/") and row.link.count("/") == 2 for row in rows)
    return [row.kind for row in rows]


def test_whose_turn_it_is_is_told_so_once(request_: Request) -> None:
    assert told(cast.alice()) == ["request.turn"]
    assert told(cast.bob()) == []


def test_a_signer_is_told_that_it_changed_and_not_again_that_it_is_their_turn(request_: Request) -> None:
    assert told(cast.alice()) == ["request.turn"]
    make.approve(request_, cast.alice())
    revise_request(request=request_, by=None, now=make.NOW + timedelta(minutes=1))
    assert told(cast.alice()) == ["request.turn", "request.stale"]


def test_who_asks_is_told_that_nothing_is_missing(request_: Request) -> None:
    make.approve(request_, cast.alice())
    assert told(cast.bob()) == []
    make.approve(request_, cast.person("anna", "Anna Berg", "approver:release"))
    assert told(cast.bob()) == ["request.decided"]


def test_comments_are_told_to_who_is_named_and_who_asked(request_: Request) -> None:
    carol = cast.carol()
    add_comment(request=request_, text="@carol?", by=cast.alice(), now=make.NOW)
    add_comment(request=request_, text="@bob?", by=cast.alice(), now=make.NOW)
    assert told(carol) == ["request.mentioned"]
    assert told(cast.bob()) == ["request.commented", "request.mentioned"]
    assert told(cast.alice()) == ["request.turn"]


def test_a_reminder_reaches_whom_it_was_written_for(request_: Request) -> None:
    remind_requests(now=make.NOW + timedelta(hours=2))
    assert told(cast.alice()) == ["request.turn", "request.reminded"]
    assert told(cast.bob()) == []


@pytest.mark.parametrize("event", ["request.withdrawn", "request.superseded", "request.expired"])
def test_an_end_is_told_to_those_kept_beside_its_entry(request_: Request, event: str) -> None:
    entry = append_event(event=event, ref_digest="0" * 64, actor=portal_actor(), now=make.NOW)
    EventSubject.objects.create(entry=entry, identity=cast.bob(), about=request_.pk)
    assert told(cast.bob()) == ["request.decided"]


def test_whoever_may_not_read_it_any_more_is_told_nothing(request_: Request) -> None:
    """Its title would stand in a mail, which nobody takes back."""
    anna = cast.person("anna", "Anna Berg", "approver:release")
    add_comment(request=request_, text="@carol?", by=anna, now=make.NOW)
    make.approve(request_, anna)
    people = [cast.alice(), anna, cast.bob(), cast.carol()]
    for role in RoleAssignment.objects.filter(identity__in=people):
        end_role(assignment=role, by=None, now=make.NOW)
    revise_request(request=request_, by=None, now=make.NOW + timedelta(minutes=1))
    assert [told(person) for person in people] == [[], [], [], []]
    assert not Notice.objects.filter(sentence__contains=request_.title).exists()
