"""An enrolment's binding, checked again in `proofs` alone: every step holds for the truth and refuses its own lie."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs.approval.enrollment import parse_enrollment
from proofs.approval.enrollment_parts import Binding
from proofs.approval.key_binding import key_nonce, verify_key_binding
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Refusal
from tests import make_tokens
from tests.passkey import SoftPasskey
from tests.proofs.approval.make_bindings import (
    ASKED,
    CLIENT,
    HANDLE,
    IDP,
    SALT,
    bound_enrollment,
    bound_payload,
    id_token,
    key_document,
    nonce_of,
)
from tests.proofs.approval.test_documents import enrollment_of
from tests.proofs.pack.world import NOON

ALICE = SoftPasskey()
TOKEN = id_token(nonce_of(ALICE))
KEYS = key_document()


def code(*, token: str = TOKEN, keys: bytes = KEYS, passkey: SoftPasskey = ALICE, at: Any = NOON, **more: Any) -> str:
    """The code that `verify_key_binding` refuses with when the enrolment names exactly this token and these keys."""
    enrollment = bound_enrollment(passkey, token=token, keys=keys, **more)
    with pytest.raises(Refusal) as refused:
        verify_key_binding(enrollment=enrollment, id_token=token, issuer_keys=keys, at=at)
    return refused.value.code


def check(payload: bytes) -> None:
    verify_key_binding(enrollment=parse_enrollment(payload), id_token=TOKEN, issuer_keys=KEYS, at=NOON)


def test_the_provider_vouches_for_this_key_and_this_person() -> None:
    verified = verify_key_binding(enrollment=bound_enrollment(ALICE, token=TOKEN), id_token=TOKEN, issuer_keys=KEYS, at=NOON)
    assert (verified.issuer, verified.audience, verified.subject) == (IDP, CLIENT, "01ALICE")
    assert (verified.authenticated_at, verified.methods) == (ASKED, ("pwd", "otp"))
    entry = {name: make_tokens.jwk(make_tokens.rsa_key(), "rsa")[name] for name in ("kty", "kid", "n", "e")}
    assert verified.signing_keys == (canonical_bytes(entry),)


def test_the_nonce_changes_with_every_value_it_is_made_of() -> None:
    values: dict[str, Any] = {"rp_id": "a", "credential_id": b"b", "spki": b"c", "user_handle": b"d", "salt": b"e"}
    changed = [key_nonce(**{**values, name: value * 2}) for name, value in values.items()]
    assert len({key_nonce(**values), *changed}) == 6
    assert len(changed[0]) == 43


class TestStep1And2WhatIsNamed:
    def test_without_a_sign_in_the_portal_alone_vouches(self) -> None:
        enrollment = parse_enrollment(enrollment_of(ALICE))
        assert (enrollment.vouching, enrollment.binding) == ("portal-vouched", None)
        with pytest.raises(Refusal) as refused:
            verify_key_binding(enrollment=enrollment, id_token=TOKEN, issuer_keys=KEYS, at=NOON)
        assert refused.value.code == "binding.missing"

    def test_another_token_than_the_named_one(self) -> None:
        with pytest.raises(Refusal) as refused:
            verify_key_binding(enrollment=bound_enrollment(ALICE, token=TOKEN), id_token=TOKEN + "A", issuer_keys=KEYS, at=NOON)
        assert refused.value.code == "binding.token_digest"

    def test_other_keys_than_the_named_ones(self) -> None:
        other = key_document(make_tokens.jwk(make_tokens.rsa_key("new"), "rsa"))
        with pytest.raises(Refusal) as refused:
            verify_key_binding(enrollment=bound_enrollment(ALICE, token=TOKEN), id_token=TOKEN, issuer_keys=other, at=NOON)
        assert refused.value.code == "binding.keys_digest"

    @pytest.mark.parametrize("keys", [b"{}", b"no json", make_tokens.key_set(), b'{"keys":[]}'])
    def test_keys_in_another_form(self, keys: bytes) -> None:
        assert code(keys=keys) == "binding.keys"


class TestStep3Nonce:
    @pytest.mark.parametrize("lie", [{"nonce": "A" * 43}, {"salt": b"t" * 32}, {"user_handle": b"other"}])
    def test_a_nonce_that_is_not_the_hash_of_this_key(self, lie: dict[str, Any]) -> None:
        assert code(lie=lie) == "binding.nonce"

    def test_a_sign_in_for_another_key_cannot_be_used_again(self) -> None:
        other = SoftPasskey()
        assert code(passkey=other, token=TOKEN) == "id_token.nonce"
        assert code(passkey=other, token=TOKEN, lie={"nonce": nonce_of(ALICE)}) == "binding.nonce"

    def test_a_sign_in_for_another_site(self) -> None:
        assert code(rp_id="elsewhere.example") == "binding.nonce"


class TestStep4Token:
    def test_a_tampered_one(self) -> None:
        head, body, signature = TOKEN.split(".")
        assert code(token=f"{head}.{body}.{'A' * 10}{signature[10:]}") == "token.signature"

    def test_one_of_a_key_the_provider_no_longer_had(self) -> None:
        assert code(keys=key_document(make_tokens.jwk(make_tokens.rsa_key("new"), "new"))) == "token.key_unknown"
        assert code(keys=key_document(make_tokens.jwk(make_tokens.rsa_key("new"), "rsa"))) == "token.signature"

    @pytest.mark.parametrize(
        ("changes", "wanted"),
        [
            ({"iss": "https://other.example"}, "id_token.issuer"),
            ({"aud": "another"}, "id_token.audience"),
            ({"exp": int(ASKED.timestamp()) + 2}, "id_token.expired"),
            ({"auth_time": None}, "id_token.auth_time"),
            ({"auth_time": int(NOON.timestamp()) - 3600}, "id_token.auth_time"),
            ({"sub": "01MALLORY"}, "binding.identity_mismatch"),
            ({"auth_time": int(ASKED.timestamp()) - 30}, "binding.authenticated_at"),
        ],
    )
    def test_one_that_says_something_else(self, changes: dict[str, Any], wanted: str) -> None:
        assert code(token=id_token(nonce_of(ALICE), **changes)) == wanted

    def test_an_old_sign_in_cannot_be_made_to_look_new(self) -> None:
        assert code(at=NOON + timedelta(minutes=12)) == "id_token.expired"
        long = id_token(nonce_of(ALICE), exp=int(NOON.timestamp()) + 86400)
        assert code(token=long, at=NOON + timedelta(minutes=30)) == "id_token.auth_time"


class TestStep5And6Person:
    def test_a_key_for_somebody_else(self) -> None:
        assert code(subject="01BOB", lie={"subject": "01ALICE"}) == "binding.identity_mismatch"

    def test_the_same_name_at_another_issuer(self) -> None:
        assert code(issuer="http://localhost:8000") == "binding.identity_mismatch"


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_bit_of_token_or_keys_can_be_changed(data: st.DataObject) -> None:
    content = data.draw(st.sampled_from([TOKEN.encode(), KEYS]))
    at = data.draw(st.integers(0, len(content) * 8 - 1))
    flipped = bytearray(content)
    flipped[at // 8] ^= 1 << at % 8
    is_token = content is not KEYS
    token = bytes(flipped).decode("latin-1") if is_token else TOKEN
    keys = KEYS if is_token else bytes(flipped)
    with pytest.raises(Refusal):
        verify_key_binding(enrollment=bound_enrollment(ALICE, token=TOKEN), id_token=token, issuer_keys=keys, at=NOON)
    if is_token:
        # Even when the enrolment names the changed token: the provider's signature covers every bit but those it cannot.
        with pytest.raises(Refusal):
            verify_key_binding(enrollment=bound_enrollment(ALICE, token=token), id_token=token, issuer_keys=keys, at=NOON)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_bit_of_the_binding_can_be_changed(data: st.DataObject) -> None:
    payload = bound_payload(ALICE, token=TOKEN)
    begin, end = payload.index(b'"binding"'), payload.index(b'"event"')
    at = data.draw(st.integers(begin * 8, end * 8 - 1))
    flipped = bytearray(payload)
    flipped[at // 8] ^= 1 << at % 8
    with pytest.raises(Refusal):
        check(bytes(flipped))


class TestTheFormOfTheParts:
    @pytest.mark.parametrize(
        "change",
        [
            lambda value: value.update(vouching="portal-vouched"),
            lambda value: value.pop("binding"),
            lambda value: value.update(binding=None),
            lambda value: value["binding"].update(salt="AAAA"),
            lambda value: value["binding"].update(userHandle=""),
            lambda value: value["binding"].update(nonce="short"),
            lambda value: value["binding"].update(more=1),
            lambda value: value["binding"].pop("tokenDigest"),
            lambda value: value.update(maturesAt="2000-01-01T00:00:00Z"),
            lambda value: value.update(compromisedFrom="2000-01-01T00:00:00Z"),
            lambda value: value.update(recovery={"officers": ["h:1"], "at": "2000-01-01T00:00:00Z"}),
            lambda value: value.update(attestation={"sha256": "ab" * 32, "aaguid": "0", "format": "packed"}),
            lambda value: value.update(event="revoked", reason="lost"),
        ],
    )
    def test_refuses_another_form(self, change: Callable[[dict[str, Any]], object]) -> None:
        value = json.loads(bound_payload(ALICE))
        change(value["predicate"])
        with pytest.raises(Refusal) as refused:
            parse_enrollment(canonical_bytes(value))
        assert refused.value.code == "enrollment.malformed"

    def test_a_revocation_may_say_from_when_on_others_may_have_signed(self) -> None:
        revoked = parse_enrollment(enrollment_of(ALICE, event="revoked", reason="stolen", compromised_from=NOON - timedelta(days=1)))
        assert revoked.compromised_from == NOON - timedelta(days=1)
        with pytest.raises(Refusal) as refused:
            enrollment_of(ALICE, event="revoked", reason="stolen", compromised_from=NOON + timedelta(days=1))
        assert refused.value.code == "enrollment.malformed"

    def test_what_is_written_reads_back(self) -> None:
        binding = bound_enrollment(ALICE).binding
        assert binding is not None
        assert binding == Binding(
            IDP, CLIENT, "01ALICE", SALT, HANDLE, nonce_of(ALICE), ASKED, sha256_hex(id_token(nonce_of(ALICE)).encode()), sha256_hex(KEYS)
        )
        assert replace(binding) == binding
