"""A change of policy and a waiver as documents: written, read back, refused when they say something else."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from proofs.approval.expectations_change import ExpectationsChange, build_expectations_change, parse_expectations_change
from proofs.approval.policy_change import InForce, PolicyChange, ToldDifference, build_policy_change, parse_policy_change
from proofs.approval.portal_statement import ACTIVATION_TYPE, WAIVER_TYPE, build_portal_statement, parse_portal_statement
from proofs.approval.subjects import parse_subject
from proofs.approval.waiver_terms import WaiverTerms, build_waiver, parse_waiver
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.errors import Refusal
from proofs.policy.compare_expectations import compare_expectations
from proofs.policy.derived import policy_for_change, policy_for_exception
from proofs.policy.evaluate import CountedApproval, count_approvals, exclusions, parse_policy
from proofs.policy.waiving import find_waivable_rule, is_same_rule, rule_digest, touches

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CHANGE = PolicyChange(
    "release-production",
    "2",
    "a" * 64,
    "payments-api",
    "production",
    "enforce",
    InForce("b" * 64, "warn"),
    AT,
    (ToldDifference("", "loosened", True, "x"),),
)
RULE = {"id": "tests", "kind": "evidence", "title": "Tested", "predicateTypes": ["x"], "builders": [{"keyId": "SHA256:x"}]}
PEOPLE = {"id": "people", "kind": "approvals", "title": "One", "role": "approver:release", "count": 1}
POLICY = {
    "schema": "countersign-policy/v1",
    "id": "release-production",
    "version": "1",
    "title": "Releases",
    "minimumAssurance": "H2",
    "validityHours": 72,
    "rules": [RULE, PEOPLE],
    "waivers": {"maxDays": 14, "approvals": [{"role": "approver:security", "count": 1}, {"role": "approver:owner", "count": 1}]},
}
WAIVER = WaiverTerms(
    policy_id="release-production",
    policy_digest="a" * 64,
    rule_id="tests",
    rule_digest=rule_digest(RULE),
    project="payments-api",
    environment="production",
    artifacts=("sha256:" + "1" * 64, "sha256:" + "2" * 64),
    owner=("https://idp.example", "bob"),
    reason="The laboratory burnt down.",
    until=AT,
)


def refused(code: str) -> pytest.RaisesExc[Refusal]:
    return pytest.raises(Refusal, match=f"^{code}: ")


class TestPolicyChange:
    def test_is_read_back_as_it_was_written(self) -> None:
        for change in (CHANGE, dataclasses.replace(CHANGE, previous=None, activate_at=None)):
            assert parse_policy_change(build_policy_change(change)) == change

    @pytest.mark.parametrize(
        "lie",
        [{"mode": "off"}, {"schema": "other"}, {"more": 1}, {"project": ""}, {"previous": {"digest": {"sha256": "c"}, "mode": "warn"}}],
    )
    def test_refuses_what_is_no_change(self, lie: dict[str, object]) -> None:
        with refused("policy_change.malformed"):
            parse_policy_change(canonical_bytes({**parse_canonical(build_policy_change(CHANGE)), **lie}))


class TestPolicyForChange:
    def test_wants_two_different_owners_of_whom_one_may_have_asked(self) -> None:
        policy = parse_policy(policy_for_change(minimum_assurance="H3"))
        asked = {"requester": {"kind": "person", "issuer": "i", "subject": "erin"}, "onBehalfOf": None, "owner": None}
        excluded = exclusions(policy, asked)
        erin, frank = (CountedApproval("i", name, ("policy-owner",), "H3") for name in ("erin", "frank"))

        def outcome(*approvals: CountedApproval) -> str:
            return str(count_approvals(policy, approvals, excluded=excluded)[0]["outcome"])

        assert outcome(erin, frank) == "pass"
        assert outcome(erin, erin) == "awaiting"
        assert outcome(erin, dataclasses.replace(frank, roles=("approver:release",))) == "awaiting"
        assert outcome(erin, dataclasses.replace(frank, level="H2")) == "awaiting"

    def test_is_never_below_the_lowest_level(self) -> None:
        assert parse_policy(policy_for_change(minimum_assurance="H1")).minimum_assurance == "H2"
        assert policy_for_change(minimum_assurance="H1") == policy_for_change(minimum_assurance="H2")


class TestWaiver:
    def test_is_read_back_as_it_was_written(self) -> None:
        for waiver in (WAIVER, dataclasses.replace(WAIVER, artifacts=None)):
            assert parse_waiver(build_waiver(waiver)) == waiver

    @pytest.mark.parametrize(
        "lie",
        [{"reason": ""}, {"until": None}, {"artifacts": []}, {"artifacts": ["sha256:" + "2" * 64, "sha256:" + "1" * 64]}, {"more": 1}],
    )
    def test_refuses_what_is_no_waiver(self, lie: dict[str, object]) -> None:
        with refused("waiver.malformed"):
            parse_waiver(canonical_bytes({**parse_canonical(build_waiver(WAIVER)), **lie}))

    def test_holds_while_the_rule_says_the_same(self) -> None:
        assert is_same_rule(WAIVER, {**POLICY, "version": "2"})
        assert not is_same_rule(WAIVER, {**POLICY, "id": "another"})
        assert not is_same_rule(WAIVER, {**POLICY, "rules": [{**RULE, "signers": 2}, PEOPLE]})
        assert not is_same_rule(WAIVER, {**POLICY, "rules": [PEOPLE]})

    def test_touches_what_it_names(self) -> None:
        assert touches(WAIVER, ["sha256:" + "2" * 64])
        assert not touches(WAIVER, ["sha256:" + "3" * 64])
        assert touches(dataclasses.replace(WAIVER, artifacts=None), ["sha256:" + "3" * 64])


class TestFindWaivableRule:
    def test_finds_the_rule(self) -> None:
        assert find_waivable_rule(POLICY, "tests") == RULE

    def test_refuses_what_cannot_be_waived(self) -> None:
        with refused("waiver.rule_unknown"):
            find_waivable_rule(POLICY, "other")
        with refused("waiver.rule_kind"):
            find_waivable_rule(POLICY, "people")
        with refused("waiver.not_possible"):
            find_waivable_rule({name: value for name, value in POLICY.items() if name != "waivers"}, "tests")


class TestPolicyForException:
    def test_wants_whom_the_policy_names_for_waivers_and_never_who_asks(self) -> None:
        policy = parse_policy(policy_for_exception(POLICY))
        assert [(rule.role, rule.count) for rule in policy.approvals_rules] == [("approver:security", 1), ("approver:owner", 1)]
        asked = {
            "requester": {"kind": "person", "issuer": "i", "subject": "bob"},
            "onBehalfOf": {"issuer": "i", "subject": "zoe"},
            "owner": None,
        }
        assert {party["subject"] for party in exclusions(policy, asked)} == {"bob", "zoe"}

    def test_refuses_where_the_policy_allows_none(self) -> None:
        with refused("waiver.not_possible"):
            policy_for_exception({**POLICY, "waivers": None})


class TestPortalStatement:
    @pytest.mark.parametrize(("kind", "document"), [(ACTIVATION_TYPE, build_policy_change(CHANGE)), (WAIVER_TYPE, build_waiver(WAIVER))])
    def test_is_read_back_as_it_was_written(self, kind: str, document: bytes) -> None:
        payload = build_portal_statement(
            predicate_type=kind, document=document, request="req_1", records=["f" * 64, "e" * 64], at=AT, portal="https://portal.example"
        )
        statement = parse_portal_statement(payload)
        assert (statement.document, statement.records, statement.at) == (document, ("e" * 64, "f" * 64), AT)
        assert statement.change == CHANGE if kind == ACTIVATION_TYPE else statement.waiver == WAIVER

    def test_refuses_another_document_than_its_subject(self) -> None:
        payload = build_portal_statement(
            predicate_type=WAIVER_TYPE, document=build_waiver(WAIVER), request="req_1", records=["f" * 64], at=AT, portal="p"
        )
        value = parse_canonical(payload)
        value["predicate"]["document"]["reason"] = "Because."
        with refused("statement.malformed"):
            parse_portal_statement(canonical_bytes(value))


class TestExpectationsChange:
    GIVEN = ExpectationsChange("2", "a" * 64, "payments-api", "b" * 64, (ToldDifference("", "loosened", True, "more"),))

    def test_is_read_back_as_it_was_written(self) -> None:
        for change in (self.GIVEN, dataclasses.replace(self.GIVEN, previous="")):
            assert parse_expectations_change(build_expectations_change(change)) == change

    @pytest.mark.parametrize("lie", [{"schema": "other"}, {"more": 1}, {"project": ""}, {"previous": {"digest": {"sha256": "c"}}}])
    def test_refuses_what_is_no_change(self, lie: dict[str, object]) -> None:
        with refused("expectations_change.malformed"):
            parse_expectations_change(canonical_bytes({**parse_canonical(build_expectations_change(self.GIVEN)), **lie}))

    def test_is_a_subject_of_a_change_and_of_nothing_else(self) -> None:
        content = build_expectations_change(self.GIVEN)
        parse_subject(content, kind="policy-change")
        with refused("subject.malformed"):
            parse_subject(content, kind="exception")

    def test_every_field_of_an_entry_is_told(self) -> None:
        entry = {
            "predicateTypes": ["https://slsa.dev/provenance/v1"],
            "builders": [{"issuer": "https://ci.example", "workflow": "release"}],
            "sources": [{"repository": "https://git.example/a", "refs": ["refs/tags/*"]}],
            "registeredSigner": False,
            "runners": ["github-hosted"],
            "parameters": [],
            "inputs": {"verified": True},
        }
        before = {"title": "Then", "accept": [entry]}
        for name, value in (("registeredSigner", True), ("runners", ["self-hosted"]), ("inputs", {"verified": False}), ("sources", None)):
            now = {"title": "Then", "accept": [{**entry, name: value}]}
            found = compare_expectations(before, now)
            assert [item.is_loosening for item in found] == [True, False]
            assert found[0].words.partition(": ")[2] != found[1].words.partition(": ")[2], name
        assert compare_expectations(before, {**before, "version": "2"}) == []
        assert [item.is_loosening for item in compare_expectations(None, before)] == [True]
        assert [item.change for item in compare_expectations(before, {**before, "title": "Now"})] == ["reworded"]

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"sources": [{"repository": "https://git.example/evil"}]}, "https://git.example/evil"),
            ({"sources": None}, "nothing about sources"),
            ({"runners": ["self-hosted"]}, "self-hosted"),
        ],
    )
    def test_a_long_entry_does_not_hide_what_changed_in_it(self, change: dict[str, object], told: str) -> None:
        many = [{"issuer": "https://ci.example", "workflow": f"release-{number}"} for number in range(64)]
        entry = {
            "predicateTypes": ["https://slsa.dev/provenance/v1"],
            "builders": many,
            "sources": [{"repository": "https://git.example/a"}],
        }
        now = {name: value for name, value in {**entry, **change}.items() if value is not None}
        comes, goes = compare_expectations({"title": "T", "accept": [entry]}, {"title": "T", "accept": [now]})
        assert told in comes.words and comes.words != goes.words
        assert len(comes.words) <= 1000

    def test_what_is_cut_says_so(self) -> None:
        many = [{"issuer": "https://ci.example", "workflow": f"release-{number}"} for number in range(64)]
        (comes,) = compare_expectations(None, {"title": "T", "accept": [{"predicateTypes": ["x"], "builders": many}]})
        assert comes.words.endswith("read both documents whole") and len(comes.words) <= 1000
