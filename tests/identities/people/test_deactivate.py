"""Who leaves loses all they could act with, and gets none of it back by coming back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from identities.keys.enrol import revoke_signing_key
from identities.lifecycle.change_status import resume_identity, retire_identity, suspend_identity
from identities.models import Identity, RoleAssignment
from identities.people.deactivate import deactivate_person, reactivate_person
from identities.people.roles import grant_role
from identities.standing import is_only_deactivated
from ledger.models import Entry
from proofs.errors import Conflict, Malformed, NotAllowed, Refusal
from tests import cast
from tests import make_approvals as make
from tests.make_ledger import use_own_keys

pytestmark = pytest.mark.django_db
LATER = cast.NOW + timedelta(seconds=30)


@pytest.fixture(autouse=True)
def own_keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


def let_go(person: Identity, *, by: Identity | None = None, now: Any = LATER) -> Identity:
    return deactivate_person(identity=person, reason="Left the company.", by=by, now=now)


def code_of(refused: pytest.ExceptionInfo[Any]) -> str:
    assert isinstance(refused.value, Refusal)
    return refused.value.code


def events() -> list[str]:
    return list(Entry.objects.order_by("index").values_list("event", flat=True))


class TestDeactivate:
    def test_ends_roles_keys_and_sessions_and_says_so(self, client: Client) -> None:
        alice = cast.alice()
        _, key = make.enrol(alice)
        client.force_login(cast.account_of(alice))
        other = Client()
        other.force_login(cast.account_of(cast.bob()))
        assert client.get("/queue").status_code == 200
        before = len(events())
        row = let_go(alice, by=cast.dave())
        key.refresh_from_db()
        assert (row.status, row.deactivated_at, row.suspended_at) == ("suspended", LATER, LATER)
        assert is_only_deactivated(row)
        assert not RoleAssignment.objects.filter(identity=alice, ended_at__isnull=True).exists()
        assert (key.revoked_at, key.revoked_reason, bool(key.revocation)) == (LATER, "Left the company.", True)
        assert client.get("/queue").status_code == 302
        assert other.get("/queue").status_code == 200
        assert [event for event in events()[before:] if event != "role.granted" and event != "identity.registered"] == [
            "identity.deactivated",
            "role.ended",
            "signer.revoked",
            "signer.directory",
        ]

    def test_doing_it_twice_changes_nothing(self) -> None:
        alice = cast.alice()
        let_go(alice)
        before = events()
        assert let_go(alice, now=LATER + timedelta(hours=1)).deactivated_at == LATER
        assert events() == before

    def test_leaves_a_key_that_was_revoked_before_as_it_was(self) -> None:
        alice = cast.alice()
        _, key = make.enrol(alice)
        revoke_signing_key(key=key, by=alice, reason="lost", now=cast.NOW)
        let_go(alice)
        key.refresh_from_db()
        assert (key.revoked_at, key.revoked_reason) == (cast.NOW, "lost")

    @pytest.mark.parametrize("by", ["nobody", "oneself", "an approver"])
    def test_refuses_whoever_may_not(self, by: str) -> None:
        alice = cast.alice()
        asks = {"nobody": cast.mallory(), "oneself": alice, "an approver": cast.person("kim", "Kim Osei", "approver:release")}[by]
        with pytest.raises(NotAllowed):
            let_go(alice, by=asks)
        alice.refresh_from_db()
        assert alice.status == "active"

    def test_refuses_a_program_and_a_missing_reason_and_the_retired(self) -> None:
        with pytest.raises(NotAllowed) as refused:
            let_go(cast.runner())
        assert code_of(refused) == "identity.people_only"
        with pytest.raises(Malformed) as unsaid:
            deactivate_person(identity=cast.alice(), reason=" ", by=None, now=LATER)
        assert code_of(unsaid) == "identity.reason"
        retire_identity(identity=cast.carol(), reason="gone", by=None, now=LATER)
        with pytest.raises(Conflict) as retired:
            let_go(cast.carol())
        assert code_of(retired) == "identity.retired"

    def test_somebody_at_a_page_never_takes_the_last_administrator_away(self) -> None:
        dave = cast.dave()
        steward = cast.person("stu", "Stu Ward", "identity-steward")
        with pytest.raises(NotAllowed):
            let_go(dave, by=steward)
        other = cast.person("ada", "Ada Min", "administrator")
        suspend_identity(identity=other, reason="odd", by=None, now=cast.NOW)
        grant_role(identity=steward, role="administrator", team=cast.payments(), by=None, now=cast.NOW)
        let_go(dave, by=steward)
        with pytest.raises(NotAllowed):
            let_go(steward, by=dave)

    def test_the_operator_does_and_the_ledger_says_what_is_missing(self) -> None:
        let_go(cast.dave())
        assert events()[-1] == "team.without_administrator"

    def test_commands_are_the_same_acts(self) -> None:
        alice = cast.alice()
        call_command("deactivate_person", "alice", "--reason", "left")
        alice.refresh_from_db()
        assert alice.deactivated_at is not None
        call_command("reactivate_person", "alice", "--reason", "back")
        alice.refresh_from_db()
        assert alice.status == "active"


class TestReactivate:
    def test_brings_no_role_and_no_key_back(self) -> None:
        alice = cast.alice()
        make.enrol(alice)
        let_go(alice)
        row = reactivate_person(identity=alice, reason="Came back.", by=cast.dave(), now=LATER)
        assert (row.status, row.suspended_at, row.deactivated_at) == ("active", None, None)
        assert not row.signing_keys.filter(revoked_at__isnull=True).exists()
        assert not row.roles.filter(ended_at__isnull=True).exists()
        before = events()
        reactivate_person(identity=alice, reason="Came back.", by=cast.dave(), now=LATER)
        assert (before[-1], events()) == ("identity.reactivated", before)

    @pytest.mark.parametrize("order", ["suspended first", "suspended after", "at the same moment", "deactivated and suspended at once"])
    def test_never_lifts_a_suspicion(self, order: str) -> None:
        alice = cast.alice()
        if order in ("suspended first", "at the same moment"):
            suspend_identity(identity=alice, reason="odd", by=None, now=LATER if order == "at the same moment" else cast.NOW)
        let_go(alice)
        if order.endswith(("after", "at once")):
            suspend_identity(identity=alice, reason="odd", by=None, now=LATER + timedelta(seconds=9 if order.endswith("after") else 0))
        with pytest.raises(Conflict) as refused:
            reactivate_person(identity=alice, reason="back", by=None, now=LATER)
        assert code_of(refused) == "identity.under_suspicion"
        assert resume_identity(identity=alice, reason="false alarm", by=None, now=LATER).status == "suspended"
        assert reactivate_person(identity=alice, reason="back", by=None, now=LATER).status == "active"

    def test_resuming_somebody_who_left_is_another_thing(self) -> None:
        alice = cast.alice()
        let_go(alice)
        with pytest.raises(Conflict) as refused:
            resume_identity(identity=alice, reason="back", by=None, now=LATER)
        assert code_of(refused) == "identity.deactivated"

    def test_refuses_whoever_may_not_and_the_retired(self) -> None:
        alice = cast.alice()
        let_go(alice)
        with pytest.raises(NotAllowed):
            reactivate_person(identity=alice, reason="back", by=cast.mallory(), now=LATER)
        retire_identity(identity=alice, reason="gone", by=None, now=LATER)
        with pytest.raises(Conflict) as refused:
            reactivate_person(identity=alice, reason="back", by=None, now=LATER)
        assert code_of(refused) == "identity.retired"
