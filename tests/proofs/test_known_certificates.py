"""What a trust root remembers of certificates, and what it asks again for every bundle."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import VerificationError

from portal.demo.instance import Lie
from proofs.errors import Malformed, Unproven
from proofs.evidence import TrustMaterial
from proofs.sigstore import known_certificates
from proofs.sigstore.authority import Authority, Window, build_authority
from proofs.sigstore.certificate import read_certificate, verify_certificate
from proofs.sigstore.trust_root import TrustRoot, parse_trust_root
from proofs.sigstore.usual_form import is_usual_authority
from proofs.sigstore.usual_signer import read_usual_signer
from proofs.sigstore.x509_reading import load_certificate
from tests.proofs.factory import DAY, INSTANCE, NOON, assess, bundle, changed


def own_root() -> TrustRoot:
    return parse_trust_root(INSTANCE.trusted_root())


def der_of(raw: bytes) -> bytes:
    return base64.b64decode(json.loads(raw)["verificationMaterial"]["certificate"]["rawBytes"])


class TestAKnownCertificate:
    def test_gives_the_same_answer(self) -> None:
        root = own_root()
        trust = TrustMaterial((root,))
        raw = bundle()
        first = assess(raw, trust=trust)
        assert len(root.known) == 1
        assert first == assess(raw, trust=trust) == assess(raw, trust=TrustMaterial((own_root(),)))
        assert first.result == "verified"

    def test_makes_nothing_else_of_the_bundle_true(self) -> None:
        root = own_root()
        trust = TrustMaterial((root,))
        raw = bundle()
        assert assess(raw, trust=trust).result == "verified"

        def tamper(value: dict[str, Any]) -> None:
            payload = base64.b64decode(value["dsseEnvelope"]["payload"]).replace(b"payments", b"payment5")
            value["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()

        assert assess(changed(raw, tamper), trust=trust).code == "tlog.entry_mismatch"

    def test_is_judged_at_the_signing_time_of_every_bundle(self) -> None:
        root = own_root()
        der = der_of(bundle())
        verify_certificate(read_certificate(der, trust_root=root), trust_root=root, times=[NOON])
        read = read_certificate(der, trust_root=root)
        assert read.known is not None
        with pytest.raises(Unproven, match=r"certificate\.time"):
            verify_certificate(read, trust_root=root, times=[NOON, NOON + DAY])

    def test_does_not_outlive_the_window_of_its_authority(self) -> None:
        root = own_root()
        der = der_of(bundle())
        signer = verify_certificate(read_certificate(der, trust_root=root), trust_root=root, times=[NOON])
        later = signer.not_after
        authority = root.authorities[0]
        assert authority.held.contains(later)
        closed = build_authority(authority.chain, Window(authority.window.start, NOON))
        narrowed = replace(root, authorities=(closed,))
        assert len(narrowed.known) == 0
        verify_certificate(read_certificate(der, trust_root=narrowed), trust_root=narrowed, times=[NOON])
        with pytest.raises(Unproven, match=r"certificate\.authority_window"):
            verify_certificate(read_certificate(der, trust_root=narrowed), trust_root=narrowed, times=[NOON, later])

    def test_is_known_to_one_trust_root_alone(self) -> None:
        raw = bundle()
        root, without_authority = own_root(), replace(own_root(), authorities=())
        assert assess(raw, trust=TrustMaterial((root,))).result == "verified"
        assert assess(raw, trust=TrustMaterial((without_authority,))).code == "certificate.untrusted"

    @pytest.mark.parametrize("lie", [Lie.STRANGERS_AUTHORITY, Lie.SCT_FORGED, Lie.SCT_MISSING, Lie.CERTIFICATE_FOR_TWO, Lie.TWO_ISSUERS])
    def test_was_never_refused(self, lie: Lie) -> None:
        root = own_root()
        for _ in range(2):
            assert assess(bundle(lies=[lie]), trust=TrustMaterial((root,))).result == "rejected"
        assert len(root.known) == 0

    def test_is_found_by_exactly_its_bytes(self) -> None:
        root = own_root()
        der = der_of(bundle())
        verify_certificate(read_certificate(der, trust_root=root), trust_root=root, times=[NOON])
        assert root.known.find(der) is not None
        assert root.known.find(der[:-1] + bytes([der[-1] ^ 1])) is None
        root.known.forget()
        assert root.known.find(der) is None

    def test_is_forgotten_when_it_was_not_used_for_longest(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(known_certificates, "MOST_KNOWN", 2)
        root = own_root()
        one, two, three = (der_of(bundle()) for _ in range(3))
        for der in (one, two):
            verify_certificate(read_certificate(der, trust_root=root), trust_root=root, times=[NOON])
        root.known.find(one)
        verify_certificate(read_certificate(three, trust_root=root), trust_root=root, times=[NOON])
        assert [root.known.find(der) is not None for der in (one, two, three)] == [True, False, True]
        assert len(root.known) == 2


START, END = NOON - timedelta(hours=1), NOON + timedelta(hours=1)
ROOT_KEY, ISSUING_KEY, SIGNER_KEY = (ec.generate_private_key(ec.SECP384R1()) for _ in range(3))
ROOT_NAME, ISSUING_NAME = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("root", "issuing"))


def usage(*, certifies: bool) -> x509.KeyUsage:
    return x509.KeyUsage(not certifies, False, False, False, False, certifies, False, False, False)


def authority(
    name: x509.Name = ISSUING_NAME,
    key: ec.EllipticCurvePrivateKey = ISSUING_KEY,
    *,
    path_length: int | None = 0,
    is_authority: bool = True,
    more: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    end: datetime = END,
    by: ec.EllipticCurvePrivateKey = ROOT_KEY,
) -> x509.Certificate:
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(ROOT_NAME).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(START).not_valid_after(end)
    for value, critical in (
        (x509.BasicConstraints(is_authority, path_length if is_authority else None), True),
        (usage(certifies=True), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(ROOT_KEY.public_key()), False),
        *more,
    ):
        builder = builder.add_extension(value, critical)
    return builder.sign(by, hashes.SHA384())


def promises(*listed: bytes) -> x509.UnrecognizedExtension:
    """Return the extension with these promises of certificate logs."""
    joined = b"".join(len(promise).to_bytes(2, "big") + promise for promise in listed)
    value = b"\x04" + bytes([len(joined) + 2]) + len(joined).to_bytes(2, "big") + joined
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2"), value)


def promise(*, version: int = 0, milliseconds: int = 1_700_000_000_123, more: bytes = b"", algorithms: bytes = b"\x04\x03") -> bytes:
    return (
        bytes([version]) + b"L" * 32 + milliseconds.to_bytes(8, "big") + len(more).to_bytes(2, "big") + more + algorithms + b"\x00\x03sig"
    )


SCTS = promises(promise())
CLAIM = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8"), b"\x0c\x01x")
STRANGE = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
USUAL: dict[str, tuple[x509.ExtensionType, bool]] = {
    "usage": (usage(certifies=False), True),
    "purposes": (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), False),
    "subject key": (x509.SubjectKeyIdentifier.from_public_key(SIGNER_KEY.public_key()), False),
    "authority key": (x509.AuthorityKeyIdentifier.from_issuer_public_key(ISSUING_KEY.public_key()), False),
    "name": (x509.SubjectAlternativeName([x509.UniformResourceIdentifier("https://example.org/workflow")]), True),
    "scts": (SCTS, False),
    "claim": (CLAIM, False),
}
OTHER_FORMS: dict[str, dict[str, Any]] = {
    **{f"without {name}": {"without": name} for name in USUAL if name != "claim"},
    **{f"{name} the other way critical": {"flipped": name} for name in USUAL},
    "an authority": {"more": (x509.BasicConstraints(True, None), True)},
    "said to be no authority": {"more": (x509.BasicConstraints(False, None), True)},
    "may certify": {"more": (usage(certifies=True), True), "without": "usage"},
    "unknown and critical": {"more": (STRANGE, True)},
    "unknown": {"more": (STRANGE, False)},
    "limits names": {"more": (x509.NameConstraints([x509.DNSName("example.org")], None), True)},
    "authority by name": {
        "more": (x509.AuthorityKeyIdentifier(b"x" * 20, [x509.DirectoryName(ROOT_NAME)], 1), False),
        "without": "authority key",
    },
    "a subject": {"subject": ROOT_NAME},
    "a key of another kind": {"key": ec.generate_private_key(ec.SECP521R1())},
    "for encryption too": {"more": (x509.KeyUsage(True, False, True, False, False, False, False, False, False), True), "without": "usage"},
    "for servers": {"more": (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False), "without": "purposes"},
    "for code and servers": {
        "more": (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.SERVER_AUTH]), False),
        "without": "purposes",
    },
    "two names": {
        "more": (x509.SubjectAlternativeName([x509.RFC822Name("a@example.org"), x509.RFC822Name("b@example.org")]), True),
        "without": "name",
    },
    "a name of another kind": {"more": (x509.SubjectAlternativeName([x509.DNSName("example.org")]), True), "without": "name"},
    "no promise": {"more": (promises(), False), "without": "scts"},
    "two promises": {"more": (promises(promise(), promise()), False), "without": "scts"},
    "a promise of another version": {"more": (promises(promise(version=1)), False), "without": "scts"},
    "a promise over another hash": {"more": (promises(promise(algorithms=b"\x05\x03")), False), "without": "scts"},
    "a promise by an RSA key": {"more": (promises(promise(algorithms=b"\x04\x01")), False), "without": "scts"},
    "a promise after all time": {"more": (promises(promise(milliseconds=2**63)), False), "without": "scts"},
    "a claim with another number": {"more": (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.25"), b""), False)},
}


def signer(
    *,
    without: str = "",
    flipped: str = "",
    more: tuple[x509.ExtensionType, bool] | None = None,
    subject: x509.Name | None = None,
    serial: int = 7,
    algorithm: Any = None,
    key: ec.EllipticCurvePrivateKey = SIGNER_KEY,
    by: ec.EllipticCurvePrivateKey = ISSUING_KEY,
) -> x509.Certificate:
    builder = x509.CertificateBuilder().subject_name(subject or x509.Name([])).issuer_name(ISSUING_NAME).public_key(key.public_key())
    builder = builder.serial_number(serial).not_valid_before(START).not_valid_after(END)
    listed = [(value, critical != (name == flipped)) for name, (value, critical) in USUAL.items() if name != without]
    for value, critical in [*listed, *([more] if more else [])]:
        builder = builder.add_extension(value, critical)
    return builder.sign(by, algorithm or hashes.SHA384())


def root_certificate(**changes: Any) -> x509.Certificate:
    return authority(ROOT_NAME, ROOT_KEY, path_length=None, **changes)


def verdict(by: Authority, certificate: x509.Certificate, *, at: datetime = NOON) -> str:
    try:
        by.verify_path(certificate, at=at)
    except VerificationError:
        return "refused"
    return "issued"


def is_issued(by: Authority, certificate: x509.Certificate, *, at: datetime = NOON) -> bool:
    """Return what the short way says; it never says more than that the authority issued it."""
    usual = read_usual_signer(certificate.public_bytes(Encoding.DER))
    return usual is not None and by.has_issued(certificate, usual, at=at)


def assert_read_alike(certificate: x509.Certificate) -> None:
    """Hold what was cut out of the bytes against what the library reads; it reads the extensions without a warning."""
    der = certificate.public_bytes(Encoding.DER)
    usual = read_usual_signer(der)
    assert usual is not None
    extensions = certificate.extensions
    name = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    (listed,) = extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps).value
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    claims = {item.oid: item.value.value for item in extensions if isinstance(item.value, x509.UnrecognizedExtension)}
    assert usual.tbs == certificate.tbs_certificate_bytes
    assert usual.precertificate == certificate.tbs_precertificate_bytes
    assert (usual.signature, type(usual.signing.algorithm)) == (certificate.signature, type(certificate.signature_hash_algorithm))
    assert usual.issuer == certificate.issuer.public_bytes()
    assert not certificate.subject.rdns and certificate.version is x509.Version.v3 and certificate.serial_number > 0
    assert usual.spki == certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert [usual.identity] == [item.value for item in name]
    assert {x509.ObjectIdentifier(f"1.3.6.1.4.1.57264.1.{number}"): raw for number, raw in usual.claims.items()} == claims
    assert usage.digital_signature and not usage.key_cert_sign and list(purposes) == [ExtendedKeyUsageOID.CODE_SIGNING]
    milliseconds = (listed.timestamp.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert usual.promise == (listed.log_id, milliseconds, listed.signature, True, listed.extension_bytes)
    assert isinstance(listed.signature_hash_algorithm, hashes.SHA256)


class TestTheUsualForm:
    ISSUED_BY = build_authority((authority(), root_certificate()), Window(START, None))
    # The same authority, whose whole chain is validated every time.
    BY_PATH = replace(
        ISSUED_BY, between=ISSUED_BY.chain[:-1], path_policy=build_authority(ISSUED_BY.chain[-1:], Window(START, None)).path_policy
    )

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"without": "claim"},
            {"algorithm": hashes.SHA256()},
            {"algorithm": hashes.SHA512()},
            {"key": ec.generate_private_key(ec.SECP256R1())},
            {"serial": 128},
            {"without": "scts", "more": (promises(promise(more=b"leaf index")), False)},
            {"serial": 2**159 - 1},
            {"without": "name", "more": (x509.SubjectAlternativeName([x509.RFC822Name("a@example.org")]), True)},
            {"without": "claim", "more": (x509.UnrecognizedExtension(CLAIM.oid, b"\x0c\x82\x01\x2c" + b"x" * 300), False)},
        ],
    )
    def test_is_that_of_the_usual_certificates(self, changes: dict[str, Any]) -> None:
        assert self.ISSUED_BY.pinned is not None and not self.ISSUED_BY.between
        certificate = signer(**changes)
        assert is_issued(self.ISSUED_BY, certificate)
        assert verdict(self.ISSUED_BY, certificate) == verdict(self.BY_PATH, certificate) == "issued"
        assert_read_alike(certificate)

    @pytest.mark.parametrize("form", OTHER_FORMS.values(), ids=OTHER_FORMS.keys())
    def test_is_not_that_of_any_other(self, form: dict[str, Any]) -> None:
        certificate = signer(**form)
        assert read_usual_signer(certificate.public_bytes(Encoding.DER)) is None
        assert verdict(self.ISSUED_BY, certificate) == verdict(self.BY_PATH, certificate)

    def test_still_takes_the_authority_s_signature_and_both_windows(self) -> None:
        assert not is_issued(self.ISSUED_BY, signer(by=ROOT_KEY))
        assert verdict(self.ISSUED_BY, signer(by=ROOT_KEY)) == verdict(self.BY_PATH, signer(by=ROOT_KEY)) == "refused"
        for at in (START - timedelta(seconds=1), END + timedelta(seconds=1)):
            assert not is_issued(self.ISSUED_BY, signer(), at=at)
            assert verdict(self.ISSUED_BY, signer(), at=at) == verdict(self.BY_PATH, signer(), at=at) == "refused"

    def test_takes_an_authority_of_the_usual_form_and_of_this_name(self) -> None:
        assert not is_issued(replace(self.ISSUED_BY, pinned=None), signer())
        assert not is_issued(replace(self.ISSUED_BY, encoded_name=ROOT_NAME.public_bytes()), signer())
        assert not is_issued(replace(self.ISSUED_BY, held=Window(NOON + timedelta(seconds=1), None)), signer())

    def test_is_read_as_the_library_reads_it_whatever_byte_is_another(self) -> None:
        """Every byte, changed in two ways: what is still taken apart here the library reads too, and reads the same out of it."""
        der = signer().public_bytes(Encoding.DER)
        taken_apart = 0
        for position in range(len(der)):
            for flipped in (1, 0x80):
                changed_der = der[:position] + bytes([der[position] ^ flipped]) + der[position + 1 :]
                usual = read_usual_signer(changed_der)
                # One of another issuer is read by the library in any case.
                if usual is None or usual.issuer != self.ISSUED_BY.encoded_name:
                    continue
                try:
                    certificate = load_certificate(changed_der, is_taken_apart=True)
                except Malformed:
                    continue
                taken_apart += 1
                assert_read_alike(certificate)
        assert taken_apart > 100

    @pytest.mark.parametrize("size", [0, 1, 107, 108, 109, 110, 111, 112, 113, 126, 127, 128, 129, 130, 240, 255, 256, 257, 300])
    def test_is_read_with_claims_of_any_length(self, size: int) -> None:
        claim = x509.UnrecognizedExtension(CLAIM.oid, bytes(range(256))[:size].ljust(size, b"x"))
        assert_read_alike(signer(without="claim", more=(claim, False)))

    @pytest.mark.parametrize("cut", [0, 1, 2, 100, 400, -1])
    def test_is_not_that_of_anything_cut_short_or_longer(self, cut: int) -> None:
        der = signer().public_bytes(Encoding.DER)
        assert read_usual_signer(der[:cut]) is None
        assert read_usual_signer(der + b"\x00") is None

    @pytest.mark.parametrize(
        "more",
        [
            (x509.NameConstraints([x509.DNSName("example.org")], None), True),
            (STRANGE, True),
            (STRANGE, False),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), True),
        ],
    )
    def test_is_not_that_of_an_authority_with_more_to_say(self, more: tuple[x509.ExtensionType, bool]) -> None:
        certificate = authority(more=(more,))
        assert not is_usual_authority(certificate)
        assert build_authority((certificate, root_certificate()), Window(START, None)).pinned is None


class TestAChainAboveTheIssuingCertificate:
    @pytest.mark.parametrize(
        "chain",
        [
            pytest.param((authority(by=ISSUING_KEY), root_certificate()), id="not issued by the root"),
            pytest.param((authority(), root_certificate(is_authority=False)), id="under no authority"),
            pytest.param((authority(), root_certificate(more=((STRANGE, True),))), id="under one with an unknown critical extension"),
            pytest.param((authority(is_authority=False), root_certificate()), id="no authority itself"),
        ],
    )
    def test_vouches_for_nothing_when_it_does_not_hold(self, chain: tuple[x509.Certificate, ...]) -> None:
        built = build_authority(chain, Window(START, None))
        assert built.pinned is None
        assert verdict(built, signer()) != "issued"

    def test_that_limits_how_many_stand_below_is_validated_whole(self) -> None:
        too_short = authority(ROOT_NAME, ROOT_KEY, path_length=0)
        built = build_authority((authority(), too_short), Window(START, None))
        assert built.between and built.pinned is None
        assert verdict(built, signer()) == "refused" and not is_issued(built, signer())

    def test_that_limits_names_is_validated_whole(self) -> None:
        limits = root_certificate(more=((x509.NameConstraints([x509.DNSName("example.org")], None), True),))
        assert build_authority((authority(), limits), Window(START, None)).between

    def test_holds_only_while_all_of_it_is_valid(self) -> None:
        built = build_authority((authority(), root_certificate(end=NOON)), Window(START, None))
        assert built.held == Window(START, NOON)
        assert built.held.contains(NOON) and not built.held.contains(NOON + timedelta(seconds=1))
        assert verdict(built, signer()) == "issued" and is_issued(built, signer())
        later = NOON + timedelta(seconds=1)
        assert verdict(built, signer(), at=later) != "issued" and not is_issued(built, signer(), at=later)
