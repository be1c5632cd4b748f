"""What acts and pages say stands in two files, where it is written and where it is retold: the two are held against each other. No database."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation

from portal.languages.retell import retell
from portal.languages.sentences import SENTENCES

ROOT = Path(__file__).resolve().parent.parent.parent
REFUSALS = {"Malformed", "Conflict", "NotAllowed", "NotFound", "TooLarge"}
ACTS = (
    "approvals/exceptions/ask_exception.py",
    "approvals/exceptions/derive_policy.py",
    "approvals/exceptions/grant_waiver.py",
    "approvals/exceptions/views.py",
    "approvals/exceptions/withdraw_waiver.py",
    "proofs/policy/waiving.py",
    "approvals/delegation/give.py",
    "approvals/delegation/take_back.py",
    "approvals/declaration/declare_break_glass.py",
    "approvals/emergency/withdraw_break_glass.py",
    "approvals/revocation/may_revoke.py",
    "approvals/revocation/revoke_approval.py",
    "approvals/statements/begin_statement.py",
    "approvals/statements/complete_statement.py",
    "approvals/pages/statements/views.py",
    "approvals/beside/compare_beside.py",
    "approvals/requests/plain_text.py",
    "approvals/requests/kinds.py",
    "approvals/requests/name_people.py",
    "approvals/requests/open_request.py",
    "approvals/changes/propose_expectations.py",
    "approvals/policies/expectations.py",
)
PAGES = (
    "approvals/exceptions/views.py",
    "approvals/pages/delegations/views.py",
    "approvals/pages/emergency/views.py",
    "approvals/pages/statements/views.py",
    "approvals/views.py",
)
# What programs alone meet, and what no form can send.
OF_PROGRAMS = {
    "agent.executor",
    "agent.not_registered",
    "agent.not_yours",
    "ceremony.unknown",
    "request.on_behalf_of",
    "rotation.initiator",
    "waiver.about",
    "waiver.artifacts",
}
# Where the words of another refusal stand in front.
BEGINS_OTHERWISE = {"delegation.delegate"}


def said(node: ast.expr) -> str:
    """The words of a literal, with a number for whatever varies in it: it stands for a name, a role or a count as well as any."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    assert isinstance(node, ast.JoinedStr), ast.dump(node)
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)


def calls(path: str) -> Iterator[ast.Call]:
    yield from (node for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))) if isinstance(node, ast.Call))


def refusals(path: str) -> dict[str, str]:
    """Each reason for which a module refuses as its page shows it, with its code."""
    found = {}
    for call in calls(path):
        if isinstance(call.func, ast.Name) and call.func.id in REFUSALS and isinstance(call.args[0], ast.Constant):
            reason, code = said(call.args[1]), str(call.args[0].value)
            found[f"{reason[:1].upper()}{reason[1:]}."] = code
    return found


@pytest.mark.parametrize("path", ACTS)
def test_every_reason_of_an_act_that_a_person_meets_can_be_said(path: str) -> None:
    found = refusals(path)
    assert found, f"{path} refuses nothing; take it off the list"
    with translation.override("de"):
        untold = {reason: code for reason, code in found.items() if retell(reason) is None}
    assert {reason for reason, code in untold.items() if code not in OF_PROGRAMS | BEGINS_OTHERWISE} == set()


@pytest.mark.parametrize("path", PAGES)
def test_every_message_after_something_was_done_can_be_said(path: str) -> None:
    messages = [said(call.args[1]) for call in calls(path) if isinstance(call.func, ast.Attribute) and call.func.attr == "success"]
    assert messages and set(messages) - set(SENTENCES) == set()
