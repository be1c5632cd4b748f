"""The exchange: a token once, for a credential that ends by itself, with its binding, and with its issuer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from identities.models import ApiCredential, Identity, TokenExchange
from identities.workload.bind import revoke_workload
from identities.workload.exchange import CREDENTIAL_LIFE, exchange_token
from identities.workload.issuers import remove_token_issuer
from ledger.models import Entry
from proofs.errors import Refusal
from tests import cast
from tests import make_tokens as make

NOW = cast.NOW


def exchange(token: str, **changes: Any) -> tuple[ApiCredential, str]:
    return exchange_token(**{"unverified_token": token, "audience": make.PORTAL, "now": NOW, **changes})


def code_of(token: str, **changes: Any) -> str:
    before = ApiCredential.objects.count(), Entry.objects.count()
    with pytest.raises(Refusal) as refusal:
        exchange(token, **changes)
    assert (ApiCredential.objects.count(), Entry.objects.count()) == before
    return refusal.value.code


def fresh(**changes: Any) -> str:
    return make.sign(make.claims(NOW, **changes))


@pytest.mark.django_db
class TestExchange:
    def test_gives_a_credential_of_the_bound_identity_with_the_scopes_of_the_binding(self) -> None:
        binding = make.binding()
        credential, secret = exchange(fresh())
        assert credential.identity == cast.runner()
        assert credential.scopes == ["gates:decide", "read"]
        assert credential.expires_at == NOW + CREDENTIAL_LIFE == NOW + timedelta(minutes=15)
        assert secret.startswith("csk_")
        row = TokenExchange.objects.get(credential=credential)
        assert (row.binding, row.subject, row.exchanged_at) == (binding, make.SUBJECT, NOW)
        assert Entry.objects.filter(event="credential.exchanged").count() == 1

    def test_9_a_token_is_used_once(self) -> None:
        make.binding()
        token = fresh()
        exchange(token)
        assert code_of(token) == "token.replayed"
        assert code_of(fresh(sub=make.SUBJECT, iat=int(NOW.timestamp()) + 1)) == "token.replayed", "the same jti in other words"
        assert exchange(fresh(jti="another"))[0].identity == cast.runner()

    def test_9_the_same_words_signed_twice_are_one_token(self) -> None:
        make.binding()
        first, second = (make.sign(make.claims(NOW, jti=None), key=make.ec_key()) for _ in range(2))
        exchange(first)
        assert code_of(second) == "token.replayed"

    def test_what_was_refused_is_not_used_up(self) -> None:
        token = fresh()
        make.issuer()
        assert code_of(token) == "token.no_binding"
        make.binding()
        assert exchange(token)[0].identity == cast.runner()

    def test_an_issuer_nobody_took_in(self) -> None:
        make.binding()
        for issuer in (make.ISSUER + "/", "https://evil.example"):
            assert code_of(fresh(iss=issuer)) == "token.issuer_unknown"

    def test_a_token_for_somebody_else(self) -> None:
        make.binding()
        assert code_of(fresh(), audience="https://other.example") == "token.audience"

    def test_two_bindings_that_fit(self) -> None:
        make.binding()
        make.binding(claims={"sub": make.SUBJECT, "repository_id": "74"})
        assert code_of(fresh()) == "token.ambiguous"

    def test_a_binding_of_another_issuer_does_not_count(self) -> None:
        make.binding(issuer=make.issuer(url="https://other.example"))
        make.issuer()
        assert code_of(fresh()) == "token.no_binding"

    def test_a_binding_that_begins_later_or_ended(self) -> None:
        binding = make.binding(now=NOW + timedelta(seconds=1))
        assert code_of(fresh()) == "token.no_binding"
        assert exchange(fresh(), now=NOW + timedelta(seconds=1))[0]
        revoke_workload(binding=binding, by=None, now=NOW + timedelta(seconds=2))
        assert code_of(fresh(jti="x"), now=NOW + timedelta(seconds=2)) == "token.no_binding"

    def test_a_removed_issuer(self) -> None:
        binding = make.binding()
        remove_token_issuer(issuer=binding.issuer, by=None, now=NOW)
        assert code_of(fresh()) == "token.issuer_unknown"

    @pytest.mark.parametrize("who", [cast.runner, cast.bob])
    def test_an_identity_or_an_owner_that_is_not_active(self, who: Any) -> None:
        make.binding()
        Identity.objects.filter(pk=who().pk).update(status="suspended")
        assert code_of(fresh()) == "identity.not_active"

    def test_neither_token_nor_secret_is_kept(self) -> None:
        make.binding()
        token = fresh()
        _, secret = exchange(token)
        kept = str(list(TokenExchange.objects.values()) + list(ApiCredential.objects.values()))
        kept += " ".join(bytes(entry.body).decode() for entry in Entry.objects.all())
        assert token not in kept and token.split(".")[2] not in kept
        assert secret not in kept and secret.split("_", 2)[2] not in kept


@pytest.mark.django_db
class TestAtTheDoor:
    def post(self, token: Any, **headers: str) -> Any:
        return Client().post("/api/v1/token", {"token": token}, content_type="application/json", headers=headers)

    def fresh(self, **changes: Any) -> str:
        return make.sign(make.claims(timezone.now(), **changes))

    def test_the_credential_opens_the_other_doors(self) -> None:
        make.binding()
        answer = self.post(self.fresh())
        assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
        got = answer.json()
        assert (got["identity"], got["scopes"]) == (cast.runner().pk, ["gates:decide", "read"])
        assert self.ask(got["credential"]) == 404

    def ask(self, credential: str) -> int:
        return int(Client().get("/api/v1/attestations/x", headers={"Authorization": f"Bearer {credential}"}).status_code)

    def test_it_ends_with_the_binding(self) -> None:
        binding = make.binding()
        credential = self.post(self.fresh()).json()["credential"]
        assert self.ask(credential) == 404
        revoke_workload(binding=binding, by=None, now=timezone.now())
        assert self.ask(credential) == 401

    def test_it_ends_with_the_issuer(self) -> None:
        binding = make.binding()
        credential = self.post(self.fresh()).json()["credential"]
        assert self.ask(credential) == 404
        remove_token_issuer(issuer=binding.issuer, by=None, now=timezone.now())
        assert self.ask(credential) == 401

    def test_it_ends_by_itself(self) -> None:
        make.binding()
        earlier = timezone.now() - CREDENTIAL_LIFE
        token = make.sign(make.claims(earlier))
        assert self.ask(exchange(token, now=earlier)[1]) == 401

    def test_the_token_itself_opens_nothing_else(self) -> None:
        make.binding()
        assert self.ask(self.fresh()) == 401

    @pytest.mark.parametrize(
        ("changes", "status", "code"),
        [
            ({"aud": "https://other.example"}, 422, "token.audience"),
            ({"exp": 1}, 422, "token.expired"),
            ({"iss": ["x"]}, 400, "token.claims"),
            ({"iss": "https://evil.example"}, 403, "token.issuer_unknown"),
            ({"sub": "repo:evil/x"}, 403, "token.no_binding"),
        ],
    )
    def test_every_no_is_a_problem_document(self, changes: dict[str, Any], status: int, code: str) -> None:
        make.binding()
        answer = self.post(self.fresh(**changes))
        assert (answer.status_code, answer.json()["code"], answer["Content-Type"]) == (status, code, "application/problem+json")

    def test_used_twice_is_a_conflict(self) -> None:
        make.binding()
        token = self.fresh()
        assert self.post(token).status_code == 201
        answer = self.post(token)
        assert (answer.status_code, answer.json()["code"]) == (409, "token.replayed")

    @pytest.mark.parametrize("body", ["{}", '{"token": ""}', '{"token": 5}', '{"token": ["x"]}', "[]", "x", '{"token":"a","token":"b"}'])
    def test_a_body_that_is_none(self, body: str) -> None:
        answer = Client().post("/api/v1/token", body, content_type="application/json")
        assert answer.status_code in (400, 422)
        assert answer["Content-Type"] == "application/problem+json"

    def test_a_header_that_comes_along_says_nothing(self) -> None:
        make.binding()
        assert self.post(self.fresh(), Authorization="Bearer csk_wrong").status_code == 201

    def test_an_address_that_calls_too_often_waits(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.API_CALLS_PER_MINUTE = 2
        monkeypatch.setattr("portal.throttle.time.time", lambda: 1_800_000_015.0)
        answers = [self.post("x.y.z") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [400, 400, 429]
        assert answers[2].json()["code"] == "rate.limited"
