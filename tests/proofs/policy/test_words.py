"""Rules in words: every kind has a title and one sentence, and none is taken for another."""

from __future__ import annotations

import typing
from typing import Any

import pytest

from proofs.policy.rules import Rule
from proofs.policy.words import describe_rule

TITLE = {"id": "r", "title": "The rule"}
WORDS: list[tuple[dict[str, Any], str]] = [
    (
        {"kind": "evidence", "predicateTypes": ["a", "b"], "builders": [], "maxAgeHours": 24},
        "Every artifact has a verified a or b by an accepted signer, at most 24 hours old.",
    ),
    ({"kind": "evidence", "predicateTypes": ["a"], "signers": 2}, "Every artifact has a verified a by 2 different registered signers."),
    (
        {"kind": "evidence", "predicateTypes": ["a"], "expectations": "project"},
        "Every artifact has a verified a by whoever the expectations of the project accept.",
    ),
    ({"kind": "approvals", "role": "approver:release", "count": 1}, "One person with the role approver:release approves."),
    (
        {"kind": "approvals", "role": "approver:release", "count": 2, "minimumAssurance": "H3"},
        "2 different people with the role approver:release approve, each at level H3 or higher.",
    ),
    ({"kind": "separation-of-duties", "requesterMayApprove": True}, "Whoever asks may also approve."),
    ({"kind": "separation-of-duties"}, "Whoever asks, or is asked for, does not approve."),
    (
        {"kind": "separation-of-duties", "exclude": ["commit-authors", "build-trigger"]},
        "Whoever asks, or is asked for, does not approve, nor do commit-authors or build-trigger.",
    ),
    (
        {
            "kind": "freeze",
            "zone": "Europe/Berlin",
            "windows": [{"from": "2026-12-24T00:00", "to": "2026-12-27T00:00", "why": "Christmas"}],
        },
        "Nothing goes from 2026-12-24T00:00 to 2026-12-27T00:00 (Christmas), on the clocks of Europe/Berlin.",
    ),
    (
        {"kind": "hours", "zone": "Europe/Berlin", "days": ["mon", "tue"], "from": "09:00", "to": "17:00"},
        "It goes only on mon or tue from 09:00 to 17:00, on the clocks of Europe/Berlin.",
    ),
    ({"kind": "condition", "expression": "kind == 'release'"}, "The condition holds: kind == 'release'"),
    (
        {"kind": "approved-in", "environment": "staging", "minimumHours": 1},
        "Every artifact was approved in staging at least 1 hour before.",
    ),
    ({"kind": "approved-in", "environment": "staging", "minimumHours": 0}, "Every artifact was approved in staging before."),
]


@pytest.mark.parametrize(("rule", "sentence"), WORDS)
def test_each_kind_in_a_sentence(rule: dict[str, Any], sentence: str) -> None:
    assert (describe_rule({**TITLE, **rule}).title, describe_rule({**TITLE, **rule}).sentence) == ("The rule", sentence)


def test_every_kind_has_words_of_its_own() -> None:
    kinds = {kind.__dataclass_fields__["kind"].default for kind in typing.get_args(Rule)}
    assert kinds == {rule["kind"] for rule, _ in WORDS}


def test_kinds_of_request_are_named_and_an_unknown_rule_is_said_to_be_unknown() -> None:
    rule = {**TITLE, "kind": "approvals", "role": "x", "count": 1, "kinds": ["promotion"]}
    assert describe_rule(rule).sentence == "One person with the role x approves. Only for requests of kind promotion."
    assert describe_rule({**TITLE, "kind": "moon"}).sentence == "A rule of kind moon, which has no words here; read it as written."
