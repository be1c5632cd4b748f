"""Expectations of a project: closed in what they accept, carried by the input, and the only thing a rule that leaves it to them asks."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Malformed, Refusal, TooLarge
from proofs.pack import layout
from proofs.policy.document import parse_policy
from proofs.policy.evaluate import evaluate_policy
from proofs.policy.expectations_document import parse_expectations
from tests.forge import edited as edited_pack
from tests.forge import repack
from tests.proofs.factory import WORKFLOW, WORKLOAD
from tests.proofs.pack.lies import check, code_of, code_when_signed
from tests.proofs.pack.world import POLICY, World, alice
from tests.proofs.policy.test_evaluate import GOOD, edited, input_with, policy_with, provenance_rule

TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
PROVENANCE = "https://slsa.dev/provenance/v1"
DOCUMENT: dict[str, Any] = {
    "schema": "countersign-expectations/v1",
    "project": "payments-api",
    "version": "1",
    "title": "What counts as evidence",
    "accept": [
        {
            "predicateTypes": [PROVENANCE],
            "builders": [{"issuer": WORKLOAD.issuer, "workflow": WORKFLOW}],
            "sources": [{"repository": WORKLOAD.repository, "repositoryId": "1001", "refs": [r"^refs/tags/v[0-9]+\.[0-9]+\.[0-9]+$"]}],
        },
        {"predicateTypes": [TEST_RESULT], "builders": [{"keyId": "SHA256:" + "a" * 43}]},
    ],
}
POLICY_BY_PROJECT = copy.deepcopy(POLICY)
for name in ("builders", "sources", "registeredSigner"):
    del POLICY_BY_PROJECT["rules"][0][name]
POLICY_BY_PROJECT["rules"][0]["expectations"] = "project"


def with_change(change: Callable[[dict[str, Any]], object] = lambda document: None) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    change(document)
    return document


def carried(document: dict[str, Any]) -> dict[str, Any]:
    return {"digest": sha256_hex(canonical_bytes(document)), "document": document}


def judge(*verdicts: dict[str, Any], document: dict[str, Any] | None = DOCUMENT) -> dict[str, Any]:
    facts = input_with(*verdicts, expectations=carried(document) if document else None)
    return provenance_rule(evaluate_policy(parse_policy(canonical_bytes(POLICY_BY_PROJECT)), facts))


class TestParse:
    def test_reads_the_whole_document(self) -> None:
        expected = parse_expectations(canonical_bytes(DOCUMENT))
        assert (expected.project, expected.version, len(expected.accept)) == ("payments-api", "1", 2)
        assert expected.digest == sha256_hex(canonical_bytes(DOCUMENT))
        assert str(expected) == "the expectations of payments-api, version 1"

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (lambda d: d.update(accept=[]), "expectations.empty"),
            (lambda d: d.pop("accept"), "expectations.malformed"),
            (lambda d: d.update(schema="countersign-policy/v1"), "expectations.malformed"),
            (lambda d: d.update(comment="x"), "expectations.malformed"),
            (lambda d: d.pop("project"), "expectations.malformed"),
            (lambda d: d["accept"][0].update(title="x"), "expectations.malformed"),
            (lambda d: d["accept"][0].update(results=["PASSED"]), "expectations.malformed"),
            (lambda d: d["accept"][0].pop("builders"), "expectations.malformed"),
            (lambda d: d["accept"][0].update(predicateTypes=[]), "expectations.malformed"),
            (lambda d: d["accept"][0]["sources"][0].update(refs=["*"]), "expectations.malformed"),
            (lambda d: d["accept"][0]["sources"][0].update(refs=["^refs/tags/v.*"]), "expectation.pattern"),
            (lambda d: d["accept"][0]["sources"][0].update(refs=["^.*$"]), "expectation.pattern"),
            (lambda d: d["accept"][0]["sources"][0].update(refs=["^a$|^b$"]), "expectation.pattern"),
            (lambda d: d["accept"][0]["sources"][0].update(refs=["^(refs/tags/v1$"]), "expectation.pattern"),
        ],
    )
    def test_refuses_what_could_mean_less_than_it_seems(self, change: Callable[[dict[str, Any]], object], code: str) -> None:
        with pytest.raises(Malformed) as refused:
            parse_expectations(canonical_bytes(with_change(change)))
        assert refused.value.code == code

    def test_refuses_too_many_bytes(self) -> None:
        with pytest.raises(TooLarge):
            parse_expectations(b" " * (256 * 1024 + 1))

    @pytest.mark.parametrize("name", ["builders", "sources", "registeredSigner", "runners", "parameters", "inputs"])
    def test_a_rule_takes_all_of_it_from_the_project_or_nothing(self, name: str) -> None:
        def change(document: dict[str, Any]) -> None:
            value = POLICY["rules"][0].get(name, ["x"])
            document["rules"][0] = {**POLICY_BY_PROJECT["rules"][0], name: value}

        with pytest.raises(Malformed) as refused:
            policy_with(change)
        assert refused.value.code == "policy.malformed"

    def test_a_rule_names_no_other_place_for_them(self) -> None:
        elsewhere = {**POLICY_BY_PROJECT["rules"][0], "expectations": "team"}
        with pytest.raises(Malformed) as refused:
            policy_with(lambda document: document["rules"].__setitem__(0, elsewhere))
        assert refused.value.code == "policy.malformed"


class TestRuleByProject:
    def test_evidence_as_one_entry_says_counts(self) -> None:
        rule = judge(GOOD)
        assert (rule["outcome"], len(rule["evidence"])) == ("pass", 1)
        assert "as the expectations of payments-api, version 1 say" in rule["sentence"]

    def test_without_expectations_in_force_it_fails(self) -> None:
        assert (judge(GOOD, document=None)["outcome"], judge(GOOD, document=None)["code"]) == ("fail", "policy.expectations_missing")

    @pytest.mark.parametrize(
        ("verdict", "code"),
        [
            (edited(identity="https://evil.example/x", workflow="https://evil.example/x"), "policy.signer"),
            (edited(sourceRepositoryId="1002"), "policy.source"),
            (edited(sourceRef="refs/tags/v1.2.0-rc1"), "policy.source"),
            (edited(sourceRef="x/refs/tags/v1.2.0"), "policy.source"),
            (edited(sourceRef=None), "policy.source"),
        ],
    )
    def test_anything_else_does_not(self, verdict: dict[str, Any], code: str) -> None:
        assert (judge(verdict)["outcome"], judge(verdict)["code"]) == ("fail", code)

    def test_an_entry_about_another_type_accepts_nothing_here(self) -> None:
        other = with_change(lambda d: d["accept"][0].update(predicateTypes=[TEST_RESULT]))
        assert judge(GOOD, document=other)["code"] == "policy.evidence_missing"
        assert "accept no https://slsa.dev/provenance/v1 from anybody" in judge(GOOD, document=other)["sentence"]

    def test_an_entry_accepts_only_types_that_the_rule_asks_for(self) -> None:
        both = with_change(lambda d: d["accept"][0].update(predicateTypes=[PROVENANCE, TEST_RESULT]))
        verdict = copy.deepcopy(GOOD)
        verdict["facts"]["predicateType"] = TEST_RESULT
        assert judge(verdict, document=both)["code"] == "policy.evidence_missing"

    def test_the_second_of_two_entries_is_enough(self) -> None:
        def change(document: dict[str, Any]) -> None:
            document["accept"].insert(0, {**document["accept"][0], "builders": [{"keyId": "SHA256:" + "b" * 43}]})

        assert judge(GOOD, document=with_change(change))["outcome"] == "pass"

    def test_the_result_names_what_it_was_judged_by(self) -> None:
        policy = parse_policy(canonical_bytes(POLICY_BY_PROJECT))
        result = evaluate_policy(policy, input_with(GOOD, expectations=carried(DOCUMENT)))
        assert result["expectations"] == {"project": "payments-api", "version": "1", "digest": carried(DOCUMENT)["digest"]}
        assert "expectations" not in evaluate_policy(policy_with(), input_with(GOOD))


class TestInput:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"digest": "0" * 64, "document": DOCUMENT},
            {"document": DOCUMENT},
            {**carried(DOCUMENT), "more": 1},
            carried(with_change(lambda d: d.update(project="another"))),
            carried(with_change(lambda d: d.update(accept=[]))),
            [],
            "text",
        ],
    )
    def test_refuses_expectations_that_are_not_the_projects_own(self, wrong: Any) -> None:
        with pytest.raises(Refusal):
            input_with(GOOD, expectations=wrong)
        with pytest.raises(Refusal):
            evaluate_policy(parse_policy(canonical_bytes(POLICY_BY_PROJECT)), {**input_with(GOOD), "expectations": wrong})

    def test_without_them_the_input_is_what_it_always_was(self) -> None:
        assert "expectations" not in input_with(GOOD)


class TestInAPack:
    def test_the_offline_verifier_judges_by_what_the_input_carries(self) -> None:
        world = World(policy=POLICY_BY_PROJECT, expectations=carried(DOCUMENT))
        assert check(world.pack(), trust=world.trust).approvals

    def test_refuses_expectations_that_came_in_later(self) -> None:
        world = World(policy=POLICY_BY_PROJECT, expectations=carried(with_change(lambda d: d["accept"].pop(0))))
        assert world.result["result"] == "fail"
        honest = World(policy=POLICY_BY_PROJECT, expectations=carried(DOCUMENT))
        swapped = edited_pack(world.pack(), layout.POLICY_INPUT, canonical_bytes(honest.policy_input))
        assert code_of(repack(swapped), trust=world.trust) == "policy.input"

    def test_refuses_a_result_that_other_expectations_gave(self) -> None:
        world = World(policy=POLICY_BY_PROJECT, expectations=carried(with_change(lambda d: d["accept"].pop(0))))
        world.result = World(policy=POLICY_BY_PROJECT, expectations=carried(DOCUMENT)).result
        assert code_when_signed(alice(), world) == "policy.result"

    def test_refuses_expectations_that_no_rule_asks_for(self) -> None:
        assert code_when_signed(alice(), World(expectations=carried(DOCUMENT))) == "policy.input"
