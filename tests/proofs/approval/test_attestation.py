"""An authenticator's attestation, down to a trusted root: what holds and, step by step, what is refused."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs.approval.attestation import VerifiedAttestation, attestation_document, verify_attestation
from proofs.approval.attested_credential import read_attested_credential
from proofs.approval.cose import load_cose_key, parse_cbor
from proofs.approval.enrollment import Enrollment, build_enrollment, parse_enrollment
from proofs.canonical import canonical_bytes
from proofs.encoding import b64url_decode
from proofs.errors import Refusal
from tests.passkey import SoftPasskey
from tests.proofs.approval import make_attestations as make
from tests.proofs.approval.test_documents import enrollment_of
from tests.proofs.pack.world import NOON
from tests.proofs.published import ABSENT, FOLDER
from tests.requirements import skip_or_fail

KEY = SoftPasskey()
HONEST = make.document(KEY)


def enrolled(content: bytes, passkey: SoftPasskey = KEY, **named: Any) -> Enrollment:
    return parse_enrollment(enrollment_of(passkey, backup_eligible=passkey.synced, attestation=make.reference(content, **named)))


def verify(
    content: bytes = HONEST,
    enrollment: Enrollment | None = None,
    *,
    roots: tuple[x509.Certificate, ...] = (make.ROOT,),
    models: frozenset[str] = frozenset({make.MODEL}),
    at: datetime = NOON,
) -> VerifiedAttestation:
    return verify_attestation(enrollment=enrollment or enrolled(content), document=content, roots=roots, models=models, at=at)


def code(content: bytes = HONEST, enrollment: Enrollment | None = None, **more: Any) -> str:
    assert verify().model == make.MODEL
    with pytest.raises(Refusal) as refused:
        verify(content, enrollment, **more)
    return refused.value.code


def test_an_honest_one_names_model_format_and_root() -> None:
    assert verify() == VerifiedAttestation(make.MODEL, "packed", hashlib.sha256(make.der(make.ROOT)).hexdigest())


def test_the_certificate_itself_may_be_what_is_trusted() -> None:
    certificate = make.leaf()
    content = make.document(KEY, chain=[certificate])
    assert verify(content, roots=(certificate,)).root == hashlib.sha256(make.der(certificate)).hexdigest()


class TestStep1Document:
    def test_an_enrolment_without_one(self) -> None:
        assert code(HONEST, parse_enrollment(enrollment_of(KEY))) == "attestation.missing"

    def test_another_than_the_named_one(self) -> None:
        assert code(HONEST, enrolled(make.document(KEY))) == "attestation.digest"

    @pytest.mark.parametrize(
        "content",
        [
            b"{}",
            b"no json",
            canonical_bytes({"attestationObject": "AA", "clientDataJSON": "e30"}),
            attestation_document(attestation_object=b"\xa0", client_data_json=b"{}"),
            attestation_document(attestation_object=b"\x01", client_data_json=b"{}"),
            make.document(KEY, data=b"short" * 9),
            make.document(KEY, client=b"no json"),
            make.document(KEY, x5c=[b"junk"]),
            canonical_bytes({"attestationObject": "A" * 70_000, "clientDataJSON": "e30"}),
        ],
    )
    def test_one_that_cannot_be_read(self, content: bytes) -> None:
        assert code(content) == "attestation.malformed"


class TestStep2Key:
    @pytest.mark.parametrize(
        "content",
        [
            make.document(SoftPasskey()),
            make.document(KEY, data=make.authenticator_data(KEY, rp_id="elsewhere.example")),
            make.document(KEY, data=make.authenticator_data(KEY, flags=0x41)),
            make.document(KEY, data=make.authenticator_data(KEY, flags=0x4D)),
            make.document(KEY, client=make.client_data("webauthn.get")),
        ],
    )
    def test_one_of_another_key_site_or_moment(self, content: bytes) -> None:
        assert code(content) == "attestation.other_key"


class TestStep3Model:
    def test_another_model_or_format_than_the_enrolment_says(self) -> None:
        assert code(HONEST, enrolled(HONEST, aaguid="00000000-0000-0000-0000-000000000000")) == "attestation.model"
        assert code(HONEST, enrolled(HONEST, form="fido-u2f")) == "attestation.model"


class TestStep4Format:
    @pytest.mark.parametrize("form", ["none", "tpm", "android-key", "apple", "bogus"])
    def test_formats_that_lift_nothing(self, form: str) -> None:
        content = make.document(KEY, form=form, statement={})
        assert code(content, enrolled(content, form=form)) == "attestation.format"

    @pytest.mark.parametrize("change", [{"x5c": None}, {"x5c": []}, {"x5c": "text"}, {"x5c": [b"a"] * 7}])
    def test_a_key_that_vouches_for_itself(self, change: dict[str, Any]) -> None:
        assert code(make.document(KEY, **change)) == "attestation.format"


class TestStep5Signature:
    def test_another_key_signed(self) -> None:
        assert code(make.document(KEY, sig=b"\x30\x03\x02\x01\x01")) == "webauthn.signature"
        assert code(make.document(KEY, chain=[make.leaf(key=make.ROOT_KEY)])) == "webauthn.signature"

    @pytest.mark.parametrize("change", [{"alg": -8}, {"alg": None}, {"sig": None}])
    def test_another_algorithm_or_none(self, change: dict[str, Any]) -> None:
        assert code(make.document(KEY, **change)) == "webauthn.attestation"

    @pytest.mark.parametrize("change", [{"ca": True}, {"subject": make.name("Other", "x")}, {"model": b"x" * 16}])
    def test_another_kind_of_certificate(self, change: dict[str, Any]) -> None:
        assert code(make.document(KEY, chain=[make.leaf(**change)])) == "webauthn.attestation"

    def test_a_certificate_need_not_name_the_model(self) -> None:
        assert verify(make.document(KEY, chain=[make.leaf(model=None)])).model == make.MODEL

    @staticmethod
    def of_the_first_kind(aaguid: bytes, *, certificates: int = 1) -> bytes:
        data, client = make.authenticator_data(KEY, aaguid=aaguid), make.client_data()
        public = KEY.private_key.public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        point = public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        message = b"\x00" + data[:32] + hashlib.sha256(client).digest() + KEY.credential_id + point
        signature = make.LEAF_KEY.sign(message, ec.ECDSA(hashes.SHA256()))
        return make.document(KEY, data=data, form="fido-u2f", statement={"sig": signature, "x5c": [make.der(make.leaf())] * certificates})

    def test_a_security_key_of_the_first_kind(self) -> None:
        content, broken = self.of_the_first_kind(bytes(16)), self.of_the_first_kind(bytes(16), certificates=2)
        none = str(UUID(int=0))
        assert verify(content, enrolled(content, form="fido-u2f", aaguid=none), models=frozenset({none})).format == "fido-u2f"
        assert code(content, enrolled(content, form="fido-u2f", aaguid=none)) == "attestation.unlisted"
        assert code(broken, enrolled(broken, form="fido-u2f", aaguid=none)) == "webauthn.attestation"

    def test_a_security_key_of_the_first_kind_cannot_say_that_it_is_of_a_listed_model(self) -> None:
        content = self.of_the_first_kind(make.AAGUID)
        assert code(content, enrolled(content, form="fido-u2f")) == "webauthn.attestation"


class TestStep6Root:
    def test_a_root_nobody_trusts(self) -> None:
        other = make.certificate(subject=make.ROOT_NAME, issuer=make.ROOT_NAME, key=make.LEAF_KEY, by=make.LEAF_KEY, ca=True)
        assert code(roots=(other,)) == code(roots=()) == "attestation.untrusted"

    def test_a_certificate_that_was_not_valid_then(self) -> None:
        years = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC))
        assert code(make.document(KEY, chain=[make.leaf(years=years)])) == "attestation.untrusted"
        assert code(at=NOON + timedelta(days=40 * 365)) == "attestation.untrusted"

    def test_a_chain_over_an_authority_between(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        between = make.name("Between", "Between")

        def chain(ca: bool, path: int | None = None) -> bytes:
            middle = make.certificate(subject=between, issuer=make.ROOT_NAME, key=key, by=make.ROOT_KEY, ca=ca, path=path)
            return make.document(KEY, chain=[make.leaf(issuer=between, by=key), middle])

        assert verify(chain(True)).model == make.MODEL
        assert code(chain(False)) == "attestation.untrusted"

    def test_a_chain_that_does_not_hold(self) -> None:
        stranger = make.certificate(subject=make.name("x", "x"), issuer=make.ROOT_NAME, key=make.LEAF_KEY, by=make.ROOT_KEY, ca=True)
        forged = make.leaf(by=make.LEAF_KEY)
        assert code(make.document(KEY, chain=[forged, stranger])) == "attestation.untrusted"


class TestStep7BoundToTheDevice:
    def test_a_key_that_can_be_backed_up(self) -> None:
        synced = SoftPasskey(synced=True)
        content = make.document(synced)
        assert code(content, enrolled(content, synced)) == "attestation.synced"


class TestStep8Listed:
    def test_a_model_that_is_not_on_the_list(self) -> None:
        assert code(models=frozenset()) == code(models=frozenset({"ab" * 4})) == "attestation.unlisted"


def published(file: str) -> tuple[bytes, Enrollment, tuple[x509.Certificate, ...]]:
    """One of the W3C's own registrations as we keep it, its enrolment, and its certificates."""
    if not FOLDER.is_dir():
        skip_or_fail(ABSENT)
    value = json.loads((FOLDER / "webauthn" / file).read_text())
    response = value["registration"]["credential"]["response"]
    made, client = (b64url_decode(response[name], code="x", what="x") for name in ("attestationObject", "clientDataJSON"))
    parsed: Any = parse_cbor(made, code="x")
    credential = read_attested_credential(parsed["authData"], code="x")
    content = attestation_document(attestation_object=made, client_data_json=client)
    payload = build_enrollment(
        event="enrolled",
        at=NOON,
        kind="person",
        issuer="https://idp.corp.example",
        subject="01ALICE",
        spki=load_cose_key(credential.cose_key).spki,
        credential_id=credential.credential_id,
        rp_id=value["rp_id"],
        backup_eligible=bool(parsed["authData"][32] & 8),
        attestation=make.reference(content, aaguid=credential.model, form=parsed["fmt"]),
    )
    return content, parse_enrollment(payload), tuple(x509.load_der_x509_certificate(item) for item in parsed["attStmt"].get("x5c", []))


class TestPublishedRegistrations:
    def test_the_packed_one_of_a_synced_passkey_holds_but_for_being_synced(self) -> None:
        content, enrollment, chain = published("w3c-packed-rs256.json")
        assert code(content, enrollment, roots=chain) == "attestation.synced"
        assert code(content, enrollment) == "attestation.untrusted"

    def test_the_one_without_the_person_verified_is_none(self) -> None:
        content, enrollment, chain = published("w3c-packed-eddsa.json")
        assert code(content, enrollment, roots=chain) == "attestation.other_key"

    def test_the_one_that_vouches_for_itself_lifts_nothing(self) -> None:
        content, enrollment, _ = published("w3c-packed-self-es256.json")
        assert code(content, enrollment) == "attestation.format"


@settings(max_examples=80, deadline=None)
@given(st.integers(0, len(HONEST) * 8 - 1))
def test_no_bit_can_be_changed_even_where_the_enrolment_names_the_changed_document(at: int) -> None:
    flipped = bytearray(HONEST)
    flipped[at // 8] ^= 1 << at % 8
    with pytest.raises(Refusal):
        verify(bytes(flipped), enrolled(bytes(flipped)))
