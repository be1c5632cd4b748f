"""Layers of older cosign: true ones verify as the bundles they are, each part swapped or bent is refused, and annotations prove nothing."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from portal.demo.instance import Lie
from proofs.assess import Assessment, assess_evidence
from proofs.canonical import canonical_bytes
from proofs.evidence import TrustMaterial, detect_format
from proofs.policy.evaluate import evaluate_policy
from proofs.sigstore.cosign_layer import SIGNATURE_TYPE
from proofs.sigstore.log_body import HASHEDREKORD
from tests.proofs.cosign import CERTIFICATE, CHAIN, IMAGE, PROMISE, SIGNATURE, STAMP, descriptor, image_payload, layer_of, pem
from tests.proofs.factory import DAY, INSTANCE, NOON, STATEMENT, WORKLOAD, bundle
from tests.proofs.formats import KINDS, Formats, b64
from tests.proofs.pack.lies import check
from tests.proofs.pack.world import World, make_verdict
from tests.proofs.policy.test_evaluate import input_with, policy_with

FORMATS = Formats(NOON)
ATTESTATIONS = ("envelope-dsse-stamped", "envelope-intoto", "key-envelope-dsse")
SIGNATURES = ("file-v1", "key-file-v1")
Change = Callable[[dict[str, Any]], object]


def layer(name: str = "envelope-dsse-stamped", *, statement: dict[str, Any] = STATEMENT, payload: bytes | None = None) -> dict[str, Any]:
    """Return a true layer made from a bundle of this kind: an attestation, or a signature over an image."""
    signed = image_payload() if payload is None else payload
    raw = FORMATS.make(KINDS[name], statement, WORKLOAD, NOON, file=signed)
    return layer_of(raw, blob=None if KINDS[name].content == "envelope" else signed)


def judge(value: dict[str, Any], *, trust: TrustMaterial | None = None) -> Assessment:
    return assess_evidence(json.dumps(value).encode(), trust=trust or FORMATS.trust(), received_at=NOON)


def code_when(change: Change, name: str = "envelope-dsse-stamped") -> str:
    """Return the code once the true layer, which is verified, is changed."""
    value = layer(name)
    assert judge(value).code == "evidence.verified"
    change(value)
    return judge(value).code


def notes(value: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = value["annotations"]
    return found


def promise(value: dict[str, Any], change: Change) -> None:
    inner = json.loads(notes(value)[PROMISE])
    change(inner)
    notes(value)[PROMISE] = json.dumps(inner)


class TestTrueLayers:
    @pytest.mark.parametrize("name", ATTESTATIONS)
    def test_an_attestation_verifies_as_the_bundle_it_is(self, name: str) -> None:
        value = layer(name)
        assert detect_format(json.dumps(value).encode()) == "cosign-layer"
        assessment = judge(value)
        assert (assessment.result, assessment.code) == ("verified", "evidence.verified"), assessment.reason
        bundle = assess_evidence(FORMATS.make(KINDS[name], STATEMENT, WORKLOAD, NOON), trust=FORMATS.trust(), received_at=NOON)
        assert assessment.facts is not None and bundle.facts is not None
        for same in ("statementType", "predicateType", "subjects", "claims"):
            assert assessment.facts[same] == bundle.facts[same]
        assert assessment.facts["signer"]["kind"] == KINDS[name].signer
        assert assessment.facts["times"] == [{"source": "log", "at": "2026-05-04T12:00:00Z"}]
        assert assessment.facts["log"]["inclusion"] == "promised"
        assert any("kept its promise" in sentence for sentence in assessment.not_checked)

    @pytest.mark.parametrize("name", SIGNATURES)
    def test_a_signature_is_about_the_image_and_not_about_its_own_payload(self, name: str) -> None:
        assessment = judge(layer(name))
        assert assessment.code == "evidence.verified", assessment.reason
        assert assessment.facts is not None
        assert assessment.facts["subjects"] == [{"name": "ghcr.io/acme/payments", "digests": [IMAGE]}]
        assert assessment.facts["predicateType"] == SIGNATURE_TYPE
        assert assessment.facts["claims"]["understood"] is False
        assert any("the signature is over the image" in sentence for sentence in assessment.not_checked)

    def test_a_rule_may_ask_for_a_signature_over_the_image_by_the_expected_signer(self) -> None:
        world = World()
        payload = image_payload()
        raw = _file_of_the_portals_instance(INSTANCE, payload)
        verdict = make_verdict(raw, trust=world.trust)
        assert verdict["result"] == "verified", verdict["reason"]
        asks = policy_with(lambda document: document["rules"][0].update(predicateTypes=[SIGNATURE_TYPE]))
        assert evaluate_policy(asks, input_with(verdict))["result"] == "pass"
        assert evaluate_policy(policy_with(), input_with(verdict))["rules"][0]["code"] == "policy.evidence_missing"
        other = input_with(verdict, artifacts=("sha256:" + "cd" * 32,))
        assert evaluate_policy(asks, other)["rules"][0]["code"] == "policy.evidence_missing"

    def test_a_chain_is_a_hint_and_other_annotations_are_read_by_nobody(self) -> None:
        value = layer()
        stranger = json.loads(Formats(NOON).trusted_root())["certificateAuthorities"][0]["certChain"]["certificates"]
        for chain in ("", pem(stranger[0]["rawBytes"]), "".join(pem(each["rawBytes"]) for each in stranger)):
            assert (
                judge(value | {"annotations": notes(value) | {CHAIN: chain, "predicateType": "x", "note": "y"}}).code == "evidence.verified"
            )

    def test_the_whole_envelope_may_be_stamped_and_only_the_whole(self) -> None:
        value = layer()
        blob = base64.b64decode(value["data"])
        signature = base64.b64decode(json.loads(blob)["signatures"][0]["sig"])

        def stamped(message: bytes) -> Assessment:
            token = json.dumps({"SignedRFC3161Timestamp": b64(FORMATS.stamper.token(message, NOON))})
            return judge(value | {"annotations": notes(value) | {STAMP: token}})

        whole = stamped(blob)
        assert whole.facts is not None
        assert [time["source"] for time in whole.facts["times"]] == ["log", "rfc3161"]
        assert stamped(signature).code == stamped(b"another").code == "tsa.imprint"

    def test_of_an_image_signature_the_signature_is_stamped(self) -> None:
        value = layer("file-v1")
        for message, wanted in ((base64.b64decode(notes(value)[SIGNATURE]), "evidence.verified"), (image_payload(), "tsa.imprint")):
            token = json.dumps({"SignedRFC3161Timestamp": b64(FORMATS.stamper.token(message, NOON))})
            assert judge(value | {"annotations": notes(value) | {STAMP: token}}).code == wanted


def _file_of_the_portals_instance(instance: Any, payload: bytes) -> bytes:
    """Return a signature layer over `payload` by the honest workload of the instance that the test world trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = instance._issue_certificate(key.public_key(), WORKLOAD, NOON, ())
    signature = key.sign(payload, ec.ECDSA(hashes.SHA256()))
    spec = {
        "data": {"hash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()}},
        "signature": {"content": b64(signature), "publicKey": {"content": b64(certificate.public_bytes(Encoding.PEM))}},
    }
    body = canonical_bytes({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": spec})
    entry = instance._log_entry(HASHEDREKORD, body, NOON, ())
    material = {"certificate": {"rawBytes": b64(certificate.public_bytes(Encoding.DER))}, "tlogEntries": [entry]}
    bundle = {"verificationMaterial": material, "messageSignature": {"signature": b64(signature)}}
    return json.dumps(layer_of(json.dumps(bundle).encode(), blob=payload)).encode()


def test_a_pack_carries_layers_like_other_evidence() -> None:
    world = World(evidence=(json.dumps(layer_of(bundle())).encode(), _file_of_the_portals_instance(INSTANCE, image_payload())))
    report = check(world.pack(), trust=world.trust)
    assert [item.result for item in report.evidence] == ["verified", "verified"]
    lying = World(evidence=(json.dumps(layer_of(bundle(lies=[Lie.PROMISE_FORGED]))).encode(),))
    assert lying.verdicts[0]["code"] == "tlog.promise"


class TestStep1Descriptor:
    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (lambda value: value.update(digest="sha256:" + "00" * 32), "cosign.blob"),
            (lambda value: value.update(digest=value["digest"].upper()), "cosign.blob"),
            (lambda value: value.update(digest=value["digest"].replace("sha256:", "sha512:")), "cosign.blob"),
            (lambda value: value.update(size=value["size"] + 1), "cosign.blob"),
            (lambda value: value.update(size=str(value["size"])), "cosign.blob"),
            (lambda value: value.update(data=b64(base64.b64decode(value["data"]) + b" ")), "cosign.blob"),
            (lambda value: value.update(data=value["data"] + "\n"), "cosign.malformed"),
            (lambda value: value.update(data=None), "cosign.malformed"),
            (lambda value: value.pop("data"), "cosign.malformed"),
            (lambda value: value.pop("size"), "cosign.malformed"),
            (lambda value: value.update(urls=["https://mallory.example"]), "cosign.malformed"),
            (lambda value: value.update(annotations=[]), "cosign.malformed"),
            (lambda value: notes(value).update(x=1), "cosign.malformed"),  # type: ignore[call-overload]
            (lambda value: notes(value).update({f"x{number}": "" for number in range(65)}), "cosign.too_many_annotations"),
            (lambda value: value.pop("annotations"), "evidence.unknown_format"),
            (lambda value: value.update(mediaType="application/json"), "evidence.unknown_format"),
        ],
    )
    def test_another_shape_or_another_blob(self, change: Change, code: str) -> None:
        assert code_when(change) == code

    @pytest.mark.parametrize("name", ["envelope-dsse-stamped", "file-v1"])
    def test_a_layer_of_one_kind_that_calls_itself_the_other(self, name: str) -> None:
        types = {"envelope-dsse-stamped": SIGNATURE_TYPE, "file-v1": "application/vnd.dsse.envelope.v1+json"}
        assert code_when(lambda value: value.update(mediaType=types[name]), name) in ("cosign.unsigned", "cosign.malformed")


class TestStep2Annotations:
    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (lambda value: notes(value).update({CERTIFICATE: notes(value)[CERTIFICATE] * 2}), "cosign.malformed"),
            (lambda value: notes(value).update({CERTIFICATE: "x" + notes(value)[CERTIFICATE]}), "cosign.malformed"),
            (lambda value: notes(value).update({CERTIFICATE: notes(value)[CERTIFICATE] + "x"}), "cosign.malformed"),
            (lambda value: notes(value).update({CERTIFICATE: notes(value)[CERTIFICATE].replace("\n", "\r\n")}), "cosign.malformed"),
            (
                lambda value: notes(value).update({CERTIFICATE: notes(value)[CERTIFICATE].replace("CERTIFICATE", "PUBLIC KEY")}),
                "cosign.malformed",
            ),
            (lambda value: notes(value).update({CERTIFICATE: pem("AAAA")}), "certificate.malformed"),
            (lambda value: notes(value).update({CERTIFICATE: "", CHAIN: notes(value)[CERTIFICATE]}), "cosign.malformed"),
            (lambda value: notes(value).update({CHAIN: notes(value)[CERTIFICATE] * 11}), "bundle.too_many_certificates"),
            (lambda value: notes(value).update({CHAIN: "x"}), "cosign.malformed"),
            (lambda value: notes(value).pop(CERTIFICATE), "key.unknown"),
            (lambda value: notes(value).pop(PROMISE), "bundle.missing_material"),
            (lambda value: notes(value).update({PROMISE: ""}), "bundle.missing_material"),
            (lambda value: notes(value).update({PROMISE: "{"}), "json.invalid"),
            (lambda value: notes(value).update({PROMISE: "[]"}), "cosign.malformed"),
            (lambda value: notes(value).update({PROMISE: notes(value)[PROMISE].replace("{", '{"Payload": 1, ', 1)}), "json.duplicate_key"),
            (lambda value: promise(value, lambda inner: inner.pop("SignedEntryTimestamp")), "cosign.malformed"),
            (lambda value: promise(value, lambda inner: inner.update(more=1)), "cosign.malformed"),
            (lambda value: promise(value, lambda inner: inner["Payload"].pop("logID")), "cosign.malformed"),
            (lambda value: promise(value, lambda inner: inner["Payload"].update(logID="AB" * 32)), "cosign.malformed"),
            (lambda value: promise(value, lambda inner: inner["Payload"].update(logID="ab" * 32)), "tlog.unknown_log"),
            (lambda value: promise(value, lambda inner: inner["Payload"].update(body="!")), "cosign.malformed"),
            (lambda value: promise(value, lambda inner: inner["Payload"].update(body=b64(b"[]"))), "cosign.malformed"),
            (lambda value: promise(value, lambda inner: inner["Payload"].update(body=b64(b"{}"))), "evidence.unsupported_log_entry"),
            (lambda value: promise(value, lambda inner: inner["Payload"].update(integratedTime=0)), "tlog.malformed"),
            (lambda value: promise(value, lambda inner: inner["Payload"].update(integratedTime=-1)), "tlog.malformed"),
            (lambda value: notes(value).update({STAMP: "{}"}), "cosign.malformed"),
            (lambda value: notes(value).update({STAMP: json.dumps({"SignedRFC3161Timestamp": "AA=="})}), "tsa.malformed"),
            (lambda value: notes(value).update({SIGNATURE: "AAAA"}), "cosign.malformed"),
        ],
    )
    def test_another_shape(self, change: Change, code: str) -> None:
        assert code_when(change) == code

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (lambda value: notes(value).pop(SIGNATURE), "cosign.unsigned"),
            (lambda value: notes(value).update({SIGNATURE: ""}), "cosign.unsigned"),
            (lambda value: notes(value).update({SIGNATURE: "!"}), "bundle.malformed"),
            (lambda value: notes(value).update({SIGNATURE: "AAAA"}), "tlog.entry_mismatch"),
        ],
    )
    def test_a_signature_in_another_form(self, change: Change, code: str) -> None:
        assert code_when(change, "file-v1") == code


class TestStep3Bundle:
    @pytest.mark.parametrize("field", ["integratedTime", "logIndex"])
    def test_a_number_changed_after_the_promise(self, field: str) -> None:
        assert (
            code_when(lambda value: promise(value, lambda inner: inner["Payload"].update({field: inner["Payload"][field] + 1})))
            == "tlog.promise"
        )

    @pytest.mark.parametrize("name", [*ATTESTATIONS, *SIGNATURES])
    @pytest.mark.parametrize("part", ["blob", CERTIFICATE, PROMISE, SIGNATURE])
    def test_each_part_swapped_with_that_of_another_true_layer(self, name: str, part: str) -> None:
        value = layer(name)
        other = layer(
            name, statement=STATEMENT | {"predicateType": "https://example.com/other"}, payload=image_payload("sha256:" + "cd" * 32)
        )
        assert judge(value).code == judge(other).code == "evidence.verified"
        before = copy.deepcopy(value)
        if part == "blob":
            value.update({field: other[field] for field in ("data", "digest", "size")})
        elif part in notes(other):
            notes(value)[part] = notes(other)[part]
        if value != before:
            assert judge(value).code in ("tlog.entry_mismatch", "key.unknown")

    @pytest.mark.parametrize("name", [*ATTESTATIONS, *SIGNATURES])
    def test_somebody_who_trusts_another_instance(self, name: str) -> None:
        assert judge(layer(name), trust=Formats(NOON).trust()).code == "tlog.unknown_log"

    def test_a_certificate_that_had_expired_by_the_promised_time(self) -> None:
        late = Formats(NOON)
        late_raw = late.make(KINDS["file-v1"], STATEMENT, WORKLOAD, NOON, file=image_payload())
        later_raw = late.make(KINDS["file-v1"], STATEMENT, WORKLOAD, NOON + DAY, file=image_payload())
        honest, later = layer_of(late_raw, blob=image_payload()), layer_of(later_raw, blob=image_payload())
        assert judge(honest, trust=late.trust()).code == "evidence.verified"
        notes(later)[CERTIFICATE] = notes(honest)[CERTIFICATE]
        answer = assess_evidence(json.dumps(later).encode(), trust=late.trust(), received_at=NOON + 2 * DAY)
        assert answer.code == "certificate.time"

    def test_an_envelope_of_several_signatures_or_with_something_unread(self) -> None:
        def spoil(change: Change) -> str:
            value = layer()
            envelope = json.loads(base64.b64decode(value["data"]))
            change(envelope)
            return judge(descriptor(value["mediaType"], json.dumps(envelope).encode(), notes(value))).code

        assert spoil(lambda envelope: None) == "evidence.verified"
        assert spoil(lambda envelope: envelope.update(signatures=envelope["signatures"] * 2)) == "bundle.malformed"
        assert spoil(lambda envelope: envelope.update(signatures=[])) == "dsse.unsigned"
        assert spoil(lambda envelope: envelope.update(unread=1)) == "bundle.malformed"
        assert spoil(lambda envelope: envelope.update(payloadType="text/plain")) == "dsse.signature"


class TestStep4Image:
    """Everything here was really signed and logged: only what the signed payload says is odd."""

    @staticmethod
    def signed(payload: bytes) -> Assessment:
        return judge(layer("file-v1", payload=payload))

    @pytest.mark.parametrize(
        ("payload", "code"),
        [
            (image_payload(type="atomic container signature"), "evidence.unsupported_payload"),
            (image_payload(type=None), "evidence.unsupported_payload"),
            (image_payload("sha1:" + "ab" * 20), "cosign.payload"),
            (image_payload("latest"), "cosign.payload"),
            (image_payload(IMAGE.upper()), "cosign.payload"),
            (image_payload(image={"Docker-manifest-digest": IMAGE}), "cosign.payload"),
            (image_payload(image={"docker-manifest-digest": IMAGE, "Docker-Manifest-Digest": "sha256:" + "cd" * 32}), "cosign.payload"),
            (image_payload(image=IMAGE), "cosign.payload"),
            (image_payload(image={"docker-manifest-digest": [IMAGE]}), "cosign.payload"),
            (image_payload(identity={"docker-reference": 1}), "cosign.payload"),
            (image_payload(identity={"docker-reference": "a\u202eb"}), "cosign.payload"),
            (image_payload(identity={}), "cosign.payload"),
            (image_payload(extra=1), "cosign.payload"),
            (image_payload().replace(b'"optional":null', b'"optional":1'), "cosign.payload"),
            (image_payload().replace(b',"optional":null', b""), "cosign.payload"),
            (image_payload().replace(b'"image":', b'"image":{},"image":'), "json.duplicate_key"),
            (b"hello", "json.invalid"),
            (b"[]", "cosign.payload"),
            (json.dumps(STATEMENT).encode(), "cosign.payload"),
        ],
    )
    def test_a_payload_that_is_not_cosigns_about_one_image(self, payload: bytes, code: str) -> None:
        answer = self.signed(payload)
        assert (answer.code, answer.facts) == (code, None)

    def test_what_is_optional_is_kept_and_not_read(self) -> None:
        answer = self.signed(image_payload().replace(b"null", b'{"creator":"somebody","docker-manifest-digest":"sha256:00"}'))
        assert answer.code == "evidence.verified"
        assert answer.facts is not None
        assert answer.facts["subjects"][0]["digests"] == [IMAGE]


class TestClaims:
    def test_a_refused_layer_is_filed_under_what_it_claims_to_be_about(self) -> None:
        elsewhere = Formats(NOON).trust()
        assert judge(layer("file-v1"), trust=elsewhere).claimed_subjects == (IMAGE,)
        assert judge(layer(), trust=elsewhere).claimed_subjects == ("sha256:" + "ab" * 32,)
        assert judge(descriptor(SIGNATURE_TYPE, b"hello", {}), trust=elsewhere).claimed_subjects == ()
        assert judge(descriptor("application/vnd.dsse.envelope.v1+json", b"[]", {}), trust=elsewhere).claimed_subjects == ()
