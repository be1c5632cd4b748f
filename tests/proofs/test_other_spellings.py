"""Other spellings of names we read: whoever hides a value under one, for readers that ignore case or take snake case, wins nothing here."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from proofs.assess import VERIFIED
from proofs.delegators import is_delegated_to
from proofs.pack.earlier_facts import facts_known_then
from proofs.policy.evaluate import evaluate_policy
from proofs.predicates.read import read_predicate
from proofs.provenance import NO_NAMES, read_parameters, read_provenance
from tests.proofs.factory import STATEMENT, bundle
from tests.proofs.pack.world import World, make_verdict
from tests.proofs.policy.test_evaluate import input_with, policy_with, provenance_rule
from tests.proofs.test_inputs_and_parameters import (
    EVIL_INPUT,
    GOOD_INPUT,
    OTHER,
    accepted,
    by_certificate,
    by_inputs,
    by_key,
    listing,
    rule,
    stating,
)

V02 = "https://slsa.dev/provenance/v0.2"
SPELLINGS: dict[str, Callable[[str], str]] = {
    "snake case": lambda name: re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower(),
    "a capital": lambda name: name[0].swapcase() + name[1:],
    "capitals": str.upper,
    "small letters": str.lower,
    "hyphens": lambda name: re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower(),
    "a letter that folds to s": lambda name: name.replace("s", "\u017f"),
}
# Everything that a builder, a source, a run, inputs or parameters are read from.
PLACES = (
    "buildDefinition",
    "buildDefinition.externalParameters",
    "buildDefinition.externalParameters.workflow",
    "buildDefinition.externalParameters.workflow.repository",
    "buildDefinition.externalParameters.workflow.ref",
    "buildDefinition.externalParameters.workflow.path",
    "buildDefinition.externalParameters.source",
    "buildDefinition.externalParameters.configSource",
    "buildDefinition.internalParameters",
    "buildDefinition.internalParameters.github",
    "buildDefinition.resolvedDependencies",
    "runDetails",
    "runDetails.builder",
    "runDetails.builder.id",
    "runDetails.metadata",
    "builder",
    "builder.id",
    "invocation",
    "invocation.configSource",
    "invocation.configSource.uri",
    "invocation.configSource.digest",
    "invocation.environment",
    "invocation.parameters",
    "metadata",
    "metadata.buildInvocationID",
    "materials",
)


def respelled(place: str, spell: Callable[[str], str]) -> Iterator[dict[str, Any]]:
    """Yield the honest predicate with `place` in another spelling: beside its own, and instead of it."""
    *way, name = place.split(".")
    for is_beside in (True, False):
        predicate = copy.deepcopy(STATEMENT["predicate"])
        within = predicate
        for step in way:
            within = within.setdefault(step, {})
        within[spell(name)] = copy.deepcopy(within.get(name)) or {"evil": 1}
        if not is_beside:
            within.pop(name, None)
        if spell(name) != name:
            yield predicate


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("place", PLACES)
def test_a_claim_in_another_spelling_is_a_claim_that_cannot_be_read(place: str, spelling: str) -> None:
    for predicate in respelled(place, SPELLINGS[spelling]):
        claims = read_provenance(predicate)
        stated = [item["value"] for item in claims["stated"]]
        doubted = [item for item in claims["dependencies"] if "unreadable" in item]
        assert None in stated or doubted or NO_NAMES in (read_parameters(predicate) or [])


@pytest.mark.parametrize("place", ["buildDefinition", "runDetails.builder", "invocation.configSource"])
def test_a_certificate_does_not_confirm_what_stands_under_another_spelling(place: str) -> None:
    for predicate in respelled(place, SPELLINGS["snake case"]):
        assert by_certificate(STATEMENT | {"predicate": predicate}).code == "claims.unreadable"
    evil = stating(lambda predicate: predicate.update(run_details={"builder": {"id": "https://evil.example/builder"}}))
    assert by_certificate(evil).code == "claims.unreadable"


INPUT_LIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "resolved_dependencies beside materials": lambda predicate: (
        predicate["buildDefinition"].pop("resolvedDependencies", None),
        predicate["buildDefinition"].update(resolved_dependencies=[EVIL_INPUT]),
        predicate.update(materials=[GOOD_INPUT]),
    ),
    "resolved_dependencies beside the own": lambda predicate: predicate["buildDefinition"].update(
        resolvedDependencies=[GOOD_INPUT], resolved_dependencies=[EVIL_INPUT]
    ),
    "ResolvedDependencies": lambda predicate: predicate["buildDefinition"].update(
        resolvedDependencies=[GOOD_INPUT], ResolvedDependencies=[EVIL_INPUT]
    ),
    "a whole build_definition": lambda predicate: (
        predicate["buildDefinition"].update(resolvedDependencies=[GOOD_INPUT]),
        predicate.update(build_definition={"resolvedDependencies": [EVIL_INPUT]}),
    ),
    "Materials": lambda predicate: (
        predicate["buildDefinition"].update(resolvedDependencies=[GOOD_INPUT]),
        predicate.update(Materials=[EVIL_INPUT]),
    ),
    "URI": lambda predicate: predicate["buildDefinition"].update(resolvedDependencies=[GOOD_INPUT | {"URI": EVIL_INPUT["uri"]}]),
    "Digest": lambda predicate: predicate["buildDefinition"].update(resolvedDependencies=[GOOD_INPUT | {"Digest": EVIL_INPUT["digest"]}]),
    "SHA256": lambda predicate: predicate["buildDefinition"].update(
        resolvedDependencies=[{**GOOD_INPUT, "digest": {**GOOD_INPUT["digest"], "SHA256": OTHER}}]
    ),
    "sha_256": lambda predicate: predicate["buildDefinition"].update(
        resolvedDependencies=[{**GOOD_INPUT, "digest": {**GOOD_INPUT["digest"], "sha_256": OTHER}}]
    ),
}


@pytest.mark.parametrize("predicate_type", [STATEMENT["predicateType"], V02])
@pytest.mark.parametrize("lie", INPUT_LIES)
def test_an_input_in_another_spelling_is_no_approved_one(lie: str, predicate_type: str) -> None:
    answer = by_key(stating(INPUT_LIES[lie]) | {"predicateType": predicate_type})
    assert (answer.result, accepted(answer), by_inputs(answer)) == (VERIFIED, "expectation.inputs", "policy.input")


PARAMETER_LIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "external_parameters beside none": lambda predicate: (
        predicate["buildDefinition"].pop("externalParameters"),
        predicate["buildDefinition"].update(external_parameters={"evil": 1}),
        predicate.update(invocation={"parameters": {}}),
    ),
    "ExternalParameters": lambda predicate: predicate["buildDefinition"].update(externalParameters={}, ExternalParameters={"evil": 1}),
    "Invocation": lambda predicate: (
        predicate["buildDefinition"].update(externalParameters={}),
        predicate.update(Invocation={"parameters": {"evil": 1}}),
    ),
    "PARAMETERS": lambda predicate: (
        predicate["buildDefinition"].update(externalParameters={}),
        predicate.update(invocation={"PARAMETERS": {"evil": 1}}),
    ),
}


@pytest.mark.parametrize("predicate_type", [STATEMENT["predicateType"], V02])
@pytest.mark.parametrize("lie", PARAMETER_LIES)
def test_parameters_in_another_spelling_are_not_none(lie: str, predicate_type: str) -> None:
    answer = by_key(stating(PARAMETER_LIES[lie]) | {"predicateType": predicate_type})
    assert answer.facts is not None
    assert NO_NAMES in answer.facts["parameters"]
    assert rule(answer.facts, parameters=[]) == "policy.parameter"


def test_a_builder_in_another_spelling_is_not_the_one_a_delegator_may_sign_for() -> None:
    wanted = "https://github.com/acme/builder/.github/workflows/build.yml"
    signer = {
        "issuer": "https://token.actions.githubusercontent.com",
        "workflow": "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/delegator_generic_slsa3.yml",
        "ref": "refs/tags/v2.0.0",
    }
    honest = {"runDetails": {"builder": {"id": wanted}}}
    assert is_delegated_to({"signer": signer, "claims": read_provenance(honest)}, wanted)
    evil = honest | {"run_details": {"builder": {"id": "https://evil.example/builder"}}}
    assert not is_delegated_to({"signer": signer, "claims": read_provenance(evil)}, wanted)


class TestGenuine:
    @pytest.mark.parametrize("nothing", [None, ""])
    def test_what_was_never_set_is_not_there(self, nothing: Any) -> None:
        answer = by_certificate(stating(lambda predicate: predicate.update(build_definition=nothing, Materials=nothing)))
        assert answer.result == VERIFIED

    def test_names_of_a_builders_own_stand(self) -> None:
        def own(predicate: dict[str, Any]) -> None:
            predicate["buildDefinition"]["externalParameters"] |= {"inputs": {"Workflow": 1}, "vars": {"SOURCE": 1}}
            predicate["buildDefinition"]["internalParameters"] = {"platform": "x", "GITHUB_REF_TYPE": "branch"}
            predicate["runDetails"]["metadata"] = {"finished_on": "x", "buildkit_metadata": {}}

        assert by_certificate(stating(own)).result == VERIFIED

    def test_a_run_is_read_in_the_spelling_of_builders_that_write_it_with_two_capitals(self) -> None:
        def other_run(predicate: dict[str, Any]) -> None:
            run = predicate["runDetails"]["metadata"].pop("invocationId")
            predicate["runDetails"]["metadata"]["invocationID"] = run + "9"

        assert by_certificate(stating(other_run)).code == "claims.run"

    def test_other_digests_beside_an_approved_one_stand(self) -> None:
        answer = by_key(listing({**GOOD_INPUT, "digest": {**GOOD_INPUT["digest"], "blake3": OTHER, "sha3_256": OTHER}}))
        assert (accepted(answer), by_inputs(answer)) == ("expectation.met", "")


class TestThen:
    """A verifier before version 4 looked for no other spellings; what it said is derived again as it said it."""

    @pytest.mark.parametrize("lie", [*INPUT_LIES.values(), *PARAMETER_LIES.values()])
    def test_provenance_is_read_as_it_was(self, lie: Callable[[dict[str, Any]], object]) -> None:
        statement = stating(lie)
        then = read_provenance(statement["predicate"], as_before_4=True)
        assert None not in [item["value"] for item in then["stated"]]
        assert not [item for item in then["dependencies"] if "unreadable" in item]
        assert NO_NAMES not in (read_parameters(statement["predicate"], as_before_4=True) or [])

    def test_so_are_results(self) -> None:
        for predicate_type, predicate, (name, _) in DOUBTFUL:
            today = read_predicate(predicate_type, predicate)
            facts = {"signer": {}, "claims": {"dependencies": []}, "predicate": today}
            then = facts_known_then(facts, facts)["predicate"]
            assert then[name], predicate
            assert "readBefore4" not in then


VSA, OLD_VSA = "https://slsa.dev/verification_summary/v1", "https://slsa.dev/verification_summary/v0.2"
SVR, TESTS = "https://in-toto.io/attestation/svr/v0.1", "https://in-toto.io/attestation/test-result/v0.1"
SUMMED: dict[str, Any] = {
    "verifier": {"id": "https://v.example"},
    "timeVerified": "2026-05-04T12:00:00Z",
    "resourceUri": "r",
    "policy": {"uri": "p", "digest": {"sha256": OTHER}},
    "inputAttestations": [{"digest": {"sha256": OTHER}}],
    "verificationResult": "PASSED",
    "verifiedLevels": ["SLSA_BUILD_LEVEL_3"],
}
OLD_SUMMED: dict[str, Any] = {
    "verifier": {"id": "https://v.example"},
    "time_verified": "2026-05-04T12:00:00Z",
    "resource_uri": "r",
    "policy": {"uri": "p"},
    "input_attestations": [{"digest": {"sha256": OTHER}}],
    "verification_result": "PASSED",
    "policy_level": "SLSA_LEVEL_3",
}
SIMPLE: dict[str, Any] = {"verifier": {"id": "v"}, "timeCreated": "2026-05-04T12:00:00Z", "policies": [], "properties": ["fresh"]}
TESTED: dict[str, Any] = {"result": "PASSED", "configuration": [{"digest": {"sha256": OTHER}}], "url": "u", "failedTests": []}
HONEST: tuple[tuple[str, dict[str, Any], tuple[str, Any]], ...] = (
    (VSA, SUMMED, ("result", None)),
    (OLD_VSA, OLD_SUMMED, ("result", None)),
    (SVR, SIMPLE, ("properties", [])),
    (TESTS, TESTED, ("result", None)),
)


def _doubtful() -> Iterator[tuple[str, dict[str, Any], tuple[str, Any]]]:
    for predicate_type, honest, no in HONEST:
        for name in honest:
            for spelled in {spell(name) for spell in SPELLINGS.values()} - {name}:
                # A second spelling of version 0.2's own result was read as the result then, by the first one that was there.
                if (predicate_type, spelled) != (OLD_VSA, "verificationResult"):
                    yield predicate_type, honest | {spelled: "FAILED"}, no


DOUBTFUL = tuple(_doubtful())


class TestResults:
    def test_a_predicate_that_says_another_thing_in_another_spelling_states_no_result(self) -> None:
        assert len(DOUBTFUL) > 70
        for predicate_type, predicate, (name, none) in DOUBTFUL:
            said = read_predicate(predicate_type, predicate)
            assert said is not None
            assert said[name] == none, predicate

    def test_one_below_counts_too(self) -> None:
        said = read_predicate(VSA, SUMMED | {"verifier": {"id": "https://v.example", "ID": "https://evil.example"}})
        assert said is not None
        assert (said["verifierId"], said["result"]) == (None, None)
        tested = read_predicate(TESTS, TESTED | {"configuration": [{"digest": {"sha256": OTHER}, "Digest": {"sha256": "evil"}}]})
        assert tested is not None
        assert tested["result"] is None

    @pytest.mark.parametrize(("predicate_type", "predicate", "no"), HONEST)
    def test_what_says_the_same_in_both_stands(self, predicate_type: str, predicate: dict[str, Any], no: tuple[str, Any]) -> None:
        doubled = predicate | {name.upper(): value for name, value in predicate.items()}
        assert read_predicate(predicate_type, doubled) == read_predicate(predicate_type, predicate)
        assert (read_predicate(predicate_type, doubled) or {})[no[0]]

    @pytest.mark.parametrize(("beside", "code"), [({}, ""), ({"Result": "FAILED"}, "policy.result_not_passed")])
    def test_a_rule_takes_no_result_for_a_pass(self, beside: dict[str, Any], code: str) -> None:
        raw = bundle(statement=STATEMENT | {"predicateType": TESTS, "predicate": TESTED | beside})
        policy = policy_with(lambda document: document["rules"][0].update(predicateTypes=[TESTS]))
        verdict = make_verdict(raw, trust=World().trust)
        assert provenance_rule(evaluate_policy(policy, input_with(verdict)))["code"] == code
