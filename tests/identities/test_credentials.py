"""API credentials: the secret is shown once and kept as a hash; wrong, expired, revoked and out of scope all refuse."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from identities import api_authentication
from identities.api_authentication import CredentialAuthentication, HasScope, IsPerson
from identities.issue import hash_secret, issue_credential, note_use, revoke_credential
from identities.models import ApiCredential, Identity
from ledger.models import Entry
from proofs.errors import NotAllowed
from tests import cast
from tests.identities.test_register import refused

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def runner() -> Identity:
    return cast.runner()


def issue(**changes: Any) -> tuple[ApiCredential, str]:
    now = timezone.now()
    usual = {"identity": cast.runner(), "scopes": ["read"], "expires_at": now + timedelta(days=1), "by": None, "now": now}
    return issue_credential(**{**usual, **changes})


def authenticate(header: str) -> Any:
    request = Request(APIRequestFactory().get("/", headers={"Authorization": header} if header else {}))
    return CredentialAuthentication().authenticate(request)


class TestIssueCredential:
    def test_only_a_hash_is_stored(self) -> None:
        credential, token = issue()
        secret = token.split("_", 2)[2]
        assert len(secret) >= 43
        stored = ApiCredential.objects.values().get(pk=credential.pk)
        assert stored["secret_sha256"] == hashlib.sha256(secret.encode()).hexdigest()
        assert not any(secret in str(value) for value in stored.values())
        assert not any(secret.encode() in bytes(entry.body) for entry in Entry.objects.all())

    def test_is_written_down(self) -> None:
        issue()
        assert Entry.objects.filter(event="credential.issued").count() == 1

    def test_the_owner_issues_for_what_they_answer_for(self) -> None:
        assert issue(by=cast.bob())[0].identity == cast.runner()

    def test_refuses_others(self) -> None:
        refused("permission.missing", issue, by=cast.alice())

    def test_refuses_people(self) -> None:
        refused("credential.people", issue, identity=cast.alice())

    @pytest.mark.parametrize("scopes", [[], ["everything"], ["read", "requests:decide"]])
    def test_refuses_scopes_nobody_knows(self, scopes: list[str]) -> None:
        refused("credential.scope", issue, scopes=scopes)

    @pytest.mark.parametrize("days", [-1, 0, 367])
    def test_refuses_to_last_for_ever_or_not_at_all(self, days: int) -> None:
        now = timezone.now()
        refused("credential.expiry", issue, now=now, expires_at=now + timedelta(days=days))

    def test_refuses_a_suspended_identity(self) -> None:
        runner = cast.runner()
        runner.status = Identity.Status.SUSPENDED
        refused("identity.not_active", issue, identity=runner)


class TestRevokeCredential:
    def test_ends_it_at_once_and_for_good(self) -> None:
        credential, token = issue()
        revoke_credential(credential=credential, by=cast.bob(), now=timezone.now())
        with pytest.raises(AuthenticationFailed):
            authenticate(f"Bearer {token}")
        assert Entry.objects.filter(event="credential.revoked").count() == 1
        refused("credential.revoked", revoke_credential, credential=credential, by=None, now=timezone.now())

    def test_refuses_others(self) -> None:
        refused("permission.missing", revoke_credential, credential=issue()[0], by=cast.alice(), now=timezone.now())


class TestAuthenticate:
    def test_the_right_secret(self) -> None:
        credential, token = issue()
        caller, proof = authenticate(f"Bearer {token}")
        assert (caller.identity, proof, caller.is_authenticated) == (cast.runner(), credential, True)

    def test_no_header_is_somebody_elses_business(self) -> None:
        assert authenticate("") is None

    def test_every_wrong_token_is_refused_alike(self) -> None:
        credential, token = issue()
        other = issue()[1]
        crossed = token.rsplit("_", 1)[0][:30] + "_" + other.split("_", 2)[2]
        wrong = [
            token + "x",
            token[:-1],
            token.replace("csk_", "csx_"),
            crossed,
            "csk_",
            "csk__",
            "csk_" + "0" * 26 + "_x",
            "",
            token.upper(),
        ]
        for attempt in wrong:
            with pytest.raises(AuthenticationFailed) as refusal:
                authenticate(f"Bearer {attempt}")
            assert str(refusal.value.detail) == "The credential is unknown, wrong, expired or revoked."
        with pytest.raises(AuthenticationFailed):
            authenticate(f"Basic {token}")
        assert ApiCredential.objects.get(pk=credential.pk).last_used_at is None

    def test_compares_in_constant_time_whether_known_or_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        compared: list[tuple[int, int]] = []
        real = api_authentication.hmac.compare_digest

        def watch(left: str, right: str) -> bool:
            compared.append((len(left), len(right)))
            return real(left, right)

        monkeypatch.setattr(api_authentication.hmac, "compare_digest", watch)
        token = issue()[1]
        for attempt in (token + "x", "csk_" + "0" * 26 + "_x", "nonsense"):
            with pytest.raises(AuthenticationFailed):
                authenticate(f"Bearer {attempt}")
        assert compared == [(64, 64)] * 3

    def test_expired(self) -> None:
        past = timezone.now() - timedelta(days=2)
        token = issue(now=past, expires_at=past + timedelta(days=1))[1]
        with pytest.raises(AuthenticationFailed):
            authenticate(f"Bearer {token}")

    @pytest.mark.parametrize("status", ["suspended", "retired"])
    def test_identity_not_active(self, status: str) -> None:
        token = issue()[1]
        Identity.objects.filter(pk=cast.runner().pk).update(status=status)
        with pytest.raises(AuthenticationFailed):
            authenticate(f"Bearer {token}")

    @pytest.mark.parametrize("status", ["suspended", "retired"])
    def test_owner_not_active(self, status: str) -> None:
        token = issue()[1]
        Identity.objects.filter(pk=cast.bob().pk).update(status=status)
        with pytest.raises(AuthenticationFailed):
            authenticate(f"Bearer {token}")

    def test_use_is_noted_once_a_minute(self) -> None:
        credential, token = issue()
        authenticate(f"Bearer {token}")
        credential.refresh_from_db()
        first = credential.last_used_at
        assert first is not None
        note_use(credential=credential, now=first + timedelta(seconds=59))
        credential.refresh_from_db()
        assert credential.last_used_at == first
        note_use(credential=credential, now=first + timedelta(seconds=61))
        credential.refresh_from_db()
        assert credential.last_used_at == first + timedelta(seconds=61)

    def test_hash_is_plain_sha256(self) -> None:
        assert hash_secret("x") == hashlib.sha256(b"x").hexdigest()


class Scoped(APIView):
    permission_classes = (HasScope,)
    required_scope = "attestations:write"
    required_action = "attestations.read"

    def get(self, request: Request) -> Response:
        return Response({"read": True})

    def post(self, request: Request) -> Response:
        return Response({"written": True})


class ByHand(Scoped):
    permission_classes = (IsPerson,)


class TestHasScope:
    def ask(self, method: str, *, view: type[APIView] = Scoped, token: str = "", person: Identity | None = None) -> Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = getattr(APIRequestFactory(), method)("/api/v1/x", headers=headers)
        if person is not None:
            force_authenticate(request, user=cast.account_of(person))
        answer: Response = view.as_view()(request)
        answer.render() if hasattr(answer, "render") else None
        return answer

    def test_the_scope_opens_the_door(self) -> None:
        assert self.ask("post", token=cast.token_of(cast.runner(), "attestations:write")).status_code == 200

    def test_another_scope_does_not(self) -> None:
        answer = self.ask("post", token=cast.token_of(cast.runner(), "read"))
        assert (answer.status_code, b"permission.scope" in answer.content) == (403, True)

    def test_people_read_with_their_session_and_permission(self) -> None:
        assert self.ask("get", person=cast.carol()).status_code == 200
        assert self.ask("get", person=cast.mallory()).status_code == 403

    def test_people_do_not_write_here(self) -> None:
        answer = self.ask("post", person=cast.alice())
        assert (answer.status_code, b"credential.required" in answer.content) == (403, True)

    def test_nobody_gets_401_with_the_scheme(self) -> None:
        answer = self.ask("get")
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"] == 'Bearer realm="countersign"'

    def test_a_program_at_a_human_door(self) -> None:
        answer = self.ask("post", view=ByHand, token=cast.token_of(cast.runner()))
        assert (answer.status_code, b"approval.human_required" in answer.content) == (403, True)

    def test_a_view_that_names_no_scope_is_closed(self) -> None:
        request = Request(APIRequestFactory().get("/"))
        request.auth = issue()[0]
        with pytest.raises(NotAllowed, match=r"permission\.scope"):
            HasScope().has_permission(request, APIView())
