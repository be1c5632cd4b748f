"""An ID token held against what it must say: every step refuses its own lie, and the honest token passes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs.errors import Refusal
from proofs.tokens.id_token import VerifiedIdToken, verify_id_token
from proofs.tokens.key_set import normalise_keys
from tests import make_id_tokens as make
from tests import make_tokens

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
NONCE = "n" * 43
TOKEN = make.id_token(nonce=NONCE, at=AT)
HEADER = {"typ": "JWT", "alg": "RS256", "kid": "rsa"}


def told(**changes: Any) -> str:
    return make.id_token(**{"nonce": NONCE, "at": AT, **changes})


def verify(token: str = TOKEN, **changes: Any) -> VerifiedIdToken:
    expected: dict[str, Any] = {
        "issuer_keys": make.KEYS,
        "expected_issuer": make.ISSUER,
        "expected_audience": make.CLIENT,
        "expected_nonce": NONCE,
        "at": AT,
        "authenticated_after": AT,
    }
    return verify_id_token(token, **{**expected, **changes})


def code(token: str = TOKEN, **changes: Any) -> str:
    with pytest.raises(Refusal) as refused:
        verify(token, **changes)
    return refused.value.code


class TestWhatComesOut:
    def test_says_who_signed_in_where_and_how(self) -> None:
        said = verify(told(acr="urn:two", key=make_tokens.ec_key()))
        assert (said.issuer, said.subject, said.audience, said.nonce) == (make.ISSUER, make.SUBJECT, make.CLIENT, NONCE)
        assert (said.authenticated_at, said.issued_at, said.expires_at) == (AT, AT, AT + timedelta(minutes=5))
        assert (said.methods, said.context, said.key_name) == (("pwd", "mfa"), "urn:two", "ec")

    @pytest.mark.parametrize("subject", [None, "", 5, ["x"], "x" * 256])
    def test_says_nothing_of_a_person_without_a_name(self, subject: object) -> None:
        assert code(told(sub=subject)) == "token.claims"

    @pytest.mark.parametrize("methods", ["pwd", [1], {"pwd": 1}])
    def test_methods_are_a_list_of_texts(self, methods: object) -> None:
        assert code(told(amr=methods)) == "token.claims"

    def test_a_context_of_another_type_is_none(self) -> None:
        assert verify(told(acr=2)).context == ""


class TestStep1Form:
    @pytest.mark.parametrize(
        ("token", "wanted"),
        [
            ("", "token.shape"),
            ("a.b", "token.shape"),
            (TOKEN + ".e", "token.shape"),
            (TOKEN + "=", "token.encoding"),
            (TOKEN.replace(".", " .", 1), "token.encoding"),
        ],
    )
    def test_refuses_another_form(self, token: str, wanted: str) -> None:
        assert code(token) == wanted

    @pytest.mark.parametrize(
        ("header", "wanted"),
        [
            ({**HEADER, "crit": ["exp"]}, "token.crit"),
            ({**HEADER, "jwk": {}}, "token.embedded_key"),
            ({**HEADER, "jku": "https://evil.example"}, "token.embedded_key"),
            ({**HEADER, "more": 1}, "token.header"),
            ({**HEADER, "typ": "at+jwt"}, "token.header"),
            ({**HEADER, "alg": "none"}, "token.algorithm"),
            ({**HEADER, "alg": "HS256"}, "token.algorithm"),
        ],
    )
    def test_refuses_a_header_that_asks_for_more(self, header: dict[str, Any], wanted: str) -> None:
        assert code(told(header=header)) == wanted

    def test_refuses_a_claim_told_twice(self) -> None:
        twice = json.dumps({"iss": make.ISSUER, "aud": make.CLIENT})[:-1] + f', "iss": "{make.ISSUER}"}}'
        assert code(make_tokens.sign(twice.encode())).startswith("json.")


class TestStep2Key:
    def test_refuses_a_key_the_provider_does_not_have(self) -> None:
        assert code(told(header={**HEADER, "kid": "other"})) == "token.key_unknown"
        assert code(issuer_keys=make.rotated()) == "token.key_unknown"

    def test_refuses_another_algorithm_than_the_keys_own(self) -> None:
        assert code(told(header={**HEADER, "alg": "ES256"})) == "token.algorithm"

    def test_refuses_many_keys_of_one_name(self) -> None:
        many = make_tokens.key_set(*(make_tokens.jwk(make_tokens.ec_key(str(number)), "ec") for number in range(5)))
        assert code(told(key=make_tokens.ec_key()), issuer_keys=normalise_keys(many)) == "token.key_ambiguous"

    def test_a_rotation_may_keep_the_name(self) -> None:
        both = make_tokens.key_set(make_tokens.jwk(make_tokens.rsa_key("new"), "rsa"), make_tokens.jwk(make_tokens.rsa_key(), "rsa"))
        assert verify(issuer_keys=normalise_keys(both)).key_name == "rsa"


class TestStep3Signature:
    @pytest.mark.parametrize("key", [make_tokens.rsa_key("stranger"), make_tokens.ec_key("stranger")])
    def test_refuses_the_signature_of_a_stranger(self, key: Any) -> None:
        assert code(told(key=key)) == "token.signature"

    def test_refuses_a_der_signature_of_the_right_key(self) -> None:
        signed, _, _ = told(key=make_tokens.ec_key()).rpartition(".")
        assert code(f"{signed}.{make_tokens.encode(b'0' * 70)}") == "token.signature"

    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, len(TOKEN) * 8 - 1))
    def test_covers_every_bit(self, at: int) -> None:
        flipped = bytearray(TOKEN.encode())
        flipped[at // 8] ^= 1 << at % 8
        with pytest.raises(Refusal):
            verify(flipped.decode("latin-1"))


class TestStep4Issuer:
    @pytest.mark.parametrize("issuer", [make.ISSUER + "/", make.ISSUER.upper(), "https://other.example"])
    def test_refuses_any_other_spelling(self, issuer: str) -> None:
        assert code(told(iss=issuer)) == "id_token.issuer"


class TestStep5Audience:
    @pytest.mark.parametrize("audience", ["another", [make.CLIENT, "another"], [], None, {make.CLIENT: 1}])
    def test_refuses_a_token_for_others(self, audience: object) -> None:
        assert code(told(aud=audience)) == "id_token.audience"

    def test_refuses_a_token_that_another_party_asked_for(self) -> None:
        assert code(told(azp="another")) == "id_token.audience"
        assert verify(told(azp=make.CLIENT, aud=[make.CLIENT])).audience == make.CLIENT


class TestStep6Nonce:
    @pytest.mark.parametrize("nonce", ["m" * 43, "", None, 5, NONCE + " ", "é" * 43])
    def test_refuses_the_answer_to_another_question(self, nonce: Any) -> None:
        assert code(told(nonce=nonce)) == "id_token.nonce"

    def test_half_a_character_is_no_text(self) -> None:
        assert code(told(nonce="\ud800")).startswith(("json.", "id_token.nonce", "token.claims"))


class TestStep7Time:
    def test_refuses_a_token_that_ran_out_or_is_from_the_future(self) -> None:
        assert code(at=AT + timedelta(minutes=6)) == "id_token.expired"
        assert code(at=AT - timedelta(seconds=61)) == "id_token.not_yet"
        assert code(told(nbf=int(AT.timestamp()) + 120)) == "id_token.not_yet"

    def test_clocks_may_differ_by_a_minute(self) -> None:
        assert verify(at=AT + timedelta(minutes=5, seconds=59)) and verify(at=AT - timedelta(seconds=60))

    @pytest.mark.parametrize("value", [None, "1", 1.5, True, -1, 2**40])
    @pytest.mark.parametrize("name", ["iat", "exp"])
    def test_times_are_whole_seconds(self, name: str, value: object) -> None:
        assert code(told(**{name: value})) in ("token.claims", "json.float")


class TestStep8AskedAgain:
    def test_refuses_an_old_sign_in(self) -> None:
        assert code(told(auth_time=int(AT.timestamp()) - 61)) == "id_token.auth_time"
        assert verify(told(auth_time=int(AT.timestamp()) - 60))

    def test_refuses_a_provider_that_does_not_say(self) -> None:
        assert code(told(auth_time=None)) == "id_token.auth_time"

    def test_refuses_a_sign_in_of_the_future(self) -> None:
        assert code(told(auth_time=int(AT.timestamp()) + 61)) == "id_token.auth_time"

    def test_is_left_out_where_nobody_asks(self) -> None:
        assert verify(told(auth_time=None), authenticated_after=None).authenticated_at is None
