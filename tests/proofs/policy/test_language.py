"""What came to the language later: every addition is read strictly, and a document without them is read as before."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from proofs.canonical import canonical_bytes
from proofs.errors import Malformed
from proofs.policy.bounds import BreakGlass, Share, Waivers
from proofs.policy.document import parse_policy, refuse_widening
from proofs.policy.rules import ApprovedInRule, ConditionRule, EvidenceRule, FreezeRule, HoursRule, Rule, SeparationRule
from tests.proofs.pack.world import POLICY
from tests.proofs.policy.test_evaluate import policy_with

FREEZE = {
    "id": "freeze",
    "kind": "freeze",
    "title": "Year's end",
    "zone": "Europe/Berlin",
    "windows": [{"from": "2026-12-20T00:00", "to": "2027-01-04T08:00", "why": "Nobody is here."}],
}
HOURS = {
    "id": "hours",
    "kind": "hours",
    "title": "Office hours",
    "zone": "Europe/Berlin",
    "days": ["mon", "fri"],
    "from": "09:00",
    "to": "17:30",
}
CONDITION = {"id": "site", "kind": "condition", "title": "Our own", "expression": "kind == 'release'"}
STAGING = {"id": "staging", "kind": "approved-in", "title": "Staging first", "environment": "staging", "minimumHours": 24}
NOBODY_WHO_WROTE_IT = {"id": "others", "kind": "separation-of-duties", "title": "Others", "exclude": ["commit-authors", "key-owner"]}
WAIVERS = {"maxDays": 30, "approvals": [{"role": "approver:security", "count": 2}]}
BREAK_GLASS = {
    "roles": ["approver:owner"],
    "validityHours": 2,
    "maxUses": 3,
    "reviewHours": 24,
    "reviewers": {"role": "approver:security", "count": 2},
}


def with_rule(rule: dict[str, Any], **changes: Any) -> Rule:
    return policy_with(lambda d: d["rules"].append({**rule, **changes})).rules[-1]


def code_of(change: Callable[[dict[str, Any]], object]) -> tuple[str, str]:
    with pytest.raises(Malformed) as refused:
        policy_with(change)
    return refused.value.code, refused.value.reason


class TestReads:
    def test_a_freeze(self) -> None:
        rule = with_rule(FREEZE)
        assert isinstance(rule, FreezeRule)
        assert (rule.zone, rule.windows[0].why, rule.windows[0].end.isoformat()) == (
            "Europe/Berlin",
            "Nobody is here.",
            "2027-01-04T08:00:00",
        )

    def test_hours(self) -> None:
        rule = with_rule(HOURS)
        assert isinstance(rule, HoursRule)
        assert (rule.days, rule.start, rule.end) == (("mon", "fri"), 540, 1050)
        whole = with_rule(HOURS, **{"from": "00:00", "to": "24:00"})
        assert isinstance(whole, HoursRule) and (whole.start, whole.end) == (0, 1440)

    def test_a_condition(self) -> None:
        rule = with_rule(CONDITION, expression="kind == 'release' &&\n  size(artifacts) == 1")
        assert isinstance(rule, ConditionRule) and rule.expression.endswith("size(artifacts) == 1")

    def test_another_environment_first(self) -> None:
        rule = with_rule(STAGING)
        assert isinstance(rule, ApprovedInRule) and (rule.environment, rule.minimum_hours) == ("staging", 24)
        bare = with_rule({name: value for name, value in STAGING.items() if name != "minimumHours"})
        assert isinstance(bare, ApprovedInRule) and bare.minimum_hours == 0

    def test_several_rules_about_separation(self) -> None:
        policy = policy_with(lambda d: d["rules"].append(NOBODY_WHO_WROTE_IT))
        assert [rule.exclude for rule in policy.separation_rules] == [(), ("commit-authors", "key-owner")]
        last = policy.rules[-1]
        assert isinstance(last, SeparationRule) and not last.requester_may_approve

    def test_what_an_evidence_rule_and_an_approvals_rule_may_say_besides(self) -> None:
        policy = policy_with(lambda d: (d["rules"][0].update(maxAgeHours=48), d["rules"][1].update(minimumAssurance="H3")))
        assert isinstance(policy.rules[0], EvidenceRule) and policy.rules[0].max_age_hours == 48
        assert policy.approvals_rules[0].minimum_assurance == "H3"
        project = {"id": "p", "kind": "evidence", "title": "P", "predicateTypes": ["x"], "expectations": "project", "maxAgeHours": 1}
        rule = with_rule(project)
        assert isinstance(rule, EvidenceRule) and (rule.by_project, rule.max_age_hours) == (True, 1)

    def test_waivers_and_break_glass(self) -> None:
        policy = policy_with(lambda d: d.update(waivers=WAIVERS, breakGlass=BREAK_GLASS))
        assert policy.waivers == Waivers(30, (Share("approver:security", 2),))
        assert policy.break_glass == BreakGlass(("approver:owner",), 2, 3, 24, Share("approver:security", 2))
        assert (policy_with().waivers, policy_with().break_glass) == (None, None)

    def test_the_rules_for_one_kind_of_request(self) -> None:
        policy = policy_with(
            lambda d: d["rules"].extend([{**HOURS, "kinds": ["promotion"]}, {**STAGING, "kinds": ["promotion", "rotation"]}])
        )
        assert len(policy.for_kind("promotion").rules) == 5
        assert [rule.id for rule in policy.for_kind("rotation").rules][-1] == "staging"
        assert policy.for_kind("release").rules == policy_with().rules
        assert policy.for_kind("promotion").digest == policy.digest

    def test_which_policies_need_a_moment(self) -> None:
        assert not policy_with(lambda d: d["rules"].extend([FREEZE, HOURS])).asks_moment
        for rule in (CONDITION, STAGING):
            assert policy_with(lambda d, rule=rule: d["rules"].append(rule)).asks_moment  # type: ignore[misc]
        assert policy_with(lambda d: d["rules"][0].update(maxAgeHours=1)).asks_moment


class TestRefuses:
    @pytest.mark.parametrize(
        ("rule", "changes", "place"),
        [
            (FREEZE, {"zone": "Mars/Olympus"}, "rules[3].zone"),
            (FREEZE, {"zone": "../../etc/passwd"}, "rules[3].zone"),
            (FREEZE, {"windows": []}, "rules[3].windows"),
            (FREEZE, {"windows": [{**FREEZE["windows"][0], "to": "2026-12-20T00:00"}]}, "rules[3].windows[0].to"),  # type: ignore[index, dict-item]
            (FREEZE, {"windows": [{**FREEZE["windows"][0], "from": "2026-02-30T00:00"}]}, "rules[3].windows[0].from"),  # type: ignore[index, dict-item]
            (FREEZE, {"windows": [{**FREEZE["windows"][0], "from": "2026-12-20"}]}, "rules[3].windows[0].from"),  # type: ignore[index, dict-item]
            (FREEZE, {"windows": [{"from": "2026-12-20T00:00", "to": "2026-12-21T00:00"}]}, "rules[3].windows[0].why"),
            (FREEZE, {"days": ["mon"]}, "rules[3].days"),
            (HOURS, {"days": []}, "rules[3].days"),
            (HOURS, {"days": ["monday"]}, "rules[3].days"),
            (HOURS, {"days": ["mon", "mon"]}, "rules[3].days"),
            (HOURS, {"from": "24:00"}, "rules[3].from"),
            (HOURS, {"from": "9:00"}, "rules[3].from"),
            (HOURS, {"to": "09:00"}, "rules[3].to"),
            (HOURS, {"to": 17}, "rules[3].to"),
            (CONDITION, {"expression": ""}, "rules[3].expression"),
            (CONDITION, {"expression": "true\u202e"}, "rules[3].expression"),
            (CONDITION, {"expression": " " * 2001}, "rules[3].expression"),
            (STAGING, {"environment": ""}, "rules[3].environment"),
            (STAGING, {"minimumHours": -1}, "rules[3].minimumHours"),
            (STAGING, {"minimumHours": 1.5}, "json"),
            (NOBODY_WHO_WROTE_IT, {"exclude": []}, "rules[3].exclude"),
            (NOBODY_WHO_WROTE_IT, {"exclude": ["everybody"]}, "rules[3].exclude"),
            (NOBODY_WHO_WROTE_IT, {"requesterMayApprove": True}, "rules[3].requesterMayApprove"),
            (HOURS, {"kinds": []}, "rules[3].kinds"),
            (HOURS, {"kinds": ["deployment"]}, "rules[3].kinds"),
        ],
    )
    def test_names_the_place(self, rule: dict[str, Any], changes: dict[str, Any], place: str) -> None:
        code, reason = code_of(lambda d: d["rules"].append({**rule, **changes}))
        if place == "json":
            assert code.startswith("json.")
        else:
            assert code == "policy.malformed" and f"policy.{place}" in reason

    @pytest.mark.parametrize(
        ("change", "place"),
        [
            (lambda d: d["rules"][0].update(maxAgeHours=0), "rules[0].maxAgeHours"),
            (lambda d: d["rules"][0].update(maxAgeHours=8761), "rules[0].maxAgeHours"),
            (lambda d: d["rules"][1].update(minimumAssurance="H0"), "rules[1].minimumAssurance"),
            (lambda d: d["rules"][1].update(maxAgeHours=1), "rules[1].maxAgeHours"),
            (lambda d: d["rules"][2].update(requesterMayApprove=True, kinds=["release"]), "rules[2].requesterMayApprove"),
            (lambda d: d.update(waivers={**WAIVERS, "maxDays": 91}), "waivers.maxDays"),
            (lambda d: d.update(waivers={**WAIVERS, "approvals": []}), "waivers.approvals"),
            (lambda d: d.update(waivers={**WAIVERS, "approvals": WAIVERS["approvals"] * 2}), "waivers.approvals"),  # type: ignore[operator]
            (lambda d: d.update(waivers={**WAIVERS, "rules": ["x"]}), "waivers.rules"),
            (lambda d: d.update(waivers=[]), "waivers"),
            (lambda d: d.update(breakGlass={**BREAK_GLASS, "validityHours": 5}), "breakGlass.validityHours"),
            (lambda d: d.update(breakGlass={**BREAK_GLASS, "maxUses": 11}), "breakGlass.maxUses"),
            (lambda d: d.update(breakGlass={**BREAK_GLASS, "reviewHours": 73}), "breakGlass.reviewHours"),
            (lambda d: d.update(breakGlass={**BREAK_GLASS, "roles": []}), "breakGlass.roles"),
            (lambda d: d.update(breakGlass={**BREAK_GLASS, "reviewers": {"role": "x", "count": 0}}), "breakGlass.reviewers.count"),
        ],
    )
    def test_names_the_place_elsewhere(self, change: Callable[[dict[str, Any]], object], place: str) -> None:
        code, reason = code_of(change)
        assert code == "policy.malformed" and f"policy.{place}" in reason

    @pytest.mark.parametrize("expression", ["kind ==", "nobody == 'x'", "kind", "1 == kind", "evidence", "[" * 40 + "]" * 40 + " == []"])
    def test_a_condition_that_cannot_be_weighed(self, expression: str) -> None:
        assert code_of(lambda d: d["rules"].append({**CONDITION, "expression": expression}))[0] == "policy.condition"

    def test_a_condition_is_read_as_it_is_where_nobody_can_weigh_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "cel_expr_python", None)
        assert isinstance(with_rule(CONDITION, expression="kind =="), ConditionRule)


class TestWidening:
    def test_a_new_document_cannot_let_the_requester_approve(self) -> None:
        wide = policy_with(lambda d: d["rules"][2].update(requesterMayApprove=True))
        with pytest.raises(Malformed) as refused:
            refuse_widening(wide)
        assert refused.value.code == "policy.widening" and "four-eyes" in refused.value.reason

    def test_an_old_one_is_read_as_before(self) -> None:
        old = {**POLICY, "rules": [*POLICY["rules"][:2], {**POLICY["rules"][2], "requesterMayApprove": True}]}
        rule = parse_policy(canonical_bytes(old)).separation_rule
        assert rule is not None and rule.requester_may_approve

    def test_what_only_narrows_can_be_stored(self) -> None:
        refuse_widening(policy_with(lambda d: d["rules"].extend([FREEZE, HOURS, CONDITION, STAGING, NOBODY_WHO_WROTE_IT])))
