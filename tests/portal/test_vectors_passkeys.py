"""Rows about passkeys: what WebAuthn asks of an assertion and a registration is asked, and every kind of attestation is judged or refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from fido2 import cbor

from portal.vectors.judge import judge_row
from portal.vectors.manifest import Outcome, Row
from portal.vectors.passkey_keys import load_passkey
from proofs.encoding import b64url_decode, b64url_encode
from proofs.errors import Refusal
from tests.passkey import PRESENT, TRUTH, Lie, SoftPasskey
from tests.proofs.published import NOW

pytestmark = pytest.mark.once

CHALLENGE = b"0123456789abcdef"
BOOT = datetime(2024, 1, 1, tzinfo=UTC)
Change = Callable[[dict[str, Any]], Any]


def judged(folder: Path, ceremony: str, content: object, **inputs: Any) -> Outcome:
    """Return what we say of a row of one ceremony, its file holding `content`; no exception is an answer."""
    (folder / "file.json").write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    given = {"ceremony": ceremony, "rp_id": "localhost", "origin": "http://localhost:8000", "challenge": b64url_encode(CHALLENGE), **inputs}
    form = "webauthn-registration" if ceremony == "registration" else "webauthn-assertion"
    outcome = judge_row(Row("row", form, {"evidence": "file.json"}, given, {"verdict": "verified"}, [], folder), now=NOW).outcome
    assert outcome.code != "vectors.crash", outcome.reason
    return outcome


def of_assertion(folder: Path, change: Change = lambda credential: None, lie: Lie = TRUTH, **inputs: Any) -> Outcome:
    passkey = SoftPasskey()
    credential = passkey.get(CHALLENGE, lie)
    change(credential)
    file = {"authentication": {"credential": credential}}
    return judged(folder, "authentication", file, credential_public_key=b64url_encode(passkey.cose_key), **inputs)


def of_registration(folder: Path, change: Change = lambda credential: None, lie: Lie = TRUTH, **inputs: Any) -> Outcome:
    credential = SoftPasskey().create(CHALLENGE, lie)
    change(credential)
    return judged(folder, "registration", {"registration": {"credential": credential}}, **inputs)


def without(name: str) -> Change:
    return lambda credential: credential["response"].pop(name)


WRONG_CREDENTIALS: dict[str, Change] = {
    "another raw id": lambda credential: credential.update(rawId="AAAA"),
    "another id": lambda credential: credential.update(id="AAAA"),
    "no raw id": lambda credential: credential.pop("rawId"),
    "no id": lambda credential: credential.pop("id"),
    "an id that is a number": lambda credential: credential.update(id=5, rawId=5),
    "an empty id": lambda credential: credential.update(id="", rawId=""),
    "another type": lambda credential: credential.update(type="public-keyy"),
    "no type": lambda credential: credential.pop("type"),
    "no response": lambda credential: credential.pop("response"),
    "a response that is a list": lambda credential: credential.update(response=[]),
    "results of extensions that are a list": lambda credential: credential.update(clientExtensionResults=[]),
    "no client data": without("clientDataJSON"),
    "client data that is a number": lambda credential: credential["response"].update(clientDataJSON=5),
    "client data that is a list": lambda credential: credential["response"].update(clientDataJSON=b64url_encode(b"[]")),
}


class TestBothCeremonies:
    def test_an_honest_one_is_verified(self, tmp_path: Path) -> None:
        assert of_assertion(tmp_path).code == of_registration(tmp_path).code == "evidence.verified"

    @pytest.mark.parametrize("change", WRONG_CREDENTIALS.values(), ids=WRONG_CREDENTIALS)
    @pytest.mark.parametrize("judge", [of_assertion, of_registration])
    def test_a_credential_of_another_form_is_malformed(self, judge: Callable[..., Outcome], change: Change, tmp_path: Path) -> None:
        assert judge(tmp_path, change).code == "webauthn.malformed"

    @pytest.mark.parametrize("name", ["signature", "authenticatorData"])
    def test_an_assertion_without_a_part_is_malformed(self, name: str, tmp_path: Path) -> None:
        assert of_assertion(tmp_path, without(name)).code == "webauthn.malformed"

    def test_a_registration_without_attestation_object_is_malformed(self, tmp_path: Path) -> None:
        assert of_registration(tmp_path, without("attestationObject")).code == "webauthn.malformed"

    @pytest.mark.parametrize("ceremony", ["authentication", "registration"])
    @pytest.mark.parametrize("content", [b"{", b"", b"[]", b"5", b"\xff", b"{}", b'{"authentication": 5, "registration": []}'])
    def test_a_file_that_is_none_is_malformed(self, ceremony: str, content: bytes, tmp_path: Path) -> None:
        key = {"credential_public_key": b64url_encode(SoftPasskey().cose_key)} if ceremony == "authentication" else {}
        assert judged(tmp_path, ceremony, content, **key).code in ("json.invalid", "webauthn.malformed")

    @pytest.mark.parametrize("judge", [of_assertion, of_registration])
    @pytest.mark.parametrize(
        ("lie", "inputs", "code"),
        [
            (Lie(challenge=b"other"), {}, "webauthn.challenge"),
            (Lie(origin="https://evil.example"), {}, "webauthn.origin"),
            (Lie(type="payment.get"), {}, "webauthn.type"),
            (Lie(rp_id="evil.example"), {}, "webauthn.rp_id"),
            (Lie(cross_origin=True), {}, "evidence.verified"),
            (Lie(cross_origin=True), {"allow_cross_origin": False}, "webauthn.cross_origin"),
            (Lie(cross_origin="yes"), {}, "webauthn.malformed"),
            (Lie(cross_origin=True, top_origin="https://top.example"), {"top_origin": "https://top.example"}, "evidence.verified"),
            (Lie(cross_origin=True, top_origin="https://top.example"), {"top_origin": "https://other.example"}, "webauthn.cross_origin"),
            (Lie(), {"top_origin": "https://top.example"}, "webauthn.cross_origin"),
            (Lie(cross_origin=True, top_origin=5), {}, "webauthn.malformed"),  # type: ignore[arg-type]
            (Lie(flags=0), {}, "webauthn.no_user_presence"),
            (Lie(flags=PRESENT), {"require_user_verification": True}, "webauthn.no_user_verification"),
            (Lie(flags=PRESENT | 0x10), {}, "webauthn.malformed"),
            (Lie(flags=PRESENT | 0x80), {}, "webauthn.malformed"),
        ],
    )
    def test_a_lie_has_its_code(self, judge: Callable[..., Outcome], lie: Lie, inputs: Any, code: str, tmp_path: Path) -> None:
        assert judge(tmp_path, lie=lie, **inputs).code == code

    def test_an_assertion_by_another_credential_than_the_registered_one(self, tmp_path: Path) -> None:
        passkey, other = SoftPasskey(), SoftPasskey()
        file = {
            name: {"credential": made}
            for name, made in (("registration", other.create(CHALLENGE)), ("authentication", passkey.get(CHALLENGE)))
        }
        key = b64url_encode(passkey.cose_key)
        assert judged(tmp_path, "authentication", file, credential_public_key=key).code == "webauthn.credential"
        file["registration"] = {"credential": passkey.create(CHALLENGE)}
        assert judged(tmp_path, "authentication", file, credential_public_key=key).code == "evidence.verified"

    def test_a_counter_that_went_back(self, tmp_path: Path) -> None:
        assert of_assertion(tmp_path, sign_count=5).code == "webauthn.sign_count"


def attested(
    folder: Path,
    form: object,
    statement: Callable[[bytes, bytes, SoftPasskey], object],
    *,
    passkey: SoftPasskey | None = None,
    tail: bytes = b"",
) -> Outcome:
    """Return what we say of a registration whose statement is made of authenticator data and the hash of the client data."""
    passkey = passkey or SoftPasskey()
    credential = passkey.create(CHALLENGE)
    response = credential["response"]
    data = cbor.decode(b64url_decode(response["attestationObject"], code="x", what="x"))["authData"]
    client = hashlib.sha256(b64url_decode(response["clientDataJSON"], code="x", what="x")).digest()
    raw = cbor.encode({"fmt": form, "attStmt": statement(data, client, passkey), "authData": data}) + tail
    response["attestationObject"] = b64url_encode(raw)
    return judged(folder, "registration", {"registration": {"credential": credential}})


def certificate_for(private: Any, *, extension: tuple[str, bytes] | None = None) -> bytes:
    """Return a certificate that the key signs for itself."""
    name = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "AA"),
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Test"),
            x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "Authenticator Attestation"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test"),
        ]
    )
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key()).serial_number(7)
    made = made.not_valid_before(BOOT).not_valid_after(BOOT + timedelta(days=9999)).add_extension(x509.BasicConstraints(False, None), True)
    if extension is not None:
        made = made.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier(extension[0]), extension[1]), False)
    return made.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def u2f(
    data: bytes, client: bytes, passkey: SoftPasskey, *, rp_id: str = "localhost", curve: ec.EllipticCurve | None = None
) -> dict[str, Any]:
    """Return the statement of a first-generation security key."""
    private = ec.generate_private_key(curve or ec.SECP256R1())
    public = passkey.private_key.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    point = public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    message = b"\x00" + hashlib.sha256(rp_id.encode()).digest() + client + passkey.credential_id + point
    return {"sig": private.sign(message, ec.ECDSA(hashes.SHA256())), "x5c": [certificate_for(private)]}


def packed(data: bytes, client: bytes, passkey: SoftPasskey) -> dict[str, Any]:
    private = ec.generate_private_key(ec.SECP256R1())
    return {"alg": -7, "sig": private.sign(data + client, ec.ECDSA(hashes.SHA256())), "x5c": [certificate_for(private)]}


def packed_by_itself(data: bytes, client: bytes, passkey: SoftPasskey) -> dict[str, Any]:
    return {"alg": passkey.algorithm, "sig": passkey._sign(data + client)}


def der(tag: int, content: bytes) -> bytes:
    """Return one element, its length short or in two bytes; a tag from 31 is context-specific and written long."""
    begin = bytes([tag]) if tag < 256 else bytes([0xBF, 0x80 | tag - 256 >> 7, tag - 256 & 0x7F])
    return begin + (bytes([len(content)]) if len(content) < 128 else b"\x82" + len(content).to_bytes(2, "big")) + content


def android(
    *, challenge: bytes | None = None, origin: int = 0, purpose: int = 2, extra: bytes = b"", own: bool = True, silent: bool = False
) -> Any:
    """Return the maker of an Android statement, whose extension says what is given."""

    def make(data: bytes, client: bytes, passkey: SoftPasskey) -> dict[str, Any]:
        stated = der(0xA1, der(0x31, der(2, bytes([purpose])))) + extra + der(256 + 702, der(2, bytes([origin])))
        head = der(2, b"\x04") + der(10, b"\x01") + der(2, b"\x04") + der(10, b"\x01")
        described = der(0x30, head + der(4, challenge or client) + der(4, b"") + der(0x30, b"") + der(0x30, b"" if silent else stated))
        private = passkey.private_key if own else ec.generate_private_key(ec.SECP256R1())
        certificate = certificate_for(private, extension=("1.3.6.1.4.1.11129.2.1.17", described))
        return {"alg": -7, "sig": passkey._sign(data + client), "x5c": [certificate]}

    return make


def apple(*, nonce: bytes | None = None, own: bool = True) -> Any:
    """Return the maker of Apple's statement: a certificate that holds the hash of what would be signed."""

    def make(data: bytes, client: bytes, passkey: SoftPasskey) -> dict[str, Any]:
        held = der(0x30, der(0xA1, der(4, nonce or hashlib.sha256(data + client).digest())))
        private = passkey.private_key if own else ec.generate_private_key(ec.SECP256R1())
        return {"x5c": [certificate_for(private, extension=("1.2.840.113635.100.8.2", held))]}

    return make


def tpm(*, about: bytes | None = None) -> Any:
    """Return the maker of a TPM's statement (TPM 2.0 part 2): its own words about the passkey's key, signed under a certificate without a name."""

    def make(data: bytes, client: bytes, passkey: SoftPasskey) -> dict[str, Any]:
        public = passkey.private_key.public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        x, y = (number.to_bytes(32, "big") for number in (public.public_numbers().x, public.public_numbers().y))
        # ECC, SHA-256, may sign, no policy; no symmetric key, no scheme, P-256, no derivation; the point.
        area = bytes.fromhex("0023000b000400000000" + "0010001000030010") + b"\x00\x20" + x + b"\x00\x20" + y
        name = b"\x00\x0b" + hashlib.sha256(area).digest()
        extra = hashlib.sha256(data + client).digest() if about is None else about
        # Its magic number, what it attests, no signer's name, the data, clock, firmware, and the name of the key.
        said = bytes.fromhex("ff54434780170000") + b"\x00\x20" + extra + b"\x00" * 25 + len(name).to_bytes(2, "big") + name + b"\x00\x00"
        private = ec.generate_private_key(ec.SECP256R1())
        made = x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(x509.Name([])).public_key(private.public_key())
        made = made.serial_number(7).not_valid_before(BOOT).not_valid_after(BOOT + timedelta(days=9999))
        parts = (("2.23.133.2.1", "id:00000000"), ("2.23.133.2.2", "Test"), ("2.23.133.2.3", "id:00000000"))
        names = x509.RelativeDistinguishedName([x509.NameAttribute(x509.ObjectIdentifier(number), text) for number, text in parts])
        made = made.add_extension(x509.BasicConstraints(False, None), True)
        made = made.add_extension(x509.SubjectAlternativeName([x509.DirectoryName(x509.Name([names]))]), True)
        made = made.add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier("2.23.133.8.3")]), False)
        certificate = made.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
        signature = private.sign(said, ec.ECDSA(hashes.SHA256()))
        return {"ver": "2.0", "alg": -7, "x5c": [certificate], "sig": signature, "certInfo": said, "pubArea": area}

    return make


def changed(make: Any, **fields: Any) -> Any:
    """Return a maker of the same statement with fields changed; None takes one away."""
    return lambda *about: {name: value for name, value in (make(*about) | fields).items() if value is not None}


JUNK, BAD, FORM = b"\x30\x03\x02\x01\x01", "webauthn.attestation", "webauthn.attestation_format"
ATTESTATIONS: list[tuple[str, object, Any, str]] = [
    ("none", "none", lambda *_: {}, "evidence.verified"),
    ("none-that-says-something", "none", lambda *_: {"sig": b"x"}, BAD),
    ("none-as-a-list", "none", lambda *_: [], "webauthn.malformed"),
    ("u2f", "fido-u2f", u2f, "evidence.verified"),
    ("u2f-junk", "fido-u2f", changed(u2f, sig=JUNK), "webauthn.signature"),
    ("u2f-another-place", "fido-u2f", lambda *about: u2f(*about, rp_id="evil.example"), "webauthn.signature"),
    ("u2f-another-curve", "fido-u2f", lambda *about: u2f(*about, curve=ec.SECP384R1()), BAD),
    ("u2f-without-signature", "fido-u2f", changed(u2f, sig=None), BAD),
    ("u2f-without-certificate", "fido-u2f", changed(u2f, x5c=None), BAD),
    ("u2f-no-certificates", "fido-u2f", changed(u2f, x5c=[]), BAD),
    ("u2f-two-certificates", "fido-u2f", lambda *about: (lambda made: made | {"x5c": made["x5c"] * 2})(u2f(*about)), BAD),
    ("u2f-certificate-junk", "fido-u2f", changed(u2f, x5c=[b"junk"]), BAD),
    ("u2f-certificate-text", "fido-u2f", changed(u2f, x5c="junk"), BAD),
    ("packed", "packed", packed, "evidence.verified"),
    ("packed-by-itself", "packed", packed_by_itself, "evidence.verified"),
    ("packed-junk", "packed", changed(packed, sig=JUNK), "webauthn.signature"),
    ("packed-by-itself-junk", "packed", changed(packed_by_itself, sig=JUNK), "webauthn.signature"),
    ("packed-no-certificates", "packed", changed(packed_by_itself, x5c=[]), BAD),
    ("packed-another-algorithm", "packed", changed(packed_by_itself, alg=-8), BAD),
    ("packed-sha-1", "packed", changed(packed, alg=-65535), BAD),
    (
        "packed-chain-that-does-not-hold",
        "packed",
        lambda *a: (lambda m: m | {"x5c": m["x5c"] + packed(*a)["x5c"]})(packed(*a)),
        "webauthn.signature",
    ),
    ("android", "android-key", android(), "evidence.verified"),
    ("android-another-challenge", "android-key", android(challenge=b"x" * 32), BAD),
    ("android-imported", "android-key", android(origin=2), BAD),
    ("android-to-encrypt", "android-key", android(purpose=0), BAD),
    ("android-for-all", "android-key", android(extra=der(256 + 600, der(5, b""))), BAD),
    ("android-another-key", "android-key", android(own=False), BAD),
    ("android-without-extension", "android-key", packed, BAD),
    ("android-junk", "android-key", changed(android(), sig=JUNK), "webauthn.signature"),
    ("android-that-says-no-more", "android-key", android(silent=True), "evidence.verified"),
    ("apple", "apple", apple(), "evidence.verified"),
    ("apple-another-key", "apple", apple(own=False), BAD),
    ("apple-another-nonce", "apple", apple(nonce=b"x" * 32), BAD),
    ("tpm", "tpm", tpm(), "evidence.verified"),
    ("tpm-about-other-data", "tpm", tpm(about=b"x" * 32), "webauthn.signature"),
    ("tpm-another-key", "tpm", lambda data, client, _: tpm()(data, client, SoftPasskey()), "webauthn.signature"),
    ("tpm-another-version", "tpm", changed(tpm(), ver="1.2"), BAD),
    ("tpm-signature", "tpm", changed(tpm(), sig=JUNK), "webauthn.signature"),
    ("tpm-junk", "tpm", changed(packed, certInfo=b"x", pubArea=b"x"), BAD),
    ("tpm-without-parts", "tpm", packed, BAD),
    ("safetynet-junk", "android-safetynet", lambda *_: {"ver": "1", "response": b"a.b.c"}, BAD),
    ("safetynet-number", "android-safetynet", lambda *_: {"response": 5}, BAD),
    ("unknown", "bogus", lambda *_: {}, FORM),
    ("compound", "compound", lambda *_: {}, FORM),
    ("another-case", "None", lambda *_: {}, FORM),
    ("a-number", 5, lambda *_: {}, FORM),
]


class TestAttestations:
    @pytest.mark.parametrize(("form", "statement", "code"), [pytest.param(*case, id=name) for name, *case in ATTESTATIONS])
    def test_each_format_is_judged_or_refused(self, form: object, statement: Any, code: str, tmp_path: Path) -> None:
        assert attested(tmp_path, form, statement).code == code

    def test_a_security_key_of_the_first_kind_has_no_other_key_than_p_256(self, tmp_path: Path) -> None:
        statement = changed(lambda *about: u2f(*about[:2], SoftPasskey()))
        assert attested(tmp_path, "fido-u2f", statement, passkey=SoftPasskey(algorithm=-8)).code == BAD

    def test_bytes_behind_the_attestation_object_are_malformed(self, tmp_path: Path) -> None:
        assert attested(tmp_path, "none", lambda *_: {}, tail=b"\x00").code == "webauthn.malformed"


class TestKeys:
    @pytest.mark.parametrize(
        ("number", "curve", "kind"), [(-35, 2, ec.SECP384R1()), (-51, 2, ec.SECP384R1()), (-36, 3, ec.SECP521R1()), (-9, 1, ec.SECP256R1())]
    )
    def test_a_longer_curve_verifies_and_keeps_its_number(self, number: int, curve: int, kind: Any, tmp_path: Path) -> None:
        private = ec.generate_private_key(kind)
        numbers, size = private.public_key().public_numbers(), (kind.key_size + 7) // 8
        cose = cbor.encode({1: 2, 3: number, -1: curve, -2: numbers.x.to_bytes(size, "big"), -3: numbers.y.to_bytes(size, "big")})
        self.asserted(
            tmp_path,
            cose,
            lambda message: private.sign(
                message, ec.ECDSA({256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}[kind.key_size])
            ),
            number,
        )

    def test_ed448_verifies(self, tmp_path: Path) -> None:
        private = ed448.Ed448PrivateKey.generate()
        cose = cbor.encode({1: 1, 3: -53, -1: 7, -2: private.public_key().public_bytes_raw()})
        self.asserted(tmp_path, cose, private.sign, -53)

    def asserted(self, folder: Path, cose: bytes, sign: Callable[[bytes], bytes], number: int) -> None:
        credential = SoftPasskey().get(CHALLENGE)
        response = credential["response"]
        data, client = (b64url_decode(response[name], code="x", what="x") for name in ("authenticatorData", "clientDataJSON"))
        file = {"authentication": {"credential": credential}}
        assert judged(folder, "authentication", file, credential_public_key=b64url_encode(cose)).code == "webauthn.signature"
        response["signature"] = b64url_encode(sign(data + hashlib.sha256(client).digest()))
        outcome = judged(folder, "authentication", file, credential_public_key=b64url_encode(cose))
        assert (outcome.code, outcome.facts["cose_algorithm"]) == ("evidence.verified", number)

    @pytest.mark.parametrize(
        "value",
        [
            {},
            {1: 2, 3: -35, -1: 1, -2: b"x" * 48, -3: b"x" * 48},
            {1: 2, 3: -35, -1: 2, -2: b"x" * 32, -3: b"x" * 32},
            {1: 2, 3: -36, -1: 3, -2: b"\xff" * 66, -3: b"\xff" * 66},
            {1: 2, 3: -9, -1: 1, -2: b"x" * 32, -3: True},
            {1: 1, 3: -53, -1: 7, -2: b"x"},
            {1: 1, 3: -19, -1: 7, -2: b"x" * 32},
            {1: 3, 3: -65535, -1: b"x" * 256, -2: b"\x01\x00\x01"},
            [],
        ],
    )
    def test_a_key_of_another_form_is_refused(self, value: Any) -> None:
        with pytest.raises(Refusal) as refused:
            load_passkey(cbor.encode(value))
        assert refused.value.code in ("key.malformed", "key.unsupported")
