"""Notices follow the ledger: whom an entry concerns is told once, whatever is killed or run twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from identities.actors import portal_actor
from identities.keys.enrol import revoke_signing_key
from identities.lifecycle.change_status import suspend_identity
from identities.lifecycle.compromise import mark_compromised
from identities.models import EventSubject, Identity, RoleAssignment
from identities.people.deactivate import deactivate_person
from identities.people.roles import end_role
from ledger.append import append_event
from portal.models import Notice, NoticeCursor
from portal.notices.follow_ledger import follow_ledger
from proofs.digest import sha256_hex
from tests import cast
from tests import make_approvals as make
from tests.make_ledger import use_own_keys

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


def follow() -> None:
    while follow_ledger(now=cast.NOW):
        pass


def told(identity: Identity) -> list[tuple[str, str]]:
    return list(Notice.objects.filter(identity=identity).order_by("entry_id").values_list("kind", "sentence"))


def test_a_role_given_and_ended_is_told_to_its_person_alone() -> None:
    carol, dave = cast.carol(), cast.dave()
    end_role(assignment=RoleAssignment.objects.get(identity=carol), by=dave, now=cast.NOW)
    follow()
    assert told(carol) == [
        ("role.granted", "You are now an auditor in payments."),
        ("role.ended", "You are no longer an auditor in payments."),
    ]
    assert [kind for kind, _ in told(dave)] == ["role.granted"]


def test_a_key_enrolled_and_revoked() -> None:
    alice = cast.alice()
    key = make.enrol(alice)[1]
    revoke_signing_key(key=key, by=alice, reason="Lost", now=cast.NOW)
    follow()
    assert [kind for kind, _ in told(alice)] == ["role.granted", "key.enrolled", "key.revoked"]
    assert told(alice)[-1][1] == f"Your approval key “{key.label}” was revoked: Lost"


def test_an_answer_to_a_request_is_told_to_whoever_asked() -> None:
    make.send_provenance(make.set_stage())
    request = make.ask()
    make.approve(request, cast.alice())
    follow()
    asked = request.requester.owner or request.requester
    assert ("approval.recorded", f"Alice Chen approved “{request.title}”.") in told(asked)
    assert "approval.recorded" not in [kind for kind, _ in told(cast.alice())]


def test_a_deactivation_is_told_to_its_person_and_the_end_of_an_unused_approval_to_whoever_asked() -> None:
    make.send_provenance(make.set_stage())
    request = make.ask()
    make.approve(request, cast.alice())
    deactivate_person(identity=cast.alice(), reason="Left", by=None, now=make.NOW)
    follow()
    assert {"person.status", "key.revoked", "role.ended"} <= {kind for kind, _ in told(cast.alice())}
    (ended,) = [sentence for kind, sentence in told(request.requester.owner or request.requester) if kind == "approval.ended"]
    assert ended.startswith(f"An approval of “{request.title}” ended: Alice Chen approved, and was deactivated")


def test_a_suspension_and_a_compromised_program() -> None:
    runner, bob = cast.runner(), cast.bob()
    mark_compromised(identity=runner, since=cast.NOW, reason="Stolen", by=None, now=cast.NOW)
    suspend_identity(identity=bob, reason="Away for good", by=None, now=cast.NOW)
    follow()
    assert [kind for kind, _ in told(bob)] == ["role.granted", "program.compromised", "person.status"]
    assert told(runner) == []


def test_again_tells_nothing_twice_and_killed_between_loses_nothing() -> None:
    alice = cast.alice()
    with transaction.atomic():
        follow_ledger(now=cast.NOW)
        # Killed before the commit.
        transaction.set_rollback(True)
    assert told(alice) == []
    follow()
    before = Notice.objects.count()
    NoticeCursor.objects.update(next_index=0)
    follow()
    assert Notice.objects.count() == before == 1


def test_what_undoes_pseudonyms_is_gone_once_it_was_told() -> None:
    cast.alice()
    assert EventSubject.objects.exists()
    follow()
    assert not EventSubject.objects.exists()


def test_the_database_keeps_one_for_each_person_entry_and_kind() -> None:
    cast.alice()
    follow()
    row = Notice.objects.get()
    row.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


class TestPage:
    def test_shows_unread_first_counts_them_and_marks_them(self, client: Client) -> None:
        alice = cast.alice()
        client.force_login(cast.account_of(alice))
        assert "No notices" in client.get("/notices").content.decode()
        follow()
        page = client.get("/notices").content.decode()
        assert "You are now a release approver in payments." in page
        assert '<span class="bell-count">1<' in page
        client.post(f"/notices/{Notice.objects.get().pk}/read")
        assert "bell-count" not in client.get("/notices").content.decode()
        client.post("/notices/remove")
        assert not Notice.objects.exists()

    def test_of_somebody_else_is_answered_as_absent(self, client: Client) -> None:
        cast.alice()
        follow()
        client.force_login(cast.account_of(cast.bob()))
        assert client.post(f"/notices/{Notice.objects.get().pk}/read").status_code == 404
        client.post("/notices/read")
        assert Notice.objects.get().read_at is None


def test_entries_that_nobody_is_told_of_cost_nothing_each() -> None:
    cast.alice()
    follow()
    assert _asked_to_follow(1) == _asked_to_follow(20)


def _asked_to_follow(count: int) -> int:
    for number in range(count):
        append_event(event="verdict.recorded", ref_digest=sha256_hex(f"{count} {number}".encode()), actor=portal_actor(), now=cast.NOW)
    with CaptureQueriesContext(connection) as asked:
        assert follow_ledger(now=cast.NOW) == count
    return len(asked)
