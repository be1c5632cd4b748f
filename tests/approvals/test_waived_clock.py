"""A waiver of a rule about the clock: it reaches what waits, and ends when it is taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from approvals.exceptions.withdraw_waiver import withdraw_waiver
from approvals.models import Request, Waiver
from gates.decide import decide
from gates.models import Decision
from proofs.canonical import parse_canonical
from tests import cast
from tests import make_approvals as make
from tests import make_changes as changes

pytestmark = pytest.mark.django_db
NOW = make.NOW
LATER = NOW + timedelta(minutes=5)
FREEZE = """\
  - id: freeze
    kind: freeze
    title: Nothing goes
    zone: UTC
    windows: [{{from: "2026-01-01T00:00", to: "2026-12-31T00:00", why: Inventory}}]
"""
FROZEN = changes.WAIVABLE.replace("  - id: approval\n", FREEZE + "  - id: approval\n", 1)


def gate(*, minutes: int = 10) -> Decision:
    return decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=NOW + timedelta(minutes=minutes))


def codes(decision: Decision) -> list[str]:
    return [reason["code"] for reason in decision.reasons]


def waivers_of(request: Request) -> list[str]:
    revision = request.revisions.latest("number")
    return [item["digest"] for item in parse_canonical(bytes(revision.policy_input.content)).get("waivers", ())]


@pytest.fixture
def waived() -> tuple[Request, Waiver]:
    """A release in a freeze, which is waived after it was asked for."""
    stage = make.set_stage(source=FROZEN)
    make.send_provenance(stage, now=NOW)
    request = make.ask()
    return request, changes.waive(request, rule="freeze")


def test_it_reaches_a_request_that_waits(waived: tuple[Request, Waiver]) -> None:
    request, waiver = waived
    make.refresh(now=LATER)
    assert waivers_of(request) == [waiver.pk]
    make.approve(request, cast.alice(), now=LATER)
    assert codes(gate()) == []


def test_taken_back_it_opens_nothing_and_the_gate_says_why(waived: tuple[Request, Waiver]) -> None:
    _, waiver = waived
    request = make.ask(now=NOW + timedelta(minutes=1))
    assert waivers_of(request) == [waiver.pk]
    make.approve(request, cast.alice(), now=LATER)
    assert codes(gate()) == []
    withdraw_waiver(waiver=waiver, reason="It is Christmas.", by=cast.bob(), now=LATER)
    assert codes(gate()) == ["waiver.ended"]
    make.refresh(now=NOW + timedelta(minutes=12))
    assert waivers_of(request) == []
    assert gate(minutes=13).outcome == "deny"
