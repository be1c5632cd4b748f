"""Evidence is verified: real bundles, bundles of a synthetic instance, and envelopes signed with a registered key."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction

from attestations.blobs import bytes_of
from attestations.models import Artifact, TrustRoot, Verdict, VerdictSubject
from attestations.queries import verdict_document, verdicts_about
from attestations.trust.roots import add_trust_root, current_trust_material
from identities.grants.grant_right import end_grant
from identities.lifecycle.change_status import retire_identity, suspend_identity
from identities.models import EvidenceSigner, Identity
from identities.register import register_nonhuman, register_signer
from ledger.models import Entry
from portal.demo.instance import Lie, build_provenance, claim_builder
from proofs.canonical import canonical_bytes
from proofs.errors import Conflict, Malformed
from proofs.keys import key_id_of
from tests import cast
from tests.make_attestations import (
    GENUINE,
    NOW,
    WRONG_SIGNER,
    Signer,
    artifact_digest,
    make_attestation,
    make_signer,
    make_statement,
    register_key,
    runner_workload,
    trust_instance,
    trust_production,
    verify_now,
)

pytestmark = pytest.mark.django_db


def outcomes(verdict: Verdict) -> dict[str, tuple[str, str]]:
    return {finding.check_name: (finding.outcome, finding.code) for finding in verdict.findings.all()}


class TestRealBundles:
    def test_the_genuine_one_is_verified(self, vectors: Path) -> None:
        trust_production(vectors)
        verdict = verify_now(make_attestation((vectors / GENUINE).read_bytes()))
        assert (verdict.result, verdict.code) == ("verified", "evidence.verified")
        facts = verdict_document(verdict)["facts"]
        assert facts["signer"]["issuer"] == "https://token.actions.githubusercontent.com"
        assert facts["signer"]["identity"].startswith("https://github.com/")
        subjects = VerdictSubject.objects.filter(verdict=verdict)
        assert subjects and all(not subject.claimed for subject in subjects)

    def test_its_signer_is_unknown_until_somebody_registers_it(self, vectors: Path) -> None:
        trust_production(vectors)
        verdict = verify_now(make_attestation((vectors / GENUINE).read_bytes()))
        assert verdict.signer is None
        assert outcomes(verdict)["signer"] == ("review", "signer.unknown")
        assert verdict_document(verdict)["identity"] is None

    def test_its_signer_is_named_when_registered(self, vectors: Path) -> None:
        trust_production(vectors)
        raw = (vectors / GENUINE).read_bytes()
        manifest = json.loads((vectors / "manifest.json").read_text())
        expected = next(row for row in manifest["rows"] if row["id"] == "slsa/bcr-module-bazel")["expected"]["facts"]
        identity = register_nonhuman(
            kind="workflow",
            name="publisher",
            issuer=cast.GITHUB_ISSUER,
            subject=expected["signer_identity"],
            owner=cast.bob(),
            team=cast.payments(),
            by=None,
            now=cast.NOW,
        )
        workflow = expected["signer_identity"].partition("@")[0]
        register_signer(
            identity=identity, certificate_issuer=cast.GITHUB_ISSUER, certificate_identity=workflow, any_ref=True, by=None, now=cast.NOW
        )
        cast.let_attest(identity)
        verdict = verify_now(make_attestation(raw))
        assert verdict.signer == identity
        assert outcomes(verdict)["signer"] == ("pass", "signer.registered")

    def test_the_wrong_signer_is_never_verified_for_the_builder_it_names(self, vectors: Path) -> None:
        trust_production(vectors)
        verdict = verify_now(make_attestation((vectors / WRONG_SIGNER).read_bytes()))
        assert verdict.result == "rejected"
        assert verdict.code.startswith("claims.")
        assert verdict.reason.startswith("The statement says it was built by ")
        assert ", but the certificate was issued to " in verdict.reason
        assert all(subject.claimed for subject in verdict.subjects.all())

    def test_nothing_verifies_without_its_trust_root(self, vectors: Path) -> None:
        verdict = verify_now(make_attestation((vectors / GENUINE).read_bytes()))
        assert (verdict.result, verdict.code) == ("rejected", "trust_root.missing")

    def test_one_changed_byte_is_rejected_and_files_it_under_what_it_claims(self, vectors: Path) -> None:
        trust_production(vectors)
        value = json.loads((vectors / GENUINE).read_bytes())
        signature = value["dsseEnvelope"]["signatures"][0]["sig"]
        value["dsseEnvelope"]["signatures"][0]["sig"] = signature[:20] + ("A" if signature[20] != "A" else "B") + signature[21:]
        verdict = verify_now(make_attestation(json.dumps(value).encode()))
        assert verdict.result == "rejected"
        assert verdict_document(verdict)["facts"] is None
        claimed = list(verdict.subjects.all())
        assert claimed
        assert all(subject.claimed for subject in claimed)


class TestSyntheticBundles:
    def test_a_truthful_one_is_verified_and_names_the_runner(self) -> None:
        instance, workload = trust_instance(), runner_workload()
        statement = build_provenance(workload, [("payments-api.tar", artifact_digest("x"))])
        runner = cast.runner()
        verdict = verify_now(make_attestation(instance.sign_as(workload, statement, at=NOW)))
        assert (verdict.result, verdict.signer) == ("verified", runner)
        assert verdict.predicate_type == "https://slsa.dev/provenance/v1"
        assert Artifact.objects.get(pk=f"sha256:{artifact_digest('x')}").name == "payments-api.tar"

    def test_a_builder_that_the_certificate_denies_is_a_contradiction(self) -> None:
        instance, workload = trust_instance(), runner_workload()
        statement = claim_builder(build_provenance(workload, [("a", artifact_digest("a"))]), "https://github.com/trusted/builder@v1")
        verdict = verify_now(make_attestation(instance.sign_as(workload, statement, at=NOW)))
        assert (verdict.result, verdict.code) == ("rejected", "claims.builder")
        assert "https://github.com/trusted/builder@v1" in verdict.reason
        assert workload.identity in verdict.reason
        assert outcomes(verdict)["builder"] == ("fail", "claims.builder")

    @pytest.mark.parametrize("lie", [Lie.SIGNED_BY_ANOTHER_KEY, Lie.STRANGERS_AUTHORITY, Lie.CHECKPOINT_FORGED, Lie.SCT_MISSING])
    def test_a_lie_is_rejected(self, lie: Lie) -> None:
        instance, workload = trust_instance(), runner_workload()
        statement = build_provenance(workload, [("a", artifact_digest("a"))])
        verdict = verify_now(make_attestation(instance.sign_as(workload, statement, at=NOW, lies=[lie])))
        assert verdict.result == "rejected"
        assert verdict.signer is None

    def test_a_name_that_nothing_proves_does_not_stick_to_the_artifact(self) -> None:
        instance, workload = trust_instance(), runner_workload()
        forged = build_provenance(workload, [("official-release", artifact_digest("a"))])
        verify_now(make_attestation(instance.sign_as(workload, forged, at=NOW, lies=[Lie.SIGNED_BY_ANOTHER_KEY])))
        assert Artifact.objects.get().name == ""


class TestKeySigned:
    def test_a_registered_key_is_verified(self) -> None:
        signer = make_signer()
        service = register_key(signer)
        verdict = verify_now(make_attestation(signer.sign(make_statement("a.tar"))))
        assert (verdict.result, verdict.signer) == ("verified", service)
        assert verdict_document(verdict)["identity"]["name"] == "scan service"

    def test_an_unregistered_key_is_rejected(self) -> None:
        register_key(make_signer())
        verdict = verify_now(make_attestation(make_signer().sign(make_statement())))
        assert (verdict.result, verdict.code, verdict.signer) == ("rejected", "dsse.key_unknown", None)

    def test_a_changed_payload_is_rejected(self) -> None:
        signer = make_signer()
        register_key(signer)
        envelope = json.loads(signer.sign(make_statement("a.tar")))
        envelope["payload"] = json.loads(signer.sign(make_statement("b.tar")))["payload"]
        verdict = verify_now(make_attestation(json.dumps(envelope).encode()))
        assert (verdict.result, verdict.code) == ("rejected", "dsse.key_unknown")

    def test_a_key_revoked_before_receipt_is_rejected(self) -> None:
        signer = make_signer()
        register_key(signer)
        EvidenceSigner.objects.update(revoked_at=NOW - timedelta(seconds=1))
        verdict = verify_now(make_attestation(signer.sign(make_statement())))
        assert (verdict.result, verdict.code) == ("rejected", "key.revoked")

    @pytest.mark.parametrize("status", ["suspended", "retired"])
    def test_the_finding_says_that_the_identity_does_not_count_any_more(self, status: str) -> None:
        signer = make_signer()
        service = register_key(signer)
        content = signer.sign(make_statement())
        sent_by = cast.runner()
        Identity.objects.filter(pk=service.pk).update(status=status)
        verdict = verify_now(make_attestation(content, by=sent_by))
        assert verdict.signer is None
        assert outcomes(verdict)["signer"] == ("fail", f"signer.{status}")
        assert status in verdict.findings.get(check_name="signer").sentence


class TestVerdict:
    def test_its_document_is_canonical_and_named_in_the_ledger(self) -> None:
        signer = make_signer()
        register_key(signer)
        verdict = verify_now(make_attestation(signer.sign(make_statement())))
        document = bytes_of(verdict.document)
        assert canonical_bytes(json.loads(document)) == document
        assert Entry.objects.get(event="verdict.recorded").ref_digest == verdict.document_id
        assert json.loads(document)["evidence"]["sha256"] == verdict.attestation.blob_id

    def test_names_everything_it_rested_on(self) -> None:
        signer = make_signer()
        register_key(signer)
        instance = trust_instance()
        verdict = verify_now(make_attestation(signer.sign(make_statement())))
        trust = verdict_document(verdict)["trust"]
        assert trust == current_trust_material().digests
        assert instance.trusted_root()
        assert (len(trust["trustRoots"]), trust["keys"]["count"]) == (1, 1)

    @pytest.mark.parametrize("table", ["blob", "attestation", "submission", "verdict", "verdictsubject", "finding", "artifact"])
    def test_nobody_changes_or_removes_a_row(self, table: str) -> None:
        signer = make_signer()
        register_key(signer)
        verify_now(make_attestation(signer.sign(make_statement())))
        key = {"blob": "size = 0", "artifact": "name = ''", "attestation": "format = ''", "submission": "submitted_at = NULL"}
        change = key.get(table, {"verdict": "result = 'verified'", "verdictsubject": "name = ''", "finding": "outcome = 'pass'"}.get(table))
        for statement in (f"UPDATE attestations_{table} SET {change}", f"DELETE FROM attestations_{table}"):
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)

    def test_is_found_under_each_artifact_it_is_about(self) -> None:
        signer = make_signer()
        register_key(signer)
        verdict = verify_now(make_attestation(signer.sign(make_statement("a.tar", "b.tar"))))
        for name in ("a.tar", "b.tar"):
            assert list(verdicts_about(f"sha256:{artifact_digest(name)}")) == [verdict]
        assert list(verdicts_about(f"sha256:{artifact_digest('c.tar')}")) == []


class TestTrustRoots:
    def test_the_same_document_again_changes_nothing(self) -> None:
        instance = trust_instance()
        entries = Entry.objects.filter(event="trust.root_added").count()
        add_trust_root(name="Again", document=instance.trusted_root(), profile=None, by=None, now=NOW)
        assert Entry.objects.filter(event="trust.root_added").count() == entries == 1

    def test_the_same_document_under_weaker_thresholds_is_refused(self) -> None:
        instance = trust_instance()
        with pytest.raises(Conflict) as refusal:
            add_trust_root(name="Weak", document=instance.trusted_root(), profile={"sct": 0}, by=None, now=NOW)
        assert refusal.value.code == "trust.root_exists"

    def test_what_is_not_a_trust_root_is_refused(self) -> None:
        with pytest.raises(Malformed) as refusal:
            add_trust_root(name="x", document=b"{}", profile=None, by=None, now=NOW)
        assert refusal.value.code == "trust_root.malformed"

    def test_a_removed_one_no_longer_counts(self) -> None:
        instance, workload = trust_instance(), runner_workload()
        root = current_trust_material().trust_roots[0].digest
        TrustRoot.objects.filter(pk=root).update(removed_at=NOW)
        statement = build_provenance(workload, [("a", artifact_digest("a"))])
        assert verify_now(make_attestation(instance.sign_as(workload, statement, at=NOW))).code == "trust_root.missing"


class TestSignedTogether:
    """One envelope by several registered keys: all of them are named, each with who answers for it."""

    @staticmethod
    def together(*signers: Signer) -> bytes:
        envelopes = [json.loads(signer.sign(make_statement("a.tar"))) for signer in signers]
        return json.dumps({**envelopes[0], "signatures": [envelope["signatures"][0] for envelope in envelopes]}).encode()

    def test_both_are_named(self) -> None:
        pair = [make_signer(), make_signer()]
        services = {key_id_of(signer.spki): register_key(signer, name=f"service {number}") for number, signer in enumerate(pair)}
        verdict = verify_now(make_attestation(self.together(*pair)))
        document = verdict_document(verdict)
        first, second = sorted(services)
        assert (verdict.result, verdict.signer) == ("verified", services[first])
        assert document["facts"]["coSigners"] == [{"kind": "key", "keyId": second}]
        (other,) = document["coIdentities"]
        assert (other["keyId"], other["identity"]["id"]) == (second, services[second].pk)
        assert outcomes(verdict)["co_signers"] == ("pass", "signer.co_signers")

    def test_one_whose_identity_is_suspended_is_somebody_to_look_at_and_counts_for_nobody(self) -> None:
        pair = sorted([make_signer(), make_signer()], key=lambda signer: key_id_of(signer.spki))
        services = [register_key(signer, name=f"service {number}") for number, signer in enumerate(pair)]
        content, sent_by = self.together(*pair), cast.runner()
        Identity.objects.filter(pk=services[1].pk).update(status="suspended")
        verdict = verify_now(make_attestation(content, by=sent_by))
        assert (verdict.result, verdict.signer) == ("verified", services[0])
        why = {"identity": None, "because": "signer.suspended"}
        assert verdict_document(verdict)["coIdentities"] == [{"keyId": key_id_of(pair[1].spki), **why}]
        assert outcomes(verdict)["co_signers"] == ("review", "signer.co_signer_unknown")

    @pytest.mark.parametrize("what", ["suspended", "not granted", "retired"])
    def test_it_is_said_why_a_co_signer_counts_for_nobody(self, what: str) -> None:
        pair = sorted([make_signer(), make_signer()], key=lambda signer: key_id_of(signer.spki))
        services = [register_key(signer, name=f"service {number}") for number, signer in enumerate(pair)]
        content, sent_by = self.together(*pair), cast.runner()
        other = services[1]
        if what == "not granted":
            end_grant(grant=other.grants.get(), reason="no longer", by=None, now=cast.NOW)
        else:
            change = suspend_identity if what == "suspended" else retire_identity
            change(identity=other, reason="gone", by=None, now=cast.NOW)
        verdict = verify_now(make_attestation(content, by=sent_by))
        sentence = verdict.findings.get(check_name="co_signers").sentence
        words = {"suspended": "suspended", "not granted": "no grant to attest", "retired": "retired"}[what]
        assert "counts for no identity now. The signer is registered as service 1" in sentence and words in sentence

    def test_a_strangers_signature_beside_it_changes_no_verdict(self) -> None:
        signer = make_signer()
        register_key(signer)
        verdict = verify_now(make_attestation(self.together(make_signer(), signer)))
        document = verdict_document(verdict)
        assert verdict.result == "verified"
        assert "coIdentities" not in document
        assert "coSigners" not in document["facts"]
        assert "co_signers" not in outcomes(verdict)
