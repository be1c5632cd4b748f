"""Inputs and parameters of provenance: what a signer hides behind many, or writes so that it cannot be read, never passes as approved."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from proofs.assess import Assessment
from proofs.claims import check_claims
from proofs.digest import parse_digest
from proofs.expectations import Expectations, accept
from proofs.policy.evaluate import evaluate_policy
from proofs.provenance import MAX_INPUTS
from tests.proofs.factory import KEY_TRUST, PUBLIC_KEY, STATEMENT, WORKLOAD, assess, bundle, key_signed
from tests.proofs.policy.test_evaluate import GOOD, input_with, policy_with, provenance_rule

APPROVED, OTHER = "11" * 32, "66" * 32
GOOD_INPUT = {"uri": "pkg:generic/ok", "digest": {"sha256": APPROVED}}
EVIL_INPUT = {"uri": "pkg:generic/evil", "digest": {"sha256": OTHER}}
SOURCE = {"uri": f"git+{WORKLOAD.repository}", "digest": {"gitCommit": WORKLOAD.commit}}
LIES: list[Any] = ["git+https://evil.example/x", "pkg:evil", None, 5, ["x"]]
Change = Callable[[dict[str, Any]], object]


def stating(change: Change) -> dict[str, Any]:
    statement = copy.deepcopy(STATEMENT)
    change(statement["predicate"])
    return statement


def listing(*inputs: Any) -> dict[str, Any]:
    return stating(lambda predicate: predicate["buildDefinition"].update(resolvedDependencies=list(inputs)))


def by_key(statement: dict[str, Any]) -> Assessment:
    return assess(key_signed(json.dumps(statement).encode()), trust=KEY_TRUST)


def by_certificate(statement: dict[str, Any]) -> Assessment:
    return assess(bundle(statement=statement))


def accepted(answer: Assessment) -> str:
    assert answer.facts is not None
    signer = answer.facts["signer"]
    who = {"key_id": PUBLIC_KEY.key_id} if signer["kind"] == "key" else {"identity": signer["identity"], "issuer": signer["issuer"]}
    expected = Expectations(approved_inputs=(parse_digest(f"sha256:{APPROVED}"),), **who)
    return accept(answer.facts, check_claims(answer.facts), expected).code


def rule(facts: dict[str, Any] | None, **expected: Any) -> str:
    """Return the code of the policy's rule about an item with these facts by the accepted signer."""
    assert facts is not None
    verdict = copy.deepcopy(GOOD)
    verdict["facts"] |= {name: facts[name] for name in ("claims", "parameters") if name in facts}
    if "parameters" not in facts:
        verdict["facts"].pop("parameters", None)
    policy = policy_with(lambda document: document["rules"][0].update(expected))
    return str(provenance_rule(evaluate_policy(policy, input_with(verdict)))["code"])


def by_inputs(answer: Assessment) -> str:
    return rule(answer.facts, inputs={"digests": [f"sha256:{APPROVED}"]})


class TestInputs:
    @pytest.mark.parametrize("signed", [by_key, by_certificate])
    def test_approved_ones_pass(self, signed: Callable[[dict[str, Any]], Assessment]) -> None:
        for inputs in ([GOOD_INPUT], [GOOD_INPUT] * MAX_INPUTS):
            answer = signed(listing(*inputs))
            assert (answer.result, accepted(answer), by_inputs(answer)) == ("verified", "expectation.met", "")

    @pytest.mark.parametrize("signed", [by_key, by_certificate])
    def test_one_behind_a_thousand_approved_ones_is_refused_with_all_of_them(self, signed: Callable[[dict[str, Any]], Assessment]) -> None:
        answer = signed(listing(*[GOOD_INPUT] * 1024, EVIL_INPUT))
        assert (answer.result, answer.code, answer.facts) == ("rejected", "statement.too_many_inputs", None)
        assert accepted(signed(listing(*[GOOD_INPUT] * (MAX_INPUTS - 1), EVIL_INPUT))) == "expectation.inputs"

    def test_two_places_are_counted_together(self) -> None:
        split = stating(
            lambda predicate: (
                predicate["buildDefinition"].update(resolvedDependencies=[GOOD_INPUT] * 600),
                predicate.update(materials=[GOOD_INPUT] * 600),
            )
        )
        assert by_key(split).code == "statement.too_many_inputs"

    def test_a_list_that_an_earlier_verifier_may_have_cut_is_a_no(self) -> None:
        facts = copy.deepcopy(by_key(listing(GOOD_INPUT)).facts)
        assert facts is not None
        facts["claims"]["dependencies"] *= 1024
        assert rule(facts, inputs={"digests": [f"sha256:{APPROVED}"]}) == "policy.input"
        expected = Expectations(key_id=PUBLIC_KEY.key_id, approved_inputs=(parse_digest(f"sha256:{APPROVED}"),))
        assert accept(facts, (), expected).code == "expectation.inputs"

    @pytest.mark.parametrize("lie", LIES, ids=repr)
    def test_one_that_cannot_be_read_is_a_no_whoever_signed(self, lie: Any) -> None:
        answer = by_key(listing(GOOD_INPUT, lie))
        assert (accepted(answer), by_inputs(answer)) == ("expectation.inputs", "policy.input")
        assert by_certificate(listing(GOOD_INPUT, lie)).code == "claims.unreadable"

    @pytest.mark.parametrize("lie", [{"evil": {"sha256": OTHER}}, "git+https://evil.example/x", 5], ids=repr)
    def test_a_list_that_is_none_is_a_no_too(self, lie: Any) -> None:
        def beside(predicate: dict[str, Any]) -> None:
            predicate["buildDefinition"].update(resolvedDependencies=[GOOD_INPUT])
            predicate["materials"] = lie

        answer = by_key(stating(beside))
        assert (accepted(answer), by_inputs(answer)) == ("expectation.inputs", "policy.input")

    def test_an_approved_digest_does_not_carry_another_beside_it(self) -> None:
        both = {"uri": "pkg:generic/ok", "digest": {"sha256": APPROVED, "sha512": OTHER * 2}}
        wanted = (parse_digest(f"sha256:{APPROVED}"), parse_digest("sha512:" + APPROVED * 2))
        facts = by_key(listing(both)).facts
        assert facts is not None
        assert accept(facts, (), Expectations(key_id=PUBLIC_KEY.key_id, approved_inputs=wanted)).code == "expectation.inputs"
        assert rule(facts, inputs={"digests": [str(digest) for digest in wanted]}) == "policy.input"

    @pytest.mark.parametrize("digest", [{"sha3_256": "evil"}, "evil", {"sha256": ["x"]}, ["x"], {"GITCOMMIT": WORKLOAD.commit}], ids=repr)
    def test_the_source_under_a_digest_nobody_reads_is_not_the_source(self, digest: Any) -> None:
        assert by_inputs(by_key(listing(GOOD_INPUT, SOURCE))) == ""
        assert by_inputs(by_key(listing(GOOD_INPUT, SOURCE | {"digest": digest}))) == "policy.input"

    def test_the_source_with_its_commit_and_a_tree_is_the_source(self) -> None:
        assert by_inputs(by_key(listing(GOOD_INPUT, SOURCE | {"digest": {"gitCommit": WORKLOAD.commit, "gitTree": "00" * 20}}))) == ""


PARAMETER_LIES: list[Change] = [
    lambda predicate: (predicate["buildDefinition"].update(externalParameters={}), predicate.update(invocation={"parameters": ["--evil"]})),
    lambda predicate: (predicate["buildDefinition"].update(externalParameters=["--evil"]), predicate.update(invocation={"parameters": {}})),
    lambda predicate: predicate["buildDefinition"].update(externalParameters="--evil"),
    lambda predicate: (predicate["buildDefinition"].update(externalParameters={}), predicate.update(invocation="--evil")),
]


class TestParameters:
    @pytest.mark.parametrize("signed", [by_key, by_certificate])
    @pytest.mark.parametrize("predicate_type", ["https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"])
    @pytest.mark.parametrize("lie", PARAMETER_LIES)
    def test_a_list_of_them_is_no_empty_object(
        self, lie: Change, predicate_type: str, signed: Callable[[dict[str, Any]], Assessment]
    ) -> None:
        answer = signed(stating(lie) | {"predicateType": predicate_type})
        assert answer.facts is not None
        assert "(no object)" in answer.facts["parameters"]
        assert rule(answer.facts, parameters=[]) == "policy.parameter"

    def test_none_at_all_are_none(self) -> None:
        facts = by_key(stating(lambda predicate: predicate["buildDefinition"].update(externalParameters={}))).facts
        assert facts is not None
        assert facts["parameters"] == []
        assert rule(facts, parameters=[]) == ""
