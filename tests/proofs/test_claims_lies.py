"""Lies that stand beside the truth, under another name or in another spelling: each check looks in every place."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from portal.demo.instance import claim_builder
from proofs.claims import check_claims
from tests.proofs.factory import STATEMENT, WORKFLOW, WORKLOAD, assess, bundle
from tests.proofs.test_claims import findings, lie, older

EVIL = "d" * 40
OTHER = "https://github.com/trusted/repo"
HERE = WORKLOAD.repository
Change = Callable[[dict[str, Any]], object]


def definition(predicate: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = predicate["buildDefinition"]
    return found


def external(predicate: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = definition(predicate)["externalParameters"]
    return found


def inputs(predicate: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = definition(predicate)["resolvedDependencies"]
    return found


def add_input(uri: str, **digest: Any) -> Change:
    return lambda predicate: inputs(predicate).append({"uri": uri, "digest": digest})


def without_source(predicate: dict[str, Any]) -> None:
    external(predicate).pop("workflow")


def invoked_as(text: str) -> dict[str, Any]:
    return lie(lambda predicate: predicate["runDetails"].update(metadata={"invocationId": text}))


@pytest.mark.parametrize(
    ("change", "check", "place"),
    [
        pytest.param(
            lambda predicate: inputs(predicate)[0]["digest"].update(sha1=EVIL),
            "commit",
            "buildDefinition.resolvedDependencies[0]",
            id="a good gitCommit and an evil sha1 in one digest",
        ),
        pytest.param(
            lambda predicate: external(predicate)["workflow"].update(ref="refs/heads/evil"),
            "ref",
            "buildDefinition.externalParameters.workflow.ref",
            id="an evil ref of the workflow beside a good one of the input",
        ),
        pytest.param(
            lambda predicate: external(predicate)["workflow"].update(path=".github/workflows/evil.yml"),
            "workflow",
            "buildDefinition.externalParameters.workflow.path",
            id="another workflow file",
        ),
        pytest.param(
            lambda predicate: external(predicate).update(source=f"git+{OTHER}@{WORKLOAD.ref}"),
            "source",
            "buildDefinition.externalParameters.source",
            id="a source beside a good workflow",
        ),
        pytest.param(
            lambda predicate: external(predicate).update(source={"uri": f"git+{HERE}", "digest": {"sha1": EVIL}}),
            "commit",
            "buildDefinition.externalParameters.source.digest.sha1",
            id="the commit of a source beside a good workflow",
        ),
        pytest.param(
            add_input(f"git+{HERE}@refs/heads/evil", gitCommit=WORKLOAD.commit),
            "ref",
            "buildDefinition.resolvedDependencies[1]",
            id="a second ref of the same repository",
        ),
        pytest.param(
            add_input(f"git+{HERE}@{EVIL}"), "commit", "buildDefinition.resolvedDependencies[1]", id="a commit in the place of a ref"
        ),
        pytest.param(
            lambda predicate: predicate.update(builder={"id": f"{OTHER}/.github/workflows/x.yml@refs/heads/main"}),
            "builder",
            "builder.id",
            id="the builder of the older version beside a good one",
        ),
        pytest.param(
            lambda predicate: definition(predicate)["internalParameters"].update(GITHUB_SHA=EVIL),
            "commit",
            "buildDefinition.internalParameters.GITHUB_SHA",
            id="the commit in the environment",
        ),
        *(
            pytest.param(
                lambda predicate, name=name: external(predicate).update({name: {"repository": OTHER}}),
                "source",
                f"buildDefinition.externalParameters.{name}.repository",
                id=f"{name} of another repository",
            )
            for name in ("sourceToBuild", "configSource", "buildConfigSource")
        ),
    ],
)
def test_one_lie_beside_the_truth_is_a_contradiction_and_the_sentence_says_where(change: Change, check: str, place: str) -> None:
    assessment = assess(bundle(statement=lie(change)))
    assert (assessment.result, assessment.code) == ("rejected", f"claims.{check}")
    assert f"({place})" in assessment.reason
    assert [finding.check for finding in assessment.findings if finding.outcome == "fail"] == [check]


class TestAnotherSpelling:
    @pytest.mark.parametrize(
        "uri",
        [
            "git+https://github.com/Acme/Payments",
            "git+ssh://git@github.com/acme/payments.git",
            "ssh://git@github.com:22/acme/payments",
            "git@github.com:acme/payments.git",
            "https://x@github.com/acme/payments",
            "HTTPS://GitHub.com:443/acme/payments/",
            "git+https://github.com/acme/payments#main",
        ],
    )
    def test_an_evil_commit_of_the_same_repository(self, uri: str) -> None:
        assert findings(lie(add_input(uri, gitCommit=EVIL)))["commit"] == ("fail", "claims.commit")

    @pytest.mark.parametrize(
        "uri",
        [
            "https://github.com/acme/p%61yments",
            "https://github.com/acme/x/../payments",
            "https://github.com/acme//payments",
            "https://www.github.com/acme/payments",
            "https://github.com/acme/payments?x",
            "https://github.com/acme/payments/tree/main",
            "pkg:github/acme/payments@v1",
        ],
    )
    def test_an_evil_commit_of_what_may_be_the_same_repository_needs_a_look(self, uri: str) -> None:
        assert findings(lie(add_input(uri, gitCommit=EVIL)))["commit"] == ("review", "claims.commit_unclear")

    @pytest.mark.parametrize("uri", ["https://github.com/acme/payments.evil", "https://github.com/acme/library", "https://evil.example/x"])
    def test_an_input_from_elsewhere_is_not_the_source(self, uri: str) -> None:
        assert findings(lie(add_input(uri, gitCommit=EVIL)))["commit"] == ("pass", "claims.commit")

    def test_hosts_we_know_nothing_about_may_tell_names_apart_by_case(self) -> None:
        facts = assess(bundle()).facts
        assert facts is not None
        for said, outcome in (("https://git.example/acme/api", "pass"), ("https://git.example/Acme/API", "review"), ("acme/api", "review")):
            changed = copy.deepcopy(facts)
            changed["signer"]["sourceRepository"] = "https://git.example/acme/api"
            changed["claims"]["stated"] = [{"claim": "source", "at": "x", "value": said}]
            assert {finding.check: finding.outcome for finding in check_claims(changed)}["source"] == outcome

    def test_an_evil_commit_in_upper_case(self) -> None:
        evil = lie(lambda predicate: inputs(predicate)[0].update(digest={"gitCommit": EVIL.upper()}))
        assert findings(evil)["commit"] == ("fail", "claims.commit")
        honest = lie(lambda predicate: inputs(predicate)[0].update(digest={"gitCommit": WORKLOAD.commit.upper()}))
        assert findings(honest)["commit"] == ("pass", "claims.commit")

    def test_a_short_name_of_a_ref_needs_a_look(self) -> None:
        assert findings(lie(lambda predicate: external(predicate)["workflow"].update(ref="v1.2.0")))["ref"] == (
            "review",
            "claims.ref_unclear",
        )
        assert findings(lie(lambda predicate: external(predicate)["workflow"].update(ref="main")))["ref"] == ("fail", "claims.ref")


class TestNoSourceStated:
    @pytest.mark.parametrize("uri", [f"git+{OTHER}@{WORKLOAD.ref}", "git@github.com:trusted/repo.git"])
    def test_an_input_from_another_repository_needs_a_look(self, uri: str) -> None:
        def change(predicate: dict[str, Any]) -> None:
            without_source(predicate)
            inputs(predicate)[0] = {"uri": uri, "digest": {"gitCommit": WORKLOAD.commit}}

        assert findings(lie(change))["source"] == ("review", "claims.source_unclear")

    def test_the_repository_of_the_certificate_among_the_inputs_is_no_contradiction(self) -> None:
        assert findings(lie(without_source))["source"] == ("pass", "claims.source")

    def test_nothing_at_all(self) -> None:
        bare = lie(lambda predicate: predicate.update(buildDefinition={}))
        assert findings(bare)["source"] == ("not_applicable", "claims.source_not_stated")


class TestLiesInOlderProvenance:
    def test_an_evil_commit_or_repository_among_the_materials(self) -> None:
        good = {"uri": f"git+{HERE}@{WORKLOAD.ref}", "digest": {"sha1": WORKLOAD.commit}}
        evil = {"uri": f"git+{HERE}@{WORKLOAD.ref}", "digest": {"sha1": EVIL}}
        assert findings(older(materials=[good, evil]))["commit"] == ("fail", "claims.commit")
        elsewhere = {"uri": f"git+{OTHER}", "digest": {"sha1": WORKLOAD.commit}}
        assert findings(older(invocation={}, materials=[elsewhere]))["source"] == ("review", "claims.source_unclear")

    def test_an_entry_point_is_compared_where_it_is_a_workflow_file(self) -> None:
        source = {"uri": f"git+{HERE}@{WORKLOAD.ref}", "digest": {"sha1": WORKLOAD.commit}}
        for entry, outcome in (
            (".github/workflows/release.yml", "pass"),
            (f"acme/payments/.github/workflows/release.yml@{WORKLOAD.ref}", "pass"),
            (".github/workflows/evil.yml", "fail"),
            ("trusted/repo/.github/workflows/release.yml", "fail"),
            ("make release", "not_applicable"),
        ):
            statement = older(invocation={"configSource": {**source, "entryPoint": entry}})
            assert findings(statement)["workflow"][0] == outcome, entry


class TestRunInOtherWords:
    @pytest.mark.parametrize(
        "said",
        [
            *(f"{OTHER}/actions/runs/9/attempts/1{end}" for end in ("", "/", "?x", "#a", "/x")),
            f"{HERE}/actions/runs/7001/attempts/1/",
            f"{HERE}/actions/runs/7001?attempt=1",
            f"{HERE}/%61ctions/runs/9",
            f"{OTHER}/Actions/Runs/9",
            f"{OTHER}/-/jobs/9",
            f"{OTHER}/actions/runs/7001/attempts/1",
            "7001-2",
        ],
    )
    def test_another_run_or_an_address_that_does_not_come_apart_is_a_contradiction(self, said: str) -> None:
        assert findings(invoked_as(said))["run"] == ("fail", "claims.run")

    @pytest.mark.parametrize("said", ["9", f"{OTHER}/runs/9", f"https://github.com/{'x' * 40}"])
    def test_what_may_be_another_run_needs_a_look(self, said: str) -> None:
        assert findings(invoked_as(said))["run"] == ("review", "claims.run_unclear")

    def test_the_same_run_by_its_number_alone_or_in_another_case_of_the_repository(self) -> None:
        for said in ("7001", "https://github.com/Acme/Payments/actions/runs/7001"):
            assert findings(invoked_as(said))["run"] == ("pass", "claims.run")


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (lambda predicate: predicate.update(runDetails=[]), "builder"),
        (lambda predicate: predicate["runDetails"].update(builder=WORKLOAD.identity), "builder"),
        (lambda predicate: external(predicate).update(source=[f"git+{OTHER}"]), "source"),
        (lambda predicate: external(predicate)["workflow"].update(repository=7), "source"),
        (lambda predicate: external(predicate)["workflow"].update(ref={"name": "refs/heads/evil"}), "ref"),
        (lambda predicate: external(predicate)["workflow"].update(path=".github/workflows/evil.yml\0"), "workflow"),
        (lambda predicate: definition(predicate).update(resolvedDependencies={"0": {"uri": OTHER}}), "source"),
        (lambda predicate: inputs(predicate).append({"uri": [OTHER]}), "source"),
        (lambda predicate: inputs(predicate)[0]["digest"].update(gitCommit=EVIL[:12]), "commit"),
        (lambda predicate: inputs(predicate)[0].update(digest=EVIL), "commit"),
        (lambda predicate: predicate["runDetails"].update(metadata={"invocationId": [WORKLOAD.run_url]}), "run"),
    ],
)
def test_a_claim_that_is_there_and_cannot_be_read_is_a_contradiction(change: Change, check: str) -> None:
    assert findings(lie(change))[check] == ("fail", "claims.unreadable")
    assert assess(bundle(statement=lie(change))).result == "rejected"


@pytest.mark.parametrize(
    "predicate_type",
    [
        "https://slsa.dev/provenance/v1/",
        "https://slsa.dev/provenance/v1.0",
        "https://slsa.dev/provenance/v1#x",
        "https://slsa.dev/provenance/v1.0?draft",
        "HTTPS://slsa.dev/provenance/v1",
        "https://SLSA.dev/Provenance/v1",
        "http://slsa.dev/provenance/v1",
        "https://slsa.dev//provenance/v1",
        "https://slsa.dev/%70rovenance/v1",
        " https://slsa.dev/provenance/v1",
    ],
)
def test_provenance_of_a_type_we_do_not_read_needs_a_look(predicate_type: str) -> None:
    statement = lie(lambda predicate: predicate["runDetails"].update(builder={"id": OTHER})) | {"predicateType": predicate_type}
    assert findings(statement) == {"predicate": ("review", "claims.provenance_not_read")}


def test_a_reusable_workflow_is_the_builder_and_the_file_that_called_it_is_the_workflow() -> None:
    facts = assess(bundle()).facts
    assert facts is not None
    reused = copy.deepcopy(facts)
    identity = f"https://github.com/shared/builders/.github/workflows/build.yml@{EVIL}"
    reused["signer"] |= {"identity": identity, "workflow": identity.partition("@")[0]}
    reused["claims"]["stated"] = [item for item in reused["claims"]["stated"] if item["claim"] != "builder"]
    reused["claims"]["stated"].append({"claim": "builder", "at": "runDetails.builder.id", "value": identity})
    assert {finding.outcome for finding in check_claims(reused)} == {"pass"}


def test_a_file_whose_name_goes_on_after_an_at_sign_is_not_the_workflow() -> None:
    longer = replace(WORKLOAD, identity=f"{WORKFLOW}@x.yml@refs/heads/main")
    assessment = assess(bundle(workload=longer, statement=claim_builder(STATEMENT, WORKFLOW)))
    assert assessment.facts is not None
    assert (assessment.facts["signer"]["workflow"], assessment.facts["signer"]["ref"]) == (None, None)
    assert (assessment.result, assessment.code) == ("rejected", "claims.builder")
