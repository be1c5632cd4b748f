"""What package indexes and build services publish, each step with its lies: on published sets with one change, and made here."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, pae
from proofs.errors import Malformed, Refusal
from proofs.evidence import TrustMaterial, VerifiedEvidence, verify_evidence
from proofs.keys import PublicKey, load_spki
from proofs.packages.gcb import verify_build_provenance
from proofs.packages.npm import PUBLISH_TYPE, VerifiedNpmSet, parse_npm_keys, verify_npm_set
from proofs.packages.purl import PackageName, PackageUrl, parse_purl, read_purl
from proofs.sigstore.known_certificates import SignerCertificate
from proofs.sigstore.log_body import DSSE_ENTRY, INTOTO_ENTRY
from proofs.sigstore.pep740 import Publisher, check_distribution, check_publisher, parse_attestation, parse_provenance
from tests.proofs.factory import DAY, NOON, TRUST, WORKLOAD, bundle
from tests.proofs.formats import Formats, Kind, as_pep740, b64

FORMATS = Formats(NOON)
SHA512 = "ab" * 64
NPM_SUBJECT = [{"name": "pkg:npm/%40scope/thing@1.2.3", "digest": {"sha512": SHA512}}]


def code_of(function: Callable[..., Any], *arguments: Any, **named: Any) -> str:
    with pytest.raises(Refusal) as refused:
        function(*arguments, **named)
    return refused.value.code


class TestPackageUrls:
    def test_reads_names_with_and_without_scope(self) -> None:
        assert parse_purl("pkg:npm/%40scope/thing@1.2.3") == PackageName("npm", "@scope/thing", "1.2.3")
        assert parse_purl("pkg:npm/thing@1.0.0-rc.1") == PackageName("npm", "thing", "1.0.0-rc.1")

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "thing@1",
            "pkg:npm/thing",
            "pkg:npm/thing@1?x=y",
            "pkg:npm/thing@1#sub",
            "pkg:NPM/thing@1",
            "pkg:npm/a@b@1",
            "pkg:npm/a%0Ab@1",
            "pkg:npm/a@1%00",
            "pkg:npm/%ff@1",
        ],
    )
    def test_anything_else_is_refused(self, text: str) -> None:
        with pytest.raises(Malformed):
            parse_purl(text)

    def test_as_people_write_them(self) -> None:
        assert read_purl("pkg:npm/@acme/app") == PackageUrl("npm", "@acme/app", "", {})
        assert read_purl("pkg://NPM//%40acme%2Fapp@1%2Bb#sub") == PackageUrl("npm", "@acme/app", "1+b", {})
        written = "pkg:oci/api@sha256%3A11?Tag=1&repository_url=r.example%2Fapi#a?b"
        assert read_purl(written) == PackageUrl("oci", "api", "sha256:11", {"tag": "1", "repository_url": "r.example/api"})

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "npm/a@1",
            "pkg:npm",
            "pkg:npm/",
            "pkg:npm/a@1?x",
            "pkg:npm/a@1?=x",
            "pkg:npm/a?x=1&X=2",
            "pkg:npm/a/../b",
            "pkg:a/%ff",
            "pkg:a/b?c=%0A",
        ],
    )
    def test_what_nobody_can_mean_is_refused(self, text: str) -> None:
        with pytest.raises(Malformed):
            read_purl(text)


def publish_bundle(subject: Any = NPM_SUBJECT, predicate: Any = None) -> dict[str, Any]:
    said = {"name": "@scope/thing", "version": "1.2.3", "registry": "https://registry.example"} if predicate is None else predicate
    statement = {"_type": "https://in-toto.io/Statement/v0.1", "subject": subject, "predicateType": PUBLISH_TYPE, "predicate": said}
    value: dict[str, Any] = json.loads(FORMATS.make(Kind(signer="key", entry=DSSE_ENTRY, stamps=0), statement, WORKLOAD, NOON))
    return value


def provenance_bundle(
    subject: Any = NPM_SUBJECT, kind: str = "https://slsa.dev/provenance/v1", signer: str = "certificate"
) -> dict[str, Any]:
    statement = {"_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicateType": kind, "predicate": {}}
    value: dict[str, Any] = json.loads(FORMATS.make(Kind(signer=signer, entry=INTOTO_ENTRY, stamps=0), statement, WORKLOAD, NOON))
    return value


def npm_set(*bundles: dict[str, Any]) -> dict[str, Any]:
    listed = []
    for value in bundles or (publish_bundle(), provenance_bundle()):
        signed = json.loads(base64.b64decode(value["dsseEnvelope"]["payload"]))
        listed.append({"predicateType": signed["predicateType"], "bundle": value})
    return {"attestations": listed}


def verify_npm(value: object) -> VerifiedNpmSet:
    return verify_npm_set(value, trust=FORMATS.trust(), received_at=NOON)


class TestNpm:
    def test_a_set_that_holds_together(self) -> None:
        found = verify_npm(npm_set())
        assert found.package == PackageName("npm", "@scope/thing", "1.2.3")
        assert str(found.digest) == f"sha512:{SHA512}"
        assert found.publish.bundle is not None
        assert found.publish.bundle.certificate is None

    @pytest.mark.parametrize(
        "value", [None, [], {}, {"attestations": {}}, {"attestations": [1]}, {"attestations": [{"predicateType": 1, "bundle": {}}]}]
    )
    def test_1_another_shape(self, value: object) -> None:
        assert code_of(verify_npm, value) == "npm.malformed"

    def test_1_too_many(self) -> None:
        assert code_of(verify_npm, {"attestations": [{}] * 17}) == "npm.too_many"

    @pytest.mark.parametrize("which", [0, 1])
    def test_2_any_bundle_that_does_not_verify(self, which: int) -> None:
        value = npm_set()
        value["attestations"][which]["bundle"]["dsseEnvelope"]["payload"] = b64(b"{}")
        assert code_of(verify_npm, value) in ("tlog.entry_mismatch", "key.unknown")

    @pytest.mark.parametrize("which", [0, 1])
    def test_3_a_label_that_is_not_what_was_signed(self, which: int) -> None:
        value = npm_set()
        value["attestations"][which]["predicateType"] += "x"
        assert code_of(verify_npm, value) == "npm.label"

    def test_3_labels_exchanged(self) -> None:
        value = npm_set()
        first, second = value["attestations"]
        first["predicateType"], second["predicateType"] = second["predicateType"], first["predicateType"]
        assert code_of(verify_npm, value) == "npm.label"

    def test_3_one_kind_twice(self) -> None:
        assert code_of(verify_npm, npm_set(publish_bundle(), publish_bundle(), provenance_bundle())) == "npm.twice"
        older = provenance_bundle(kind="https://slsa.dev/provenance/v0.2")
        assert code_of(verify_npm, npm_set(publish_bundle(), provenance_bundle(), older)) == "npm.twice"

    def test_4_one_alone_is_not_enough(self) -> None:
        assert code_of(verify_npm, {"attestations": []}) == "npm.no_publish"
        assert code_of(verify_npm, npm_set(provenance_bundle())) == "npm.no_publish"
        assert code_of(verify_npm, npm_set(publish_bundle())) == "npm.no_provenance"

    def test_4_provenance_signed_with_the_registrys_key(self) -> None:
        assert code_of(verify_npm, npm_set(publish_bundle(), provenance_bundle(signer="key"))) == "npm.no_provenance"

    def test_5_about_two_packages(self) -> None:
        other = [{"name": "pkg:npm/%40scope/thing@1.2.4", "digest": {"sha512": SHA512}}]
        assert code_of(verify_npm, npm_set(publish_bundle(), provenance_bundle(other))) == "npm.subjects_differ"
        other = [{"name": "pkg:npm/%40scope/thing@1.2.3", "digest": {"sha512": "cd" * 64}}]
        assert code_of(verify_npm, npm_set(publish_bundle(), provenance_bundle(other))) == "npm.subjects_differ"

    def test_5_a_predicate_that_names_another_version(self) -> None:
        spoilt = publish_bundle(predicate={"name": "@scope/thing", "version": "9.9.9"})
        assert code_of(verify_npm, npm_set(spoilt, provenance_bundle())) == "npm.subjects_differ"

    @pytest.mark.parametrize(
        "subject",
        [
            NPM_SUBJECT * 2,
            [{"name": "pkg:npm/thing@1", "digest": {"sha256": "ab" * 32}}],
            [{"name": "pkg:npm/thing@1", "digest": {"sha256": "ab" * 32, "sha512": SHA512}}],
            [{"name": "pkg:pypi/thing@1", "digest": {"sha512": SHA512}}],
        ],
    )
    def test_5_another_subject(self, subject: Any) -> None:
        assert code_of(verify_npm, npm_set(publish_bundle(subject), provenance_bundle(subject))) == "npm.subject"

    def test_keys_for_other_uses_are_left_out_and_windows_kept(self) -> None:
        key = {"rawBytes": b64(FORMATS.spki()), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": {"start": "2020-01-01T00:00:00Z"}}
        listed = [
            {"keyId": "a", "keyUsage": "npm:signatures", "publicKey": key},
            {"keyId": "b", "keyUsage": "npm:attestations", "publicKey": key},
        ]
        keys = parse_npm_keys({"keys": listed})
        assert [registered.key.spki for registered in keys] == [FORMATS.spki()]
        assert keys[0].counts_at(NOON)
        assert (
            code_of(parse_npm_keys, {"keys": [{"keyUsage": "npm:attestations", "publicKey": {**key, "validFor": {}}}]})
            == "trust_root.malformed"
        )
        assert code_of(parse_npm_keys, []) == "key.malformed"


def attestation(raw: bytes | None = None) -> dict[str, Any]:
    return as_pep740(raw or bundle())


def distribution(**changes: Any) -> VerifiedEvidence:
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "thing-1.0.tar.gz", "digest": {"sha256": "ab" * 32}}],
        "predicateType": "https://docs.pypi.org/attestations/publish/v1",
        "predicate": None,
    } | changes
    return verify_evidence(json.dumps(attestation(bundle(statement=statement))).encode(), trust=TRUST, received_at=NOON)


def certificate_of(verified: VerifiedEvidence) -> SignerCertificate:
    assert verified.bundle is not None
    assert verified.bundle.certificate is not None
    return verified.bundle.certificate


class TestPep740:
    def test_is_evidence_like_any_other(self) -> None:
        verified = distribution()
        assert verified.format == "pep740-attestation"
        check_distribution(verified.statement, expected_name="thing-1.0.tar.gz", expected_sha256="ab" * 32)

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (lambda value: value.update(version=2), "evidence.unsupported_attestation_version"),
            (lambda value: value.update(version=True), "evidence.unsupported_attestation_version"),
            (lambda value: value.update(version=1.0), "evidence.unsupported_attestation_version"),
            (lambda value: value.update(extra=1), "pep740.malformed"),
            (lambda value: value["envelope"].update(keyid=""), "pep740.malformed"),
            (lambda value: value["verification_material"].update(transparency_entries=[]), "bundle.missing_material"),
            (lambda value: value["verification_material"].update(certificate=1), "certificate.malformed"),
        ],
    )
    def test_1_another_shape(self, change: Callable[[dict[str, Any]], object], code: str) -> None:
        value = attestation()
        change(value)
        assert code_of(parse_attestation, value) == code

    def test_2_a_changed_statement(self) -> None:
        value = attestation()
        value["envelope"]["statement"] = b64(b"{}")
        assert code_of(verify_evidence, json.dumps(value).encode(), trust=TRUST, received_at=NOON) == "tlog.entry_mismatch"

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"predicateType": "https://example.com/other"}, "pep740.predicate"),
            ({"subject": [{"name": "thing-1.0.tar.gz", "digest": {"sha256": "ab" * 32}}] * 2}, "pep740.distribution"),
            ({"subject": [{"name": "Thing-1.0.tar.gz", "digest": {"sha256": "ab" * 32}}]}, "pep740.distribution"),
            ({"subject": [{"name": "thing-1.0.tar.gz", "digest": {"sha256": "cd" * 32}}]}, "pep740.distribution"),
            ({"subject": [{"name": "thing-1.0.tar.gz", "digest": {"sha512": "ab" * 64}}]}, "pep740.distribution"),
        ],
    )
    def test_3_another_distribution(self, changes: dict[str, Any], code: str) -> None:
        verified = distribution(**changes)
        assert code_of(check_distribution, verified.statement, expected_name="thing-1.0.tar.gz", expected_sha256="ab" * 32) == code

    def test_a_provenance_lists_every_attestation_with_its_publisher(self) -> None:
        group = {"publisher": {"kind": "GitHub", "repository": "a/b"}, "attestations": [attestation(), attestation()]}
        found = parse_provenance({"version": 1, "attestation_bundles": [group]})
        assert [publisher.kind for publisher, _ in found] == ["GitHub", "GitHub"]

    @pytest.mark.parametrize(
        ("value", "code"),
        [
            ([], "pep740.malformed"),
            ({"version": 1, "attestation_bundles": []}, "pep740.empty"),
            ({"version": 1, "attestation_bundles": [{"publisher": {}, "attestations": []}]}, "pep740.malformed"),
            ({"version": 1, "attestation_bundles": [{"publisher": {"kind": "x"}, "attestations": [1]}]}, "pep740.malformed"),
            ({"version": 1, "attestation_bundles": [{"publisher": {"kind": "x"}, "attestations": [{}] * 65}]}, "pep740.too_many"),
            ({"version": 2, "attestation_bundles": []}, "evidence.unsupported_attestation_version"),
        ],
    )
    def test_another_provenance(self, value: object, code: str) -> None:
        assert code_of(parse_provenance, value) == code

    def test_a_publisher_is_held_against_the_certificate(self) -> None:
        certificate = certificate_of(distribution())
        repository = certificate.claims[12].removeprefix("https://github.com/")
        workflow = certificate.identity.partition("@")[0].rpartition("/")[2]
        honest = {"repository": repository, "workflow": workflow}
        check_publisher(certificate, Publisher("GitHub", honest))
        check_publisher(certificate, Publisher("GitHub", honest | {"environment": ""}))
        for fields in ({**honest, "workflow": "x" + workflow}, {**honest, "repository": repository + "x"}, {**honest, "workflow": ""}, {}):
            assert code_of(check_publisher, certificate, Publisher("GitHub", fields)) == "pep740.publisher"
        for kind in ("GitLab", "Google", "ActiveState", ""):
            assert code_of(check_publisher, certificate, Publisher(kind, honest | {"email": ""})) == "pep740.publisher"

    def test_an_environment_is_compared_where_the_certificate_names_one(self) -> None:
        certificate = certificate_of(distribution())
        named = replace(certificate, claims=certificate.claims | {23: "release"})
        fields = {
            "repository": certificate.claims[12].removeprefix("https://github.com/"),
            "workflow": certificate.identity.partition("@")[0].rpartition("/")[2],
        }
        check_publisher(named, Publisher("GitHub", fields | {"environment": "release"}))
        assert code_of(check_publisher, named, Publisher("GitHub", fields | {"environment": "evil"})) == "pep740.publisher"

    def test_publishers_of_other_kinds(self) -> None:
        certificate = certificate_of(distribution())
        google = replace(certificate, issuer="https://accounts.google.com", identity="ci@project.example")
        check_publisher(google, Publisher("Google", {"email": "ci@project.example"}))
        assert code_of(check_publisher, google, Publisher("Google", {"email": "other@project.example"})) == "pep740.publisher"
        identity = "https://gitlab.com/a/b//.gitlab-ci.yml@refs/heads/main"
        gitlab = replace(certificate, issuer="https://gitlab.com", identity=identity, claims={12: "https://gitlab.com/a/b"})
        honest = {"repository": "a/b", "workflow_filepath": ".gitlab-ci.yml"}
        check_publisher(gitlab, Publisher("GitLab", honest))
        for wrong in (replace(gitlab, claims={12: "https://gitlab.com/a/c"}), replace(gitlab, claims={})):
            assert code_of(check_publisher, wrong, Publisher("GitLab", honest)) == "pep740.publisher"
        nobody = replace(gitlab, identity="https://gitlab.com///@x")
        assert code_of(check_publisher, nobody, Publisher("GitLab", {"repository": "", "workflow_filepath": ""})) == "pep740.publisher"


MODERN, LEGACY = "projects/x/cryptoKeys/worker/cryptoKeyVersions/1", "projects/x/cryptoKeys/builtByGCB/cryptoKeyVersions/1"
BUILD_KEY = ec.generate_private_key(ec.SECP256R1())
BUILD_KEYS = dict.fromkeys(
    (MODERN, LEGACY), load_spki(BUILD_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
)
IMAGE = "sha256:" + "ab" * 32


def build(key_id: str = MODERN, *, signs_payload_alone: bool = False, statement_changes: Any = None) -> dict[str, Any]:
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "image", "digest": {"sha256": "ab" * 32}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {"x": 1},
    } | (statement_changes or {})
    payload = json.dumps(statement).encode()
    signature = BUILD_KEY.sign(payload if signs_payload_alone else pae(IN_TOTO_PAYLOAD_TYPE, payload), ec.ECDSA(hashes.SHA256()))
    envelope = {"payload": b64(payload), "payloadType": IN_TOTO_PAYLOAD_TYPE, "signatures": [{"keyid": key_id, "sig": b64(signature)}]}
    entry = {"envelope": envelope, "build": {"inTotoSlsaProvenanceV1": copy.deepcopy(statement)}}
    return {"image_summary": {"digest": IMAGE, "fully_qualified_digest": f"image@{IMAGE}"}, "provenance_summary": {"provenance": [entry]}}


class TestCloudBuild:
    def test_an_honest_wrapper(self) -> None:
        found = verify_build_provenance(build(), BUILD_KEYS)
        assert (str(found.image), found.builds[0].key_id) == (IMAGE, MODERN)

    def test_2_only_the_old_ring_may_sign_the_payload_alone(self) -> None:
        assert verify_build_provenance(build(LEGACY, signs_payload_alone=True), BUILD_KEYS).builds[0].key_id == LEGACY
        assert code_of(verify_build_provenance, build(MODERN, signs_payload_alone=True), BUILD_KEYS) == "dsse.signature"
        assert code_of(verify_build_provenance, build(LEGACY), BUILD_KEYS) == "dsse.signature"

    def test_2_a_key_nobody_knows(self) -> None:
        keys: dict[str, PublicKey] = {}
        assert code_of(verify_build_provenance, build(), keys) == "dsse.key_unknown"

    def test_3_another_image(self) -> None:
        value = build()
        value["image_summary"]["digest"] = "sha256:" + "cd" * 32
        assert code_of(verify_build_provenance, value, BUILD_KEYS) == "gcb.image"
        both = [{"name": "a", "digest": {"sha256": "ab" * 32}}, {"name": "b", "digest": {"sha256": "cd" * 32}}]
        assert code_of(verify_build_provenance, build(statement_changes={"subject": both}), BUILD_KEYS) == "gcb.image"

    @pytest.mark.parametrize("name", ["fully_qualified_digest", "resourceUri"])
    def test_3_a_name_of_another_image(self, name: str) -> None:
        value = build()
        holder = value["image_summary"] if name.startswith("fully") else value["provenance_summary"]["provenance"][0]
        holder[name] = "image@sha256:" + "cd" * 32
        assert code_of(verify_build_provenance, value, BUILD_KEYS) == "gcb.image"

    def test_3_a_note_of_another_kind(self) -> None:
        value = build()
        value["provenance_summary"]["provenance"][0]["kind"] = "DISCOVERY"
        assert code_of(verify_build_provenance, value, BUILD_KEYS) == "gcb.kind"

    def test_2_an_envelope_that_nobody_known_signed_beside_one_that_counts(self) -> None:
        value, other = build(), build("projects/x/cryptoKeys/unknown/cryptoKeyVersions/1")
        value["provenance_summary"]["provenance"] = other["provenance_summary"]["provenance"] + value["provenance_summary"]["provenance"]
        assert [found.key_id for found in verify_build_provenance(value, BUILD_KEYS).builds] == [MODERN]

    def test_4_a_copy_under_a_name_nobody_knows(self) -> None:
        value = build()
        value["provenance_summary"]["provenance"][0]["build"]["statement"] = {}
        assert code_of(verify_build_provenance, value, BUILD_KEYS) == "gcb.malformed"

    @pytest.mark.parametrize("field", ["_type", "subject", "predicateType", "predicate"])
    def test_4_a_readable_copy_that_says_something_else(self, field: str) -> None:
        value = build()
        value["provenance_summary"]["provenance"][0]["build"]["inTotoSlsaProvenanceV1"][field] = "other"
        assert code_of(verify_build_provenance, value, BUILD_KEYS) == "gcb.copy_differs"

    @pytest.mark.parametrize(
        "value",
        [
            None,
            {},
            {"image_summary": {}, "provenance_summary": {"provenance": []}},
            {"image_summary": {}, "provenance_summary": {"provenance": [{}]}},
        ],
    )
    def test_1_another_shape(self, value: object) -> None:
        assert code_of(verify_build_provenance, value, BUILD_KEYS) == "gcb.malformed"


def test_material_is_what_the_set_is_verified_with() -> None:
    assert code_of(verify_npm_set, npm_set(), trust=TrustMaterial(), received_at=NOON) == "trust_root.missing"
    later = FORMATS.trust(log2_until=NOON - DAY)
    assert verify_npm_set(npm_set(), trust=later, received_at=NOON).package.name == "@scope/thing"
