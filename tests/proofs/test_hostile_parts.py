"""Parts made to exhaust: certificates, layers, payloads and collections are measured before anything costly is done with them."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from proofs.assess import claimed_subjects, may_be_about
from proofs.canonical import parse_json
from proofs.collection import documents
from proofs.collection.item import Limits
from proofs.collection.read import read_collection
from proofs.sigstore.bundle_shape import MAX_CERTIFICATES
from proofs.sigstore.cosign_layer import ATTESTATION_TYPE
from proofs.statement import MAX_CLAIMED
from tests.proofs.cosign import CERTIFICATE, CHAIN, PROMISE, SIGNATURE, descriptor
from tests.proofs.factory import DAY, DIGEST, NOON, STATEMENT, WORKLOAD, assess, bundle, changed, key_signed
from tests.proofs.formats import Formats, Kind, b64
from tests.proofs.stamper import der

FORMATS = Formats(NOON)


def with_names(count: int) -> bytes:
    """Return a certificate that its own key signed, for nobody with `count` names."""
    key, nobody = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    named = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")] * count)
    made = x509.CertificateBuilder().subject_name(named).issuer_name(nobody).public_key(key.public_key()).serial_number(5)
    return made.not_valid_before(NOON).not_valid_after(NOON + DAY).sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def floats(count: int) -> bytes:
    return b"[" + b"1e1," * count + b"1]"


class TestCertificates:
    LARGE, SMALL = with_names(2_000), with_names(100)

    def test_one_of_many_names_is_refused_unread(self) -> None:
        assert len(self.SMALL) < MAX_CERTIFICATES < len(self.LARGE)
        for encoded, wanted in ((self.LARGE, "bundle.certificate_too_large"), (self.SMALL, "certificate.untrusted")):
            holder = {"certificate": {"rawBytes": b64(encoded)}}
            assert assess(changed(bundle(), lambda value, holder=holder: value["verificationMaterial"].update(holder))).code == wanted

    def test_many_in_one_chain_are_measured_together(self) -> None:
        def chained(value: dict[str, Any]) -> None:
            own = value["verificationMaterial"].pop("certificate")
            value["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1"
            above = [{"rawBytes": b64(with_names(300))}] * 6
            value["verificationMaterial"]["x509CertificateChain"] = {"certificates": [own, *above]}

        assert assess(changed(bundle(), chained)).code == "bundle.certificate_too_large"


class TestPayloadsOfNobody:
    def large(self, members: int) -> bytes:
        payload = STATEMENT | {"predicateType": "https://spdx.dev/Document", "predicate": {"x": [1] * members}}
        return json.dumps(payload).encode()

    def test_what_nobody_signed_is_read_for_its_subjects_only_within_limits(self) -> None:
        for members, wanted in ((MAX_CLAIMED // 2, (f"sha256:{DIGEST}",)), (MAX_CLAIMED + 1, ())):
            raw = changed(key_signed(self.large(members)), lambda value: value.update(signatures=[{"sig": "AAAA"}]))
            answer = assess(raw)
            assert (answer.code, answer.claimed_subjects) == ("dsse.key_unknown", wanted)
            assert claimed_subjects(raw) == wanted

    def test_what_is_too_large_to_be_searched_may_be_about_anything(self) -> None:
        own, other = f"sha256:{DIGEST}", "sha256:" + "cd" * 32
        small, large = key_signed(self.large(10)), key_signed(self.large(MAX_CLAIMED + 1))
        assert (may_be_about(small, own), may_be_about(small, other)) == (True, False)
        assert (may_be_about(large, own), may_be_about(large, other)) == (True, True)
        assert may_be_about(changed(small, lambda value: value.update(payload="!")), other)
        for certain in (key_signed(b'{"_type": "link"}'), key_signed(b'{"_type": 5}'), b"{", b"[" * 5_000):
            assert not may_be_about(certain, own)

    def test_a_layer_of_cosign_holds_few_members(self) -> None:
        assert assess(json.dumps(descriptor(ATTESTATION_TYPE, floats(2_000), {CERTIFICATE: "", SIGNATURE: ""})).encode()).code == (
            "json.too_many_parts"
        )

    @pytest.mark.parametrize("where", [CERTIFICATE, CHAIN])
    @pytest.mark.parametrize("lines", ["A\n", "A", "\n"])
    def test_its_certificates_are_measured_before_they_are_looked_for(self, where: str, lines: str) -> None:
        def code(count: int) -> str:
            text = "-----BEGIN CERTIFICATE-----\n" + lines * count
            return assess(json.dumps(descriptor(ATTESTATION_TYPE, b"{}", {CERTIFICATE: "", SIGNATURE: "", where: text})).encode()).code

        assert (code(300_000), code(1_000)) == ("bundle.certificate_too_large", "cosign.malformed")

    @pytest.mark.parametrize("where", ["promise", "body"])
    def test_so_does_what_its_log_promised(self, where: str) -> None:
        body = {"body": base64.b64encode(floats(2_000)).decode(), "integratedTime": 1, "logIndex": 1, "logID": "ab" * 32}
        promise = floats(2_000).decode() if where == "promise" else json.dumps({"SignedEntryTimestamp": "", "Payload": body})
        layer = descriptor(ATTESTATION_TYPE, b"{}", {CERTIFICATE: "", SIGNATURE: "", PROMISE: promise})
        assert assess(json.dumps(layer).encode()).code == "json.too_many_parts"


class TestCollections:
    def archive(self, files: dict[str, bytes]) -> bytes:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return packed.getvalue()

    def test_documents_without_end_in_a_small_archive_are_not_parsed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        parsed: list[int] = []

        def counting(content: bytes, **limits: Any) -> Any:
            parsed.append(content.count(b","))
            return parse_json(content, **limits)

        monkeypatch.setattr(documents, "parse_json", counting)
        raw = self.archive({f"{number}.json": floats(30_000) for number in range(60)} | {"last.json": bundle()})
        collection = read_collection(raw, limits=Limits())
        assert len(collection.items) == 61
        assert sum(parsed) <= documents.MAX_MEMBERS
        # None is lost: whoever reads the items refuses each by itself.
        assert {assess(item.content).code for item in collection.items[:60]} == {"json.too_many_parts"}
        assert collection.items[60].content == bundle() or assess(collection.items[60].content).result == "verified"

    def test_neither_is_one_document_of_millions(self) -> None:
        raw = b'{"attestations":[{"bundle":{}},' + b"1e1," * 200_000 + b"1]}"
        collection = read_collection(raw, limits=Limits())
        assert [item.refusal is None for item in collection.items] == [True]
        assert assess(collection.items[0].content).code == "json.too_many_parts"

    def test_hundreds_of_attestations_in_one_document_are_read(self) -> None:
        one = json.loads(bundle())
        raw = json.dumps({"attestations": [{"predicateType": "x", "bundle": one}] * 500}).encode()
        collection = read_collection(raw, limits=Limits())
        assert (collection.kind, len(collection.items)) == ("attestation-response", 500)


class TestTimesBeyondTheCalendar:
    @pytest.mark.parametrize("milliseconds", [253402300800000, 2**62, 2**64 - 1])
    def test_a_certificate_log_that_promises_after_the_year_9999_is_refused_with_a_code(self, milliseconds: int) -> None:
        private = FORMATS.make(Kind(stamps=1, entry=None, profile="private"), STATEMENT, WORKLOAD, NOON)
        trust = FORMATS.trust({"tlog": 0, "tsa": 1, "sct": 1})
        assert assess(private, trust=trust).result == "verified"

        def promised_later(value: dict[str, Any]) -> None:
            material = value["verificationMaterial"]
            encoded = base64.b64decode(material["certificate"]["rawBytes"])
            tbs = x509.load_der_x509_certificate(encoded).tbs_certificate_bytes
            listed_at = (int(NOON.timestamp()) * 1000).to_bytes(8, "big")
            assert tbs.count(listed_at) == 1
            again = tbs.replace(listed_at, milliseconds.to_bytes(8, "big"))
            signature = FORMATS._ca_key.sign(again, ec.ECDSA(hashes.SHA256()))
            algorithm = bytes.fromhex("300a06082a8648ce3d040302")
            material["certificate"]["rawBytes"] = b64(der(0x30, again, algorithm, der(0x03, b"\x00" + signature)))

        answer = assess(changed(private, promised_later), trust=trust)
        assert (answer.result, answer.code) == ("rejected", "certificate.malformed")
