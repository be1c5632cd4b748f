"""Standing in for somebody: who, where, when, and with which roles. Each case breaks one thing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from proofs.approval.approval_parts import Approver, HeldRole, LogHead, SignerReference, SigningCeremony, Validity
from proofs.approval.person_statement import Delegation, PersonStatement, Revocation, subjects_of
from proofs.canonical import canonical_bytes
from proofs.encoding import b64url_encode
from proofs.errors import Refusal
from proofs.policy.compare import compare_policies
from proofs.policy.document import Policy, parse_policy
from proofs.policy.standing_in import refuse_if_not_lent

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
APPROVAL = {"id": "a", "kind": "approvals", "title": "One", "role": "approver:release", "count": 1}
DOCUMENT = {
    "schema": "countersign-policy/v1",
    "id": "p",
    "version": "1",
    "title": "P",
    "minimumAssurance": "H2",
    "validityHours": 72,
    "rules": [APPROVAL],
}
INPUT = {"project": "payments-api", "team": "payments", "environment": "production"}
LENT = ("approver:release", "approver:security")
BODY = Delegation(("https://id.example", "u-2"), LENT, "project:payments-api", NOW, NOW + timedelta(days=3), ("env_1",))
HELD = (
    HeldRole("approver:release", "team:payments", "portal", NOW),
    HeldRole("approver:security", "project:other", "portal", NOW),
    HeldRole("approver:owner", "team:payments", "portal", NOW),
)
STATEMENT = PersonStatement(
    subjects=subjects_of(BODY),
    body=BODY,
    person=Approver("https://id.example", "u-1", "alice", HELD, "password", NOW),
    signer=SignerReference("SHA256:key", -7, "c" * 64),
    justification="I am away.",
    validity=Validity(NOW, NOW, NOW + timedelta(minutes=5)),
    summary="What it says",
    renderer_version="1",
    ceremony=SigningCeremony(
        "sce_1",
        b64url_encode(b"n" * 32),
        "portal.example",
        "https://portal.example",
        NOW + timedelta(minutes=5),
        LogHead("log", 3, b"r" * 32),
    ),
)


def policy(said: str = "allowed") -> Policy:
    return parse_policy(canonical_bytes({**DOCUMENT, **({"delegation": said} if said else {})}))


def weigh(body: Any = BODY, **asked: Any) -> tuple[str, ...]:
    given: dict[str, Any] = {"environment": "env_1", "tier": 3, "at": NOW + timedelta(hours=1), "policy": policy(), "policy_input": INPUT}
    return refuse_if_not_lent(replace(STATEMENT, body=body), **{**given, **asked})


def test_lends_what_its_person_held_there_and_named() -> None:
    assert weigh() == ("approver:release",)
    assert weigh(replace(BODY, environments=()), environment="env_2") == ("approver:release",)
    assert weigh(at=NOW) == weigh(at=NOW + timedelta(days=3, seconds=-1))


@pytest.mark.parametrize(
    ("body", "asked", "code"),
    [
        (Revocation(("a" * 64,), "artifact_bad"), {}, "delegation.mismatch"),
        (replace(BODY, delegate=("https://id.example", "u-1")), {}, "delegation.self"),
        (replace(BODY, ends_at=NOW + timedelta(days=30, seconds=1)), {}, "delegation.too_long"),
        (BODY, {"at": NOW - timedelta(seconds=1)}, "delegation.over"),
        (BODY, {"at": BODY.ends_at}, "delegation.over"),
        # One dated back counts from when it was signed.
        (replace(BODY, starts_at=NOW - timedelta(days=2)), {"at": NOW - timedelta(days=1)}, "delegation.over"),
        (replace(BODY, scope="project:other"), {}, "delegation.scope"),
        (BODY, {"environment": "env_2"}, "delegation.scope"),
        (BODY, {"policy": policy("none"), "tier": 0}, "delegation.forbidden"),
        (BODY, {"policy": policy(""), "tier": 3}, "delegation.forbidden"),
        (BODY, {"policy_input": {**INPUT, "kind": "policy-change"}}, "delegation.forbidden"),
        (BODY, {"policy_input": {**INPUT, "kind": "exception"}}, "delegation.forbidden"),
        (BODY, {"policy_input": {**INPUT, "kind": "break-glass-review"}}, "delegation.forbidden"),
        (replace(BODY, roles=("approver:security",)), {}, "delegation.role"),
    ],
)
def test_refuses(body: Any, asked: dict[str, Any], code: str) -> None:
    with pytest.raises(Refusal) as refused:
        weigh(body, **asked)
    assert refused.value.code == code


def test_a_policy_that_says_nothing_leaves_it_to_the_tier() -> None:
    assert [policy("").lets_stand_in(tier) for tier in range(4)] == [True, True, True, False]
    assert {policy("none").lets_stand_in(tier) for tier in range(4)} == {False}
    assert {policy("allowed").lets_stand_in(tier) for tier in range(4)} == {True}
    with pytest.raises(Refusal, match="delegation"):
        policy("sometimes")


@pytest.mark.parametrize(
    ("before", "now", "change"), [("", "allowed", "loosened"), ("none", "", "loosened"), ("allowed", "none", "tightened")]
)
def test_a_change_of_it_is_told(before: str, now: str, change: str) -> None:
    documents = [{**DOCUMENT, **({"delegation": said} if said else {})} for said in (before, now)]
    assert [item.change for item in compare_policies(*documents, mode_before="enforce", mode="enforce")] == [change]
