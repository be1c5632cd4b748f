"""The recipes of docs/policies.md are policies, allow one thing and deny another with the code that the text names."""

from __future__ import annotations

import copy
import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from approvals.policies.source import find_troubles, parse_yaml, policy_document
from proofs.moment import rfc3339
from proofs.policy.document import Policy, parse_policy
from proofs.policy.evaluate import CountedApproval, count_approvals, evaluate_policy, evaluate_times, exclusions
from proofs.policy.schema import schema_bytes
from tests.proofs.factory import NOON
from tests.proofs.pack.world import ARTIFACT, BOB, ORIGIN
from tests.proofs.policy.test_evaluate import GOOD, input_with

pytestmark = pytest.mark.once

TEXT = (Path(__file__).parents[2] / "docs" / "policies.md").read_text("utf-8")
RECIPES = re.findall(r"\*\*(\d)\. .*?\n```yaml\n(.*?)```", TEXT, re.DOTALL)
SOURCES = {int(number): source for number, source in RECIPES}
HOUR = timedelta(hours=1)


def recipe(number: int) -> Policy:
    return parse_policy(policy_document(SOURCES[number]))


def codes(number: int, *verdicts: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
    """The outcome and code of every rule of a recipe, over an input that was frozen at noon."""
    facts = input_with(*(verdicts or (GOOD,)), **{"at": NOON, **more})
    return [(rule["outcome"], rule["code"]) for rule in evaluate_policy(recipe(number), facts)["rules"]]


def approving(*people: tuple[str, str, str]) -> list[CountedApproval]:
    return [CountedApproval(ORIGIN, name, (role,), level) for name, role, level in people]


def counted(number: int, approvals: list[CountedApproval], kind: str = "release") -> list[str]:
    policy, facts = recipe(number), input_with(GOOD)
    rules = count_approvals(policy.for_kind(kind), approvals, excluded=exclusions(policy, facts))
    return [rule["code"] for rule in rules]


def named(number: int, code: str) -> str:
    """Return a code that the text of a recipe names."""
    start = TEXT.index(f"**{number}. ")
    assert f"`{code}`" in TEXT[start : TEXT.index("```yaml", start)]
    return code


def test_there_are_eight() -> None:
    assert sorted(SOURCES) == list(range(1, 9))


@pytest.mark.parametrize("number", range(1, 9))
def test_each_is_a_policy_that_can_be_stored_and_that_the_schema_accepts(number: int) -> None:
    assert find_troubles(SOURCES[number]) == []
    jsonschema.Draft202012Validator(json.loads(schema_bytes())).validate(parse_yaml(SOURCES[number]))


def test_1_two_from_security_and_one_owner() -> None:
    people = [("ann", "approver:security", "H2"), ("ben", "approver:security", "H2"), ("cho", "approver:owner", "H3")]
    assert counted(1, approving(*people)) == ["", ""]
    short = named(1, "approval.insufficient")
    assert counted(1, approving(*people[:2])) == ["", short]
    assert counted(1, approving(*people[:2], ("cho", "approver:owner", "H2"))) == ["", short]


def test_2_fresh_provenance() -> None:
    def built(hours: int) -> dict[str, Any]:
        verdict = copy.deepcopy(GOOD)
        verdict["facts"]["signer"]["notBefore"] = rfc3339(NOON - hours * HOUR)
        return verdict

    assert codes(2, built(23))[0] == ("pass", "")
    assert codes(2, built(25))[0] == ("fail", named(2, "policy.evidence_too_old"))


def test_3_nobody_who_wrote_it() -> None:
    def people(subject: str | None) -> list[dict[str, Any]]:
        issuer = ORIGIN if subject else None
        who = {"account": "ann@example.test", "issuer": issuer, "subject": subject}
        return [{"because": because, **who} for because in ("commit-author", "co-author")]

    assert codes(3, people=people("01ANN"))[1] == ("pass", "")
    assert codes(3, people=people(None))[1] == codes(3)[1] == ("fail", named(3, "sod.unknown_people"))
    barred = exclusions(recipe(3), input_with(GOOD, people=people("01ANN")))
    assert {"01ANN", BOB["subject"]} == {party["subject"] for party in barred}


def test_4_hours_and_freeze() -> None:
    def at(moment: str) -> list[str]:
        return [rule["code"] for rule in evaluate_times(recipe(4), "release", datetime.fromisoformat(moment))]

    assert at("2026-11-26T10:00:00+01:00") == ["", ""]
    assert at("2026-11-26T16:00:00+01:00") == [named(4, "policy.outside_hours"), ""]
    assert at("2026-12-21T10:00:00+01:00") == ["", named(4, "policy.frozen")]


def test_5_a_condition() -> None:
    pytest.importorskip("cel_expr_python")
    assert codes(5)[1] == ("pass", "")
    assert codes(5, artifacts=(ARTIFACT, "sha256:" + "7" * 64))[1] == (
        "fail",
        named(5, "policy.condition_false"),
    )


def test_6_staging_first() -> None:
    def approved(hours: int) -> list[dict[str, str]]:
        return [{"environment": "staging", "digest": ARTIFACT, "at": rfc3339(NOON - hours * HOUR), "request": "req_staging"}]

    assert codes(6, approved_in=approved(24))[1] == ("pass", "")
    assert codes(6)[1] == ("fail", named(6, "policy.not_approved_before"))
    assert codes(6, approved_in=approved(23))[1] == ("fail", named(6, "policy.approved_too_late"))


def test_7_agents() -> None:
    ann, ben = ("ann", "approver:security", "H2"), ("ben", "approver:security", "H2")
    assert counted(7, approving(ann, ben), "agent-action") == [""]
    assert counted(7, approving(ann), "agent-action") == ["approval.insufficient"]
    assert counted(7, approving(("cho", "approver:release", "H2"))) == [""]
    assert ("fail", named(7, "policy.no_approvals")) in codes(7, kind="rotation")


def test_8_bounded_waivers() -> None:
    waiver = {"digest": "7" * 64, "rule": "tests", "policy": "bounded", "artifacts": [ARTIFACT], "until": rfc3339(NOON + HOUR)}
    assert codes(8)[0] == ("fail", named(8, "policy.evidence_missing"))
    assert codes(8, waivers=[waiver])[0][0] == "waived"
    assert codes(8, waivers=[{**waiver, "until": rfc3339(NOON - HOUR)}])[0][0] == "fail"
    policy = recipe(8)
    assert policy.waivers is not None and policy.break_glass is not None
    assert (policy.waivers.max_days, policy.break_glass.validity_hours) == (14, 2)
