"""A sign-in bound to one value: begun, completed and used, each once; and every way in which it does not hold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from identities.models import BoundSignIn, Identity, IdentityProvider
from identities.oidc.bound_sign_in import (
    LIFE,
    begin_bound_sign_in,
    complete_bound_sign_in,
    oidc_provider_of,
    refuse_bound_sign_in,
    use_bound_sign_in,
)
from proofs.digest import sha256_hex
from proofs.errors import Refusal
from proofs.tokens.id_token import verify_id_token
from tests import cast
from tests import make_sign_ins as make

pytestmark = [pytest.mark.django_db, pytest.mark.once]
NONCE, SESSION = "n" * 43, "s" * 64


def begin(erin: Identity, row: IdentityProvider, **changes: Any) -> tuple[BoundSignIn, str]:
    usual = {"identity": erin, "provider": row, "purpose": "approval", "nonce": NONCE, "session_hash": SESSION, "now": timezone.now()}
    return begin_bound_sign_in(**{**usual, **changes})


def complete(back: dict[str, str], **changes: Any) -> BoundSignIn:
    usual = {"state": back["state"], "code": back["code"], "session_hash": SESSION, "now": timezone.now()}
    return complete_bound_sign_in(**{**usual, **changes})


def use(bound: BoundSignIn, **changes: Any) -> BoundSignIn:
    usual = {"identity": bound.identity, "purpose": "approval", "nonce": NONCE, "session_hash": SESSION, "now": timezone.now()}
    return use_bound_sign_in(bound=bound, **{**usual, **changes})


def refused(code: str, act: Any, *args: Any, **changes: Any) -> None:
    with pytest.raises(Refusal) as refusal:
        act(*args, **changes)
    assert refusal.value.code == code


def test_one_that_holds_and_still_holds_by_what_was_kept() -> None:
    with make.liar() as liar:
        row = make.provider_at(liar.url)
        erin = make.known_at(row)
        assert oidc_provider_of(erin) == row
        bound, url = begin(erin, row)
        assert f"nonce={NONCE}" in url and "prompt=login" in url and "max_age=0" in url and "code_challenge_method=S256" in url
        done = complete(liar.authorize(url))
        assert done.pk == bound.pk
    kept = BoundSignIn.objects.get()
    verified = verify_id_token(
        kept.id_token, issuer_keys=bytes(kept.issuer_keys or b""), expected_issuer=row.issuer, expected_audience=row.client_id,
        expected_nonce=NONCE, at=kept.answered_at or timezone.now(), authenticated_after=kept.begun_at,
    )  # fmt: skip
    assert verified.subject == erin.subject
    assert use(kept).used_at is not None
    refused("bound.used", use, kept)


@pytest.mark.parametrize(("lie", "code"), [
    ({"nonce": "another"}, "id_token.nonce"),
    ({"aud": "another"}, "id_token.audience"),
    ({"auth_time": None}, "id_token.auth_time"),
    ({"auth_time": 1_700_000_000}, "id_token.auth_time"),
    ({"sub": "s-omar"}, "bound.other_person"),
])  # fmt: skip
def test_a_lie_uses_it_up_and_stays_written_down(lie: dict[str, Any], code: str) -> None:
    with make.liar() as liar:
        row = make.provider_at(liar.url)
        erin = make.known_at(row)
        bound, url = begin(erin, row)
        liar.claims = lie
        back = liar.authorize(url)
        refused(code, complete, back)
        liar.claims = {}
        refused("bound.used", complete, liar.authorize(url))
    kept = BoundSignIn.objects.get()
    assert (kept.refused_code, kept.id_token, kept.issuer_keys) == (code, "", None)
    refused("bound.used", use, bound)


def test_keys_are_those_of_the_moment() -> None:
    with make.liar() as liar:
        row = make.provider_at(liar.url)
        erin = make.known_at(row)
        complete(liar.authorize(begin(erin, row)[1]))
        liar.rotate()
        done = complete(liar.authorize(begin(erin, row, nonce="m" * 43)[1]))
    assert b'"next"' in bytes(done.issuer_keys or b"")


def test_not_begun_where_a_token_could_not_speak_of_the_person() -> None:
    alice = cast.alice()
    with make.liar() as liar:
        row = make.provider_at(liar.url)
        erin = make.known_at(row)
        assert oidc_provider_of(alice) is None
        refused("bound.no_provider", begin, alice, row)
        begin(erin, row)
        refused("bound.nonce_taken", begin, erin, row)
        IdentityProvider.objects.update(removed_at=cast.NOW)
        refused("bound.no_provider", begin, erin, row, nonce="m" * 43)


def test_not_completed_elsewhere_twice_or_late() -> None:
    with make.liar() as liar:
        row = make.provider_at(liar.url)
        erin = make.known_at(row)
        back = liar.authorize(begin(erin, row)[1])
        refused("bound.unknown", complete, back, session_hash="t" * 64)
        refused("bound.unknown", complete, back, state="another")
        refused("bound.expired", complete, back, now=timezone.now() + LIFE)
        complete(back)
        refused("bound.used", complete, back)


def test_not_used_for_anything_else() -> None:
    with make.liar() as liar:
        row = make.provider_at(liar.url)
        erin = make.known_at(row)
        bound, url = begin(erin, row)
        refused("bound.incomplete", use, bound)
        complete(liar.authorize(url))
    refused("bound.unknown", use, bound, identity=cast.alice())
    refused("bound.unknown", use, bound, session_hash="t" * 64)
    refused("bound.other_question", use, bound, nonce="m" * 43)
    refused("bound.other_question", use, bound, purpose="enrolment")
    refused("bound.expired", use, bound, now=timezone.now() + LIFE + timedelta(seconds=1))
    use(bound)


class TestTheWayBack:
    def _signed_in(self, erin: Identity) -> tuple[Client, str]:
        client = Client()
        client.force_login(erin.user)
        return client, sha256_hex((client.session.session_key or "").encode())

    @pytest.mark.parametrize(("purpose", "place"), [("approval", "/approvals/bound/"), ("enrolment", "/settings/keys/bound/")])
    def test_goes_on_within_the_portal(self, purpose: str, place: str) -> None:
        with make.liar() as liar:
            row = make.provider_at(liar.url)
            erin = make.known_at(row)
            client, session = self._signed_in(erin)
            bound, url = begin(erin, row, purpose=purpose, session_hash=session)
            assert f"redirect_uri={settings.ORIGIN.replace(':', '%3A').replace('/', '%2F')}%2Fsign-in%2Fbound" in url
            answer = client.get("/sign-in/bound", {**liar.authorize(url), "next": "https://evil.example/"})
        assert (answer.status_code, answer["Location"]) == (302, f"{place}{bound.pk}")

    @pytest.mark.parametrize(("error", "kept"), [("login_required", "login_required"), ("<b>no</b>", "other"), ("", "other")])
    def test_a_provider_that_says_no_is_quoted_and_the_sign_in_is_used_up(self, error: str, kept: str) -> None:
        with make.liar() as liar:
            row = make.provider_at(liar.url)
            erin = make.known_at(row)
            client, session = self._signed_in(erin)
            back = liar.authorize(begin(erin, row, session_hash=session)[1])
            answer = client.get("/sign-in/bound", {"state": back["state"], "error": error})
            assert answer.status_code == 403
            assert "Payments Corp did not sign you in" in answer.content.decode() and "<b>no" not in answer.content.decode()
            assert client.get("/sign-in/bound", back).status_code == 409
        assert BoundSignIn.objects.get().refused_code == f"oidc.refused.{kept}"
        refused("bound.used", refuse_bound_sign_in, state=back["state"], session_hash=session, reason="x", now=timezone.now())

    def test_another_session_of_the_same_person_cannot_answer(self) -> None:
        with make.liar() as liar:
            row = make.provider_at(liar.url)
            erin = make.known_at(row)
            back = liar.authorize(begin(erin, row, session_hash=self._signed_in(erin)[1])[1])
            assert self._signed_in(erin)[0].get("/sign-in/bound", back).status_code == 404
        assert BoundSignIn.objects.get().answered_at is None
