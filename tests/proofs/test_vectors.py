"""Every published vector of the formats we take in: what must be rejected never verifies, what we can read verifies with its facts."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest

import proofs
from portal.vectors.reasons import REASONS
from portal.vectors.standards import tile_entries
from proofs.assess import assess_evidence
from proofs.checkpoint import parse_note_key, verify_checkpoint
from proofs.claims import FAIL
from proofs.delegators import DELEGATED
from proofs.digest import sha256_hex
from proofs.evidence import verify_evidence
from proofs.facts import extract_facts
from proofs.merkle import build_consistency_proof, leaf_hash, node_hash, subtree_root, verify_consistency
from proofs.moment import parse_moment
from tests.proofs.published import NOW, manifest, read, row_named, rows, trust_of

EVIDENCE = ("sigstore-bundle", "dsse", "dsse-inline-cert")
# These say no to a policy and not to the evidence: the facts must come out, so that the policy can say it.
POLICY_REASONS = {"identity_mismatch", "source_mismatch", "ref_mismatch", "builder_mismatch", "artifact_mismatch"}

# Rows to verify that we do not verify, with what we say instead. A row that starts to verify must leave this table.
NOT_YET = {
    # Signed, and no statement: the payload is of a type that is nobody's evidence.
    "dsse/spec-vector": "evidence.unsupported_payload",
    # What in-toto signed before there were statements.
    "dsse/in-toto-link-write-code": "evidence.unsupported_statement",
    "dsse/in-toto-layout": "evidence.unsupported_statement",
    # Its only subject has a digest of the algorithm "foo".
    "dsse/rekor-two-signatures-threshold-2": "statement.no_digest",
}
# The conformance suite judges signatures only. This statement, signed by a public test workflow, claims to come from another
# repository's builder: the same lie as bcr-module-bazel-wrong-signer. Its signatures verify, its claims do not hold.
CONTRADICTED = {
    "sigstore-conformance/happy-path-intoto-in-dsse-v3": "claims.builder",
    "sigstore-conformance/intoto-with-custom-trust-root": "claims.builder",
    "sigstore-conformance/rekor2-dsse-happy-path": "claims.builder",
}
# Signed by a delegator on behalf of the builder that the statement names: authentic, and nobody's evidence but who expects that builder.
BY_DELEGATORS = {"slsa/gha-delegator-v2.1.0-workflow_dispatch", "slsa/gha-maven-v2.0.0-push-v13.0.30"}
# Nothing is wrong with it but the file in hand, which is another than the one that was signed.
ANOTHER_FILE = {"sigstore-conformance/wrong-material"}


class TestEvidenceToReject:
    @pytest.mark.parametrize("row", rows(*EVIDENCE, verdict="rejected"))
    def test_never_verifies_unless_only_the_policy_says_no(self, row: dict[str, Any]) -> None:
        expected = row["expected"]
        assessment = assess_evidence(read(row["files"]["evidence"]), trust=trust_of(row), received_at=NOW)
        if assessment.result == "unsupported":
            return
        if row["id"] in ANOTHER_FILE:
            assert assessment.result == "verified"
            assert assessment.claimed_subjects != (f"sha256:{sha256_hex(read(row['files']['artifact']))}",)
            return
        if expected["reason"] in POLICY_REASONS and "facts" in expected:
            assert assessment.facts is not None
            assert_facts(assessment.facts, expected["facts"])
            if assessment.result == "verified" or assessment.code == CONTRADICTED.get(row["id"]):
                return
        assert assessment.result == "rejected"
        assert {expected["reason"], *expected.get("reason_also_ok", [])} & set(REASONS[assessment.code]), assessment.code

    def test_the_wrong_signer_is_named_in_one_sentence(self) -> None:
        row = row_named("slsa/bcr-module-bazel-wrong-signer")
        assessment = assess_evidence(read(row["files"]["evidence"]), trust=trust_of(row), received_at=NOW)
        assert (assessment.result, assessment.code) == ("rejected", "claims.builder")
        assert "https://github.com/bazel-contrib/publish-to-bcr/.github/workflows/publish.yaml" in assessment.reason
        assert "https://github.com/loosebazooka/aa-test/.github/workflows/malicious_attestation.yaml" in assessment.reason
        assert assessment.reason.count(". ") == 0
        assert {finding.check for finding in assessment.findings if finding.outcome == FAIL} >= {"builder", "source", "commit"}


class TestEvidenceToVerify:
    @pytest.mark.parametrize("row", rows(*EVIDENCE, verdict="verified"))
    def test_verifies_with_its_facts_or_is_in_the_table_of_what_we_cannot_read(self, row: dict[str, Any]) -> None:
        content, trust = read(row["files"]["evidence"]), trust_of(row)
        assessment = assess_evidence(content, trust=trust, received_at=NOW)
        if row["id"] in NOT_YET:
            assert assessment.code == NOT_YET[row["id"]]
            assert assessment.result == ("unsupported" if assessment.code.startswith("evidence.unsupported_") else "rejected")
            return
        assert_facts(extract_facts(verify_evidence(content, trust=trust, received_at=NOW)), row["expected"]["facts"])
        if row["id"] in CONTRADICTED:
            assert (assessment.result, assessment.code) == ("rejected", CONTRADICTED[row["id"]])
            return
        assert (assessment.result, assessment.code) == ("verified", "evidence.verified"), assessment.reason
        doubts = [(finding.outcome, finding.code) for finding in assessment.findings if finding.outcome not in ("pass", "not_applicable")]
        assert doubts == ([("review", DELEGATED)] if row["id"] in BY_DELEGATORS else [])

    def test_the_tables_name_only_rows_that_exist(self) -> None:
        row_named("dsse/spec-vector")
        assert set(NOT_YET) | set(CONTRADICTED) <= {row["id"] for row in manifest()["rows"]}


class TestReasons:
    def test_every_code_of_the_evidence_half_is_mapped(self) -> None:
        top = Path(proofs.__file__).parent
        sources = [
            *top.glob("sigstore/*.py"),
            *(top / f"{name}.py" for name in ("canonical", "checkpoint", "digest", "dsse", "evidence", "keys", "statement")),
        ]
        prefix = r"json|digest|evidence|bundle|tlog|tsa|certificate|sct|dsse|key|statement|trust_root|log"
        codes = {code for source in sources for code in re.findall(rf'"((?:{prefix})\.[a-z_]+)"', source.read_text())}
        assert codes - {"evidence.verified"} <= set(REASONS)

    def test_every_reason_is_one_of_the_manifest(self) -> None:
        row_named("dsse/spec-vector")
        assert {reason for reasons in REASONS.values() for reason in reasons} <= set(manifest()["reasons"])


class TestCheckpointSuites:
    @pytest.mark.parametrize("row", rows("tlog-checkpoint-suite"))
    def test_a_log_of_another_project(self, row: dict[str, Any]) -> None:
        key = parse_note_key(read(row["files"]["vkey"]).decode())
        leaves = [leaf_hash(data) for data in tile_entries(read(row["files"]["entries_tile"]))]

        def node(level: int, index: int) -> bytes:
            return leaves[index] if level == 0 else node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))

        heads = []
        for case in row["cases"]:
            head = verify_checkpoint(read(case["file"]).decode(), key)
            facts = case["expected"]["facts"]
            assert (head.origin, head.size, head.root) == (facts["origin"], facts["tree_size"], base64.b64decode(facts["root_hash"]))
            assert subtree_root(node, 0, head.size) == head.root
            heads.append(head)
        for older in heads:
            for newer in heads[older.size - 1 :]:
                path = build_consistency_proof(node, older.size, newer.size)
                verify_consistency(older.size, newer.size, older.root, newer.root, path, code="log.consistency")


def assert_facts(facts: dict[str, Any], expected: dict[str, Any]) -> None:
    """Compare our facts with the manifest's, as far as it states them and we read them."""
    if "message_digest" in expected:
        # One row calls a SHA-384 by another name; the value is the digest.
        assert [digest.partition(":")[2] for digest in facts["subjects"][0]["digests"]] == list(expected["message_digest"].values())
        expected = {"statement_type": "", "predicate_type": "", "subjects": [{"name": "", "digest": {}}]} | expected
    assert facts["statementType"] == expected["statement_type"]
    assert facts["predicateType"] == expected["predicate_type"]
    assert [subject["name"] for subject in facts["subjects"]] == [subject["name"] for subject in expected["subjects"]]
    for subject, wanted in zip(facts["subjects"], expected["subjects"], strict=True):
        known = {f"{name}:{value}" for name, value in wanted["digest"].items() if name in ("sha256", "sha384", "sha512")}
        assert "message_digest" in expected or set(subject["digests"]) == known
    signer, claims = facts["signer"], facts["claims"]
    stated = {
        "signer_identity": signer.get("identity"),
        "issuer": signer.get("issuer"),
        "runner_environment": signer.get("runnerEnvironment"),
        "source_repository": signer.get("sourceRepository"),
        "source_commit": signer.get("sourceCommit"),
        "source_ref": signer.get("sourceRef"),
        "build_config_uri": signer.get("buildConfig"),
        "build_trigger": signer.get("trigger"),
        "run_invocation_uri": signer.get("runUrl"),
        "certificate_not_before": signer.get("notBefore"),
        "certificate_not_after": signer.get("notAfter"),
    }
    if claims["understood"]:
        stated |= {"builder_id": claims["builderId"], "build_type": claims["buildType"]}
    for name in stated.keys() & expected.keys():
        assert stated[name] == expected[name], name
    for entry in expected.get("tlog", []):
        promised_only = {} if entry["has_inclusion_proof"] else {"inclusion": "promised"}
        assert facts["log"] == {"logId": entry["log_id"], "index": entry["log_index"]} | promised_only
        promised = [
            parse_moment(time["at"], code="test", what="the time").timestamp() for time in facts["times"] if time["source"] == "log"
        ]
        assert promised == [entry["integrated_time"]] * entry["has_inclusion_promise"] if "integrated_time" in entry else promised == []
    if "rfc3161_timestamps" in expected:
        assert sum(time["source"] == "rfc3161" for time in facts["times"]) == expected["rfc3161_timestamps"]
