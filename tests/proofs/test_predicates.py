"""Predicates read into claims: what is written comes out, what is not plain comes out as nothing, and no predicate can make a reader raise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.canonical import canonical_bytes
from proofs.errors import Refusal
from proofs.facts import extract_facts
from proofs.policy.evaluate import evaluate_policy
from proofs.predicates.read import READERS, read_predicate
from proofs.predicates.summary import SummaryExpectations, check_summary, reaches
from proofs.statement import Statement, parse_statement
from tests.proofs.factory import STATEMENT, bundle, verify
from tests.proofs.pack.world import World, make_verdict
from tests.proofs.policy.test_evaluate import input_with, policy_with
from tests.proofs.published import read, row_named

VSA = "https://slsa.dev/verification_summary/v1"
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
_NAMES = (
    "verifier",
    "id",
    "policy",
    "digest",
    "statements",
    "status",
    "scanner",
    "result",
    "metadata",
    "component",
    "hashes",
    "attributes",
    "evidence",
)


class TestReaders:
    @pytest.mark.parametrize("predicate_type", READERS)
    @given(predicate=st.dictionaries(st.sampled_from(_NAMES) | st.text(max_size=10), _JSON, max_size=8))
    def test_nothing_makes_one_raise_and_all_can_be_written_canonically(self, predicate_type: str, predicate: dict[str, Any]) -> None:
        assert canonical_bytes(read_predicate(predicate_type, predicate))

    @pytest.mark.parametrize(
        "predicate_type", ["", "https://slsa.dev/verification_summary/v1/", "HTTPS://spdx.dev/Document", "https://spdx.dev/Document/v9"]
    )
    def test_another_spelling_is_another_type(self, predicate_type: str) -> None:
        assert read_predicate(predicate_type, {}) is None

    def test_a_result_of_another_spelling_is_no_result(self) -> None:
        kind = "https://in-toto.io/attestation/test-result/v0.1"
        assert [read_predicate(kind, {"result": result})["result"] for result in ("PASSED", "FAILED", "passed", "PASSED ", 1)] == [  # type: ignore[index]
            "PASSED",
            "FAILED",
            None,
            None,
            None,
        ]

    def test_values_that_nobody_could_show_or_write_down_are_left_out(self) -> None:
        trace = read_predicate("https://in-toto.io/attestation/runtime-trace/v0.1", {"monitorLog": {"ok": 1, "a\u202eb": 1, "x" * 9999: 1}})
        assert trace is not None
        assert trace["events"] == ["ok"]
        vex = read_predicate("https://openvex.dev/ns/v0.2.0", {"version": 2**53})
        assert vex is not None
        assert vex["version"] is None

    def test_published_documents(self) -> None:
        spdx = read_predicate("https://spdx.dev/Document/v2.3", json.loads(read(row_named("spdx/example-2.3")["files"]["evidence"])))
        assert spdx is not None
        assert (spdx["version"], spdx["createdAt"]) == ("SPDX-2.3", "2010-01-29T18:30:22Z")
        bom = read_predicate("https://cyclonedx.org/bom/v1.6", json.loads(read(row_named("cyclonedx/valid-bom-1.6")["files"]["evidence"])))
        assert bom is not None
        assert (bom["version"], bom["components"] > 0) == ("1.6", True)
        vex = read_predicate("https://openvex.dev/ns/v0.2.0", json.loads(read(row_named("openvex/v0.2.0")["files"]["evidence"])))
        assert vex is not None
        assert vex["statements"][0]["status"] in ("not_affected", "affected", "fixed", "under_investigation")

    def test_spdx_3_is_read_out_of_its_list_of_elements(self) -> None:
        graph = [
            {"type": "CreationInfo", "specVersion": "3.0.1", "created": "2026-05-04T12:00:00Z", "createdBy": ["urn:me"]},
            {"type": "SpdxDocument", "spdxId": "urn:doc", "name": "payments", "rootElement": ["urn:bom"]},
            {"type": "software_Sbom", "spdxId": "urn:bom", "rootElement": ["urn:app"]},
            {"type": "software_Package", "spdxId": "urn:app", "verifiedUsing": [{"algorithm": "sha256", "hashValue": "ab"}]},
            {"type": "software_Package", "spdxId": "urn:lib", "verifiedUsing": [{"algorithm": "sha256", "hashValue": "cd"}]},
            "odd",
        ]
        assert read_predicate("https://spdx.dev/Document/v3", {"@graph": graph}) == {
            "kind": "spdx",
            "version": "3.0.1",
            "name": "payments",
            "tools": ["urn:me"],
            "createdAt": "2026-05-04T12:00:00Z",
            "components": 2,
            "rootDigests": ["sha256:ab"],
        }
        newest = read_predicate("https://cyclonedx.org/bom/v1.7", {"specVersion": "1.7"})
        assert newest is not None
        assert (newest["kind"], newest["version"]) == ("cyclonedx", "1.7")

    def test_what_was_read_stands_among_the_facts(self) -> None:
        kind = "https://in-toto.io/attestation/test-result/v0.1"
        facts = extract_facts(verify(bundle(statement=STATEMENT | {"predicateType": kind, "predicate": {"result": "FAILED"}})))
        assert (facts["predicate"]["kind"], facts["predicate"]["result"]) == ("test-result", "FAILED")
        assert "predicate" not in extract_facts(verify(bundle(statement=STATEMENT | {"predicateType": "https://example.com/x"})))


WITNESS, CHAINLOOP = "https://witness.testifysec.com/attestation-collection/v0.1", "chainloop.dev/attestation/v0.2"
INSIDE = "https://in-toto.io/attestation/test-result/v0.1"
COLLECTED: dict[str, dict[str, Any]] = {
    WITNESS: {
        "name": "build",
        "attestations": [
            {"type": "https://witness.dev/attestations/git/v0.1", "attestation": {"commithash": "c0ffee"}, "starttime": "x"},
            {"type": INSIDE, "attestation": {"result": "PASSED"}},
            {"type": 7},
            "odd",
        ],
    },
    CHAINLOOP: {
        "metadata": {"name": "release", "project": "payments", "workflowRunID": "run-1"},
        "materials": [{"name": "sbom", "digest": {"sha256": "ab" * 32}}, {"digest": "odd"}],
        "policyEvaluations": {"sbom": [{"name": "fresh", "violations": []}]},
    },
}


class TestCollections:
    """What is inside a collection of witness or Chainloop is shown, and counts for nothing: one signer says it all."""

    def test_a_witness_collection_names_its_step_and_what_it_contains(self) -> None:
        facts = extract_facts(verify(bundle(statement=STATEMENT | {"predicateType": WITNESS, "predicate": COLLECTED[WITNESS]})))
        types = ["https://witness.dev/attestations/git/v0.1", INSIDE]
        assert facts["predicate"] == {"kind": "witness-collection", "name": "build", "types": types}

    def test_a_chainloop_attestation_names_its_run_and_its_materials(self) -> None:
        facts = extract_facts(verify(bundle(statement=STATEMENT | {"predicateType": CHAINLOOP, "predicate": COLLECTED[CHAINLOOP]})))
        materials = [{"name": "sbom", "digests": [f"sha256:{'ab' * 32}"]}, {"name": None, "digests": []}]
        said = {"kind": "chainloop", "workflow": "release", "project": "payments", "runId": "run-1", "materials": materials}
        assert facts["predicate"] == said

    @pytest.mark.parametrize("kind", COLLECTED)
    def test_nothing_inside_is_proof_and_the_verdict_says_so(self, kind: str) -> None:
        trust = World().trust
        inner = make_verdict(bundle(statement=STATEMENT | {"predicateType": INSIDE, "predicate": {"result": "PASSED"}}), trust=trust)
        collected = make_verdict(bundle(statement=STATEMENT | {"predicateType": kind, "predicate": COLLECTED[kind]}), trust=trust)
        assert collected["result"] == "verified"
        assert any("nothing in it counts as evidence by itself" in sentence for sentence in collected["notChecked"])
        wants_inner = policy_with(lambda document: document["rules"][0].update(predicateTypes=[INSIDE]))
        wants_collection = policy_with(lambda document: document["rules"][0].update(predicateTypes=[kind]))
        assert evaluate_policy(wants_inner, input_with(inner))["result"] == "pass"
        assert evaluate_policy(wants_inner, input_with(collected))["rules"][0]["code"] == "policy.evidence_missing"
        assert evaluate_policy(wants_collection, input_with(collected))["result"] == "pass"

    @pytest.mark.parametrize("kind", COLLECTED)
    def test_it_vouches_for_no_input_of_a_build(self, kind: str) -> None:
        trust = World().trust
        digest = "sha256:" + "ef" * 32
        built = make_verdict(bundle(), trust=trust)
        built["facts"]["claims"]["dependencies"] = [{"uri": "pkg:x", "digests": [digest]}]
        subject = {"subject": [{"name": "x", "digest": {"sha256": "ef" * 32}}]}
        collected = make_verdict(bundle(statement=STATEMENT | subject | {"predicateType": kind, "predicate": COLLECTED[kind]}), trust=trust)
        record = make_verdict(bundle(statement=STATEMENT | subject), trust=trust)
        policy = policy_with(lambda document: document["rules"][0].update(inputs={"verified": True}))
        assert evaluate_policy(policy, input_with(built, record))["result"] == "pass"
        assert evaluate_policy(policy, input_with(built, collected))["rules"][0]["code"] == "policy.input"


def summary(**changes: Any) -> Statement:
    predicate = {
        "verifier": {"id": "https://verifier.example"},
        "timeVerified": "2026-05-04T12:00:00Z",
        "resourceUri": "pkg:oci/app",
        "policy": {"uri": "https://policy.example"},
        "verificationResult": "PASSED",
        "verifiedLevels": ["SLSA_BUILD_LEVEL_2"],
    } | changes.pop("predicate", {})
    value = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "_", "digest": {"odd_id": "7"}}],
        "predicateType": VSA,
        "predicate": predicate,
    }
    return parse_statement(json.dumps(value | changes).encode(), may_lack_digest=True)


class TestSummaries:
    EXPECTED = SummaryExpectations("https://verifier.example", "pkg:oci/app", ("SLSA_BUILD_LEVEL_2",), (("odd_id", "7"),))

    def test_an_expected_one(self) -> None:
        check_summary(summary(), self.EXPECTED)

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"predicateType": "https://slsa.dev/provenance/v1"}, "summary.predicate"),
            ({"subject": [{"name": "_", "digest": {"odd_id": "8"}}]}, "summary.subject"),
            ({"predicate": {"verifier": {"id": "https://verifier.example/x"}}}, "summary.verifier"),
            ({"predicate": {"verifier": "https://verifier.example"}}, "summary.verifier"),
            ({"predicate": {"resourceUri": "pkg:oci/other"}}, "summary.resource"),
            ({"predicate": {"verificationResult": "FAILED"}}, "summary.result"),
            ({"predicate": {"verificationResult": "passed"}}, "summary.result"),
            ({"predicate": {"verifiedLevels": []}}, "summary.level"),
            ({"predicate": {"verifiedLevels": ["SLSA_BUILD_LEVEL_1"]}}, "summary.level"),
            ({"predicate": {"verifiedLevels": ["SLSA_SOURCE_LEVEL_3"]}}, "summary.level"),
        ],
    )
    def test_1_to_5_another_one(self, changes: dict[str, Any], code: str) -> None:
        with pytest.raises(Refusal) as refused:
            check_summary(summary(**changes), self.EXPECTED)
        assert refused.value.code == code

    @pytest.mark.parametrize(
        ("predicate", "code"),
        [
            ({"verificationResult": None, "verification_result": "PASSED"}, "summary.result"),
            ({"verificationResult": ["FAILED"], "verification_result": "PASSED"}, "summary.result"),
            ({"verificationResult": "PASSED", "verification_result": "FAILED"}, "summary.result"),
            ({"verificationResult": "PASSED", "verification_result": ["FAILED"]}, "summary.result"),
            ({"resourceUri": None, "resource_uri": "pkg:oci/app"}, "summary.resource"),
            ({"resource_uri": "pkg:oci/other"}, "summary.resource"),
            ({"verifiedLevels": [], "policy_level": "SLSA_BUILD_LEVEL_2"}, "summary.level"),
        ],
    )
    def test_3_to_5_two_spellings_never_say_more_than_the_types_own(self, predicate: dict[str, Any], code: str) -> None:
        with pytest.raises(Refusal) as refused:
            check_summary(summary(predicate=predicate), self.EXPECTED)
        assert refused.value.code == code
        both = {"verification_result": "PASSED", "resource_uri": "pkg:oci/app", "time_verified": "2026-05-04T12:00:00Z"}
        check_summary(summary(predicate=both), self.EXPECTED)

    def test_4_no_rule_takes_a_result_in_another_spelling(self) -> None:
        for result, wanted in (("PASSED", None), ("FAILED", None)):
            said = read_predicate(VSA, {"verification_result": result})
            assert said is not None
            assert (said["result"], said["readBefore4"]["result"]) == (wanted, result)

    def test_5_version_0_2_states_its_level_in_its_own_spelling(self) -> None:
        older = {
            "verifier": {"id": "https://verifier.example"},
            "resource_uri": "pkg:oci/app",
            "verification_result": "PASSED",
            "policy_level": "SLSA_BUILD_LEVEL_2",
            "time_verified": "2026-05-04T12:00:00Z",
        }
        kind = "https://slsa.dev/verification_summary/v0.2"
        newer = dict.fromkeys(("timeVerified", "resourceUri", "verificationResult", "verifiedLevels"))
        check_summary(summary(predicateType=kind, predicate=newer | older), self.EXPECTED)
        for lie in ({"verification_result": None, "verificationResult": "PASSED"}, {"verificationResult": "FAILED"}):
            with pytest.raises(Refusal) as refused:
                check_summary(summary(predicateType=kind, predicate=newer | older | lie), self.EXPECTED)
            assert refused.value.code == "summary.result"

    def test_5_a_higher_level_of_the_track_stands_for_a_lower_one(self) -> None:
        assert reaches(["SLSA_BUILD_LEVEL_3"], "SLSA_BUILD_LEVEL_2")
        assert not reaches(["SLSA_BUILD_LEVEL_2"], "SLSA_BUILD_LEVEL_3")
        assert not reaches(["SLSA_BUILD_LEVEL_UNEVALUATED"], "SLSA_BUILD_LEVEL_1")
        assert not reaches(["BCID_L2"], "BCID_L1")
