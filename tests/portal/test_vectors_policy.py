"""Rows about signed evidence that says strange things: nothing crashes, a build's source is its source, and the facts of a "no" are looked at."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, Root, Targets  # type: ignore[attr-defined]  # part of its documented API; not in its __all__

from portal.vectors.complain import complaint_of
from portal.vectors.facts import differences
from portal.vectors.judge import Judged, judge_row
from portal.vectors.manifest import Outcome, Row
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, pae
from tests.portal.test_vectors_ask import copied
from tests.proofs.published import FOLDER, NOW, rows

pytestmark = pytest.mark.once

KEY = ed25519.Ed25519PrivateKey.generate()
PEM = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
IMAGE = "ab" * 32
SOURCE = "https://github.com/a/b"
LATER = datetime(2030, 1, 1, tzinfo=UTC)


def signed(statement: Any, *, key_id: str = "key") -> dict[str, Any]:
    payload = statement if isinstance(statement, bytes) else json.dumps(statement).encode()
    signature = base64.b64encode(KEY.sign(pae(IN_TOTO_PAYLOAD_TYPE, payload))).decode()
    payload_type = IN_TOTO_PAYLOAD_TYPE
    return {"payload": base64.b64encode(payload).decode(), "payloadType": payload_type, "signatures": [{"keyid": key_id, "sig": signature}]}


def stated(predicate: Any, predicate_type: str = "https://slsa.dev/provenance/v1") -> dict[str, Any]:
    subject = [{"name": "a", "digest": {"sha256": IMAGE}}]
    return {"_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicateType": predicate_type, "predicate": predicate}


def judged(folder: Path, form: str, evidence: Any, *, files: dict[str, Any], inputs: dict[str, Any], expected: Any = None) -> Judged:
    """Return what comes of one row; no exception is an answer."""
    (folder / "evidence").write_bytes(evidence if isinstance(evidence, bytes) else json.dumps(evidence).encode())
    (folder / "key.pem").write_bytes(PEM)
    row = Row("row", form, {"evidence": "evidence", **files}, inputs, expected or {"verdict": "verified"}, [], folder)
    found = judge_row(row, now=NOW)
    assert found.outcome.code != "vectors.crash", found.complaint
    return found


def of_build(folder: Path, predicate: Any, predicate_type: str = "https://slsa.dev/provenance/v1", **inputs: Any) -> Outcome:
    wrapper = {
        "image_summary": {"digest": f"sha256:{IMAGE}"},
        "provenance_summary": {"provenance": [{"envelope": signed(stated(predicate, predicate_type))}]},
    }
    return judged(folder, "gcb-provenance", wrapper, files={"keys_by_keyid": {"key": "key.pem"}}, inputs=inputs).outcome


def of_summary(folder: Path, predicate: Any, **inputs: Any) -> Outcome:
    evidence = signed(stated(predicate, "https://slsa.dev/verification_summary/v1"))
    return judged(folder, "vsa-dsse", evidence, files={"public_key": "key.pem"}, inputs=inputs).outcome


STRANGE = [None, 5, "x", [], ["x"], [None], {}, {"x": 5}, [{"uri": 5}], [{"uri": None}], True, [[]]]


class TestBuilds:
    @pytest.mark.parametrize("value", STRANGE)
    @pytest.mark.parametrize("name", ["materials", "buildDefinition", "runDetails", "builder", "recipe", "invocation", "metadata"])
    @pytest.mark.parametrize("inputs", [{}, {"source_repository": SOURCE, "source_branch": "main", "builder_id": "https://builder"}])
    def test_whatever_a_build_service_signs_has_an_answer(self, name: str, value: Any, inputs: Any, tmp_path: Path) -> None:
        outcome = of_build(tmp_path, {name: value}, **inputs)
        assert (outcome.code, bool(inputs)) in (("evidence.verified", False), ("expectation.source", True))

    @pytest.mark.parametrize("name", ["resolvedDependencies", "externalParameters", "internalParameters", "buildType"])
    @pytest.mark.parametrize("value", STRANGE)
    def test_whatever_a_definition_holds_has_an_answer(self, name: str, value: Any, tmp_path: Path) -> None:
        assert of_build(tmp_path, {"buildDefinition": {name: value}}).code == "evidence.verified"
        assert of_build(tmp_path, {"buildDefinition": {name: value}}, source_repository=SOURCE).code == "expectation.source"

    @pytest.mark.parametrize(
        ("predicate", "holds"),
        [
            ({"materials": [{"uri": SOURCE}]}, True),
            ({"materials": [{"uri": f"git+{SOURCE}@refs/heads/main"}, {"uri": "gcr.io/docker@sha256:ab"}]}, True),
            ({"materials": [{"uri": "https://github.com/evil/x"}, {"uri": SOURCE}]}, False),
            ({"materials": [{"digest": {"sha1": "ab"}}, {"uri": SOURCE}]}, False),
            ({"buildDefinition": {"resolvedDependencies": [{"uri": SOURCE}]}}, True),
            ({"buildDefinition": {"externalParameters": {"source": {"uri": SOURCE}}, "resolvedDependencies": [{"uri": "gcr.io/x"}]}}, True),
            (
                {
                    "buildDefinition": {
                        "externalParameters": {"source": {"uri": "https://github.com/evil/x"}},
                        "resolvedDependencies": [{"uri": SOURCE}],
                    }
                },
                False,
            ),
            (
                {
                    "buildDefinition": {
                        "externalParameters": {"buildConfigSource": {"repository": SOURCE}, "source": "https://github.com/evil/x"}
                    }
                },
                False,
            ),
            ({"buildDefinition": {"externalParameters": {"source": 5}, "resolvedDependencies": [{"uri": SOURCE}]}}, False),
            ({"invocation": {"configSource": {"uri": "https://github.com/evil/x"}}, "materials": [{"uri": SOURCE}]}, False),
            ({"materials": [{"uri": "https://github.com/a/bb"}]}, False),
            ({}, False),
        ],
    )
    def test_the_source_is_what_the_build_calls_its_source(self, predicate: Any, holds: bool, tmp_path: Path) -> None:
        wanted = "evidence.verified" if holds else "expectation.source"
        assert of_build(tmp_path, predicate, source_repository="github.com/a/b").code == wanted

    def test_a_source_that_is_no_repository_is_compared_as_it_is_written(self, tmp_path: Path) -> None:
        uri = "gs://bucket/source/1665165360.tgz"
        assert of_build(tmp_path, {"materials": [{"uri": uri}]}, source_repository=uri).code == "evidence.verified"
        assert of_build(tmp_path, {"materials": [{"uri": uri}]}, source_repository=f"{uri}x").code == "expectation.source"

    @pytest.mark.parametrize(
        ("triggered", "inputs", "holds"),
        [
            ({"TAG_NAME": "v39"}, {"source_tag": "v39"}, True),
            ({"TAG_NAME": "v39"}, {"source_tag": "v3"}, False),
            ({"TAG_NAME": "v39.1.2"}, {"versioned_tag": "v39"}, True),
            ({"TAG_NAME": "v39.1.2"}, {"versioned_tag": "v38"}, False),
            ({"TAG_NAME": "main"}, {"source_branch": "main"}, False),
            ({"BRANCH_NAME": "main"}, {"source_branch": "main"}, True),
            ({"BRANCH_NAME": "v39"}, {"source_tag": "v39"}, False),
            ({"BRANCH_NAME": "main"}, {"source_branch": "master"}, False),
            ({"BRANCH_NAME": "main", "TAG_NAME": "v39"}, {"source_branch": "main"}, False),
            ({"BRANCH_NAME": 5}, {"source_branch": "5"}, False),
            ({}, {"source_branch": "main"}, False),
        ],
    )
    @pytest.mark.parametrize("place", ["v0.1", "v1"])
    def test_the_ref_is_the_one_that_triggered_the_build(
        self, place: str, triggered: Any, inputs: Any, holds: bool, tmp_path: Path
    ) -> None:
        old = {"recipe": {"arguments": {"substitutions": triggered}}}
        new = {"buildDefinition": {"internalParameters": {"systemSubstitutions": triggered}}}
        assert of_build(tmp_path, old if place == "v0.1" else new, **inputs).code == ("evidence.verified" if holds else "expectation.ref")

    def test_a_no_still_tells_the_facts(self, tmp_path: Path) -> None:
        outcome = of_build(tmp_path, {"builder": {"id": "https://builder"}}, builder_id="https://other")
        assert (outcome.code, outcome.facts["envelopes"][0]["builder_id"]) == ("expectation.builder", "https://builder")


class TestSummaries:
    GOOD = {"verifier": {"id": "https://v"}, "resourceUri": "r", "verificationResult": "PASSED", "verifiedLevels": ["SLSA_BUILD_LEVEL_3"]}

    def test_an_honest_one_is_verified_with_its_facts(self, tmp_path: Path) -> None:
        outcome = of_summary(tmp_path, self.GOOD, verifier_id="https://v", resource_uri="r", verified_levels=["SLSA_BUILD_LEVEL_2"])
        assert (outcome.code, outcome.facts["vsa"]["verifier_id"]) == ("evidence.verified", "https://v")

    def test_one_that_names_no_verifier_is_malformed_whoever_is_expected(self, tmp_path: Path) -> None:
        assert of_summary(tmp_path, {**self.GOOD, "verifier": None}).code == "summary.malformed"

    @pytest.mark.parametrize("value", STRANGE)
    @pytest.mark.parametrize("name", ["verifier", "resourceUri", "verificationResult", "verifiedLevels", "timeVerified", "buildDefinition"])
    def test_whatever_a_verifier_signs_has_an_answer(self, name: str, value: Any, tmp_path: Path) -> None:
        for inputs in ({}, {"verifier_id": "https://v", "resource_uri": "r", "verified_levels": ["SLSA_BUILD_LEVEL_3"]}):
            outcome = of_summary(tmp_path, {**self.GOOD, name: value}, **inputs)
            assert outcome.code == "evidence.verified" or outcome.code.startswith("summary.")


class TestRootUpdates:
    SIGNER = CryptoSigner.generate_ed25519()

    def metadata(self, content: Root | Targets) -> bytes:
        made: Metadata[Any] = Metadata(content)
        made.sign(self.SIGNER)
        return made.to_bytes()

    def root(self, version: int) -> bytes:
        root = Root(version=version, expires=LATER)
        for role in ("root", "timestamp", "snapshot", "targets"):
            root.add_key(self.SIGNER.public_key, role)
        return self.metadata(root)

    def of(self, folder: Path, evidence: bytes, trusted: bytes | None = None) -> Outcome:
        (folder / "trusted").write_bytes(self.root(1) if trusted is None else trusted)
        return judged(folder, "tuf-root-update", evidence, files={"trusted_root_metadata": "trusted"}, inputs={}).outcome

    def test_the_next_root_is_verified(self, tmp_path: Path) -> None:
        assert self.of(tmp_path, self.root(2)).code == "evidence.verified"

    @pytest.mark.parametrize("version", [1, 3])
    def test_another_version_is_not(self, version: int, tmp_path: Path) -> None:
        assert self.of(tmp_path, self.root(version)).code == "tuf.version"

    def test_what_is_no_root_is_refused_though_the_root_key_signed_it(self, tmp_path: Path) -> None:
        targets = self.metadata(Targets(version=2, expires=LATER))
        assert self.of(tmp_path, targets).code == "tuf.malformed"
        assert self.of(tmp_path, self.root(2), trusted=targets).code == "vectors.input"

    def test_a_root_that_nobody_signed(self, tmp_path: Path) -> None:
        unsigned = json.loads(self.root(2)) | {"signatures": []}
        assert self.of(tmp_path, json.dumps(unsigned).encode()).code == "tuf.signature"

    @pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"5", b"null", b"{}", b'{"signed": 5, "signatures": []}', b"[" * 9000])
    def test_noise_is_malformed(self, content: bytes, tmp_path: Path) -> None:
        assert self.of(tmp_path, content).code.startswith(("tuf.malformed", "json."))

    @pytest.mark.parametrize("name", ["_type", "version", "expires", "keys", "roles", "spec_version", "consistent_snapshot"])
    @pytest.mark.parametrize("value", [None, 5, "x", [], {}, -1, {"root": 5}])
    def test_strange_fields_have_an_answer(self, name: str, value: Any, tmp_path: Path) -> None:
        metadata = json.loads(self.root(2))
        metadata["signed"][name] = value
        assert self.of(tmp_path, json.dumps(metadata).encode()).code.startswith("tuf.")

    def test_a_version_of_the_specification_that_is_not_known(self, tmp_path: Path) -> None:
        metadata = json.loads(self.root(2))
        metadata["signed"]["spec_version"] = "2.0.0"
        assert self.of(tmp_path, json.dumps(metadata).encode()).code == "tuf.spec_version"

    def test_what_was_taken_out_after_signing_is_missed_though_the_library_would_put_it_back(self, tmp_path: Path) -> None:
        metadata = json.loads(self.root(2))
        metadata["signed"]["spec_version"] = None
        assert self.of(tmp_path, json.dumps(metadata).encode()).code == "tuf.malformed"


class TestFacts:
    @pytest.mark.parametrize("row", rows("sigstore-bundle", "npm-attestations", "pypi-attestation", "vsa-dsse", verdict="rejected"))
    def test_the_facts_of_a_no_are_looked_at(self, row: dict[str, Any]) -> None:
        if "facts" not in row["expected"]:
            row["expected"]["facts"] = {"signer_identity": "x"}
        else:
            true = Row(row["id"], row["format"], row["files"], row["inputs"], row["expected"], [], FOLDER)
            assert judge_row(true, now=NOW).complaint == ""
            row["expected"]["facts"]["predicate_type"] = "lies"
        false = Row(row["id"], row["format"], row["files"], row["inputs"], row["expected"], [], FOLDER)
        assert "with other facts" in judge_row(false, now=NOW).complaint

    def test_a_fact_that_nobody_reads_is_a_difference_also_when_nothing_is_expected_of_it(self) -> None:
        assert differences({"no_such_fact": None}, {"a": 1}) != []
        assert differences({"a": None}, {"a": None}) == []
        assert differences({"a": {"b": None}}, {"a": {}}) != []

    def test_true_is_not_one(self) -> None:
        assert differences({"a": True}, {"a": 1}) != []

    def test_a_rejection_with_other_facts_is_a_complaint(self) -> None:
        outcome = Outcome("rejected", "expectation.ref", "", {"a": 1})
        assert complaint_of({"verdict": "rejected", "reason": "ref_mismatch", "facts": {"a": 1}}, outcome) == ""
        assert complaint_of({"verdict": "rejected", "reason": "ref_mismatch", "facts": {"a": 2}}, outcome) != ""


class TestLeniency:
    @pytest.mark.parametrize("row", rows("sigstore-bundle", "pypi-attestation", "pypi-provenance", "npm-attestations"))
    @pytest.mark.parametrize("lenience", [{"allow_no_transparency_log": True}, {"allow_no_transparency_log": True, "allow_no_sct": True}])
    def test_to_ask_for_less_makes_no_row_wrong(self, row: dict[str, Any], lenience: dict[str, Any]) -> None:
        if row["expected"].get("reason") == "sct_invalid":
            # Where that is not asked for, nothing is wrong with it.
            lenience = {name: value for name, value in lenience.items() if name != "allow_no_sct"}
        lenient = Row(row["id"], row["format"], row["files"], row["inputs"] | lenience, row["expected"], [], FOLDER)
        assert judge_row(lenient, now=NOW).complaint == ""

    def test_without_a_log_entry_a_timestamp_proves_the_time_where_the_row_allows_it(self, tmp_path: Path) -> None:
        row = copied("sigstore-conformance/rekor2-happy-path", tmp_path)
        path = tmp_path / row["files"]["evidence"]
        bundle = json.loads(path.read_bytes())
        bundle["verificationMaterial"]["tlogEntries"] = []
        path.write_text(json.dumps(bundle))
        del row["expected"]["facts"]["tlog"]
        for lenience, code in (({}, "bundle.missing_material"), ({"allow_no_transparency_log": True}, "expectation.met")):
            strict = Row(row["id"], row["format"], row["files"], row["inputs"] | lenience, row["expected"], [], tmp_path)
            outcome = judge_row(strict, now=NOW).outcome
            assert outcome.code in (code, "evidence.verified" if lenience else code)
