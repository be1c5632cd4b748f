"""What nobody could sign, because it is about the moment of promotion: freezes, hours, and how old evidence is by then."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gates.decide import decide
from gates.models import Decision
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db

FREEZE = """\
  - id: year-end
    kind: freeze
    title: Nothing goes at the end of the year
    zone: UTC
    windows:
      - from: "{start}"
        to: "{end}"
        why: Year-end closing
"""


def wall(minutes: int) -> str:
    return (make.NOW + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M")


def approve_under(rule: str) -> None:
    make_stage = make.set_stage(source=make.POLICY + rule)
    make.send_provenance(make_stage)
    make.approve(make.ask(), cast.alice())


def codes(*, minutes: int) -> list[str]:
    decision: Decision = decide(
        digest=make.image(), environment_slug="production", by=cast.runner(), now=make.NOW + timedelta(minutes=minutes)
    )
    return [reason["code"] for reason in decision.reasons]


def test_a_freeze_shuts_the_gate_while_it_lasts_and_no_longer() -> None:
    approve_under(FREEZE.format(start=wall(10), end=wall(60)))
    assert [codes(minutes=minutes) for minutes in (9, 10, 59, 60)] == [[], ["policy.frozen"], ["policy.frozen"], []]


def test_evidence_that_is_too_old_by_then_shuts_the_gate() -> None:
    source = make.POLICY.replace("    registeredSigner: true\n", "    registeredSigner: true\n    maxAgeHours: 1\n")
    stage = make.set_stage(source=source)
    make.send_provenance(stage)
    make.approve(make.ask(), cast.alice())
    assert codes(minutes=1) == []
    assert codes(minutes=61) != []
