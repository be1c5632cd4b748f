"""What comes along with a session and its account: who it is, which kinds of roles they hold, when the session was last in use."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from identities.models import Identity, RoleAssignment, User
from identities.permissions import held_kinds
from identities.read_once import reading_once
from identities.sign_in.accounts import AccountBackend
from identities.sign_in.end_sessions import end_sessions
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

    def test_one_that_ran_out_gives_nothing_before_anybody_closed_it(self, client: Client) -> None:
        person, over = cast.person("zoe", "Zoe Park"), timezone.now() - timedelta(seconds=1)
        given = {"identity": person, "team": cast.payments(), "granted_at": make.NOW}
        RoleAssignment.objects.create(**given, role="auditor", valid_until=over)
        with reading_once():
            assert held_kinds(read(person)) == frozenset()
        client.force_login(cast.account_of(person))
        assert client.get("/queue").status_code == 403

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

    def test_one_of_no_registered_person_may_nothing(self, client: Client) -> None:
        client.force_login(User.objects.create_user("nobody"))
        assert client.get("/queue").status_code == client.post("/queue/comment", {"requests": ["req_none"], "text": "x"}).status_code == 403


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

    @pytest.mark.parametrize("name", ["django.contrib.auth.backends.ModelBackend", "allauth.account.auth_backends", "", "nowhere.Backend"])
    def test_one_of_any_other_way_to_sign_in_is_nobodys(self, client: Client, name: str) -> None:
        session = signed_in(client, cast.alice())
        session[BACKEND_SESSION_KEY] = name
        session.save()
        assert client.get("/queue").status_code == 302


def switch_off(person: Identity) -> None:
    User.objects.filter(identity=person).update(is_active=False)


def change_password(person: Identity) -> None:
    account = cast.account_of(person)
    account.set_password("another one, quite long")
    account.save()


def end_elsewhere(person: Identity) -> None:
    with transaction.atomic():
        end_sessions(identity=person)


def tamper(person: Identity) -> None:
    """Put the content of the session under another signature: as whoever writes to the database, and does not know the secret, can."""
    row = Session.objects.get()
    content, _, _ = row.session_data.rpartition(":")
    Session.objects.update(session_data=f"{content}:{'A' * 43}")


def end_roles(person: Identity) -> None:
    RoleAssignment.objects.filter(identity=person).update(ended_at=timezone.now())


# How somebody loses what they could, and what a page and a program's door answer from then on.
LOSSES: list[tuple[Callable[[Identity], object], int, int]] = [
    (switch_off, 302, 401),
    (change_password, 302, 401),
    (end_elsewhere, 302, 401),
    (lambda _: Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1)), 302, 401),
    (tamper, 302, 401),
    (end_roles, 403, 403),
    (lambda person: Identity.objects.filter(pk=person.pk).update(status="suspended"), 403, 403),
    (lambda person: Identity.objects.filter(pk=person.pk).update(status="revoked"), 403, 403),
]


@pytest.mark.parametrize(("lose", "page", "door"), LOSSES)
def test_nothing_is_kept_of_what_one_could(client: Client, lose: Callable[[Identity], object], page: int, door: int) -> None:
    person = cast.alice()
    client.force_login(cast.account_of(person))
    asked = {"requests": ["req_none"], "text": "Hello"}
    assert (client.get("/queue").status_code, client.get("/api/v1/attestations/x").status_code) == (200, 404)
    assert client.post("/queue/comment", asked).status_code == 302
    lose(person)
    for answer in (
        client.get("/queue"),
        client.head("/queue"),
        client.post("/queue/comment", asked),
        client.get("/requests/req_none/changes"),
    ):
        assert answer.status_code == page
        assert page != 302 or answer["Location"].startswith("/accounts/login/")
    assert client.get("/api/v1/attestations/x").status_code == door
