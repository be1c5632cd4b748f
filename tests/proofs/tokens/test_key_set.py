"""An issuer's key set: what is of use is kept, in one canonical form; private, weak and malformed keys are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa

from proofs.canonical import canonical_bytes
from proofs.errors import Refusal
from proofs.tokens.key_set import MAX_DOCUMENT_BYTES, MAX_KEYS, normalise_keys, read_keys
from tests import make_tokens as make

RSA, EC = make.jwk(make.rsa_key(), "rsa"), make.jwk(make.ec_key(), "ec")


def names(*keys: dict[str, Any]) -> list[str]:
    return [key.kid for key in read_keys(normalise_keys(make.key_set(*keys)))]


def refused(code: str, document: bytes) -> None:
    assert names(RSA, EC) == ["rsa", "ec"]
    with pytest.raises(Refusal) as refusal:
        normalise_keys(document)
    assert refusal.value.code == code


def test_what_is_kept_is_canonical_and_has_nothing_but_the_keys() -> None:
    kept = normalise_keys(make.key_set({**RSA, "x5c": ["MIIB"], "x5t": "x"}))
    assert kept == canonical_bytes({"keys": [{name: RSA[name] for name in ("kty", "kid", "n", "e")}]})
    assert normalise_keys(kept) == kept


def test_the_key_objects_are_the_keys() -> None:
    rsa, ec = read_keys(normalise_keys(make.key_set(RSA, EC)))
    assert (rsa.algorithm, rsa.key) == ("RS256", make.rsa_key().public_key())
    assert (ec.algorithm, ec.key) == ("ES256", make.ec_key().public_key())


@pytest.mark.parametrize(
    "other",
    [
        {"kty": "oct", "kid": "s", "k": "AAAA"},
        {"kty": "OKP", "kid": "o", "crv": "Ed25519", "x": "AAAA"},
        {**RSA, "use": "enc"},
        {**RSA, "alg": "RS512"},
        {**RSA, "alg": "HS256"},
        {**RSA, "kid": None},
        {**RSA, "kid": ["rsa"]},
        {**RSA, "kty": ["RSA"]},
        {name: value for name, value in RSA.items() if name != "kid"},
        {**EC, "alg": "RS256"},
        {**EC, "crv": "P-384"},
    ],
)
def test_keys_for_something_else_are_left_out(other: dict[str, Any]) -> None:
    assert names(other, EC) == ["ec"]
    refused("jwks.empty", make.key_set(other))


@pytest.mark.parametrize("member", ["d", "p", "dp", "oth"])
def test_a_private_key_is_refused(member: str) -> None:
    refused("jwks.private", make.key_set({**RSA, member: "AAAA"}, EC))


def weak_keys() -> list[dict[str, Any]]:
    small = make.jwk(generate_rsa(public_exponent=65537, key_size=1024), "small")
    other_curve = generate_private_key(SECP384R1()).public_key().public_numbers()
    return [
        small,
        {**RSA, "e": "AQ"},
        {**RSA, "e": make.encode(b"\x01" * 9)},
        {**RSA, "n": make.encode(b"\xff" * 1025)},
        {**RSA, "n": RSA["n"] + "="},
        {**RSA, "n": 5},
        {**RSA, "n": ""},
        {name: value for name, value in RSA.items() if name != "e"},
        {**EC, "y": EC["x"]},
        {**EC, "x": make.encode(other_curve.x.to_bytes(48))},
        {**EC, "x": EC["x"] + "A"},
    ]


@pytest.mark.parametrize("weak", weak_keys())
def test_a_weak_or_malformed_key_is_refused(weak: dict[str, Any]) -> None:
    refused("jwks.key", make.key_set(weak))


@pytest.mark.parametrize("document", [b"[]", b"{}", b'{"keys":{}}', b'{"keys":["x"]}', b"null"])
def test_not_a_key_set(document: bytes) -> None:
    refused("jwks.shape", document)


def test_bounds() -> None:
    refused("jwks.too_large", make.key_set(*[RSA] * (MAX_KEYS + 1)))
    refused("jwks.too_large", b" " * (MAX_DOCUMENT_BYTES + 1))
    refused("jwks.empty", json.dumps({"keys": []}).encode())
    refused("json.duplicate_key", b'{"keys":[],"keys":[]}')
