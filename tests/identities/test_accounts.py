"""What comes along with a session and its account: who it is, which kinds of roles they hold, when the session was last in use."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth import BACKEND_SESSION_KEY
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from identities.models import Identity, RoleAssignment
from identities.permissions import held_kinds
from identities.read_once import reading_once
from identities.sign_in.accounts import AccountBackend
from identities.sign_in.session_rows import BACKEND, FORMER_BACKEND, SessionStore
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db


def read(person: Identity) -> Identity:
    account = AccountBackend().get_user(cast.account_of(person).pk)
    assert account is not None
    assert account.identity is not None
    return account.identity


def signed_in(client: Client, person: Identity) -> SessionStore:
    client.force_login(cast.account_of(person))
    return SessionStore(client.session.session_key)


class TestKinds:
    def test_come_along_as_they_are_held(self) -> None:
        person = cast.person("zoe", "Zoe Park", "auditor", "approver:release")
        RoleAssignment.objects.filter(identity=person, role="auditor").update(ended_at=make.NOW)
        RoleAssignment.objects.create(identity=person, role="requester", team=cast.payments(), project=make.toy(), granted_at=make.NOW)
        along = read(person)
        with reading_once(), CaptureQueriesContext(connection) as asked:
            assert held_kinds(along) == {("approver:release", True), ("requester", False)}
        assert len(asked) == 0

    def test_nobody_without_a_role_has_any(self) -> None:
        with reading_once():
            assert held_kinds(read(cast.person("zoe", "Zoe Park"))) == frozenset()

    def test_whatever_changes_something_asks_anew(self) -> None:
        person = cast.person("zoe", "Zoe Park", "auditor")
        along = read(person)
        RoleAssignment.objects.filter(identity=person).update(ended_at=make.NOW)
        assert held_kinds(along) == frozenset()


class TestAccount:
    def test_one_that_is_switched_off_is_nobody(self) -> None:
        account = cast.account_of(cast.alice())
        account.is_active = False
        account.save()
        assert AccountBackend().get_user(account.pk) is None
        assert AccountBackend().get_user(account.pk + 1000) is None


class TestSession:
    def test_one_begun_before_stays_good(self, client: Client) -> None:
        session = signed_in(client, cast.alice())
        session[BACKEND_SESSION_KEY] = FORMER_BACKEND
        session.save()
        assert client.get("/queue").status_code == 200
        assert SessionStore(session.session_key)[BACKEND_SESSION_KEY] == BACKEND

    def test_says_when_it_was_last_in_use(self, client: Client) -> None:
        session = signed_in(client, cast.alice())
        assert session.load()
        assert session.seen is None
        client.get("/queue")
        note = UserSession.objects.get(session_key=session.session_key)
        session.load()
        assert session.seen == (note.user_id, note.last_seen_at)
        earlier = note.last_seen_at - timedelta(minutes=6)
        UserSession.objects.update(last_seen_at=earlier)
        client.get("/queue")
        assert UserSession.objects.get(session_key=session.session_key).last_seen_at > earlier

    def test_one_that_is_over_holds_nothing(self, client: Client) -> None:
        session = signed_in(client, cast.alice())
        client.logout()
        gone = SessionStore(session.session_key)
        assert gone.load() == {}
        assert gone.session_key is None
