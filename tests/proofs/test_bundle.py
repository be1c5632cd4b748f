"""The steps of `proofs.sigstore.bundle`, each with the lies it is there for, told by an instance with real keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from portal.demo.instance import Instance, Lie, claim_builder
from proofs.errors import Malformed, Unproven
from proofs.evidence import TrustMaterial, verify_evidence
from proofs.sigstore.bundle import SigningTime
from proofs.sigstore.log_body import DSSE_ENTRY, INTOTO_ENTRY
from proofs.sigstore.trust_root import parse_trust_root
from tests.proofs.factory import DAY, DIGEST, INSTANCE, NOON, STATEMENT, TRUST, WORKLOAD, assess, bundle, changed, entry_of

KINDS = (DSSE_ENTRY, INTOTO_ENTRY)
Change = Callable[[dict[str, Any]], object]


def material_of(value: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = value["verificationMaterial"]
    return found


def age(value: dict[str, Any], version: int) -> None:
    """Write the bundle as version 0.1 or 0.2 did: its certificate as the first of a chain."""
    value["mediaType"] = f"application/vnd.dev.sigstore.bundle+json;version=0.{version}"
    material_of(value)["x509CertificateChain"] = {"certificates": [material_of(value).pop("certificate")]}


def test_an_honest_bundle_verifies_with_its_signing_time_and_log_index() -> None:
    raw = bundle()
    verified = verify_evidence(raw, trust=TRUST, received_at=NOON)
    assert verified.bundle is not None
    assert verified.statement.predicate_type == STATEMENT["predicateType"]
    assert verified.bundle.times == (SigningTime("log", NOON),)
    assert verified.bundle.certificate is not None
    assert verified.bundle.certificate.identity == WORKLOAD.identity
    assert verified.bundle.certificate.claims == WORKLOAD.fulcio_claims()
    assert verified.bundle.log_index == int(json.loads(raw)["verificationMaterial"]["tlogEntries"][0]["logIndex"])


def test_an_honest_bundle_verifies_in_a_log_of_any_size() -> None:
    instance = Instance(NOON)
    trust = TrustMaterial((parse_trust_root(instance.trusted_root()),))
    for _ in range(9):
        raw = instance.sign_as(WORKLOAD, STATEMENT, at=NOON)
        assert assess(raw, trust=trust).result == "verified"


class TestStep1Shape:
    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (lambda value: value.update(mediaType=["application/vnd.dev.sigstore.bundle.v0.3+json"]), "evidence.unknown_format"),
            (
                lambda value: value.update(mediaType="application/vnd.dev.sigstore.bundle+json;version=99"),
                "evidence.unsupported_bundle_version",
            ),
            (lambda value: value.update(messageSignature=value.pop("dsseEnvelope")), "bundle.malformed"),
            (lambda value: value.update(messageSignature={}), "bundle.malformed"),
            (lambda value: value.update(unread={}), "bundle.malformed"),
            (lambda value: value.pop("verificationMaterial"), "bundle.missing_material"),
            (lambda value: value.update(verificationMaterial=[]), "bundle.malformed"),
            (lambda value: material_of(value).pop("certificate"), "bundle.missing_material"),
            (lambda value: material_of(value).update(publicKey={"hint": "x"}), "bundle.malformed"),
            (lambda value: material_of(value).update(publicKey={"hint": 1}, certificate=None), "bundle.malformed"),
            (lambda value: material_of(value).update(x509CertificateChain={}), "bundle.malformed"),
            (lambda value: material_of(value).pop("tlogEntries"), "bundle.missing_material"),
            (lambda value: material_of(value).update(tlogEntries=[]), "bundle.missing_material"),
            (lambda value: material_of(value).update(tlogEntries=[1]), "bundle.malformed"),
            (
                lambda value: material_of(value).update(tlogEntries=[], timestampVerificationData={"rfc3161Timestamps": [{}]}),
                "bundle.malformed",
            ),
            (lambda value: material_of(value).update(timestampVerificationData={"rfc3161Timestamps": {}}), "bundle.malformed"),
            (
                lambda value: material_of(value).update(timestampVerificationData={"rfc3161Timestamps": [{}] * 33}),
                "bundle.too_many_timestamps",
            ),
            (lambda value: material_of(value).update(timestampVerificationData=[]), "bundle.malformed"),
            (lambda value: entry_of(value).update(kindVersion={"kind": "intoto", "version": "0.0.1"}), "evidence.unsupported_log_entry"),
            (lambda value: entry_of(value).update(kindVersion={"kind": "dsse", "version": "0.0.2"}), "evidence.unsupported_log_entry"),
            (lambda value: entry_of(value).pop("inclusionPromise"), "bundle.missing_material"),
            (lambda value: entry_of(value).pop("integratedTime"), "tlog.malformed"),
            (lambda value: entry_of(value).pop("inclusionProof"), "tlog.malformed"),
            (lambda value: entry_of(value)["inclusionProof"].pop("checkpoint"), "tlog.malformed"),
            (lambda value: entry_of(value).update(integratedTime="01777896000"), "tlog.malformed"),
            (lambda value: entry_of(value).update(integratedTime=True), "tlog.malformed"),
            (lambda value: entry_of(value).update(integratedTime="9007199254740991"), "tlog.malformed"),
            (lambda value: entry_of(value).update(logIndex=-1), "tlog.malformed"),
            (lambda value: value["dsseEnvelope"].update(signatures=[]), "dsse.unsigned"),
            (lambda value: value["dsseEnvelope"].update(signatures=value["dsseEnvelope"]["signatures"] * 2), "bundle.malformed"),
            (lambda value: value["dsseEnvelope"]["signatures"][0].update(cert="x"), "bundle.malformed"),
            (lambda value: value["dsseEnvelope"].update(extra=1), "bundle.malformed"),
            (lambda value: value["dsseEnvelope"].update(payload="-_8="), "bundle.malformed"),
            (lambda value: value["dsseEnvelope"]["signatures"][0].update(sig="-_8"), "bundle.malformed"),
            (lambda value: material_of(value)["certificate"].update(rawBytes="AAAA"), "certificate.malformed"),
        ],
    )
    def test_another_shape_is_refused(self, change: Change, code: str) -> None:
        assessment = assess(changed(bundle(), change))
        assert assessment.code == code
        assert assessment.result == ("unsupported" if code.startswith("evidence.unsupported_") else "rejected")
        assert assessment.facts is None

    @pytest.mark.parametrize("version", [1, 2])
    def test_an_older_bundle_may_carry_its_certificate_in_a_chain(self, version: int) -> None:
        assessment = assess(changed(bundle(), lambda value: age(value, version)))
        assert (assessment.result, assessment.code) == ("verified", "evidence.verified")
        assert not any("promise" in sentence for sentence in assessment.not_checked)

    def test_who_stands_above_the_signer_is_never_taken_from_the_bundle(self) -> None:
        def add_stranger(value: dict[str, Any]) -> None:
            age(value, 2)
            stranger = material_of(json.loads(bundle(lies=[Lie.STRANGERS_AUTHORITY])))["certificate"]
            material_of(value)["x509CertificateChain"]["certificates"].append(stranger)

        assert assess(changed(bundle(), add_stranger)).result == "verified"
        assert assess(changed(bundle(lies=[Lie.STRANGERS_AUTHORITY]), add_stranger)).code == "certificate.untrusted"

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (lambda chain: chain["certificates"].clear(), "bundle.missing_material"),
            (lambda chain: chain["certificates"].extend(chain["certificates"] * 10), "bundle.too_many_certificates"),
            (lambda chain: chain["certificates"].append({"rawBytes": "AAAA"}), "certificate.malformed"),
            (lambda chain: chain["certificates"].append(1), "bundle.malformed"),
            (lambda chain: chain.update(certificates={}), "bundle.malformed"),
            (lambda chain: chain.update(extra=1), "bundle.malformed"),
            (lambda chain: chain.clear(), "bundle.malformed"),
        ],
    )
    def test_a_chain_of_another_shape_is_refused(self, change: Change, code: str) -> None:
        raw = changed(changed(bundle(), lambda value: age(value, 2)), lambda value: change(material_of(value)["x509CertificateChain"]))
        assert (assess(raw).result, assess(raw).code) == ("rejected", code)

    def test_a_bundle_of_version_0_2_brings_no_root_and_one_of_0_1_may(self) -> None:
        top = json.loads(INSTANCE.trusted_root())["certificateAuthorities"][0]["certChain"]["certificates"][-1]

        def add_root(value: dict[str, Any], version: int) -> None:
            age(value, version)
            material_of(value)["x509CertificateChain"]["certificates"].append(top)

        assert assess(changed(bundle(), lambda value: add_root(value, 2))).code == "bundle.malformed"
        assert assess(changed(bundle(), lambda value: add_root(value, 1))).result == "verified"

    def test_a_chain_has_no_place_in_version_0_3(self) -> None:
        raw = changed(bundle(), lambda value: age(value, 3))
        assert assess(raw).code == "bundle.missing_material"

    def test_a_timestamp_that_nobody_can_read_is_refused_even_beside_a_log_entry(self) -> None:
        raw = changed(
            bundle(),
            lambda value: material_of(value).update(timestampVerificationData={"rfc3161Timestamps": [{"signedTimestamp": "AA=="}]}),
        )
        assert assess(raw).code == "tsa.malformed"


class TestStep2Log:
    def test_a_log_of_a_stranger(self) -> None:
        assert assess(bundle(lies=[Lie.LOG_OF_A_STRANGER])).code == "tlog.unknown_log"

    def test_another_instance(self) -> None:
        elsewhere = TrustMaterial((parse_trust_root(Instance(NOON).trusted_root()),))
        assert assess(bundle(), trust=elsewhere).code == "tlog.unknown_log"

    def test_a_log_key_no_longer_trusted_when_it_signed(self) -> None:
        assert assess(bundle(at=NOON), trust=_trust(log_until=NOON)).result == "verified"
        assert assess(bundle(at=NOON), trust=_trust(log_until=NOON - DAY)).code == "tlog.key_window"

    def test_without_any_trust_root(self) -> None:
        assert assess(bundle(), trust=TrustMaterial()).code == "trust_root.missing"

    def test_with_several_trust_roots_the_right_one_decides_and_explains(self) -> None:
        foreign = parse_trust_root(Instance(NOON).trusted_root())
        both = TrustMaterial((foreign, *TRUST.trust_roots, foreign))
        assessment = assess(bundle(), trust=both)
        assert assessment.facts is not None
        assert assessment.facts["trustRoot"] == TRUST.trust_roots[0].digest
        assert assess(bundle(lies=[Lie.SCT_FORGED]), trust=both).code == "sct.signature"


class TestStep3Promise:
    def test_a_forged_promise(self) -> None:
        assert assess(bundle(lies=[Lie.PROMISE_FORGED])).code == "tlog.promise"

    @pytest.mark.parametrize("field", ["integratedTime", "logIndex"])
    def test_a_number_changed_after_the_promise(self, field: str) -> None:
        raw = changed(bundle(), lambda value: entry_of(value).update({field: str(int(entry_of(value)[field]) + 1)}))
        assert assess(raw).code == "tlog.promise"

    def test_logged_after_it_was_received(self) -> None:
        assert assess(bundle(at=NOON + DAY / 24), received_at=NOON).code == "tlog.time_in_future"


class TestStep4Inclusion:
    def test_a_proof_of_another_leaf(self) -> None:
        assert assess(bundle(lies=[Lie.PROOF_OF_ANOTHER_LEAF])).code == "tlog.inclusion"

    @pytest.mark.parametrize("version", [1, 2])
    def test_only_version_0_1_may_rest_on_the_promise_alone_and_that_is_said(self, version: int) -> None:
        def without_proof(value: dict[str, Any]) -> None:
            age(value, version)
            entry_of(value).pop("inclusionProof")

        assessment = assess(changed(bundle(), without_proof))
        if version == 2:
            assert assessment.code == "tlog.malformed"
            return
        assert assessment.result == "verified"
        assert any("kept its promise" in sentence for sentence in assessment.not_checked)
        assert assessment.facts is not None
        assert assessment.facts["log"]["inclusion"] == "promised"
        proven = assess(changed(bundle(), lambda value: age(value, 1))).facts
        assert proven is not None
        assert "inclusion" not in proven["log"]
        assert assess(changed(bundle(lies=[Lie.PROMISE_FORGED]), without_proof)).code == "tlog.promise"

    def test_a_proof_that_is_there_counts_in_version_0_1_as_well(self) -> None:
        raw = changed(bundle(lies=[Lie.CHECKPOINT_FORGED]), lambda value: age(value, 1))
        assert assess(raw).code == "tlog.checkpoint_signature"

    def test_a_proof_cut_short(self) -> None:
        bundle()
        raw = changed(bundle(), lambda value: entry_of(value)["inclusionProof"]["hashes"].pop())
        assert assess(raw).code == "tlog.inclusion"

    def test_a_forged_checkpoint(self) -> None:
        assert assess(bundle(lies=[Lie.CHECKPOINT_FORGED])).code == "tlog.checkpoint_signature"

    def test_a_checkpoint_of_another_tree(self) -> None:
        assert assess(bundle(lies=[Lie.CHECKPOINT_OF_ANOTHER_TREE])).code == "tlog.checkpoint_mismatch"

    def test_an_older_checkpoint_of_the_same_log(self) -> None:
        older = entry_of(json.loads(bundle()))["inclusionProof"]["checkpoint"]
        raw = changed(bundle(), lambda value: entry_of(value)["inclusionProof"].update(checkpoint=older))
        assert assess(raw).code == "tlog.checkpoint_mismatch"

    @pytest.mark.parametrize(
        ("old", "new", "code"),
        [
            ("— rekor.factory.example ", "— rekor.elsewhere.example ", "tlog.checkpoint_unsigned"),
            ("rekor.factory.example - ", "rekor.elsewhere.example - ", "tlog.checkpoint_unsigned"),
            ("— rekor.factory.example ", "- rekor.factory.example ", "tlog.checkpoint_malformed"),
            ("\n\n", "\n", "tlog.checkpoint_malformed"),
        ],
    )
    def test_a_checkpoint_under_another_name_or_form(self, old: str, new: str, code: str) -> None:
        def rename(value: dict[str, Any]) -> None:
            checkpoint = entry_of(value)["inclusionProof"]["checkpoint"]
            checkpoint["envelope"] = checkpoint["envelope"].replace(old, new, 1)

        assert assess(changed(bundle(), rename)).code == code


class TestStep5CertificateTime:
    def test_an_expired_certificate(self) -> None:
        assert assess(bundle(lies=[Lie.CERTIFICATE_EXPIRED])).code == "certificate.time"


class TestStep6Authority:
    def test_an_authority_of_a_stranger_under_the_same_name(self) -> None:
        assert assess(bundle(lies=[Lie.STRANGERS_AUTHORITY])).code == "certificate.untrusted"

    def test_an_authority_no_longer_trusted_when_it_issued(self) -> None:
        assert assess(bundle(at=NOON), trust=_trust(ca_until=NOON)).result == "verified"
        assert assess(bundle(at=NOON), trust=_trust(ca_until=NOON - DAY)).code == "certificate.authority_window"

    def test_an_intermediate_certificate_that_had_expired(self) -> None:
        after_the_authorities_life = NOON + 11 * 365 * DAY
        raw = bundle(at=after_the_authorities_life)
        assert assess(raw, received_at=after_the_authorities_life).code == "certificate.untrusted"

    def test_an_unknown_critical_extension(self) -> None:
        assert assess(bundle(lies=[Lie.UNKNOWN_CRITICAL_EXTENSION])).code == "certificate.untrusted"

    def test_an_authority_that_signs_statements_itself(self) -> None:
        assert assess(bundle(lies=[Lie.CERTIFICATE_OF_AN_AUTHORITY])).code == "certificate.untrusted"


class TestStep7Identity:
    def test_a_certificate_for_web_servers(self) -> None:
        assert assess(bundle(lies=[Lie.CERTIFICATE_FOR_SERVERS])).code == "certificate.usage"

    @pytest.mark.parametrize("lie", [Lie.CERTIFICATE_FOR_TWO, Lie.CERTIFICATE_FOR_NOBODY])
    def test_a_certificate_for_two_or_for_nobody(self, lie: Lie) -> None:
        assert assess(bundle(lies=[lie])).code == "certificate.identity"

    def test_two_issuers_that_disagree(self) -> None:
        assert assess(bundle(lies=[Lie.TWO_ISSUERS])).code == "certificate.issuer"


class TestStep8Published:
    def test_a_certificate_nobody_listed(self) -> None:
        assert assess(bundle(lies=[Lie.SCT_MISSING])).code == "sct.missing"

    def test_a_certificate_listed_by_a_stranger(self) -> None:
        assert assess(bundle(lies=[Lie.SCT_BY_STRANGER])).code == "sct.unknown_log"

    def test_a_promise_for_another_certificate(self) -> None:
        assert assess(bundle(lies=[Lie.SCT_FORGED])).code == "sct.signature"

    def test_a_certificate_log_no_longer_trusted(self) -> None:
        assert assess(bundle(), trust=_trust(ct_until=NOON - DAY)).code == "sct.key_window"

    def test_a_profile_may_ask_for_none_and_for_more_than_there_are(self) -> None:
        document = INSTANCE.trusted_root()
        none = TrustMaterial((parse_trust_root(document, profile={"tlog": 1, "tsa": 0, "sct": 0}),))
        two = TrustMaterial((parse_trust_root(document, profile={"tlog": 1, "tsa": 0, "sct": 2}),))
        assert assess(bundle(lies=[Lie.SCT_MISSING]), trust=none).result == "verified"
        assert assess(bundle(), trust=two).code == "sct.unknown_log"


class TestStep9Binding:
    @pytest.mark.parametrize("kind", KINDS)
    def test_an_honest_entry_of_each_kind(self, kind: tuple[str, str]) -> None:
        assert assess(bundle(entry_kind=kind)).result == "verified"

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("lie", [Lie.ENTRY_OF_ANOTHER_STATEMENT, Lie.ENTRY_OF_ANOTHER_SIGNATURE, Lie.ENTRY_OF_ANOTHER_CERTIFICATE])
    def test_an_entry_about_something_else(self, lie: Lie, kind: tuple[str, str]) -> None:
        assert assess(bundle(lies=[lie], entry_kind=kind)).code == "tlog.entry_mismatch"

    @pytest.mark.parametrize(("kind", "other"), [KINDS, KINDS[::-1]])
    def test_an_entry_that_calls_itself_another_kind(self, kind: tuple[str, str], other: tuple[str, str]) -> None:
        raw = changed(bundle(entry_kind=kind), lambda value: entry_of(value).update(kindVersion={"kind": other[0], "version": other[1]}))
        assert assess(raw).code == "tlog.entry_mismatch"

    @pytest.mark.parametrize("kind", KINDS)
    def test_entries_of_one_kind_swapped_between_two_bundles_of_one_signer(self, kind: tuple[str, str]) -> None:
        other = json.loads(bundle(entry_kind=kind))
        raw = changed(bundle(entry_kind=kind), lambda value: material_of(value).update(tlogEntries=material_of(other)["tlogEntries"]))
        assert assess(raw).code == "tlog.entry_mismatch"

    def test_entries_swapped_between_two_honest_bundles(self) -> None:
        other = json.loads(bundle())
        raw = changed(bundle(), lambda value: material_of(value).update(tlogEntries=material_of(other)["tlogEntries"]))
        assert assess(raw).code == "tlog.entry_mismatch"

    def test_envelopes_swapped_between_two_honest_bundles(self) -> None:
        other = json.loads(bundle(statement=claim_builder(STATEMENT, "https://builder.example")))
        assert assess(changed(bundle(), lambda value: value.update(dsseEnvelope=other["dsseEnvelope"]))).code == "tlog.entry_mismatch"

    def test_certificates_swapped_between_two_honest_bundles(self) -> None:
        other = json.loads(bundle())
        raw = changed(bundle(), lambda value: material_of(value).update(certificate=material_of(other)["certificate"]))
        assert assess(raw).code == "tlog.entry_mismatch"


class TestStep10Signature:
    def test_signed_by_another_key_than_the_certificates(self) -> None:
        assert assess(bundle(lies=[Lie.SIGNED_BY_ANOTHER_KEY])).code == "dsse.signature"

    def test_the_payload_type_is_part_of_what_is_signed(self) -> None:
        assert assess(changed(bundle(), lambda value: value["dsseEnvelope"].update(payloadType="text/plain"))).code == "dsse.signature"


class TestStep11Statement:
    @pytest.mark.parametrize(
        "payload_type", ["text/plain", "application/vnd.in-toto+json ", "Application/vnd.in-toto+json", "application/vnd.in-toto+json; v=1"]
    )
    def test_an_honest_signature_over_another_type(self, payload_type: str) -> None:
        assessment = assess(bundle(payload_type=payload_type))
        assert (assessment.result, assessment.code) == ("unsupported", "evidence.unsupported_payload")

    def test_a_statement_of_an_unknown_type(self) -> None:
        assert assess(bundle(statement=STATEMENT | {"_type": "https://in-toto.io/Statement/v2"})).code == "statement.malformed"

    def test_a_statement_about_nothing(self) -> None:
        assert assess(bundle(statement=STATEMENT | {"subject": []})).code == "statement.malformed"

    def test_a_statement_about_something_only_sha1_names(self) -> None:
        subject = [{"name": "x", "digest": {"sha1": DIGEST[:40]}}]
        assert assess(bundle(statement=STATEMENT | {"subject": subject})).code == "statement.no_digest"


class TestTrustRoot:
    def test_is_named_by_the_digest_of_its_bytes(self) -> None:
        document = INSTANCE.trusted_root()
        assert parse_trust_root(document).digest != parse_trust_root(document + b"\n").digest

    @pytest.mark.parametrize(
        "change",
        [
            lambda value: value.update(mediaType="application/json"),
            lambda value: value["tlogs"][0]["publicKey"].pop("validFor"),
            lambda value: value["tlogs"][0]["publicKey"]["validFor"].pop("start"),
            lambda value: value["tlogs"][0]["publicKey"]["validFor"].update(start="2026-02-30T00:00:00Z"),
            lambda value: value["tlogs"][0]["publicKey"]["validFor"].update(start="2026-01-01T00:00:00"),
            lambda value: value["tlogs"][0]["publicKey"].update(keyDetails="PKIX_ED25519"),
            lambda value: value["tlogs"][0]["publicKey"].update(rawBytes="AAAA"),
            lambda value: value["certificateAuthorities"][0]["certChain"].update(certificates=[]),
            lambda value: value["certificateAuthorities"][0]["certChain"]["certificates"][0].update(rawBytes="AAAA"),
            lambda value: value["certificateAuthorities"][0].pop("validFor"),
            lambda value: value.update(ctlogs={}),
            lambda value: value.update(tlogs=value["tlogs"] * 65),
        ],
    )
    def test_refuses_another_document(self, change: Change) -> None:
        with pytest.raises(Malformed) as refused:
            parse_trust_root(changed(INSTANCE.trusted_root(), change))
        assert refused.value.code == "trust_root.malformed"

    @pytest.mark.parametrize(
        ("url", "host"),
        [
            ("https://rekor.example", "rekor.example"),
            ("https://REKOR.example:443/api", "rekor.example"),
            ("http://rekor.example:80", "rekor.example"),
            ("http://rekor.example:443", "rekor.example:443"),
            ("http://localhost:8000", "localhost:8000"),
            ("http://[::1]:3000", "[::1]:3000"),
        ],
    )
    def test_a_log_is_called_by_its_host_and_a_port_of_its_own(self, url: str, host: str) -> None:
        document = changed(INSTANCE.trusted_root(), lambda value: value["tlogs"][0].update(baseUrl=url))
        assert parse_trust_root(document).logs[0].host == host

    def test_a_key_of_a_kind_we_cannot_use_is_left_out_and_proves_nothing(self) -> None:
        document = changed(INSTANCE.trusted_root(), lambda value: value["ctlogs"][0]["publicKey"].update(keyDetails="PKIX_SOMETHING_NEW"))
        assert assess(bundle(), trust=TrustMaterial((parse_trust_root(document),))).code == "sct.unknown_log"

    def test_a_log_listed_under_another_id_is_not_found(self) -> None:
        document = changed(INSTANCE.trusted_root(), lambda value: value["tlogs"][0]["logId"].update(keyId="AAAA"))
        assert assess(bundle(), trust=TrustMaterial((parse_trust_root(document),))).code == "tlog.unknown_log"

    @pytest.mark.parametrize(
        "profile", [{}, {"tlog": 0, "tsa": 0, "sct": 1}, {"tlog": 1, "tsa": 9, "sct": 1}, {"tlog": 1, "tsa": 0, "sct": True}]
    )
    def test_refuses_a_profile_it_could_not_keep(self, profile: dict[str, int]) -> None:
        with pytest.raises(Malformed) as refused:
            parse_trust_root(INSTANCE.trusted_root(), profile=profile)
        assert refused.value.code == "trust_root.profile"


def test_refusals_are_unproven_or_malformed_and_never_something_else() -> None:
    for lie in Lie:
        with pytest.raises((Unproven, Malformed)):
            verify_evidence(bundle(lies=[lie]), trust=TRUST, received_at=NOON)


def _trust(**ends: Any) -> TrustMaterial:
    return TrustMaterial((parse_trust_root(INSTANCE.trusted_root(**ends)),))
