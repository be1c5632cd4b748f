"""Who can unblock a request, from facts alone: what is missing, who may give it, and why the reader may not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from approvals.attention.blockers import BlockerFacts, Holder, Reader, Requirement, list_blockers

ROLE = "approver:release"
HELD = frozenset({ROLE})
APPROVALS = Requirement("approval", "approvals", "Release approvers", "approval.insufficient", "0 of 2", ROLE, "a release approver", 2)
EVIDENCE = Requirement("built", "evidence", "Built by us", "policy.evidence_missing", "No provenance.", expected=("release.yml",))
PEOPLE = (
    Holder("a", "Alice", HELD, True),
    Holder("b", "Bob", HELD, False),
    Holder("n", "Anna", HELD, True, away="away until 5 March 2026"),
)
FACTS = BlockerFacts(is_open=True, requirements=(APPROVALS,), holders=PEOPLE, reader=Reader(roles=HELD))


def why_not(reader: Reader, **changes: object) -> str:
    (blocker,) = list_blockers(replace(FACTS, reader=reader, **changes))  # type: ignore[arg-type]
    return blocker.why_not_you


def test_missing_approvals_name_who_is_free_and_who_is_away_last() -> None:
    (blocker,) = list_blockers(FACTS)
    assert (blocker.missing, blocker.who) == ("2 more approvals by a release approver.", ("Alice", "Anna (away until 5 March 2026)"))
    assert (blocker.more, blocker.who_words, blocker.why_not_you) == (0, "", "")


def test_a_crowd_is_counted_and_not_listed() -> None:
    crowd = tuple(Holder(str(number), f"P{number:04}", HELD, True) for number in range(1000))
    (blocker,) = list_blockers(replace(FACTS, holders=crowd))
    assert (len(blocker.who), blocker.more) == (5, 995)


def test_too_few_and_none_say_what_helps() -> None:
    assert "fewer than it needs" in list_blockers(replace(FACTS, holders=PEOPLE[:1]))[0].who_words
    assert "Nobody who is free is a release approver here." in list_blockers(replace(FACTS, holders=PEOPLE[1:2]))[0].who_words


@pytest.mark.parametrize(
    ("reader", "words"),
    [
        (Reader(is_person=False), "only people approve"),
        (Reader(roles=HELD, answered="approve"), "You have answered this revision already: approve. One person counts once."),
        (Reader(roles=HELD, because=("requester", "commit-author")), "because you asked for it and you wrote a commit of it"),
        (Reader(), "You are not a release approver here."),
        (Reader(roles=HELD, cannot_sign="Your key is new."), "Your key is new."),
        (Reader(roles=HELD, cannot_sign="Your key is new.", cannot_reach={"approval": "It is too low."}), "Your key is new."),
        (Reader(roles=HELD, cannot_reach={"approval": "Your key reaches H2."}), "Your key reaches H2."),
    ],
)
def test_why_not_you(reader: Reader, words: str) -> None:
    assert words in why_not(reader)


def test_what_another_rule_wants_is_nothing_against_the_reader() -> None:
    assert why_not(Reader(roles=HELD, cannot_reach={"another": "Your key reaches H2."})) == ""


def test_nobody_approves_while_something_else_fails() -> None:
    assert "while a requirement is not met" in why_not(Reader(roles=HELD), is_blocked=True)


def test_evidence_comes_first_and_from_the_program_that_is_expected() -> None:
    evidence, approvals = list_blockers(replace(FACTS, requirements=(APPROVALS, EVIDENCE), is_blocked=True))
    assert (evidence.rule, evidence.who, evidence.code) == ("built", ("release.yml",), "policy.evidence_missing")
    assert "no person can say it in its place" in evidence.why_not_you
    assert approvals.rule == "approval"


@pytest.mark.parametrize("kind", ["freeze", "hours", "condition", "approved-in", "separation-of-duties", "what comes later"])
def test_a_rule_of_any_kind_is_told_by_its_own_sentence(kind: str) -> None:
    rule = Requirement("r", kind, "A rule", "policy.some_code", "It is not met, because so.")
    (blocker,) = list_blockers(replace(FACTS, requirements=(rule,)))
    assert (blocker.missing, blocker.code) == ("It is not met, because so.", "policy.some_code")
    assert blocker.who_words and blocker.why_not_you


def test_what_was_approved_there_too_lately_waits_for_the_clock_and_for_no_approver() -> None:
    rule = Requirement("r", "approved-in", "A day in staging", "policy.approved_too_late", "It counts from tomorrow on.")
    (blocker,) = list_blockers(replace(FACTS, requirements=(rule,)))
    assert blocker.who_words.startswith("Time opens it") and "clock" in blocker.why_not_you


def test_a_no_is_back_with_who_asks() -> None:
    said_no, approvals = list_blockers(replace(FACTS, against=("Alice: reject.",), askers=("Bob",)))
    assert (said_no.missing, said_no.who, said_no.code) == ("Alice: reject.", ("Bob",), "request.closed")
    assert "back with who asks" in approvals.why_not_you


def test_what_is_over_needs_nothing() -> None:
    assert list_blockers(replace(FACTS, is_open=False)) == []
