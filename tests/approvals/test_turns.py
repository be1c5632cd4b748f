"""Whose turn it is, from facts alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from approvals.attention.turns import OpenRole, TurnFacts, decide_turns

pytestmark = pytest.mark.once

RELEASE = OpenRole("approver:release", "release approver", frozenset({"alice", "anna", "bob"}))
SECURITY = OpenRole("approver:security", "security approver", frozenset({"sam"}))
FACTS = TurnFacts(status="ready", open_roles=(RELEASE, SECURITY), askers=frozenset({"bob"}), barred=frozenset({"bob"}))


def whose(facts: TurnFacts) -> set[str]:
    return set(decide_turns(facts))


def test_it_waits_for_the_first_role_and_not_for_who_is_excluded() -> None:
    assert whose(FACTS) == {"alice", "anna"}
    assert decide_turns(FACTS)["alice"].sentence == "You are release approver"


def test_after_an_answer_for_whoever_has_not_given_one() -> None:
    assert whose(replace(FACTS, status="in_review", answered=frozenset({"alice"}))) == {"anna"}


def test_then_for_the_next_role_and_for_nobody_once_all_are_full() -> None:
    assert whose(replace(FACTS, status="in_review", open_roles=(SECURITY,))) == {"sam"}
    assert whose(replace(FACTS, status="approved", open_roles=())) == set()


def test_a_role_that_nobody_can_fill_holds_up_no_other() -> None:
    assert whose(replace(FACTS, barred=frozenset({"alice", "anna", "bob"}))) == {"sam"}


@pytest.mark.parametrize(("status", "code"), [("changes_requested", "change"), ("rejected", "rejected"), ("draft", "draft")])
def test_a_no_and_a_draft_are_for_who_asks(status: str, code: str) -> None:
    turns = decide_turns(replace(FACTS, status=status))
    assert {person: turn.code for person, turn in turns.items()} == {"bob": code}


def test_a_new_revision_asks_those_who_signed_the_last_to_look_at_what_changed() -> None:
    turns = decide_turns(replace(FACTS, status="stale", signed_before={"alice": 1}))
    assert {person: turn.code for person, turn in turns.items()} == {"alice": "changed", "anna": "approve"}
    assert "you signed revision 1, look at what changed since" in turns["alice"].sentence


def test_an_approval_that_ended_asks_the_others() -> None:
    turns = decide_turns(replace(FACTS, status="revoked", answered=frozenset({"alice"}), an_approval_ended=True))
    assert {person: turn.code for person, turn in turns.items()} == {"anna": "ended"}


def test_who_is_named_is_asked_too_and_an_approver_as_approver() -> None:
    turns = decide_turns(replace(FACTS, mentioned={"carol": "Bob", "alice": "Bob"}))
    assert (turns["carol"].sentence, turns["alice"].code) == ("Bob named you in a comment", "approve")


def test_who_left_it_to_others_is_not_asked() -> None:
    assert whose(replace(FACTS, passed=frozenset({"alice"}), mentioned={"alice": "Bob"})) == {"anna"}


@pytest.mark.parametrize("status", ["withdrawn", "superseded", "expired", "promoted"])
def test_nobody_is_asked_about_what_is_over(status: str) -> None:
    assert whose(replace(FACTS, status=status, mentioned={"carol": "Bob"})) == set()


@pytest.mark.parametrize("status", ["blocked", "collecting"])
def test_no_approver_is_asked_before_the_evidence_is_there(status: str) -> None:
    assert whose(replace(FACTS, status=status)) == set()
