"""Claims held against the certificate: lies that no signature reveals are found, and honest builders are not accused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from portal.demo.instance import claim_builder
from proofs.claims import check_claims
from proofs.facts import extract_claims
from proofs.statement import Statement
from tests.proofs.factory import KEY_TRUST, STATEMENT, WORKFLOW, WORKLOAD, assess, bundle, key_signed


def lie(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    statement = copy.deepcopy(STATEMENT)
    change(statement["predicate"])
    return statement


def findings(statement: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {finding.check: (finding.outcome, finding.code) for finding in assess(bundle(statement=statement)).findings}


def older(**changes: Any) -> dict[str, Any]:
    """Return the same honest statement as provenance of the older version, with changes."""
    source = {"uri": f"git+{WORKLOAD.repository}@{WORKLOAD.ref}", "digest": {"sha1": WORKLOAD.commit}}
    predicate = {
        "builder": {"id": WORKLOAD.identity},
        "buildType": "https://builder.example/generic@v1",
        "invocation": {"configSource": source, "environment": {"github_event_name": "push"}},
        "metadata": {"buildInvocationID": "7001-1"},
        "materials": [source],
    }
    return STATEMENT | {"predicateType": "https://slsa.dev/provenance/v0.2", "predicate": predicate | changes}


def test_an_honest_provenance_passes_every_check() -> None:
    assert {outcome for outcome, _ in findings(STATEMENT).values()} == {"pass"}
    assert list(findings(STATEMENT)) == ["builder", "source", "commit", "ref", "workflow", "run", "trigger"]


class TestBuilder:
    @pytest.mark.parametrize("honest", [WORKLOAD.identity, WORKFLOW, "https://github.com/actions/runner/github-hosted"])
    def test_the_workflow_with_or_without_its_ref_or_the_runner_is_the_builder(self, honest: str) -> None:
        assert assess(bundle(statement=claim_builder(STATEMENT, honest))).result == "verified"

    @pytest.mark.parametrize(
        "claimed",
        [
            "https://github.com/trusted/builder/.github/workflows/build.yml@refs/tags/v9",
            f"{WORKFLOW}@refs/heads/main",
            f"{WORKFLOW}.evil",
            WORKFLOW.upper(),
            "https://github.com/actions/runner/self-hosted",
            "https://github.com/actions/runner/",
            "https://github.com/actions/runner/github-hosted/x",
            "https://github.com/acme/payments/-/runners/x",
        ],
    )
    def test_another_builder_is_a_contradiction_named_in_one_sentence(self, claimed: str) -> None:
        assessment = assess(bundle(statement=claim_builder(STATEMENT, claimed)))
        assert (assessment.result, assessment.code) == ("rejected", "claims.builder")
        assert claimed in assessment.reason
        assert WORKFLOW in assessment.reason or "github-hosted" in assessment.reason

    def test_a_numbered_runner_of_the_same_project_needs_a_look(self) -> None:
        assert findings(claim_builder(STATEMENT, f"{WORKLOAD.repository}/-/runners/12"))["builder"] == (
            "review",
            "claims.builder_unconfirmed",
        )

    @pytest.mark.parametrize("absent", [None, ""])
    def test_a_builder_that_is_not_named_needs_a_look(self, absent: Any) -> None:
        assert findings(claim_builder(STATEMENT, absent))["builder"] == ("review", "claims.builder_not_stated")

    @pytest.mark.parametrize("unreadable", [7, ["https://x"], {}, " ", "https://x\u202e", WORKLOAD.identity + "\0"])
    def test_a_builder_that_is_there_and_not_plain_text_is_a_contradiction(self, unreadable: Any) -> None:
        assessment = assess(bundle(statement=claim_builder(STATEMENT, unreadable)))
        assert (assessment.result, assessment.code) == ("rejected", "claims.unreadable")
        assert "(runDetails.builder.id)" in assessment.reason


class TestSource:
    def test_another_repository(self) -> None:
        statement = lie(
            lambda predicate: predicate["buildDefinition"]["externalParameters"]["workflow"].update(
                repository="https://github.com/acme/other"
            )
        )
        assert findings(statement)["source"] == ("fail", "claims.source")
        assert assess(bundle(statement=statement)).result == "rejected"

    def test_another_commit(self) -> None:
        statement = lie(lambda predicate: predicate["buildDefinition"]["resolvedDependencies"][0]["digest"].update(gitCommit="d" * 40))
        assert findings(statement)["commit"] == ("fail", "claims.commit")
        assert assess(bundle(statement=statement)).result == "rejected"

    def test_the_true_commit_beside_another_is_a_contradiction(self) -> None:
        def add(predicate: dict[str, Any]) -> None:
            other = copy.deepcopy(predicate["buildDefinition"]["resolvedDependencies"][0]) | {"digest": {"gitCommit": "d" * 40}}
            predicate["buildDefinition"]["resolvedDependencies"].insert(0, other)

        assert findings(lie(add))["commit"] == ("fail", "claims.commit")

    def test_the_commit_of_another_dependency_is_not_the_sources(self) -> None:
        other = {"uri": "git+https://github.com/acme/library@refs/heads/main", "digest": {"gitCommit": "d" * 40}}
        statement = lie(lambda predicate: predicate["buildDefinition"]["resolvedDependencies"].insert(0, other))
        assert findings(statement)["commit"] == ("pass", "claims.commit")

    def test_another_ref(self) -> None:
        def move(predicate: dict[str, Any]) -> None:
            predicate["buildDefinition"]["resolvedDependencies"][0]["uri"] = f"git+{WORKLOAD.repository}@refs/heads/side"

        assert findings(lie(move))["ref"] == ("fail", "claims.ref")


class TestRun:
    def test_another_run(self) -> None:
        url = f"{WORKLOAD.repository}/actions/runs/1/attempts/1"
        statement = lie(lambda predicate: predicate["runDetails"].update(metadata={"invocationId": url}))
        assert findings(statement)["run"] == ("fail", "claims.run")

    @pytest.mark.parametrize("honest", [WORKLOAD.run_url, WORKLOAD.run_url.removesuffix("/attempts/1"), "7001-1"])
    def test_the_same_run_in_its_three_spellings(self, honest: str) -> None:
        statement = lie(lambda predicate: predicate["runDetails"].update(metadata={"invocationId": honest}))
        assert findings(statement)["run"] == ("pass", "claims.run")

    def test_an_id_that_is_no_address_is_not_compared(self) -> None:
        statement = lie(lambda predicate: predicate["runDetails"].update(metadata={"invocationId": "build-7"}))
        assert findings(statement)["run"] == ("not_applicable", "claims.run_not_stated")

    def test_another_trigger_needs_a_look_and_rejects_nothing(self) -> None:
        statement = lie(lambda predicate: predicate["buildDefinition"]["internalParameters"]["github"].update(event_name="schedule"))
        assert findings(statement)["trigger"] == ("review", "claims.trigger")
        assert assess(bundle(statement=statement)).result == "verified"


class TestOlderProvenance:
    def test_an_honest_one_passes_every_check(self) -> None:
        assert findings(older()).pop("workflow") == ("not_applicable", "claims.workflow_not_stated")
        assert {outcome for check, (outcome, _) in findings(older()).items() if check != "workflow"} == {"pass"}

    def test_another_builder_or_source_is_a_contradiction(self) -> None:
        assert findings(older(builder={"id": "https://x"}))["builder"] == ("fail", "claims.builder")
        elsewhere = {"configSource": {"uri": "git+https://github.com/acme/other@refs/heads/main", "digest": {"sha1": "d" * 40}}}
        answers = findings(older(invocation=elsewhere))
        assert [answers[check][0] for check in ("source", "commit", "ref")] == ["fail", "fail", "fail"]


class TestWhatIsNotCompared:
    def test_a_predicate_we_do_not_read(self) -> None:
        assessment = assess(bundle(statement=STATEMENT | {"predicateType": "https://example.com/review/v1"}))
        assert assessment.result == "verified"
        assert [(finding.outcome, finding.code) for finding in assessment.findings] == [("not_applicable", "claims.not_understood")]
        assert any("https://example.com/review/v1" in sentence for sentence in assessment.not_checked)

    def test_a_key_has_no_certificate_to_compare_with(self) -> None:
        assessment = assess(key_signed(), trust=KEY_TRUST)
        assert [(finding.outcome, finding.code) for finding in assessment.findings] == [("not_applicable", "claims.no_certificate")]

    @pytest.mark.parametrize(
        "predicate", [{}, {"buildDefinition": 1, "runDetails": []}, {"buildDefinition": {"resolvedDependencies": [1, {"digest": 2}]}}]
    )
    def test_a_predicate_of_another_shape_states_nothing(self, predicate: dict[str, Any]) -> None:
        for predicate_type in ("https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"):
            claims = extract_claims(Statement("", (), predicate_type, predicate))
            assert claims["understood"]
            assert {claims[name] for name in ("builderId", "sourceRepository", "sourceCommit", "sourceRef", "invocationId")} == {None}

    def test_what_the_certificate_does_not_say_confirms_nothing(self) -> None:
        facts = assess(bundle()).facts
        assert facts is not None
        silent = facts | {"signer": facts["signer"] | {"sourceRepository": None, "sourceCommit": None, "sourceRef": None}}
        outcomes = {finding.check: finding.outcome for finding in check_claims(silent)}
        assert (outcomes["source"], outcomes["commit"], outcomes["ref"]) == ("review", "review", "review")


def test_the_ends_of_sources_are_spelled_in_one_way() -> None:
    for spelling in ("git+https://github.com/acme/payments.git@refs/tags/v1.2.0", "https://github.com/acme/payments/"):
        predicate = {"buildDefinition": {"externalParameters": {"source": spelling}}}
        assert extract_claims(Statement("", (), "https://slsa.dev/provenance/v1", predicate))["sourceRepository"] == WORKLOAD.repository
