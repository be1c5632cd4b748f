"""Two policies side by side: what became of each rule, and whether more gets through."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from proofs.canonical import canonical_bytes
from proofs.policy.compare import compare_policies
from proofs.policy.evaluate import evaluate_policy, parse_policy
from tests.proofs.pack.world import POLICY as PACK_POLICY
from tests.proofs.policy.test_evaluate import GOOD, input_with

EVIDENCE: dict[str, Any] = {
    "id": "provenance",
    "kind": "evidence",
    "title": "Built",
    "predicateTypes": ["a", "b"],
    "builders": [{"keyId": "k1"}, {"keyId": "k2"}],
}
APPROVALS: dict[str, Any] = {"id": "people", "kind": "approvals", "title": "People", "role": "approver:release", "count": 2}
DUTIES: dict[str, Any] = {"id": "duties", "kind": "separation-of-duties", "title": "Four eyes", "requesterMayApprove": False}
POLICY: dict[str, Any] = {
    "schema": "countersign-policy/v1",
    "id": "p",
    "version": "1",
    "title": "Releases",
    "minimumAssurance": "H3",
    "validityHours": 72,
    "rules": [EVIDENCE, APPROVALS, DUTIES],
}


def with_rule(rule: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The policy with one rule changed; a change to None takes the field away."""
    changed = {name: value for name, value in {**rule, **changes}.items() if value is not None}
    return {**POLICY, "rules": [changed if item["id"] == rule["id"] else item for item in POLICY["rules"]]}


def told(before: dict[str, Any] | None, now: dict[str, Any], **modes: str) -> list[tuple[str, str]]:
    return [(item.rule, item.change) for item in compare_policies(before, now, **modes)]


def test_says_nothing_of_equal_policies_but_their_version() -> None:
    assert told(POLICY, {**POLICY, "version": "2"}) == []


def test_says_in_words_what_is_loosened() -> None:
    (found,) = compare_policies(POLICY, {**POLICY, "validityHours": 168})
    assert (found.words, found.is_loosening) == ("validity 72 h → 168 h: loosened", True)


@pytest.mark.parametrize(("count", "words"), [(0, "no rule decides"), (1, "1 rule decides"), (2, "2 rules decide")])
def test_says_how_many_rules_decide_where_none_did(count: int, words: str) -> None:
    (found,) = compare_policies(None, {**POLICY, "rules": [EVIDENCE] * count})
    assert found.words == f"no policy was in force, so nothing was let through; now {words}, in mode enforce"


@pytest.mark.parametrize(("days", "words"), [(1, "1 day"), (2, "2 days")])
def test_says_how_long_a_waiver_may_last(days: int, words: str) -> None:
    before, now = ({**POLICY, "waivers": {"maxDays": each, "approvals": []}} for each in (9, days))
    (found,) = compare_policies(before, now)
    assert found.words == f"waivers: longest waiver 9 days → {words}: tightened"


@pytest.mark.parametrize(
    ("rule", "change", "becomes"),
    [
        (EVIDENCE, {"predicateTypes": ["a"]}, "tightened"),
        (EVIDENCE, {"predicateTypes": ["a", "b", "c"]}, "loosened"),
        (EVIDENCE, {"builders": [{"keyId": "k3"}]}, "changed"),
        (EVIDENCE, {"sources": [{"repository": "r"}]}, "tightened"),
        (EVIDENCE, {"registeredSigner": False}, "loosened"),
        (EVIDENCE, {"signers": 2}, "tightened"),
        (EVIDENCE, {"results": ["PASSED", "WARNED"]}, "loosened"),
        (EVIDENCE, {"maxAgeHours": 24}, "tightened"),
        (EVIDENCE, {"kinds": ["release"]}, "loosened"),
        (EVIDENCE, {"something": "new"}, "changed"),
        (EVIDENCE, {"title": "Made"}, "reworded"),
        (APPROVALS, {"count": 1}, "loosened"),
        (APPROVALS, {"count": 3}, "tightened"),
        (APPROVALS, {"role": "approver:owner"}, "changed"),
        (APPROVALS, {"minimumAssurance": "H4"}, "tightened"),
        (DUTIES, {"requesterMayApprove": True}, "loosened"),
        (DUTIES, {"exclude": ["commit-authors"]}, "tightened"),
    ],
)
def test_tells_where_a_change_of_a_rule_leads(rule: dict[str, Any], change: dict[str, Any], becomes: str) -> None:
    assert told(POLICY, with_rule(rule, **change)) == [(rule["id"], becomes)]
    back = {"tightened": "loosened", "loosened": "tightened"}.get(becomes, becomes)
    assert told(with_rule(rule, **change), POLICY) == [(rule["id"], back)]


def test_a_rule_that_goes_loosens_and_one_that_comes_does_not() -> None:
    without = {**POLICY, "rules": [APPROVALS, DUTIES]}
    assert told(POLICY, without) == [("provenance", "removed")]
    assert told(without, POLICY) == [("provenance", "added")]
    assert compare_policies(POLICY, without)[0].is_loosening
    assert not compare_policies(without, POLICY)[0].is_loosening


def test_a_rule_that_lets_the_requester_approve_loosens_when_it_comes() -> None:
    without = {**POLICY, "rules": [EVIDENCE, APPROVALS]}
    assert told(
        without, with_rule(DUTIES, requesterMayApprove=True) | {"rules": [EVIDENCE, APPROVALS, {**DUTIES, "requesterMayApprove": True}]}
    ) == [("duties", "loosened")]


def test_a_rule_about_people_that_makes_a_kind_approvable_loosens() -> None:
    narrow = with_rule(APPROVALS, kinds=["release"])
    second = {**APPROVALS, "id": "more", "kinds": ["promotion"]}
    assert told(narrow, {**narrow, "rules": [*narrow["rules"], second]}) == [("", "loosened"), ("more", "added")]


def test_where_it_cannot_tell_it_counts_as_loosened() -> None:
    condition = {"id": "c", "kind": "condition", "title": "Site", "expression": "true"}
    before, now = ({**POLICY, "rules": [*POLICY["rules"], {**condition, "expression": words}]} for words in ("a", "b"))
    (found,) = compare_policies(before, now)
    assert (found.change, found.is_loosening) == ("changed", True)


def test_puts_what_is_loosened_first() -> None:
    now = {
        **POLICY,
        "rules": [EVIDENCE, {**APPROVALS, "count": 1}, {**DUTIES, "exclude": ["committers"]}],
        "title": "R",
        "validityHours": 24,
    }
    assert [item.change for item in compare_policies(POLICY, now)] == ["loosened", "tightened", "tightened", "reworded"]


@pytest.mark.parametrize(
    ("before", "now", "becomes"),
    [
        ("enforce", "warn", "loosened"),
        ("enforce", "observe", "loosened"),
        ("warn", "observe", "loosened"),
        ("observe", "enforce", "tightened"),
    ],
)
def test_tells_a_change_of_mode(before: str, now: str, becomes: str) -> None:
    assert told(POLICY, POLICY, mode_before=before, mode=now) == [("", becomes)]


def test_everything_is_loosened_where_nothing_was_in_force() -> None:
    assert told(None, POLICY) == [("", "loosened")]


def test_tells_of_waivers_and_break_glass() -> None:
    waivers = {"maxDays": 14, "approvals": [{"role": "approver:security", "count": 1}]}
    with_waivers = {**POLICY, "waivers": waivers}
    assert told(POLICY, with_waivers) == [("", "loosened")]
    assert told(with_waivers, POLICY) == [("", "tightened")]
    assert told(with_waivers, {**POLICY, "waivers": {**waivers, "maxDays": 7}}) == [("", "tightened")]
    glass = {
        "roles": ["approver:release"],
        "validityHours": 2,
        "maxUses": 1,
        "reviewHours": 24,
        "reviewers": {"role": "approver:security", "count": 2},
    }
    assert told(POLICY, {**POLICY, "breakGlass": glass}) == [("", "loosened")]
    changed = {**glass, "maxUses": 3, "reviewers": {"role": "approver:security", "count": 1}}
    assert {change for _, change in told({**POLICY, "breakGlass": glass}, {**POLICY, "breakGlass": changed})} == {"loosened", "changed"}


def test_who_may_say_no_is_not_dropped_as_if_that_were_tighter() -> None:
    """A failed test of one builder stands against another's pass, until the builder is accepted no more."""
    tests = "https://in-toto.io/attestation/test-result/v0.1"
    other = {"keyId": "SHA256:other"}

    def said(result: str, **signer: Any) -> dict[str, Any]:
        verdict = copy.deepcopy(GOOD)
        verdict["facts"].update(predicateType=tests, predicate={"kind": "test-result", "result": result})
        verdict["facts"]["signer"] = {**verdict["facts"]["signer"], **signer}
        return verdict

    facts = input_with(said("PASSED"), said("FAILED", kind="key", keyId=other["keyId"]))
    rule = {**PACK_POLICY["rules"][0], "predicateTypes": [tests]}
    rule.pop("sources", None)
    rest = PACK_POLICY["rules"][1:]
    before, now = ({**PACK_POLICY, "rules": [{**rule, "builders": [*rule["builders"], *more]}, *rest]} for more in ([other], []))
    outcomes = [evaluate_policy(parse_policy(canonical_bytes(document)), facts)["rules"][0]["outcome"] for document in (before, now)]
    assert outcomes == ["fail", "pass"]
    assert [(item.change, item.is_loosening) for item in compare_policies(before, now)] == [("changed", True)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({}, {"sources": [{"repository": "r"}]}),
        ({}, {"runners": ["github-hosted"]}),
        ({}, {"parameters": []}),
        ({"registeredSigner": False}, {}),
        ({"predicateTypes": ["https://in-toto.io/attestation/test-result/v0.1", "a"]}, {"predicateTypes": ["a"]}),
    ],
)
def test_whose_word_counts_is_never_surely_tighter_where_it_may_be_a_no(old: dict[str, Any], new: dict[str, Any]) -> None:
    rule = {**EVIDENCE, "predicateTypes": ["https://in-toto.io/attestation/test-result/v0.1"]}
    before, now = ({**POLICY, "rules": [{**rule, **change}, APPROVALS, DUTIES]} for change in (old, new))
    assert told(before, now) == [("provenance", "changed")]
