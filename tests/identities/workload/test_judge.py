"""Workload tokens, step by step: each forgery is refused with its own code, beside the untouched token that is taken."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from identities.workload.judge import (
    LONGEST_LIFE,
    SKEW,
    ProvedToken,
    choose_binding,
    judge_token,
)
from proofs.errors import Refusal
from proofs.tokens.compact import MAX_TOKEN_BYTES, read_token
from proofs.tokens.key_set import normalise_keys, read_keys
from tests import cast
from tests import make_tokens as make

pytestmark = pytest.mark.once

NOW = cast.NOW
SECOND = int(NOW.timestamp())
USUAL = {"typ": "JWT", "alg": "RS256", "kid": "rsa"}


def judge(token: str, *, keys: bytes | None = None, **changes: Any) -> ProvedToken:
    usual = {"issuer": make.ISSUER, "algorithms": ["ES256", "RS256"], "audience": make.PORTAL, "now": NOW}
    return judge_token(read_token(token), keys=read_keys(normalise_keys(keys or make.key_set())), **{**usual, **changes})


def code_of(token: str, **changes: Any) -> str:
    """The code with which a token is refused; the untouched one is taken in the same test."""
    assert judge(make.sign(make.claims(NOW))).subject == make.SUBJECT
    with pytest.raises(Refusal) as refused:
        judge(token, **changes)
    return refused.value.code


def said(**changes: Any) -> str:
    return make.sign(make.claims(NOW, **changes))


def headed(**changes: Any) -> str:
    return make.sign(make.claims(NOW), header={**USUAL, **changes})


class TestStep1TheCompactForm:
    def test_1_three_parts(self) -> None:
        good = said()
        for parts in (good.rsplit(".", 1)[0], good + ".", good + ".x.y", "", "csk_x_y"):
            assert code_of(parts) == "token.shape"

    def test_1_no_part_is_empty(self) -> None:
        header, middle, last = said().split(".")
        for parts in ((header, middle, ""), (header, "", last), ("", middle, last)):
            assert code_of(".".join(parts)) == "token.encoding"

    def test_1_not_the_json_form_with_no_signatures(self) -> None:
        header, middle, last = said().split(".")
        assert code_of(json.dumps({"payload": middle, "signatures": []})) == "token.shape"
        flat = json.dumps({"payload": middle, "protected": header, "signature": last})
        assert code_of(flat) == "token.shape"

    @pytest.mark.parametrize("part", [0, 1, 2])
    def test_1_one_spelling_of_base64url(self, part: int) -> None:
        good = make.sign(make.claims(NOW), header=b'{"typ":"JWT","alg":"RS256","kid":"rsa"}  ').split(".")

        def with_part(changed: str) -> str:
            return ".".join([*good[:part], changed, *good[part + 1 :]])

        for changed in (good[part] + "=", good[part] + "==", good[part] + "\n", " " + good[part], good[part][:5] + "+" + good[part][5:]):
            assert code_of(with_part(changed)) == "token.encoding"
        assert code_of(with_part(good[part][:-1] + "é")) == "token.encoding"

    def test_1_stray_last_bits(self) -> None:
        # 256 bytes of signature leave four bits unused in the last letter: sixteen spellings, one of which counts.
        good = said()
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        other = good[:-1] + alphabet[alphabet.index(good[-1]) + 1]
        assert code_of(other) == "token.encoding"

    def test_1_not_too_large(self) -> None:
        assert code_of(said(sub="x" * MAX_TOKEN_BYTES)) == "token.too_large"


class TestStep2TheHeader:
    @pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "RS384", "PS256", "EdDSA", "", None, ["RS256"], {"a": 1}, 5])
    def test_2_only_algorithms_of_the_list(self, algorithm: Any) -> None:
        assert code_of(headed(alg=algorithm)) == "token.algorithm"

    def test_2_alg_none_without_a_signature(self) -> None:
        header, middle, _ = headed(alg="none").split(".")
        assert code_of(f"{header}.{middle}.") == "token.encoding"
        assert code_of(f"{header}.{middle}.AA") == "token.algorithm"

    def test_2_the_public_key_is_no_shared_secret(self) -> None:
        public = make.rsa_key().public_key()
        for secret in (
            public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            public.public_bytes(Encoding.PEM, PublicFormat.PKCS1).strip(),
            public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            b"",
        ):
            for algorithm, code in (("HS256", "token.algorithm"), ("RS256", "token.signature")):
                signed = headed(alg=algorithm).rsplit(".", 1)[0]
                forged = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
                assert code_of(f"{signed}.{make.encode(forged)}") == code

    @pytest.mark.parametrize("crit", [["exp"], [], None, ["b64"], "x"])
    def test_2_nothing_critical(self, crit: Any) -> None:
        assert code_of(headed(crit=crit)) == "token.crit"
        assert code_of(headed(crit=crit, b64=False)) == "token.crit"

    @pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
    def test_2_no_key_of_its_own(self, name: str) -> None:
        own = make.rsa_key("own")
        value = {"jwk": make.jwk(own, "rsa"), "x5c": ["MIIB"]}.get(name, "https://keys.example/own")
        assert code_of(make.sign(make.claims(NOW), header={**USUAL, name: value}, key=own)) == "token.embedded_key"

    @pytest.mark.parametrize(
        "changes",
        [{"b64": False}, {"zip": "DEF"}, {"cty": "JWT"}, {"typ": "at+jwt"}, {"typ": None}, {"kid": ""}, {"kid": 5}, {"kid": None}],
    )
    def test_2_nothing_unknown(self, changes: dict[str, Any]) -> None:
        assert code_of(headed(**changes)) == "token.header"

    def test_2_without_a_type_or_with_a_thumbprint_as_platforms_write_it(self) -> None:
        for header in ({"alg": "RS256", "kid": "rsa"}, {**USUAL, "x5t": "ykNaY4qM_ta4k2TgZOCEYLkcYlA"}):
            assert judge(make.sign(make.claims(NOW), header=header)).subject == make.SUBJECT

    @pytest.mark.parametrize(
        ("header", "code"),
        [
            (b'{"alg":"none","alg":"RS256","kid":"rsa"}', "json.duplicate_key"),
            (b"[]", "token.header"),
            (b"RS256", "json.invalid"),
            (b'{"alg":"RS256","kid":"rsa"', "json.invalid"),
            (b"\xff\xfe", "json.invalid"),
        ],
    )
    def test_2_strict_json(self, header: bytes, code: str) -> None:
        assert code_of(make.sign(make.claims(NOW), header=header)) == code


class TestStep3TheClaims:
    def test_3_no_claim_twice(self) -> None:
        doubled = json.dumps(make.claims(NOW)).replace('"sub":', '"sub": "repo:evil/x", "sub":').encode()
        assert code_of(make.sign(doubled)) == "json.duplicate_key"

    @pytest.mark.parametrize("raw", [b"[]", b"1", b'"x"', b"null"])
    def test_3_an_object(self, raw: bytes) -> None:
        assert code_of(make.sign(raw)) == "token.claims"

    @pytest.mark.parametrize("issuer", [[make.ISSUER], {"0": make.ISSUER}, 1, True, "", None])
    def test_3_the_issuer_is_one_text(self, issuer: Any) -> None:
        assert code_of(said(iss=issuer)) == "token.claims"


class TestStep4TheIssuer:
    @pytest.mark.parametrize(
        "issuer", [make.ISSUER + "/", make.ISSUER.upper(), " " + make.ISSUER, make.ISSUER[:-1], "https://evil.example"]
    )
    def test_4_to_the_letter(self, issuer: str) -> None:
        assert code_of(said(iss=issuer)) == "token.issuer"

    def test_4_an_algorithm_it_was_registered_with(self) -> None:
        assert code_of(said(), algorithms=["ES256"]) == "token.algorithm"


class TestStep5TheSignature:
    def test_5_both_algorithms(self) -> None:
        assert judge(make.sign(make.claims(NOW), key=make.ec_key())).subject == make.SUBJECT

    def test_5_a_changed_middle(self) -> None:
        header, _, last = said().split(".")
        assert code_of(f"{header}.{make.encode(json.dumps(make.claims(NOW, sub='repo:evil/x')).encode())}.{last}") == "token.signature"

    def test_5_a_changed_header(self) -> None:
        _, middle, last = said().split(".")
        header = make.encode(json.dumps({"alg": "RS256", "kid": "rsa"}).encode())
        assert code_of(f"{header}.{middle}.{last}") == "token.signature"

    def test_5_another_key_under_the_name(self) -> None:
        assert code_of(make.sign(make.claims(NOW), key=make.rsa_key("own"))) == "token.signature"
        assert (
            code_of(make.sign(make.claims(NOW), header={**USUAL, "alg": "ES256", "kid": "ec"}, key=make.ec_key("own"))) == "token.signature"
        )

    @pytest.mark.parametrize("kid", ["other", "RSA", "../rsa", "rsa ", "' OR 1=1", "/dev/null"])
    def test_5_an_unknown_name(self, kid: str) -> None:
        assert code_of(headed(kid=kid)) == "token.key_unknown"

    def test_5_a_name_of_another_key_of_the_issuer(self) -> None:
        keys = make.key_set(make.jwk(make.rsa_key(), "rsa"), make.jwk(make.rsa_key("second"), "second"))
        assert judge(make.sign(make.claims(NOW), header={**USUAL, "kid": "second"}, key=make.rsa_key("second")), keys=keys)
        assert code_of(make.sign(make.claims(NOW), header={**USUAL, "kid": "second"}), keys=keys) == "token.signature"

    def test_5_a_key_of_another_type_than_the_header_says(self) -> None:
        es256_key = make.sign(make.claims(NOW), header={**USUAL, "kid": "ec"}, key=make.ec_key())
        assert code_of(es256_key) == "token.algorithm"
        assert code_of(headed(alg="ES256")) == "token.algorithm"

    def test_5_several_keys_of_one_name_within_a_bound(self) -> None:
        namesakes = [make.jwk(make.rsa_key(f"namesake {number}"), "rsa") for number in range(4)]
        own = make.jwk(make.rsa_key(), "rsa")
        assert judge(said(), keys=make.key_set(*namesakes[:3], own))
        assert code_of(said(), keys=make.key_set(*namesakes[:3])) == "token.signature"
        assert code_of(said(), keys=make.key_set(*namesakes, own)) == "token.key_ambiguous"

    def test_5_an_ecdsa_signature_of_zeros(self) -> None:
        signed = make.sign(make.claims(NOW), key=make.ec_key()).rsplit(".", 1)[0]
        for raw in (bytes(64), b"\0", bytes(63), b"\x30\x06\x02\x01\x00\x02\x01\x00"):
            assert code_of(f"{signed}.{make.encode(raw)}") == "token.signature"


class TestStep6TheAudience:
    def test_6_one_text_or_a_list_of_that_one(self) -> None:
        assert judge(said(aud=[make.PORTAL])).subject == make.SUBJECT

    @pytest.mark.parametrize(
        "audience",
        [
            "https://github.com/payments",
            make.PORTAL + "/",
            make.PORTAL.upper(),
            "",
            None,
            [],
            [make.PORTAL, "https://vault.example"],
            [make.PORTAL, make.PORTAL],
            [[make.PORTAL]],
            {"0": make.PORTAL},
        ],
    )
    def test_6_this_portal_alone(self, audience: Any) -> None:
        assert code_of(said(aud=audience)) == "token.audience"


class TestStep7TheTimes:
    skew = int(SKEW.total_seconds())

    def test_7_expired_with_the_skew(self) -> None:
        assert judge(said(), now=NOW + timedelta(seconds=300 + self.skew - 1)).expires_at == SECOND + 300
        assert code_of(said(), now=NOW + timedelta(seconds=300 + self.skew)) == "token.expired"

    def test_7_issued_in_the_future_with_the_skew(self) -> None:
        assert judge(said(iat=SECOND + self.skew)).subject == make.SUBJECT
        assert code_of(said(iat=SECOND + self.skew + 1)) == "token.not_yet"

    def test_7_not_before_with_the_skew(self) -> None:
        assert judge(said(nbf=SECOND + self.skew)).subject == make.SUBJECT
        assert code_of(said(nbf=SECOND + self.skew + 1)) == "token.not_yet"

    def test_7_without_nbf(self) -> None:
        assert judge(said(nbf=None)).subject == make.SUBJECT

    def test_7_a_short_life(self) -> None:
        longest = int(LONGEST_LIFE.total_seconds())
        assert longest >= 3607, "Kubernetes writes 3607 where an hour is asked for"
        assert judge(said(exp=SECOND + longest)).expires_at == SECOND + longest
        assert code_of(said(exp=SECOND + longest + 1)) == "token.life"
        assert code_of(said(iat=SECOND, exp=SECOND)) == "token.life"
        assert code_of(said(iat=SECOND + 30, exp=SECOND + 20)) == "token.life"

    @pytest.mark.parametrize("name", ["exp", "iat"])
    def test_7_both_are_required(self, name: str) -> None:
        assert code_of(said(**{name: None})) == "token.claims"

    @pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
    @pytest.mark.parametrize("value", ["1", 1.5, True, -1, 2**60, [1], {}])
    def test_7_whole_seconds(self, name: str, value: Any) -> None:
        assert code_of(said(**{name: value})) == "token.claims"

    def test_7_null_is_no_time(self) -> None:
        for name in ("exp", "iat", "nbf"):
            raw = json.dumps({**make.claims(NOW), name: None}).encode()
            assert code_of(make.sign(raw)) == "token.claims"


class TestStep8TheBinding:
    pins = {"a": {"sub": make.SUBJECT}, "b": {"repository_id": "75", "workflow_ref": "x"}}

    def refused(self, code: str, claims: dict[str, Any], pins: dict[str, dict[str, str]]) -> None:
        with pytest.raises(Refusal) as refusal:
            choose_binding(claims, pins)
        assert refusal.value.code == code

    def test_8_exactly_one_fits(self) -> None:
        good = make.claims(NOW)
        assert choose_binding(good, self.pins) == "a"
        self.refused("token.ambiguous", good, {**self.pins, "c": {"sub": make.SUBJECT, "repository_id": "74"}})
        self.refused("token.no_binding", good, {})
        self.refused("token.no_binding", good, {"empty": {}})

    @pytest.mark.parametrize(
        "subject", [make.SUBJECT + "/", make.SUBJECT.upper(), make.SUBJECT[:-1], [make.SUBJECT], {make.SUBJECT: 1}, None, True]
    )
    def test_8_to_the_letter(self, subject: Any) -> None:
        self.refused("token.no_binding", make.claims(NOW, sub=subject), self.pins)

    def test_8_a_number_is_not_its_text(self) -> None:
        pins = {"a": {"repository_id": "74", "workflow_ref": make.claims(NOW)["workflow_ref"]}}
        assert choose_binding(make.claims(NOW), pins) == "a"
        self.refused("token.no_binding", make.claims(NOW, repository_id=74), pins)


class TestWhatItIsUsedUpAs:
    def test_the_jti_of_its_issuer(self) -> None:
        assert judge(said()).use_sha256 == judge(said(sub="repo:payments/api:ref:refs/heads/x")).use_sha256
        assert judge(said()).use_sha256 != judge(said(jti="other")).use_sha256
        other = make.ISSUER + "/other"
        assert judge(said(iss=other), issuer=other).use_sha256 != judge(said()).use_sha256

    def test_without_one_the_signed_part_whatever_the_signature(self) -> None:
        """ECDSA signs the same words differently each time, and whoever holds a signature can make a second one of it."""
        first, second = (make.sign(make.claims(NOW, jti=None), key=make.ec_key()) for _ in range(2))
        assert first != second
        assert judge(first).use_sha256 == judge(second).use_sha256
        assert judge(first).use_sha256 != judge(said(jti=None)).use_sha256

    @pytest.mark.parametrize("jti", ["", 5, ["x"], {}])
    def test_a_jti_is_a_text(self, jti: Any) -> None:
        assert code_of(said(jti=jti)) == "token.claims"


@pytest.mark.parametrize("damage", [lambda token: token[:-3], lambda token: token[3:], lambda token: token[::-1], str.swapcase, str.lower])
def test_any_other_damage_is_refused_too(damage: Callable[[str], str]) -> None:
    assert code_of(damage(said())).startswith(("token.", "json."))
