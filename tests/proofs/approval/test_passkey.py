"""A passkey's answer: genuine ones of every kind verify, each lie is refused with its own code, and others agree with us."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers.exceptions import InvalidAuthenticationResponse

from proofs.approval.cose import EDDSA, ES256, RS256, load_cose_key
from proofs.approval.passkey import Assertion, AssertionPolicy, VerifiedAssertion, approval_policy, verify_assertion
from proofs.encoding import b64url_decode
from proofs.errors import Refusal
from proofs.keys import PublicKey
from tests.passkey import (
    ATTESTED,
    BACKED_UP,
    EXTENDED,
    PRESENT,
    TRUTH,
    USUAL,
    VERIFIED,
    Lie,
    SoftPasskey,
    with_signature,
)
from tests.proofs.published import read, rows

CHALLENGE = b"SSHSIG" + b"\x01" * 112
POLICY = approval_policy(rp_id="localhost", origins=("http://localhost:8000",))
KEYS = {algorithm: SoftPasskey(algorithm=algorithm) for algorithm in (ES256, EDDSA, RS256)}
ALGORITHMS = pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256], ids=["ES256", "EdDSA", "RS256"])

# The words of the published vectors for our codes.
REASONS = {
    "webauthn.challenge": "challenge_mismatch",
    "webauthn.origin": "origin_mismatch",
    "webauthn.signature": "signature_invalid",
    "webauthn.no_user_verification": "user_verification_missing",
    "webauthn.sign_count": "sign_count_regression",
}


def check(assertion: Assertion, key: PublicKey, *, policy: AssertionPolicy = POLICY, challenge: bytes = CHALLENGE) -> VerifiedAssertion:
    return verify_assertion(
        challenge=challenge,
        authenticator_data=assertion.authenticator_data,
        client_data_json=assertion.client_data_json,
        signature=assertion.signature,
        key=key,
        policy=policy,
    )


def refusal_of(lie: Lie, passkey: SoftPasskey = KEYS[ES256], policy: AssertionPolicy = POLICY) -> str:
    with pytest.raises(Refusal) as refused:
        check(passkey.sign(CHALLENGE, lie), passkey.public_key, policy=policy)
    return refused.value.code


@ALGORITHMS
def test_accepts_a_genuine_assertion(algorithm: int) -> None:
    passkey = KEYS[algorithm]
    verified = check(passkey.sign(CHALLENGE), passkey.public_key)
    assert verified == VerifiedAssertion("http://localhost:8000", True, False, False, 0, algorithm)


def test_tells_a_synced_passkey() -> None:
    passkey = SoftPasskey(synced=True)
    verified = check(passkey.sign(CHALLENGE), passkey.public_key)
    assert (verified.backup_eligible, verified.backed_up) == (True, True)


def test_accepts_extension_data_that_the_flag_announces() -> None:
    passkey = KEYS[ES256]
    extensions = b"\xa1\x69hmac-demo\xf5"
    assert check(passkey.sign(CHALLENGE, Lie(extensions=extensions)), passkey.public_key).user_verified


def test_accepts_members_that_browsers_may_add_later() -> None:
    passkey = KEYS[ES256]
    genuine = json.loads(passkey.sign(CHALLENGE).client_data_json)
    longer = json.dumps({**genuine, "other_keys_can_be_added_here": "x"}).encode()
    assert check(passkey.sign(CHALLENGE, Lie(client_data_json=longer)), passkey.public_key).origin == "http://localhost:8000"


@ALGORITHMS
@pytest.mark.parametrize(
    ("lie", "code"),
    [
        (Lie(type="webauthn.create"), "webauthn.type"),
        (Lie(type="payment.get"), "webauthn.type"),
        (Lie(challenge=CHALLENGE + b"\x00"), "webauthn.challenge"),
        (Lie(challenge=b""), "webauthn.challenge"),
        (Lie(origin="https://localhost:8000"), "webauthn.origin"),
        (Lie(origin="http://localhost:8000.evil.example"), "webauthn.origin"),
        (Lie(origin="http://localhost:8000/"), "webauthn.origin"),
        (Lie(cross_origin=True), "webauthn.cross_origin"),
        (Lie(top_origin="https://evil.example"), "webauthn.cross_origin"),
        (Lie(cross_origin="false"), "webauthn.malformed"),
        (Lie(cross_origin=None), "webauthn.malformed"),
        (Lie(rp_id="evil.example"), "webauthn.rp_id"),
        (Lie(flags=VERIFIED), "webauthn.no_user_presence"),
        (Lie(flags=PRESENT), "webauthn.no_user_verification"),
        (Lie(flags=USUAL | ATTESTED), "webauthn.unexpected_at"),
        (Lie(flags=USUAL | EXTENDED), "webauthn.malformed"),
        (Lie(flags=USUAL, extensions=b"\xa0"), "webauthn.malformed"),
        (Lie(extensions=b"\x80"), "webauthn.malformed"),
        (Lie(extensions=b"\xa0\x00"), "webauthn.malformed"),
        (Lie(extensions=b"\xbf\xff"), "webauthn.malformed"),
        (Lie(flags=USUAL | BACKED_UP), "webauthn.malformed"),
        (Lie(client_data_json=b"[]"), "webauthn.malformed"),
        (Lie(client_data_json=b"\xff"), "webauthn.malformed"),
        (Lie(client_data_json=b"{" + b" " * 9000 + b"}"), "webauthn.malformed"),
        (Lie(tamper_signature=True), "webauthn.signature"),
    ],
)
def test_refuses_each_lie_with_its_code(lie: Lie, code: str, algorithm: int) -> None:
    assert refusal_of(lie, KEYS[algorithm]) == code


def test_refuses_client_data_with_a_member_twice() -> None:
    genuine = KEYS[ES256].sign(CHALLENGE).client_data_json.decode()
    twice = genuine.replace('{"type"', '{"origin":"https://evil.example","type"').encode()
    assert refusal_of(Lie(client_data_json=twice)) == "webauthn.malformed"


def test_refuses_the_challenge_in_another_spelling() -> None:
    genuine = KEYS[ES256].sign(CHALLENGE).client_data_json.decode()
    challenge = json.loads(genuine)["challenge"]
    assert refusal_of(Lie(client_data_json=genuine.replace(challenge, challenge + "=").encode())) == "webauthn.challenge"


@pytest.mark.parametrize("length", [0, 32, 36, 5000])
def test_refuses_authenticator_data_of_an_impossible_length(length: int) -> None:
    passkey = KEYS[ES256]
    assertion = replace(passkey.sign(CHALLENGE), authenticator_data=b"\x00" * length)
    with pytest.raises(Refusal) as refused:
        check(assertion, passkey.public_key)
    assert refused.value.code == "webauthn.malformed"


@ALGORITHMS
def test_refuses_the_key_of_another_credential(algorithm: int) -> None:
    for other in (ES256, EDDSA, RS256):
        with pytest.raises(Refusal) as refused:
            check(KEYS[algorithm].sign(CHALLENGE), SoftPasskey(algorithm=other).public_key)
        assert refused.value.code == "webauthn.signature"


@pytest.mark.parametrize("signature", [b"", b"\x30\x00", b"\x00" * 64, b"\x30\x06\x02\x01\x00\x02\x01\x00"])
def test_refuses_signatures_that_are_none(signature: bytes) -> None:
    passkey = KEYS[ES256]
    with pytest.raises(Refusal) as refused:
        check(with_signature(passkey.sign(CHALLENGE), signature), passkey.public_key)
    assert refused.value.code == "webauthn.signature"


def test_approvals_use_one_strict_policy() -> None:
    assert (POLICY.require_user_verification, POLICY.allow_cross_origin, POLICY.refuse_counter_regression) == (True, False, False)


@given(data=st.data())
def test_refuses_any_single_byte_changed(data: st.DataObject) -> None:
    passkey = KEYS[EDDSA]
    assertion = passkey.sign(CHALLENGE)
    name = data.draw(st.sampled_from(["authenticator_data", "client_data_json", "signature"]))
    value = bytearray(getattr(assertion, name))
    value[data.draw(st.integers(0, len(value) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Refusal):
        check(replace(assertion, **{name: bytes(value)}), passkey.public_key)


class TestPublishedVectors:
    """Assertions that browsers and other projects made, each under the policy that its row names."""

    @pytest.mark.parametrize("row", rows("webauthn-assertion"))
    def test_reaches_the_verdict_of_the_row(self, row: dict[str, Any]) -> None:
        inputs, expected = row["inputs"], row["expected"]
        response = json.loads(read(row["files"]["evidence"]))["authentication"]["credential"]["response"]
        policy = AssertionPolicy(
            rp_id=inputs["rp_id"],
            origins=(inputs["origin"],),
            require_user_verification=inputs["require_user_verification"],
            allow_cross_origin=True,
            refuse_counter_regression=True,
        )
        given_bytes = {name: _decoded(response[name]) for name in ("authenticatorData", "clientDataJSON", "signature")}

        def verify() -> VerifiedAssertion:
            return verify_assertion(
                challenge=_decoded(inputs["challenge"]),
                authenticator_data=given_bytes["authenticatorData"],
                client_data_json=given_bytes["clientDataJSON"],
                signature=given_bytes["signature"],
                key=load_cose_key(_decoded(inputs["credential_public_key"])),
                policy=policy,
                stored_sign_count=inputs["sign_count"],
            )

        if expected["verdict"] == "rejected":
            with pytest.raises(Refusal) as refused:
                verify()
            assert REASONS[refused.value.code] == expected["reason"]
            return
        verified, facts = verify(), expected["facts"]
        assert verified.algorithm == facts["cose_algorithm"]
        assert verified.user_verified == facts["user_verified"]
        assert (verified.backup_eligible, verified.backed_up) == (facts["backup_eligible"], facts["backed_up"])
        assert verified.sign_count == facts["sign_count"]

    @pytest.mark.parametrize("row", rows("webauthn-assertion"))
    def test_the_policy_of_approvals_refuses_what_was_made_elsewhere(self, row: dict[str, Any]) -> None:
        response = json.loads(read(row["files"]["evidence"]))["authentication"]["credential"]["response"]
        with pytest.raises(Refusal):
            verify_assertion(
                challenge=_decoded(row["inputs"]["challenge"]),
                authenticator_data=_decoded(response["authenticatorData"]),
                client_data_json=_decoded(response["clientDataJSON"]),
                signature=_decoded(response["signature"]),
                key=load_cose_key(_decoded(row["inputs"]["credential_public_key"])),
                policy=POLICY,
            )


class TestSecondOpinion:
    """The `webauthn` package on the same assertions and registrations."""

    @ALGORITHMS
    def test_agrees_on_genuine_assertions(self, algorithm: int) -> None:
        passkey = KEYS[algorithm]
        other = verify_authentication_response(
            credential=json.dumps(passkey.get(CHALLENGE)),
            expected_challenge=CHALLENGE,
            expected_rp_id="localhost",
            expected_origin="http://localhost:8000",
            credential_public_key=passkey.cose_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
        assert other.user_verified
        assert check(passkey.sign(CHALLENGE), load_cose_key(passkey.cose_key)).user_verified

    @pytest.mark.parametrize(
        "lie", [Lie(origin="https://evil.example"), Lie(rp_id="evil.example"), Lie(flags=PRESENT), Lie(tamper_signature=True)]
    )
    def test_agrees_on_lies(self, lie: Lie) -> None:
        passkey = KEYS[ES256]
        with pytest.raises(InvalidAuthenticationResponse):
            verify_authentication_response(
                credential=json.dumps(passkey.get(CHALLENGE, lie)),
                expected_challenge=CHALLENGE,
                expected_rp_id="localhost",
                expected_origin="http://localhost:8000",
                credential_public_key=passkey.cose_key,
                credential_current_sign_count=0,
                require_user_verification=True,
            )
        assert refusal_of(lie).startswith("webauthn.")

    @ALGORITHMS
    def test_reads_the_registrations_our_test_passkey_makes(self, algorithm: int) -> None:
        passkey = KEYS[algorithm]
        registered = verify_registration_response(
            credential=json.dumps(passkey.create(CHALLENGE, TRUTH)),
            expected_challenge=CHALLENGE,
            expected_rp_id="localhost",
            expected_origin="http://localhost:8000",
            require_user_verification=True,
        )
        assert registered.credential_id == passkey.credential_id
        assert load_cose_key(registered.credential_public_key).spki == passkey.spki


def _decoded(text: str) -> bytes:
    return b64url_decode(text, code="test", what="a vector")
