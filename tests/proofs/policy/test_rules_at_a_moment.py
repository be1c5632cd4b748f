"""Rules that need a moment or further facts: age, clocks, conditions, other environments, people, waivers, kinds of request."""

from __future__ import annotations

import copy
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from proofs.errors import Malformed
from proofs.moment import rfc3339
from proofs.policy.condition import compile_condition
from proofs.policy.condition_rule import Conditions
from proofs.policy.evaluate import count_approvals, evaluate_policy, evaluate_times, exclusions
from proofs.policy.rules import ConditionRule
from tests.proofs.factory import NOON
from tests.proofs.pack.world import ARTIFACT, BOB, ORIGIN
from tests.proofs.policy.test_evaluate import GOOD, input_with, policy_with
from tests.proofs.policy.test_language import CONDITION, FREEZE, HOURS, NOBODY_WHO_WROTE_IT, STAGING, WAIVERS

HOUR = timedelta(hours=1)
MANY = f"[{', '.join(map(str, range(30)))}]"


def signed_at(not_before: datetime | str | None, *times: str) -> dict[str, Any]:
    verdict = copy.deepcopy(GOOD)
    verdict["facts"]["signer"]["notBefore"] = rfc3339(not_before) if isinstance(not_before, datetime) else not_before
    verdict["facts"]["times"] = [{"source": "log", "at": at} for at in times]
    return verdict


def last_rule(rule: dict[str, Any], *verdicts: dict[str, Any], policy: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return what comes of this rule, added to the usual policy."""
    changed = policy_with(lambda d: (d["rules"].append(rule), d.update(policy or {})))
    facts = input_with(*(verdicts or (GOOD,)), **{"at": NOON, **more})
    answer: dict[str, Any] = evaluate_policy(changed, facts)["rules"][-1]
    return answer


class TestAge:
    def code(self, *verdicts: dict[str, Any], at: datetime | None = NOON) -> str:
        policy = policy_with(lambda d: d["rules"][0].update(maxAgeHours=2))
        return str(evaluate_policy(policy, input_with(*verdicts, at=at))["rules"][0]["code"])

    def test_counts_from_the_certificate_to_the_second(self) -> None:
        assert self.code(signed_at(NOON - 2 * HOUR, rfc3339(NOON))) == ""
        assert self.code(signed_at(NOON - 2 * HOUR - timedelta(seconds=1), rfc3339(NOON))) == "policy.evidence_too_old"

    def test_counts_from_the_earliest_proven_time_without_a_certificate(self) -> None:
        assert self.code(signed_at(None, rfc3339(NOON - HOUR), rfc3339(NOON))) == ""
        assert self.code(signed_at(None, rfc3339(NOON - 3 * HOUR), rfc3339(NOON))) == "policy.evidence_too_old"

    @pytest.mark.parametrize("verdict", [signed_at(None), signed_at("yesterday", rfc3339(NOON)), signed_at(None, rfc3339(NOON), "soon")])
    def test_what_has_no_time_or_none_that_can_be_read_does_not_count(self, verdict: dict[str, Any]) -> None:
        assert self.code(verdict) == "policy.evidence_undated"

    def test_without_a_moment_it_fails(self) -> None:
        assert self.code(signed_at(NOON), at=None) == "policy.time_missing"

    def test_the_moment_that_is_named_wins(self) -> None:
        policy, facts = policy_with(lambda d: d["rules"][0].update(maxAgeHours=2)), input_with(signed_at(NOON - HOUR), at=NOON)
        assert evaluate_policy(policy, facts)["result"] == "pass"
        assert evaluate_policy(policy, facts, at=NOON + 2 * HOUR)["rules"][0]["code"] == "policy.evidence_too_old"

    def test_an_old_no_still_overrules(self) -> None:
        def said(result: str, issued: datetime | None, proven: datetime) -> dict[str, Any]:
            verdict = signed_at(issued, rfc3339(proven))
            verdict["facts"]["predicateType"] = "https://in-toto.io/attestation/test-result/v0.1"
            verdict["facts"]["predicate"] = {"kind": "test-result", "result": result}
            return verdict

        policy = policy_with(
            lambda d: d["rules"][0].update(maxAgeHours=2, predicateTypes=["https://in-toto.io/attestation/test-result/v0.1"])
        )
        no = said("FAILED", NOON - 9 * HOUR, NOON)
        facts = input_with(said("PASSED", NOON - HOUR, NOON), no, at=NOON)
        assert evaluate_policy(policy, facts)["rules"][0]["code"] == "policy.result_overruled"


class TestClocks:
    @staticmethod
    def judged(rule: dict[str, Any], at: str | None) -> tuple[str, str]:
        moment = datetime.fromisoformat(at).astimezone(UTC) if at else None
        policy = policy_with(lambda d: d["rules"].append(rule))
        (answer,) = evaluate_times(policy, "release", moment)
        assert (answer["outcome"] == "pass") == (answer["code"] == "")
        return answer["code"], answer["sentence"]

    def test_they_await_the_gate_in_what_people_sign(self) -> None:
        for rule in (FREEZE, HOURS):
            assert last_rule(rule)["outcome"] == "awaiting"

    @pytest.mark.parametrize(
        ("at", "code"),
        [
            ("2026-12-19T23:59:59+01:00", ""),
            ("2026-12-20T00:00:00+01:00", "policy.frozen"),
            ("2027-01-04T07:59:59+01:00", "policy.frozen"),
            ("2027-01-04T08:00:00+01:00", ""),
            (None, "policy.time_missing"),
        ],
    )
    def test_a_freeze_is_half_open(self, at: str | None, code: str) -> None:
        assert self.judged(FREEZE, at)[0] == code

    def test_a_freeze_says_why_and_when_it_opens_behind_all_windows(self) -> None:
        windows = [*FREEZE["windows"], {"from": "2027-01-04T07:00", "to": "2027-01-05T09:00", "why": "Stock-taking."}]  # type: ignore[misc]
        sentence = self.judged({**FREEZE, "windows": windows}, "2026-12-24T18:00:00+01:00")[1]
        assert "'Nobody is here.'" in sentence and sentence.endswith("It opens at tue 2027-01-05 09:00 (Europe/Berlin).")

    @pytest.mark.parametrize(
        ("window", "at", "code"),
        [
            # 2026-10-25: 02:30 comes twice; a freeze begins with the first and ends with the second.
            (("2026-10-25T02:30", "2026-10-25T12:00"), "2026-10-25T00:29:00+00:00", ""),
            (("2026-10-25T02:30", "2026-10-25T12:00"), "2026-10-25T00:30:00+00:00", "policy.frozen"),
            (("2026-10-24T00:00", "2026-10-25T02:30"), "2026-10-25T01:29:00+00:00", "policy.frozen"),
            (("2026-10-24T00:00", "2026-10-25T02:30"), "2026-10-25T01:30:00+00:00", ""),
            # 2026-03-29: 02:30 does not come at all.
            (("2026-03-29T02:30", "2026-03-29T12:00"), "2026-03-29T01:00:00+00:00", "policy.frozen"),
            (("2026-03-28T00:00", "2026-03-29T02:30"), "2026-03-29T01:00:00+00:00", "policy.frozen"),
        ],
    )
    def test_a_freeze_takes_the_longer_reading_where_the_clock_changes(self, window: tuple[str, str], at: str, code: str) -> None:
        windows = [{"from": window[0], "to": window[1], "why": "x"}]
        assert self.judged({**FREEZE, "windows": windows}, at)[0] == code

    @pytest.mark.parametrize(
        ("at", "code"),
        [
            ("2026-11-27T08:59:59+01:00", "policy.outside_hours"),
            ("2026-11-27T09:00:00+01:00", ""),
            ("2026-11-27T17:29:59+01:00", ""),
            ("2026-11-27T17:30:00+01:00", "policy.outside_hours"),
            ("2026-11-26T12:00:00+01:00", "policy.outside_hours"),
            ("2026-07-03T07:00:00+00:00", ""),  # Summer time: nine in Berlin.
            (None, "policy.time_missing"),
        ],
    )
    def test_hours_are_half_open_and_on_the_clock_of_the_zone(self, at: str | None, code: str) -> None:
        assert self.judged(HOURS, at)[0] == code

    @pytest.mark.parametrize(
        ("at", "code"),
        [
            ("2026-11-27T23:00:00+01:00", ""),
            ("2026-11-28T05:59:00+01:00", ""),  # Still Friday's.
            ("2026-11-28T06:00:00+01:00", "policy.outside_hours"),
            ("2026-11-28T23:00:00+01:00", "policy.outside_hours"),
            ("2026-11-27T05:00:00+01:00", "policy.outside_hours"),  # Thursday is no day of it.
        ],
    )
    def test_hours_over_midnight_belong_to_the_day_they_begin_on(self, at: str, code: str) -> None:
        assert self.judged({**HOURS, "days": ["fri"], "from": "22:00", "to": "06:00"}, at)[0] == code

    def test_hours_say_when_they_open_next(self) -> None:
        assert self.judged(HOURS, "2026-11-27T18:00:00+01:00")[1].endswith("It opens at mon 2026-11-30 09:00 (Europe/Berlin).")
        # The clock is put forward over the beginning.
        night = {**HOURS, "days": ["sun"], "from": "02:30", "to": "05:00"}
        assert self.judged(night, "2026-03-28T18:00:00+01:00")[1].endswith("It opens at sun 2026-03-29 03:00 (Europe/Berlin).")

    def test_an_unknown_zone_denies(self) -> None:
        policy = policy_with(lambda d: d["rules"].append(HOURS))
        lost = replace(policy, rules=(*policy.rules[:-1], replace(policy.rules[-1], zone="Europe/Atlantis")))  # type: ignore[call-arg]
        assert [rule["code"] for rule in evaluate_times(lost, "release", NOON)] == ["policy.zone_unknown"]

    def test_only_for_the_kinds_they_are_about(self) -> None:
        policy = policy_with(lambda d: d["rules"].append({**HOURS, "kinds": ["promotion"]}))
        assert evaluate_times(policy, "release", NOON) == []
        assert len(evaluate_times(policy, "promotion", NOON)) == 1


class TestConditions:
    @pytest.mark.parametrize(
        ("expression", "code"),
        [
            ("kind == 'release' && environment == 'production' && project == 'payments-api' && team == 'payments'", ""),
            ("size(artifacts) == 1 && artifacts[0].digest.startsWith('sha256:')", ""),
            ("requester.kind == 'person'", ""),
            (f"at == timestamp('{rfc3339(NOON)}')", ""),
            (
                "evidence.exists(e, e.type == 'https://slsa.dev/provenance/v1' && e.result == 'verified' && e.source.startsWith('https://'))",
                "",
            ),
            ("evidence.all(e, e.identity == 'release workflow')", ""),
            ("kind == 'promotion'", "policy.condition_false"),
            ("evidence[7].type == 'x'", "policy.condition_error"),
            ("evidence[0].nothing == true", "policy.condition_error"),
            ("1 / 0 == 1", "policy.condition_error"),
            (f"{MANY}.all(a, {MANY}.all(b, {MANY}.all(c, {MANY}.all(d, true))))", "policy.condition_error"),
        ],
    )
    def test_only_true_passes(self, expression: str, code: str) -> None:
        rule = last_rule({**CONDITION, "expression": expression})
        assert (rule["outcome"], rule["code"]) == ("fail" if code else "pass", code), rule

    @pytest.mark.parametrize(
        "step",
        [
            ".map(a, a + a)",
            ".map(a, dyn([a, a]))",
            '.map(a, dyn({"x": a, "y": a}))',
            ".map(a, // '\n a + a) // '\n",
        ],
    )
    def test_what_would_grow_beyond_any_memory_is_not_weighed(self, step: str) -> None:
        few, many = (f"['x'].map(a, dyn(a)){step * times}.all(a, a == a)" for times in (3, 30))
        assert last_rule({**CONDITION, "expression": few})["code"] == ""
        with pytest.raises(Malformed, match=r"^policy\.condition: .*expected at most 8 beside loops"):
            compile_condition(many)

    def test_loops_that_put_nothing_together_may_be_many(self) -> None:
        one = "evidence.exists(e, e.type in ['a', 'b', 'https://slsa.dev/provenance/v1'] && e.ref != '+,+,+' && e.source != '')"
        assert last_rule({**CONDITION, "expression": " && ".join([one] * 12)})["code"] == ""

    def test_an_input_that_lacks_what_it_sees_is_a_no(self) -> None:
        facts = {name: value for name, value in input_with(GOOD, at=NOON).items() if name != "team"}
        outcome = Conditions(facts, NOON).evaluate(ConditionRule("site", "Our own", "kind == 'release'"))
        assert (outcome.outcome, outcome.code) == ("fail", "policy.condition_error")

    def test_it_sees_only_evidence_that_somebody_answers_for(self) -> None:
        wants = {**CONDITION, "expression": "size(evidence) == 1"}
        rejected = {**copy.deepcopy(GOOD), "result": "rejected"}
        nobodys = {**copy.deepcopy(GOOD), "identity": None}
        elsewhere = copy.deepcopy(GOOD)
        elsewhere["identity"]["grants"] = [{"project": "x", "environment": None}]
        assert last_rule(wants, GOOD, rejected, nobodys, elsewhere)["code"] == ""

    def test_without_a_moment_or_the_library_it_is_a_no(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert last_rule(CONDITION, at=None)["code"] == "policy.time_missing"
        assert last_rule(CONDITION)["code"] == ""
        monkeypatch.setitem(sys.modules, "cel_expr_python", None)
        assert last_rule(CONDITION)["code"] == "policy.condition_not_evaluated"


class TestOtherEnvironmentFirst:
    FACT = {"environment": "staging", "digest": ARTIFACT, "at": rfc3339(NOON - 24 * HOUR), "request": "req_1"}

    @pytest.mark.parametrize(
        ("facts", "code"),
        [
            ([FACT], ""),
            ([{**FACT, "at": rfc3339(NOON - 24 * HOUR + timedelta(seconds=1))}], "policy.approved_too_late"),
            ([{**FACT, "at": rfc3339(NOON)}, FACT], ""),
            ([{**FACT, "environment": "test"}], "policy.not_approved_before"),
            ([{**FACT, "digest": "sha256:" + "cd" * 32}], "policy.not_approved_before"),
            ([], "policy.not_approved_before"),
        ],
    )
    def test_every_artifact_long_enough_ago(self, facts: list[dict[str, str]], code: str) -> None:
        assert last_rule(STAGING, approved_in=facts)["code"] == code

    def test_it_says_which_approval_it_rests_on_and_since_when(self) -> None:
        later = {**self.FACT, "at": rfc3339(NOON), "request": "req_0"}
        sentence = last_rule(STAGING, approved_in=[later, self.FACT])["sentence"]
        assert f"at {self.FACT['at']} (request req_1)" in sentence
        assert "req_0" not in sentence

    def test_of_very_many_it_names_a_few(self) -> None:
        many = [f"sha256:{number:064x}" for number in range(9)]
        facts = [{**self.FACT, "digest": digest} for digest in many]
        sentence = last_rule(STAGING, approved_in=facts, artifacts=many)["sentence"]
        assert sentence.count("(request req_1)") == 5
        assert sentence.endswith("; and 4 more.")

    def test_too_lately_it_says_from_when_on_it_counts(self) -> None:
        lately = {**self.FACT, "at": rfc3339(NOON - 23 * HOUR)}
        assert f"from {rfc3339(NOON + HOUR)} on" in last_rule(STAGING, approved_in=[lately])["sentence"]

    def test_without_moment_or_artifact_it_fails(self) -> None:
        assert last_rule(STAGING, approved_in=[self.FACT], at=None)["code"] == "policy.time_missing"
        assert last_rule(STAGING, approved_in=[self.FACT], artifacts=[])["code"] == "policy.no_artifact"


class TestPeople:
    CAROL = {"because": "commit-author", "account": "carol", "issuer": ORIGIN, "subject": "01CAROL"}
    OWNER = {"because": "key-owner", "account": "dan", "issuer": ORIGIN, "subject": "01DAN"}
    STRANGER = {"because": "commit-author", "account": "mallory", "issuer": None, "subject": None}

    def test_whom_it_excludes_may_not_approve(self) -> None:
        people = [self.CAROL, self.OWNER, {**self.CAROL, "because": "committer", "account": "eve", "subject": "01EVE"}]
        assert last_rule(NOBODY_WHO_WROTE_IT, people=people)["outcome"] == "pass"
        policy = policy_with(lambda d: d["rules"].append(NOBODY_WHO_WROTE_IT))
        found = {party["subject"]: party["because"] for party in exclusions(policy, input_with(GOOD, people=people))}
        assert found == {BOB["subject"]: ["requester"], "01CAROL": ["commit-author"], "01DAN": ["key-owner"]}

    @pytest.mark.parametrize("people", [[], [CAROL], [OWNER], [CAROL, OWNER, STRANGER]])
    def test_nobody_named_or_nobody_known_fails(self, people: list[dict[str, Any]]) -> None:
        rule = last_rule(NOBODY_WHO_WROTE_IT, people=people)
        assert (rule["outcome"], rule["code"]) == ("fail", "sod.unknown_people")

    def test_several_rules_exclude_together(self) -> None:
        policy = policy_with(
            lambda d: d["rules"].extend(
                [{**NOBODY_WHO_WROTE_IT, "exclude": ["key-owner"]}, {**NOBODY_WHO_WROTE_IT, "id": "b", "exclude": ["commit-authors"]}]
            )
        )
        assert {party["subject"] for party in exclusions(policy, input_with(GOOD, people=[self.CAROL, self.OWNER]))} >= {"01CAROL", "01DAN"}

    def test_a_second_rule_takes_back_what_an_old_one_allowed(self) -> None:
        wide = policy_with(lambda d: d["rules"][2].update(requesterMayApprove=True))
        assert exclusions(wide, input_with(GOOD)) == []
        both = policy_with(lambda d: (d["rules"][2].update(requesterMayApprove=True), d["rules"].append(NOBODY_WHO_WROTE_IT)))
        assert [party["subject"] for party in exclusions(both, input_with(GOOD))] == [BOB["subject"]]


class TestWaivers:
    WAIVER = {
        "digest": "ab" * 32,
        "rule": "staging",
        "policy": "release-production",
        "artifacts": [ARTIFACT],
        "until": rfc3339(NOON + HOUR),
    }

    def outcome(self, **changes: Any) -> dict[str, Any]:
        return last_rule(STAGING, policy={"waivers": WAIVERS}, waivers=[{**self.WAIVER, **changes}])

    def test_covers_a_rule_that_failed(self) -> None:
        rule = self.outcome()
        assert (rule["outcome"], rule["code"], rule["waiver"]) == ("waived", "policy.not_approved_before", "ab" * 32)
        assert rule["sentence"].startswith(f"Waived until {rfc3339(NOON + HOUR)}. ")
        assert self.outcome(artifacts=None)["outcome"] == "waived"

    def test_the_result_passes_with_it(self) -> None:
        policy = policy_with(lambda d: (d["rules"].append(STAGING), d.update(waivers=WAIVERS)))
        assert evaluate_policy(policy, input_with(GOOD, at=NOON))["result"] == "fail"
        assert evaluate_policy(policy, input_with(GOOD, at=NOON, waivers=[self.WAIVER]))["result"] == "pass"
        assert evaluate_policy(policy, input_with(GOOD, at=NOON, waivers=[self.WAIVER]), at=NOON + HOUR)["result"] == "fail"

    @pytest.mark.parametrize(
        "changes",
        [
            {"rule": "provenance"},
            {"policy": "release-staging"},
            {"artifacts": ["sha256:" + "cd" * 32]},
            {"until": rfc3339(NOON)},
        ],
    )
    def test_covers_nothing_else(self, changes: dict[str, Any]) -> None:
        assert last_rule(STAGING, policy={"waivers": WAIVERS}, waivers=[{**self.WAIVER, **changes}])["outcome"] == "fail"

    def test_covers_nothing_under_a_policy_that_knows_none(self) -> None:
        assert last_rule(STAGING, waivers=[self.WAIVER])["outcome"] == "fail"

    def test_a_freeze_can_be_waived_at_the_gate(self) -> None:
        policy = policy_with(lambda d: (d["rules"].append(FREEZE), d.update(waivers=WAIVERS)))
        at = datetime(2026, 12, 24, tzinfo=UTC)
        waiver = {**self.WAIVER, "rule": "freeze", "until": "2026-12-25T00:00:00Z"}
        facts = input_with(GOOD, waivers=[waiver])
        assert evaluate_times(policy, "release", at)[0]["outcome"] == "fail"
        assert evaluate_times(policy, "release", at, policy_input=facts)[0]["outcome"] == "waived"
        assert evaluate_times(policy, "release", at + 24 * HOUR, policy_input=facts)[0]["outcome"] == "fail"

    def test_a_rule_that_passes_is_not_waived_and_approvals_never_are(self) -> None:
        policy = policy_with(lambda d: d.update(waivers=WAIVERS))
        waivers = [
            {**self.WAIVER, "rule": rule, "digest": digit * 64}
            for rule, digit in (("provenance", "1"), ("approval", "2"), ("no-approvals", "3"))
        ]
        rules = evaluate_policy(policy, input_with(GOOD, at=NOON, waivers=waivers))["rules"]
        assert [rule["outcome"] for rule in rules] == ["pass", "awaiting", "pass"]
        only = policy_with(lambda d: (d["rules"][1].update(kinds=["release"]), d.update(waivers=WAIVERS)))
        assert evaluate_policy(only, input_with(GOOD, kind="promotion", at=NOON, waivers=waivers))["result"] == "fail"


class TestKinds:
    def test_only_the_rules_of_the_kind_are_weighed(self) -> None:
        policy = policy_with(lambda d: d["rules"].append({**CONDITION, "kinds": ["rotation"], "expression": "false"}))
        assert [rule["id"] for rule in evaluate_policy(policy, input_with(GOOD))["rules"]] == ["provenance", "approval", "four-eyes"]
        assert evaluate_policy(policy, input_with(GOOD, kind="rotation", at=NOON))["rules"][-1]["code"] == "policy.condition_false"

    def test_a_kind_that_nobody_approves_fails(self) -> None:
        policy = policy_with(lambda d: d["rules"][1].update(kinds=["release"]))
        assert evaluate_policy(policy, input_with(GOOD))["result"] == "pass"
        result = evaluate_policy(policy, input_with(GOOD, kind="promotion"))
        assert (result["result"], result["rules"][-1]["code"]) == ("fail", "policy.no_approvals")
        (counted,) = count_approvals(policy.for_kind("promotion"), [], excluded=[])
        assert (counted["outcome"], counted["code"]) == ("awaiting", "policy.no_approvals")

    def test_an_unknown_kind_refuses(self) -> None:
        with pytest.raises(Malformed):
            input_with(GOOD, kind="deployment")
        with pytest.raises(Malformed):
            evaluate_policy(policy_with(), {**input_with(GOOD), "kind": "deployment"})


class TestInputAdditions:
    def test_they_stand_there_only_where_there_is_something(self) -> None:
        assert input_with(GOOD) == input_with(GOOD, kind="release", at=None, people=(), waivers=[], approved_in=())
        assert set(input_with(GOOD, kind="rotation", at=NOON)) - set(input_with(GOOD)) == {"kind", "at"}

    def test_their_order_and_copies_do_not_matter(self) -> None:
        people = [TestPeople.CAROL, TestPeople.STRANGER, TestPeople.OWNER]
        assert input_with(GOOD, people=people) == input_with(GOOD, people=[*people[::-1], *people])

    @pytest.mark.parametrize(
        "more",
        [
            {"people": [{**TestPeople.CAROL, "because": "friend"}]},
            {"people": [{**TestPeople.CAROL, "subject": None}]},
            {"people": [{"because": "committer", "issuer": None, "subject": None}]},
            {"waivers": [TestWaivers.WAIVER, {**TestWaivers.WAIVER, "rule": "x"}]},
            {"waivers": [{**TestWaivers.WAIVER, "artifacts": []}]},
            {"waivers": [{**TestWaivers.WAIVER, "until": "tomorrow"}]},
            {"approved_in": [{**TestOtherEnvironmentFirst.FACT, "at": None}]},
            {"at": "noon"},
        ],
    )
    def test_refuses_what_is_incomplete(self, more: dict[str, Any]) -> None:
        with pytest.raises(Malformed) as refused:
            input_with(GOOD, **more)
        assert refused.value.code == "policy.input_malformed"
