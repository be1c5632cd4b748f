"""Packs whose policy asks for more than evidence and people: a condition, freshness, who made it, where it was approved before.

The facts stand in the request, which people signed by its digest: from there they are weighed again, and none of them can be altered.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from proofs.canonical import canonical_bytes, parse_canonical
from proofs.errors import Refusal
from proofs.moment import rfc3339
from proofs.pack import layout
from proofs.pack.report import PackReport
from proofs.pack.verify import verify_pack
from tests.forge import edited, repack
from tests.passkey import SoftPasskey
from tests.proofs.pack.lies import HOUR, code_of
from tests.proofs.pack.world import ARTIFACT, NOON, ORIGIN, POLICY, Signing, World

CONDITION = {"id": "named", "kind": "condition", "title": "Named", "expression": "evidence.exists(e, e.identity == 'release workflow')"}
STAGING = {"id": "staging", "kind": "approved-in", "title": "Staging first", "environment": "staging", "minimumHours": 2}
CAROL = {"because": "commit-author", "account": "carol", "issuer": ORIGIN, "subject": "01CAROL"}
BEFORE = {"environment": "staging", "digest": ARTIFACT, "at": rfc3339(NOON - 3 * HOUR), "request": "req_0"}
FACTS: dict[str, Any] = {"at": NOON, "people": [CAROL], "approved_in": [BEFORE]}
EVALUATED, TAKEN = "", "policy.condition_not_evaluated"


def policy_with(**condition: Any) -> dict[str, Any]:
    policy = copy.deepcopy(POLICY)
    provenance, approval, _ = policy["rules"]
    policy["rules"] = [
        {**provenance, "maxAgeHours": 24},
        approval,
        {"id": "four-eyes", "kind": "separation-of-duties", "title": "Four eyes", "exclude": ["commit-authors"]},
        {**CONDITION, **condition},
        STAGING,
    ]
    return policy


def world_of(**more: Any) -> World:
    return World(**{"policy": policy_with(), "facts": FACTS, **more})


WORLD = world_of()
GENUINE = WORLD.pack()


def verify(files: dict[str, bytes], *, world: World = WORLD, accept_unevaluated: bool = False) -> PackReport:
    return verify_pack(
        files, trust=world.trust, digest=ARTIFACT, environment="production", at=NOON + HOUR, accept_unevaluated=accept_unevaluated
    )


def codes(report: PackReport) -> dict[str, tuple[str, str]]:
    return {rule["id"]: (rule["outcome"], rule["code"]) for rule in report.rules}


def altered(path: str, change: Callable[[dict[str, Any]], object]) -> dict[str, bytes]:
    document = parse_canonical(GENUINE[path])
    change(document)
    return repack(edited(GENUINE, path, canonical_bytes(document)))


class TestGenuine:
    def test_it_says_that_the_approval_elsewhere_is_not_proved_here(self) -> None:
        told = [line for line in verify(GENUINE).not_checked if "approved in staging" in line]
        assert len(told) == 1 and "req_0" in told[0] and BEFORE["at"] in told[0]

    def test_every_rule_is_weighed_again_and_holds(self) -> None:
        assert set(codes(verify(GENUINE)).values()) == {("pass", EVALUATED)}

    def test_the_author_of_a_commit_cannot_have_approved(self) -> None:
        world = world_of()
        assert code_of(world.pack(Signing(SoftPasskey(), subject="01CAROL", username="carol")), trust=world.trust) == "sod.violation"


class TestWithoutTheLibrary:
    @pytest.fixture(autouse=True)
    def missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "cel_expr_python", None)

    def test_it_says_which_conditions_were_not_evaluated(self) -> None:
        with pytest.raises(Refusal, match="named") as refused:
            verify(GENUINE)
        assert refused.value.code == TAKEN

    def test_who_accepts_that_is_told_which_are_only_what_the_portal_says(self) -> None:
        told = codes(verify(GENUINE, accept_unevaluated=True))
        assert told.pop("named") == ("pass", TAKEN)
        assert set(told.values()) == {("pass", EVALUATED)}

    def test_nothing_but_the_condition_is_taken_from_the_portal(self) -> None:
        world = self.lie("staging", facts={**FACTS, "approved_in": []})
        with pytest.raises(Refusal) as refused:
            verify(world.pack(), world=world, accept_unevaluated=True)
        assert refused.value.code == "policy.result"

    def lie(self, rule_id: str, **more: Any) -> World:
        return world_of(result_lie=lambda result: claim_pass(result, rule_id), **more)


def claim_pass(result: dict[str, Any], rule_id: str) -> None:
    """Say of a rule, and so of the whole, that it passed."""
    for rule in result["rules"]:
        if rule["id"] == rule_id:
            rule.update(outcome="pass", code="", sentence="It passed.")
    result["result"] = "pass"


@pytest.mark.parametrize(
    ("rule_id", "more"),
    [
        ("named", {"policy": policy_with(expression="evidence.exists(e, e.identity == 'another')")}),
        ("provenance", {"facts": {**FACTS, "at": NOON + timedelta(days=2), "approved_in": [BEFORE]}}),
        ("four-eyes", {"facts": {**FACTS, "people": [{**CAROL, "issuer": None, "subject": None}]}}),
        ("four-eyes", {"facts": {**FACTS, "people": []}}),
        ("staging", {"facts": {**FACTS, "approved_in": [{**BEFORE, "at": rfc3339(NOON - HOUR)}]}}),
        ("staging", {"facts": {**FACTS, "approved_in": []}}),
    ],
    ids=["condition", "old", "stranger", "nobody named", "too late", "nowhere before"],
)
def test_a_rule_that_failed_and_was_shown_as_passed_is_found_out(rule_id: str, more: dict[str, Any]) -> None:
    world = world_of(result_lie=lambda result: claim_pass(result, rule_id), **more)
    assert code_of(world.pack(), trust=world.trust) == "policy.result"


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "moment": lambda facts: facts.update({"at" if "at" in facts else "frozenAt": rfc3339(NOON - HOUR)}),
    "no people": lambda facts: facts.pop("people"),
    "other person": lambda facts: facts["people"][0].update(subject="01DAN"),
    "nobody known": lambda facts: facts["people"][0].update(issuer=None, subject=None),
    "nowhere": lambda facts: facts.pop("approvedIn"),
    "earlier": lambda facts: facts["approvedIn"][0].update(at=rfc3339(NOON - 9 * HOUR)),
    "other request": lambda facts: facts["approvedIn"][0].update(request="req_9"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
class TestAlteredFacts:
    def test_in_the_input(self, change: Callable[[dict[str, Any]], object]) -> None:
        assert code_of(altered(layout.POLICY_INPUT, change), trust=WORLD.trust) == "policy.input"

    def test_in_the_request(self, change: Callable[[dict[str, Any]], object]) -> None:
        assert code_of(altered(layout.REQUEST, change), trust=WORLD.trust) == "request.mismatch"


@pytest.mark.parametrize(
    "told",
    [
        {"people": [CAROL]},
        {"approvedIn": [BEFORE]},
        {"people": [{**CAROL, "subject": "01DAN"}], "approvedIn": [BEFORE]},
        {"people": [CAROL], "approvedIn": [{**BEFORE, "request": "req_9"}]},
    ],
)
def test_facts_that_were_weighed_and_are_not_those_of_the_request(told: dict[str, Any]) -> None:
    world = world_of(told=told)
    assert code_of(world.pack(), trust=world.trust) == "request.mismatch"


def test_a_moment_that_is_not_the_one_at_which_the_request_was_frozen() -> None:
    world = world_of(facts={**FACTS, "at": NOON + timedelta(minutes=1)})
    assert world.result["result"] == "pass"
    assert code_of(world.pack(), trust=world.trust) == "request.mismatch"
