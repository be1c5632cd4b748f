"""Envelopes and the statements in them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from proofs.dsse import MAX_SIGNATURES, build_envelope, pae, parse_envelope, verify_envelope
from proofs.errors import Refusal, Unproven
from proofs.keys import PublicKey, load_spki
from proofs.statement import MAX_SUBJECTS, parse_statement

DIGEST = "cd" * 32
STATEMENT: dict[str, Any] = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [{"name": "a", "digest": {"sha256": DIGEST}}],
    "predicateType": "https://example.com/p/v1",
    "predicate": {"x": 1.5},
}


def new_key() -> tuple[ed25519.Ed25519PrivateKey, PublicKey]:
    private = ed25519.Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private, load_spki(public)


def code_of(function: Any, *arguments: Any) -> str:
    with pytest.raises(Refusal) as refused:
        function(*arguments)
    return refused.value.code


class TestPreAuthenticationEncoding:
    def test_the_specifications_example(self) -> None:
        assert pae("http://example.com/HelloWorld", b"hello world") == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"

    def test_lengths_are_bytes_not_characters(self) -> None:
        assert pae("é", "é".encode()) == b"DSSEv1 2 \xc3\xa9 2 \xc3\xa9"

    def test_type_and_payload_cannot_be_shifted_into_each_other(self) -> None:
        assert pae("a", b"b c") != pae("a b", b"c")


class TestEnvelope:
    def test_a_threshold_counts_keys_and_never_signatures(self) -> None:
        (first, one), (second, two), (_, three) = new_key(), new_key(), new_key()
        value = build_envelope(b"payload", first.sign(pae("t", b"payload")), key_hint="", payload_type="t")
        value["signatures"] *= 3
        twice = parse_envelope(json.dumps(value).encode())
        with pytest.raises(Unproven) as refused:
            verify_envelope(twice, [one, one, two, three], threshold=2)
        assert refused.value.code == "dsse.threshold"
        value["signatures"].append(build_envelope(b"", second.sign(pae("t", b"payload")), key_hint="")["signatures"][0])
        assert verify_envelope(parse_envelope(json.dumps(value).encode()), [one, two, three], threshold=2) == (one, two)
        for threshold in (0, -1):
            with pytest.raises(ValueError, match="below one"):
                verify_envelope(twice, [one], threshold=threshold)

    def test_reads_the_other_form_in_which_signers_write(self) -> None:
        curve = ec.generate_private_key(ec.SECP256R1())
        r, s = decode_dss_signature(curve.sign(pae("t", b"payload"), ec.ECDSA(hashes.SHA256())))
        pair = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        factors = rsa.generate_private_key(65537, 2048)
        pss = factors.sign(pae("t", b"payload"), padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
        sha1 = factors.sign(pae("t", b"payload"), padding.PSS(padding.MGF1(hashes.SHA1()), 20), hashes.SHA1())
        for key, signature, holds in (
            (curve, pair, True),
            (curve, pair + b"\0", False),
            (curve, pair[:-1], False),
            (curve, bytes(64), False),
            (factors, pss, True),
            (factors, sha1, False),
        ):
            public = load_spki(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
            envelope = parse_envelope(build_envelope(b"payload", signature, key_hint="", payload_type="t"))
            if holds:
                assert verify_envelope(envelope, [public]) == (public,)
                continue
            with pytest.raises(Unproven):
                verify_envelope(envelope, [public])

    def test_verifies_with_whichever_key_signed(self) -> None:
        (first, one), (_, two), (third, three) = new_key(), new_key(), new_key()
        value = build_envelope(b"payload", first.sign(pae("t", b"payload")), key_hint="", payload_type="t")
        value["signatures"].append({"sig": build_envelope(b"", third.sign(pae("t", b"payload")), key_hint="")["signatures"][0]["sig"]})
        envelope = parse_envelope(json.dumps(value).encode())
        assert verify_envelope(envelope, [two, three]) == (three,)
        assert verify_envelope(envelope, [one]) == (one,)
        with pytest.raises(Unproven):
            verify_envelope(envelope, [two])
        with pytest.raises(Unproven):
            verify_envelope(envelope, [])

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"payloadType": None}, "dsse.malformed"),
            ({"payload": None}, "dsse.malformed"),
            ({"payload": "a-+="}, "dsse.malformed"),
            ({"signatures": None}, "dsse.malformed"),
            ({"signatures": []}, "dsse.unsigned"),
            ({"signatures": [{}] * (MAX_SIGNATURES + 1)}, "dsse.too_many_signatures"),
            ({"signatures": [1]}, "dsse.malformed"),
            ({"signatures": [{"sig": 1}]}, "dsse.malformed"),
            ({"signatures": [{"sig": "QQ==", "keyid": 1}]}, "dsse.malformed"),
            ({"signatures": [{"sig": "QQ==", "extension": 1}]}, "dsse.malformed"),
        ],
    )
    def test_refuses_another_shape(self, change: dict[str, Any], code: str) -> None:
        value = build_envelope(b"payload", b"signature", key_hint="k") | change
        assert code_of(parse_envelope, json.dumps(value).encode()) == code

    @pytest.mark.parametrize(("payload", "holds"), [("-_8", True), ("-_8=", True), ("-_8==", False), ("-_8=====", False), ("-_-_=", False)])
    def test_the_other_alphabet_has_no_padding_or_just_the_right_one(self, payload: str, holds: bool) -> None:
        value = build_envelope(b"", b"s", key_hint="k") | {"payload": payload}
        if holds:
            assert parse_envelope(value).payload == b"\xfb\xff"
        else:
            assert code_of(parse_envelope, value) == "dsse.malformed"

    @pytest.mark.parametrize(
        ("payload", "holds"), [("YWI", True), ("YQ", True), ("YWI=", True), ("YR", False), ("YWJjZ", False), ("YW+", False)]
    )
    def test_the_other_alphabet_needs_no_padding_where_both_look_alike(self, payload: str, holds: bool) -> None:
        value = build_envelope(b"", b"s", key_hint="k") | {"payload": payload}
        if holds:
            assert parse_envelope(value).payload in (b"ab", b"a")
        else:
            assert code_of(parse_envelope, value) == "dsse.malformed"

    def test_a_key_id_of_null_is_none(self) -> None:
        value = build_envelope(b"payload", b"s", key_hint="k")
        value["signatures"][0]["keyid"] = None
        assert parse_envelope(value).signatures[0].key_hint == ""

    def test_keeps_the_payload_as_it_was_signed(self) -> None:
        value = build_envelope(b' {"a" : 1} ', b"s", key_hint="k")
        assert parse_envelope(value).payload == b' {"a" : 1} '


class TestStatement:
    @pytest.mark.parametrize("unseen", ["\u200b", "\u2028", "\u200f", "\u2060", "\ufeff", "\u00ad"])
    def test_two_subjects_never_differ_by_what_nobody_sees(self, unseen: str) -> None:
        subject = {"name": f"payments{unseen}.tar.gz", "digest": {"sha256": "ab" * 32}}
        assert code_of(parse_statement, json.dumps(STATEMENT | {"subject": [subject]}).encode()) == "statement.malformed"

    def test_a_name_in_any_script_is_a_name(self) -> None:
        for name in ("зарплата.tar.gz", "料金.tar.gz", "می\u200cخواهم.tar.gz", "\U0001f468\u200d\U0001f4bb.tar.gz"):
            subject = {"name": name, "digest": {"sha256": "ab" * 32}}
            assert parse_statement(json.dumps(STATEMENT | {"subject": [subject]}).encode()).subjects[0].name == name

    def test_reads_both_versions(self) -> None:
        for version in ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"):
            statement = parse_statement(json.dumps(STATEMENT | {"_type": version}).encode())
            assert [str(digest) for digest in statement.subjects[0].digests] == [f"sha256:{DIGEST}"]
            assert statement.predicate == {"x": 1.5}

    def test_keeps_digests_it_knows_and_leaves_the_others_out(self) -> None:
        subject = {"name": "a", "digest": {"sha1": "0" * 40, "sha512": "e" * 128, "sha256": DIGEST, "gitCommit": "0" * 40}}
        statement = parse_statement(json.dumps(STATEMENT | {"subject": [subject]}).encode())
        assert [digest.algorithm for digest in statement.subjects[0].digests] == ["sha256", "sha512"]

    def test_the_predicate_may_be_absent(self) -> None:
        assert parse_statement(json.dumps({key: STATEMENT[key] for key in STATEMENT if key != "predicate"}).encode()).predicate == {}

    def test_a_type_may_be_empty_and_is_then_understood_by_nobody(self) -> None:
        statement = parse_statement(json.dumps(STATEMENT | {"predicateType": ""}).encode())
        assert (statement.predicate_type, statement.is_bare_file) == ("", False)

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"_type": "https://in-toto.io/Statement/v9"}, "statement.malformed"),
            ({"_type": None}, "statement.malformed"),
            ({"predicateType": 1}, "statement.malformed"),
            ({"predicateType": "https://x/\u202e"}, "statement.malformed"),
            ({"predicate": []}, "statement.malformed"),
            ({"subject": []}, "statement.malformed"),
            ({"subject": [{"name": "a", "digest": {"sha256": int("1" * 64)}}]}, "statement.malformed"),
            ({"subject": {}}, "statement.malformed"),
            ({"subject": [1]}, "statement.malformed"),
            ({"subject": [{"name": 1, "digest": {"sha256": DIGEST}}]}, "statement.malformed"),
            ({"subject": [{"name": "a"}]}, "statement.malformed"),
            ({"subject": [{"name": "a", "digest": {"sha256": DIGEST[:-1]}}]}, "statement.malformed"),
            ({"subject": [{"name": "a", "digest": {"sha256": 1}}]}, "statement.malformed"),
            ({"subject": [{"name": "a", "digest": {"sha1": "0" * 40}}]}, "statement.no_digest"),
            ({"subject": [{"name": "a", "digest": {}}]}, "statement.no_digest"),
            ({"subject": STATEMENT["subject"] * (MAX_SUBJECTS + 1)}, "statement.too_many_subjects"),
        ],
    )
    def test_refuses_another_shape(self, change: dict[str, Any], code: str) -> None:
        assert code_of(parse_statement, json.dumps(STATEMENT | change).encode()) == code
