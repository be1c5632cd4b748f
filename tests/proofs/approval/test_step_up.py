"""A sign-in in place of a key: the honest one, and a lie for each step. The numbers in the names are the steps of `proofs.approval.step_up`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from proofs.approval.approval_parts import HumanApproval, SignInReference
from proofs.approval.human_approval import build_human_approval, parse_human_approval
from proofs.approval.record import CHECKS, SIGN_IN_CHECKS, Record, TokenReference, build_record, human_sign_in, parse_record
from proofs.approval.step_up import VerifiedStepUp, step_up_nonce, verify_step_up
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.digest import sha256_hex
from proofs.errors import Refusal
from tests import make_tokens as tokens
from tests.make_id_tokens import CLIENT, ISSUER, KEYS, SUBJECT, id_token, rotated
from tests.proofs.pack.world import NOON, World, alice

MINUTE = timedelta(minutes=1)
WORLD = World()


def statement(**changes: Any) -> HumanApproval:
    usual = WORLD.approval(alice(issuer=ISSUER, subject=SUBJECT))
    return replace(usual, **{"signer": SignInReference(ISSUER, CLIENT, SUBJECT), **changes})


APPROVAL = statement()
PAYLOAD = build_human_approval(APPROVAL)
NONCE = step_up_nonce(PAYLOAD)


def referring(token: str, keys: bytes = KEYS) -> TokenReference:
    return TokenReference(sha256_hex(token.encode()), sha256_hex(keys), ISSUER, CLIENT)


def verify(
    token: str | None = None, *, payload: bytes = PAYLOAD, keys: bytes = KEYS, contexts: tuple[str, ...] = (), **changes: Any
) -> VerifiedStepUp:
    text = token if token is not None else id_token(nonce=NONCE, at=NOON + MINUTE, **changes)
    return verify_step_up(
        payload=payload,
        reference=referring(text, keys),
        id_token=text,
        issuer_keys=keys,
        second_factor_contexts=contexts,
        at=NOON + 2 * MINUTE,
    )


def code_of(token: str | None = None, **changes: Any) -> str:
    with pytest.raises(Refusal) as refused:
        verify(token, **changes)
    return refused.value.code


class TestHonest:
    def test_a_sign_in_with_two_factors_over_this_statement_reaches_h2(self) -> None:
        verified = verify()
        assert (verified.level, verified.token.subject, verified.token.methods) == ("H2", SUBJECT, ("pwd", "mfa"))

    def test_the_nonce_covers_every_byte_of_the_statement(self) -> None:
        assert len(NONCE) == 43
        assert step_up_nonce(build_human_approval(statement(justification="Hotfix."))) != NONCE

    def test_the_statement_reads_back_with_its_new_signer_and_takes_no_field_it_does_not_know(self) -> None:
        assert parse_human_approval(PAYLOAD) == APPROVAL
        value = parse_canonical(PAYLOAD)
        value["predicate"]["approver"]["signer"]["enrollment"] = {"digest": {"sha256": "ab" * 32}}
        with pytest.raises(Refusal) as refused:
            parse_human_approval(canonical_bytes(value))
        assert refused.value.code == "approval.malformed"


class TestStep1Reference:
    def test_1_refuses_another_token_or_other_keys_than_the_record_names(self) -> None:
        token = id_token(nonce=NONCE, at=NOON)
        for reference, code in (
            (replace(referring(token), token="ab" * 32), "sign_in.token"),
            (replace(referring(token), keys="ab" * 32), "sign_in.keys"),
        ):
            with pytest.raises(Refusal) as refused:
                verify_step_up(payload=PAYLOAD, reference=reference, id_token=token, issuer_keys=KEYS, second_factor_contexts=(), at=NOON)
            assert refused.value.code == code


class TestStep2And3Statement:
    def test_2_refuses_a_statement_that_names_a_key_or_another_provider(self) -> None:
        with_key = build_human_approval(WORLD.approval(alice(issuer=ISSUER, subject=SUBJECT)))
        assert code_of(payload=with_key) == "sign_in.provider"
        elsewhere = build_human_approval(statement(signer=SignInReference("https://other.example", CLIENT, SUBJECT)))
        assert code_of(payload=elsewhere) == "sign_in.provider"
        for_another = build_human_approval(statement(signer=SignInReference(ISSUER, "another-client", SUBJECT)))
        assert code_of(payload=for_another) == "sign_in.provider"

    def test_3_refuses_a_statement_that_somebody_else_confirms(self) -> None:
        assert (
            code_of(payload=build_human_approval(statement(signer=SignInReference(ISSUER, CLIENT, "00u9mallory"))))
            == "signer.identity_mismatch"
        )


class TestStep4Token:
    def test_4_refuses_a_token_of_another_ceremony(self) -> None:
        other = build_human_approval(statement(ceremony=replace(APPROVAL.ceremony, id="cer_2", nonce="A" * 42 + "E")))
        assert code_of(id_token(nonce=step_up_nonce(other), at=NOON)) == "id_token.nonce"
        assert code_of(id_token(nonce="", at=NOON)) == "id_token.nonce"

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"iss": "https://other.example"}, "id_token.issuer"),
            ({"aud": "another-client"}, "id_token.audience"),
            ({"aud": [CLIENT, "another-client"]}, "id_token.audience"),
            ({"azp": "another-client"}, "id_token.audience"),
            ({"exp": int(NOON.timestamp()) - 600}, "id_token.expired"),
            ({"iat": int(NOON.timestamp()) + 3600}, "id_token.not_yet"),
            ({"key": tokens.rsa_key("a stranger's")}, "token.signature"),
            ({"header": {"alg": "none", "kid": "rsa"}}, "token.algorithm"),
        ],
    )
    def test_4_refuses_a_token_that_does_not_hold(self, changes: dict[str, Any], code: str) -> None:
        assert code_of(**changes) == code

    def test_4_refuses_keys_that_were_rotated_away(self) -> None:
        assert code_of(keys=rotated()) == "token.key_unknown"


class TestStep5AskedAgain:
    @pytest.mark.parametrize("auth_time", [None, int((NOON - 5 * MINUTE).timestamp())], ids=["does not say when", "an old session"])
    def test_5_refuses_a_provider_that_did_not_ask_after_the_statement_was_issued(self, auth_time: int | None) -> None:
        assert code_of(auth_time=auth_time) == "id_token.auth_time"


class TestStep6Subject:
    def test_6_refuses_whoever_else_signed_in(self) -> None:
        assert code_of(sub="00u9mallory") == "sign_in.subject"


class TestStep7Level:
    @pytest.mark.parametrize("said", [{"amr": None}, {"amr": ["pwd"]}, {"amr": ["pwd"], "acr": "urn:corp:one"}])
    def test_7_without_a_second_factor_it_is_h1(self, said: dict[str, Any]) -> None:
        assert verify(**said, contexts=("urn:corp:two",)).level == "H1"

    def test_7_a_context_that_the_reader_takes_for_two_factors_is_as_good(self) -> None:
        assert verify(amr=None, acr="urn:corp:two", contexts=("urn:corp:two",)).level == "H2"
        assert verify(amr=None, acr="", contexts=("",)).level == "H1"


class TestRecord:
    def record(self, checks: tuple[str, ...] = SIGN_IN_CHECKS) -> bytes:
        return build_record(
            payload=PAYLOAD,
            assertion=referring(id_token(nonce=NONCE, at=NOON)),
            assurance="H2",
            checked_at=NOON,
            checks=checks,
            verifier_version="0.1.0",
            portal="http://localhost:8000",
        )

    def test_reads_back_and_holds_no_token(self) -> None:
        record = self.record()
        token = id_token(nonce=NONCE, at=NOON)
        parsed: Record = parse_record(record)
        assert (parsed.signature, parsed.enrollment, parsed.checks) == (referring(token), "", SIGN_IN_CHECKS)
        assert token.encode() not in record
        with pytest.raises(Refusal) as refused:
            _ = parsed.assertion
        assert refused.value.code == "record.malformed"

    def test_claims_no_check_of_a_passkey_and_names_no_enrolment(self) -> None:
        with pytest.raises(Refusal):
            self.record(CHECKS)
        value = parse_canonical(self.record())
        value["predicate"]["enrollment"] = {"digest": {"sha256": "ab" * 32}}
        with pytest.raises(Refusal) as refused:
            parse_record(canonical_bytes(value))
        assert refused.value.code == "record.malformed"

    def test_says_why_other_tools_have_no_form_for_it(self) -> None:
        said = human_sign_in(PAYLOAD)
        assert (said["dsse"], said["sshsig"]) == (None, None)
        assert "neither DSSE nor OpenSSH" in said["reason"]
