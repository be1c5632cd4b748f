"""No evidence, evidence of another kind, evidence that cannot be read, and a rule that breaks: never a yes."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.demo.instance import Lie
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Refusal
from proofs.expectations import Expectations, accept
from proofs.policy.evaluate import evaluate_policy
from tests.proofs.factory import STATEMENT, WORKFLOW, WORKLOAD, assess, bundle, changed
from tests.proofs.pack.lies import GENUINE, check, code_when_signed
from tests.proofs.pack.world import ARTIFACT, POLICY, World, alice, make_verdict
from tests.proofs.policy.test_evaluate import input_with, policy_with

PORTAL = World().trust
GOOD = make_verdict(bundle(), trust=PORTAL)
OTHER_TYPES = [
    "https://slsa.dev/provenance/v0.2",
    "https://slsa.dev/provenance/v1.0",
    "https://slsa.dev/provenance/v1/",
    "https://slsa.dev/Provenance/v1",
    "https://slsa.dev/provenance",
    "https://spdx.dev/Document",
    "",
]
RELAXED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def weigh(*verdicts: dict[str, Any]) -> dict[str, Any]:
    return evaluate_policy(policy_with(), input_with(*verdicts))


def assert_allow_is_shown(result: dict[str, Any], facts: dict[str, Any]) -> None:
    """Assert that a pass names, for each evidence rule, evidence of the input that was verified and says what the rule asks for."""
    if result["result"] != "pass":
        return
    by_digest = {item["digest"]: item["verdict"] for item in facts["evidence"]}
    pairs = [(rule["id"], digest) for rule in result["rules"] if rule["kind"] == "evidence" for digest in rule["evidence"]]
    assert {rule for rule, _ in pairs} == {rule["id"] for rule in POLICY["rules"] if rule["kind"] == "evidence"}
    for _, digest in pairs:
        verdict = by_digest[digest]
        assert verdict["result"] == "verified"
        assert verdict["facts"]["predicateType"] in POLICY["rules"][0]["predicateTypes"]
        assert any(ARTIFACT in subject["digests"] for subject in verdict["facts"]["subjects"])


class TestNoMatchingEvidenceReadAsSuccess:
    """CVE-2022-35929 and CVE-2026-39395 (cosign), CVE-2025-25204 (gh), CVE-2022-35930 (policy-controller), GHSA-r2xv-vpr2-42m9
    (slsa-verifier): nothing of the wanted type was there, or nothing could be read, and the loop over nothing found no fault.
    """

    @pytest.mark.parametrize("predicate_type", OTHER_TYPES)
    def test_evidence_only_of_another_type(self, predicate_type: str) -> None:
        other = make_verdict(bundle(statement=STATEMENT | {"predicateType": predicate_type}), trust=PORTAL)
        assert other["facts"]["predicateType"] == predicate_type
        assert weigh(GOOD)["result"] == "pass"
        rule = weigh(other)["rules"][0]
        assert (rule["outcome"], rule["code"], rule["evidence"]) == ("fail", "policy.evidence_missing", [])

    def test_no_evidence_at_all(self) -> None:
        assert weigh(GOOD)["result"] == "pass"
        result = weigh()
        assert (result["result"], result["rules"][0]["code"]) == ("fail", "policy.evidence_missing")

    @pytest.mark.parametrize(
        "raw",
        [
            bundle(statement={"_type": "https://in-toto.io/Statement/v1"}),
            bundle(payload_type="text/plain"),
            changed(bundle(), lambda value: value["dsseEnvelope"].update(payload="e30=")),
            b"not even JSON",
            b"{}",
        ],
        ids=["no statement", "another payload type", "another payload", "no JSON", "no evidence"],
    )
    def test_a_payload_that_cannot_be_read(self, raw: bytes) -> None:
        assert assess(raw).facts is None
        result = weigh(make_verdict(raw, trust=PORTAL))
        assert (result["result"], result["rules"][0]["evidence"]) == ("fail", [])
        # Beside good evidence it takes nothing away and adds nothing.
        both = weigh(make_verdict(raw, trust=PORTAL), GOOD)
        assert (both["result"], len(both["rules"][0]["evidence"])) == ("pass", 1)

    @pytest.mark.parametrize("lie", list(Lie))
    def test_evidence_with_any_one_lie(self, lie: Lie) -> None:
        result = weigh(make_verdict(bundle(lies=[lie]), trust=PORTAL))
        assert (result["result"], result["rules"][0]["evidence"]) == ("fail", [])

    def test_expectations_that_ask_nothing(self) -> None:
        facts = assess(bundle()).facts
        assert facts is not None
        assert accept(facts, (), Expectations(workflow=WORKFLOW)).accepted
        assert accept(facts, (), Expectations()).code == "expectation.none"

    def test_a_pack_without_its_evidence(self) -> None:
        assert check(GENUINE).evidence
        assert code_when_signed(alice(), World(evidence=())) == "policy.result"

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda item: item.pop("verdict"),
            lambda item: item.update(verdict=None),
            lambda item: item.update(verdict=[]),
            lambda item: item.update(verdict="verified"),
        ],
    )
    def test_a_rule_that_breaks_returns_no_result(self, spoil: Any) -> None:
        """What `evaluate_policy` raises is a deny at the gate (`gates.decide`) and a refusal offline; it never returns a pass."""
        facts = input_with(GOOD)
        assert evaluate_policy(policy_with(), facts)["result"] == "pass"
        spoilt = copy.deepcopy(facts)
        spoil(spoilt["evidence"][0])
        try:
            result = evaluate_policy(policy_with(), spoilt)["result"]
        except (Refusal, KeyError, TypeError, AttributeError):
            result = "raised"
        assert result != "pass"


class TestAllowIsShown:
    """The property behind the rows: an allow names a satisfied (rule, evidence) pair for every rule that asks for evidence."""

    def test_the_honest_input_does(self) -> None:
        facts = input_with(GOOD)
        result = evaluate_policy(policy_with(), facts)
        assert result["result"] == "pass"
        assert result["rules"][0]["evidence"] == [facts["evidence"][0]["digest"]]
        assert_allow_is_shown(result, facts)

    @RELAXED
    @given(data=st.data())
    def test_whatever_is_changed_in_a_verdict(self, data: st.DataObject) -> None:
        verdict = copy.deepcopy(GOOD)
        for _ in range(data.draw(st.integers(1, 3))):
            parent, key = data.draw(st.sampled_from(_places(verdict)))
            parent[key] = data.draw(st.sampled_from([None, True, 0, 1, "", "verified", "pass", [], {}, [ARTIFACT], {"id": "x"}]))
        facts = input_with(verdict)
        assert_allow_is_shown(evaluate_policy(policy_with(), facts), facts)

    @RELAXED
    @given(
        value=st.recursive(
            st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["verified", "pass", ARTIFACT, WORKFLOW, WORKLOAD.issuer]),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["result", "facts", "signer", "subjects", "digests", "identity", "id"]), inner, max_size=5
                )
            ),
            max_leaves=12,
        )
    )
    def test_no_verdict_out_of_thin_air_allows_anything(self, value: Any) -> None:
        verdict = value if isinstance(value, dict) else {"result": value}
        facts = input_with(verdict)
        assert sha256_hex(canonical_bytes(verdict)) == facts["evidence"][0]["verdictDigest"]
        assert evaluate_policy(policy_with(), facts)["result"] == "fail"


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) of a JSON value."""
    found: list[tuple[Any, Any]] = []
    stack = [value]
    while stack:
        item = stack.pop()
        keys = list(item) if isinstance(item, dict) else list(range(len(item))) if isinstance(item, list) else []
        found.extend((item, key) for key in keys)
        stack.extend(item[key] for key in keys)
    return found
