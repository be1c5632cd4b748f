"""CBOR and COSE keys: one encoding for each value, and nothing we do not know."""

from __future__ import annotations

from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fido2 import cbor
from hypothesis import given
from hypothesis import strategies as st

from proofs.approval.cose import EDDSA, ES256, MAX_DEPTH, RS256, cose_algorithm, load_cose_key, parse_cbor
from proofs.errors import Malformed, Refusal
from proofs.keys import load_spki
from tests.passkey import SoftPasskey

POINT = {1: 2, 3: ES256, -1: 1, -2: b"\x01" * 32, -3: b"\x02" * 32}
VALUES = st.recursive(
    st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=40) | st.text(max_size=40) | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(-50, 50) | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_reads_what_a_canonical_writer_wrote(value: object) -> None:
    assert parse_cbor(cbor.encode(value), code="x") == value


@given(st.binary(max_size=60))
def test_answers_any_bytes_with_their_one_value_or_a_refusal(data: bytes) -> None:
    with suppress(Malformed):
        # Text keys may stand in another order than a canonical writer's; the length of a value cannot differ.
        assert len(cbor.encode(parse_cbor(data, code="x"))) == len(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x18\x17",  # 23 in two bytes
        b"\x19\x00\xff",  # 255 in three
        b"\x1a\x00\x00\xff\xff",
        b"\x1b\x00\x00\x00\x00\xff\xff\xff\xff",
        b"\x1c",  # reserved
        b"\x5f\x41a\xff",  # indefinite bytes
        b"\x9f\xff",  # indefinite list
        b"\xc0\x61a",  # tag
        b"\xf9\x00\x00",  # float
        b"\xf7",  # undefined
        b"\x61\xff",  # not UTF-8
        b"\x42a",  # short
        b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff",  # a list longer than memory
        b"\xbb\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\xa2\x01\x01\x01\x02",  # key twice
        b"\xa1\x80\x01",  # list as key
        b"\xa1\xf5\x01",  # true as key
        b"\x01\x01",  # more than one item
        b"\x81" * (MAX_DEPTH + 2) + b"\x01",
    ],
)
def test_refuses_every_other_encoding(data: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        parse_cbor(data, code="x")
    assert refused.value.code == "x"


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
def test_loads_the_three_kinds_of_key(algorithm: int) -> None:
    passkey = SoftPasskey(algorithm=algorithm)
    key = load_cose_key(passkey.cose_key)
    assert key.spki == passkey.spki
    assert cose_algorithm(key) == algorithm


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ([], "key.malformed"),
        ({}, "key.unsupported"),
        ({1: 2, 3: -35, -1: 2}, "key.unsupported"),
        ({**POINT, 3: EDDSA}, "key.unsupported"),
        ({**POINT, -1: 2}, "key.unsupported"),
        ({**POINT, -2: b"\x01" * 31}, "key.malformed"),
        (POINT, "key.malformed"),  # not on the curve
        ({1: 1, 3: EDDSA, -1: 6, -2: b"\x01"}, "key.malformed"),
        ({1: 1, 3: EDDSA, -1: 4, -2: b"\x01" * 32}, "key.unsupported"),
        ({1: 3, 3: RS256, -1: b"\x03" * 128, -2: b"\x01\x00\x01"}, "key.unsupported"),  # too short
        ({1: 3, 3: RS256, -1: b"\x03" * 256}, "key.malformed"),
        ({1: 3, 3: RS256, -1: b"\x04" * 256, -2: b"\x02"}, "key.malformed"),
    ],
)
def test_refuses_other_keys(value: object, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        load_cose_key(cbor.encode(value))
    assert refused.value.code == code


def test_names_no_algorithm_for_keys_that_no_passkey_has() -> None:
    spki = ec.generate_private_key(ec.SECP384R1()).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(Refusal) as refused:
        cose_algorithm(load_spki(spki))
    assert refused.value.code == "key.unsupported"
