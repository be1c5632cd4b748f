"""The small stones: digests, base64 and public keys."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from proofs.digest import parse_digest, sha256_hex
from proofs.encoding import b64_decode, b64_encode, b64url_decode, b64url_encode
from proofs.errors import Malformed, Unproven
from proofs.keys import key_id_of, load_pem, load_spki

SPKI = serialization.PublicFormat.SubjectPublicKeyInfo


def spki(key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey | ed448.Ed448PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, SPKI)


class TestDigest:
    def test_known_answer(self) -> None:
        assert sha256_hex(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    @pytest.mark.parametrize(("algorithm", "length"), [("sha256", 64), ("sha384", 96), ("sha512", 128)])
    def test_reads_its_own_spelling(self, algorithm: str, length: int) -> None:
        text = f"{algorithm}:{'0a' * (length // 2)}"
        assert str(parse_digest(text)) == text

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "sha256",
            "sha256:",
            "sha256:" + "a" * 63,
            "sha256:" + "A" * 64,
            "sha256:" + "g" * 64,
            "sha1:" + "a" * 40,
            "SHA256:" + "a" * 64,
        ]
        + [" sha256:" + "a" * 64, "sha256:" + "a" * 64 + "\n", "sha512:" + "a" * 64, "latest", "sha256:" + "a" * 63 + "\u0661"],
    )
    def test_refuses_every_other_spelling(self, text: str) -> None:
        with pytest.raises(Malformed) as refused:
            parse_digest(text)
        assert refused.value.code == "digest.malformed"


class TestBase64:
    @given(st.binary(max_size=80))
    def test_decodes_what_it_encodes_in_both_alphabets(self, data: bytes) -> None:
        assert b64_decode(b64_encode(data), code="x", what="it") == data
        assert b64url_decode(b64url_encode(data), code="x", what="it") == data

    @pytest.mark.parametrize("text", ["QQ", "QQ=", "QQ===", "QR==", "QQ==\n", " QQ==", "Q-==", "Q Q=", "QQ==QQ==", "é", None, 1, b"QQ=="])
    def test_refuses_every_other_spelling(self, text: object) -> None:
        with pytest.raises(Malformed) as refused:
            b64_decode(text, code="the.code", what="it")
        assert refused.value.code == "the.code"

    @pytest.mark.parametrize("text", ["QQ==", "QR", "Q+", "Q/", "QQ\n", "Q", None])
    def test_refuses_every_other_url_safe_spelling(self, text: object) -> None:
        with pytest.raises(Malformed):
            b64url_decode(text, code="the.code", what="it")


class TestKeys:
    @pytest.mark.parametrize(
        ("curve", "digest"), [(ec.SECP256R1(), hashes.SHA256()), (ec.SECP384R1(), hashes.SHA384()), (ec.SECP521R1(), hashes.SHA512())]
    )
    def test_a_curve_is_bound_to_one_hash(self, curve: ec.EllipticCurve, digest: hashes.HashAlgorithm) -> None:
        private = ec.generate_private_key(curve)
        key = load_spki(spki(private.public_key()))
        assert key.algorithm == f"ecdsa-{curve.name}-{digest.name}"
        key.verify(private.sign(b"message", ec.ECDSA(digest)), b"message", code="x", what="it")
        with pytest.raises(Unproven) as refused:
            key.verify(private.sign(b"message", ec.ECDSA(hashes.SHA224())), b"message", code="the.code", what="it")
        assert refused.value.code == "the.code"

    def test_ed25519_and_rsa(self) -> None:
        edwards = ed25519.Ed25519PrivateKey.generate()
        load_spki(spki(edwards.public_key())).verify(edwards.sign(b"m"), b"m", code="x", what="it")
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        key = load_spki(spki(private.public_key()))
        key.verify(private.sign(b"m", padding.PKCS1v15(), hashes.SHA256()), b"m", code="x", what="it")
        in_pss = private.sign(b"m", padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH), hashes.SHA256())
        with pytest.raises(Unproven):
            key.verify(in_pss, b"m", code="x", what="it")

    @pytest.mark.parametrize("signature", [b"", b"\x00" * 64, b"\x30\x00", b"junk"])
    def test_junk_is_no_signature(self, signature: bytes) -> None:
        for private in (ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()):
            with pytest.raises(Unproven):
                load_spki(spki(private.public_key())).verify(signature, b"m", code="x", what="it")

    def test_refuses_other_kinds_and_junk(self) -> None:
        small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
        for other in (small, ed448.Ed448PrivateKey.generate(), ec.generate_private_key(ec.SECP256K1())):
            with pytest.raises(Malformed) as refused:
                load_spki(spki(other.public_key()))
            assert refused.value.code == "key.unsupported"
        for junk in (b"", b"\x30\x00", b"-----BEGIN PUBLIC KEY-----\n"):
            with pytest.raises(Malformed):
                load_spki(junk)
            with pytest.raises(Malformed):
                load_pem(junk)

    def test_der_and_pem_name_the_same_key(self) -> None:
        public = ec.generate_private_key(ec.SECP256R1()).public_key()
        pem = public.public_bytes(serialization.Encoding.PEM, SPKI)
        assert load_pem(pem).key_id == load_spki(spki(public)).key_id == key_id_of(spki(public))
        assert base64.b64decode(load_pem(pem).key_id.removeprefix("SHA256:") + "=")
