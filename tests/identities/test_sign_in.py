"""Sign-in through its pages: who comes in, who does not, and what is written down about it."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from identities.models import Identity, SignInEvent
from identities.register import register_person
from identities.sign_in.events import record_sign_in
from identities.sign_in.forget_sign_ins import forget_sign_ins
from ledger.models import Entry
from proofs.errors import Refusal
from tests import cast

pytestmark = pytest.mark.django_db


def post(client: Client, username: str = "alice", password: str = cast.PASSWORD, **more: str) -> tuple[int, str]:
    answer = client.post("/accounts/login/", {"login": username, "password": password, **more})
    return answer.status_code, answer.get("Location", "")


def events() -> list[tuple[str, str]]:
    return list(SignInEvent.objects.order_by("pk").values_list("username", "outcome"))


class TestSignIn:
    def test_the_right_password(self, client: Client) -> None:
        alice = cast.alice()
        assert post(client) == (302, "/")
        assert events() == [("alice", "signed_in")]
        assert SignInEvent.objects.get().identity == alice
        assert SignInEvent.objects.get().address == "127.0.0.1"

    def test_goes_where_one_was_headed_but_never_to_another_site(self, client: Client) -> None:
        cast.alice()
        assert post(client, next="/identities?kind=person") == (302, "/identities?kind=person")
        assert post(Client(), next="https://evil.example/") == (302, "/")
        assert post(Client(), next="//evil.example/") == (302, "/")

    @pytest.mark.parametrize("password", ["wrong", "", cast.PASSWORD.upper()])
    def test_a_wrong_password(self, client: Client, password: str) -> None:
        cast.alice()
        assert post(client, password=password)[0] == 200
        assert "_auth_user_id" not in client.session
        assert events() == ([("alice", "failed")] if password else [])

    def test_nobody_by_that_name_reads_the_same(self, client: Client) -> None:
        cast.alice()
        pages = [client.post("/accounts/login/", {"login": name, "password": "wrong"}).content.decode() for name in ("alice", "nobody")]
        assert all("The username and/or password you specified are not correct." in page for page in pages)
        assert events() == [("alice", "failed"), ("", "failed")]
        assert SignInEvent.objects.filter(identity__isnull=True).count() == 2

    @pytest.mark.parametrize("status", ["suspended", "retired"])
    def test_a_person_who_is_not_active(self, client: Client, status: str) -> None:
        Identity.objects.filter(pk=cast.alice().pk).update(status=status)
        assert post(client) == (302, "/accounts/inactive/")
        assert "_auth_user_id" not in client.session
        assert events() == [("alice", "refused")]
        assert "is not active" in client.get("/accounts/inactive/").content.decode()

    def test_the_session_is_a_new_one(self, client: Client) -> None:
        cast.alice()
        client.get("/accounts/login/")
        session = client.session
        session["planted"] = "by somebody else"
        session.save()
        before = session.session_key
        post(client)
        assert client.session.session_key not in (None, before)

    def test_too_many_guesses_are_stopped_even_with_the_right_one_at_last(self, client: Client) -> None:
        cast.alice()
        for _ in range(5):
            post(client, password="wrong")
        assert post(client)[0] == 200
        assert "_auth_user_id" not in client.session
        assert (
            "Too many failed login attempts"
            in client.post("/accounts/login/", {"login": "alice", "password": cast.PASSWORD}).content.decode()
        )

    def test_sign_out_is_written_down_and_needs_a_post(self, client: Client) -> None:
        cast.alice()
        post(client)
        assert "What you have signed stays signed" in client.get("/accounts/logout/").content.decode()
        assert "_auth_user_id" in client.session
        client.post("/accounts/logout/")
        assert "_auth_user_id" not in client.session
        assert events() == [("alice", "signed_in"), ("alice", "signed_out")]

    def test_a_passkey_nobody_knows_is_written_down_without_a_name(self, client: Client) -> None:
        options = client.get("/accounts/2fa/webauthn/login/", headers={"Accept": "application/json"}).json()
        assert options["request_options"]["publicKey"]["rpId"] == "localhost"
        answer = client.post(
            "/accounts/2fa/webauthn/login/", {"credential": '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}'}
        )
        assert answer.status_code == 302
        assert events() == [("", "failed")]

    def test_what_is_typed_instead_of_a_name_is_not_kept(self, client: Client) -> None:
        cast.alice()
        post(client, username=cast.PASSWORD, password="alice")
        post(client, username=" Alice ", password="wrong")
        assert events() == [("", "failed"), ("alice", "failed")]

    def test_nobody_hears_from_the_time_taken_who_has_an_account(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        """Hashing is what takes the time: once for a wrong password, an account without one, and nobody at all."""
        cast.alice()
        register_person(name="Quiet", username="quiet", by=None, now=cast.NOW)
        real, hashed = MD5PasswordHasher.encode, []
        monkeypatch.setattr(MD5PasswordHasher, "encode", lambda self, *args: hashed.append(args) or real(self, *args))
        counts = []
        for username in ("alice", "quiet", "nobody"):
            hashed.clear()
            post(Client(), username=username, password="wrong")
            counts.append(len(hashed))
        assert counts == [1, 1, 1]


class TestForget:
    def test_a_row_never_changes(self) -> None:
        cast.alice()
        post(Client())
        with pytest.raises(DatabaseError), transaction.atomic():
            SignInEvent.objects.update(address="192.0.2.1")
        assert SignInEvent.objects.get().address == "127.0.0.1"

    def test_what_is_older_goes_and_the_ledger_says_so(self) -> None:
        cast.alice()
        for days in (0, 89, 91, 400):
            record_sign_in(
                username="alice", outcome="signed_in", address="192.0.2.1", identity=None, now=timezone.now() - timedelta(days=days)
            )
        call_command("forget_sign_ins", "--days", "90")
        assert SignInEvent.objects.count() == 2
        assert Entry.objects.filter(event="sign_ins.forgotten").count() == 1
        call_command("forget_sign_ins", "--days", "90")
        assert Entry.objects.filter(event="sign_ins.forgotten").count() == 1

    def test_of_one_account(self) -> None:
        cast.alice(), cast.bob()
        for username in ("alice", "bob"):
            record_sign_in(username=username, outcome="failed", address="", identity=None, now=cast.NOW)
        call_command("forget_sign_ins", "--days", "0", "--username", "alice")
        assert events() == [("bob", "failed")]

    def test_is_for_the_operator_and_stewards(self) -> None:
        for act in (lambda: forget(by=cast.bob()), lambda: forget(before=cast.NOW + timedelta(days=1))):
            with pytest.raises(Refusal):
                act()
        assert forget(by=cast.dave()) == 0


def forget(**changes: Any) -> int:
    return forget_sign_ins(**{"before": cast.NOW, "by": None, "now": cast.NOW, **changes})


class TestClosed:
    def test_nobody_registers_themselves(self, client: Client) -> None:
        page = client.get("/accounts/signup/").content.decode()
        assert "Accounts are made for you" in page
        data = {"username": "mallory2", "email": "m@evil.example", "password1": cast.PASSWORD, "password2": cast.PASSWORD}
        client.post("/accounts/signup/", data)
        assert not Identity.objects.exists()

    @pytest.mark.parametrize(
        "path",
        [
            "/accounts/login/",
            "/accounts/signup/",
            "/accounts/inactive/",
            "/accounts/logout/",
            "/accounts/2fa/",
            "/accounts/2fa/webauthn/",
            "/accounts/2fa/webauthn/add/",
            "/accounts/2fa/totp/activate/",
            "/accounts/2fa/recovery-codes/generate/",
            "/accounts/password/change/",
            "/accounts/reauthenticate/",
            "/accounts/password/reset/",
        ],
    )
    def test_every_page_wears_our_look_and_no_inline_style_or_script(self, client: Client, path: str) -> None:
        cast.alice()
        if path not in ("/accounts/login/", "/accounts/signup/", "/accounts/inactive/"):
            post(client)
            client.post("/accounts/reauthenticate/", {"password": cast.PASSWORD, "next": path})
        answer = client.get(path, follow=True)
        page = answer.content.decode()
        assert answer.status_code == 200
        assert 'class="foot"' in page
        assert " style=" not in page
        assert "<script>" not in page
        assert " onclick=" not in page


def test_the_librarys_page_of_addresses_is_not_there(client: Client) -> None:
    cast.alice()
    post(client)
    assert client.get("/accounts/email/").status_code == 404
    assert client.post("/accounts/email/", {"email": "m@evil.example", "action_add": ""}).status_code == 404


class TestDjangoAdmin:
    def test_shows_and_changes_nothing_even_to_a_superuser(self, client: Client) -> None:
        account = cast.account_of(cast.mallory())
        account.is_staff = account.is_superuser = True
        account.save()
        cast.token_of(cast.runner())
        post(client, "mallory")
        for table in ("identity", "user", "roleassignment", "signingkey", "evidencesigner", "apicredential", "signinevent", "team"):
            assert client.get(f"/django-admin/identities/{table}/").status_code == 200
            assert client.get(f"/django-admin/identities/{table}/add/").status_code == 403
        path = f"/django-admin/identities/identity/{account.identity_id}"
        page = client.get(f"{path}/change/")
        assert page.status_code == 200
        assert b"actor_salt" not in page.content
        assert client.post(f"{path}/change/", {"name": "Root"}).status_code == 403
        assert client.post(f"{path}/delete/", {"post": "yes"}).status_code == 403
        assert client.get("/django-admin/mfa/authenticator/").status_code == 404
        assert client.get("/django-admin/auth/group/").status_code == 404

    def test_the_operator_lets_a_person_read_every_table_and_ends_it(self, client: Client) -> None:
        cast.dave()
        call_command("let_read_tables", "dave", stdout=StringIO())
        post(client, "dave")
        tables = [reverse(f"admin:{table._meta.app_label}_{table._meta.model_name}_changelist") for table in admin.site._registry]
        assert "/django-admin/ledger/entry/" in tables
        assert {table: client.get(table).status_code for table in tables} == dict.fromkeys(tables, 200)
        assert client.get("/django-admin/identities/team/add/").status_code == 403
        with pytest.raises(CommandError, match=r"tables\.already"):
            call_command("let_read_tables", "dave")
        with pytest.raises(CommandError, match="only the operator"):
            call_command("let_read_tables", "dave", "--by", "dave")
        call_command("let_read_tables", "dave", "--end", stdout=StringIO())
        assert client.get("/django-admin/ledger/entry/", follow=True).status_code == 403
        account = cast.account_of(cast.dave())
        assert not account.is_staff and not account.user_permissions.exists()
        assert list(Entry.objects.filter(event__startswith="tables.").order_by("index").values_list("event", flat=True)) == [
            "tables.opened",
            "tables.closed",
        ]

    def test_is_closed_to_everybody_else(self, client: Client) -> None:
        cast.dave()
        post(client, "dave")
        assert client.get("/django-admin/identities/identity/", follow=True).status_code == 403
