"""The form holds the whole language: what is shown and saved unchanged is the same policy."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import QueryDict

from approvals.editor.form_of_policy import Shown, find_unheld, read_posted, show_bounds, show_rules, show_top
from approvals.editor.language import BOUNDS, RULES, TOP, Field
from approvals.policies.source import read_source
from approvals.policies.write_source import write_source
from proofs.policy.schema import schema_bytes
from tests.approvals.test_recipes import SOURCES
from tests.proofs.policy.test_schema import WHOLE

SCHEMA = json.loads(schema_bytes())


def filled(value: dict[str, Any]) -> QueryDict:
    """What a browser sends back of the form of a policy that nobody touched."""
    post = QueryDict(mutable=True)

    def put(shown: Shown) -> None:
        if shown.field.shape in ("rows", "block"):
            post[f"{shown.name}-count"] = str(len(shown.inside))
            for row in shown.inside:
                for part in row:
                    put(part)
        elif shown.field.shape in ("items", "checks"):
            post.setlist(shown.name, shown.texts)
        else:
            post[shown.name] = shown.text.replace("\n", "\r\n")
            if shown.is_none:
                post[f"{shown.name}-none"] = "on"

    for shown in [*show_top(value), *show_bounds(value)]:
        put(shown)
    rules = show_rules(value)
    post["rules-count"] = str(len(rules))
    for rule in rules:
        post[f"rules-{rule.number}-kind"] = rule.kind
        for shown in rule.fields:
            put(shown)
    return post


def press(value: dict[str, Any], button: str, **more: str) -> list[str]:
    post = filled(value)
    post.update({"do": button, **more})
    return [rule["id"] for rule in read_posted(post)["rules"]]


def test_a_form_that_nobody_touched_gives_the_same_policy() -> None:
    assert read_posted(filled(WHOLE)) == WHOLE


@pytest.mark.parametrize("number", sorted(SOURCES))
def test_a_recipe_goes_through_the_form_unchanged(number: int) -> None:
    value = read_source(SOURCES[number]).value
    assert find_unheld(value) == []
    assert read_source(write_source(read_posted(filled(value)))).value == value


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda d: d.update(colour="red"), "colour"),
        (lambda d: d.update(rules={"a": 1}), "rules"),
        (lambda d: d["rules"][0].update(kind="approval"), "rules[0]"),
        (lambda d: d["rules"][0].update(colour="red"), "rules[0].colour"),
        (lambda d: d["rules"][0].update(kinds=["release", "wishes"]), "rules[0].kinds"),
        (lambda d: d["rules"][0].update(title=["a"]), "rules[0].title"),
        (lambda d: d["rules"].append("text"), f"rules[{len(WHOLE['rules'])}]"),
        (lambda d: d["waivers"].update(days=3), "waivers.days"),
        (lambda d: d["waivers"]["approvals"][0].update(level="H3"), "waivers.approvals[0].level"),
        (lambda d: d["breakGlass"].update(reviewers=["x"]), "breakGlass.reviewers"),
    ],
)
def test_what_the_form_has_no_field_for_is_named(change: Callable[[dict[str, Any]], object], place: str) -> None:
    value = copy.deepcopy(WHOLE)
    assert find_unheld(value) == []
    change(value)
    assert find_unheld(value) == [place]


def test_the_form_has_every_field_of_the_schema() -> None:
    def names(fields: tuple[Field, ...]) -> set[str]:
        return {each.name for each in fields}

    assert names(TOP) | names(BOUNDS) | {"rules"} == set(SCHEMA["properties"])
    by_kind = {
        rule["properties"]["kind"]["const"]: rule["properties"] for rule in SCHEMA["$defs"].values() if "kind" in rule.get("properties", {})
    }
    assert {kind: names(fields) | {"kind"} for kind, (_, fields) in RULES.items()} == {kind: set(rule) for kind, rule in by_kind.items()}


def test_what_is_no_number_stays_what_was_typed() -> None:
    post = filled(WHOLE)
    post["validityHours"] = "three days"
    assert read_posted(post)["validityHours"] == "three days"


@pytest.mark.parametrize(
    ("button", "expected"),
    [
        ("save", "abcdefghi"),
        ("remove-0", "bcdefghi"),
        ("up-1", "bacdefghi"),
        ("down-7", "abcdefgih"),
        ("up-0", "abcdefghi"),
        ("down-8", "abcdefghi"),
        ("remove-99", "abcdefghi"),
        ("remove-x", "abcdefghi"),
    ],
)
def test_rules_are_moved_and_removed(button: str, expected: str) -> None:
    assert "".join(press(WHOLE, button)) == expected


def test_a_rule_is_added_with_an_id_of_its_own() -> None:
    value = copy.deepcopy(WHOLE)
    value["rules"][0]["id"] = "approvals-1"
    assert press(value, "add", new_kind="approvals")[-1] == "approvals-2"
    assert len(press(value, "add", new_kind="wishes")) == len(WHOLE["rules"])


def test_odd_forms_are_read_without_breaking() -> None:
    assert read_posted(QueryDict("rules-count=999999999&waivers-approvals-count=-1"))["rules"] == []
    assert len(read_posted(QueryDict("rules-count=99999"))["rules"]) == 128
    for odd in (None, 7, "x", [], {"rules": [None, 7, {"kind": []}], "waivers": 3, "minimumAssurance": []}):
        value = odd if isinstance(odd, dict) else {"rules": odd, "breakGlass": odd}
        show_top(value), show_rules(value), show_bounds(value)
