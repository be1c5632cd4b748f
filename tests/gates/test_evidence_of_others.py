"""What another team sends about an approved artifact, and what the gate makes of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from approvals.models import Request
from gates.decide import decide
from gates.models import Decision
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> make.Stage:
    return make.set_stage()


@pytest.fixture
def approved(stage: make.Stage) -> Request:
    make.send_provenance(stage)
    request = make.ask()
    make.approve(request, cast.alice())
    return request


def ask_gate() -> Decision:
    return decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=make.NOW + timedelta(minutes=2))


class TestDecide:
    def test_allows_whatever_unproven_evidence_another_team_sends(self, approved: Request) -> None:
        make.send_junk(by=make.other_teams_bot(), count=300)
        make.refresh(now=make.NOW + timedelta(minutes=1))
        decision = ask_gate()
        assert (decision.outcome, decision.reasons) == ("allow", [])

    def test_allows_however_much_another_team_signs(self, stage: make.Stage, approved: Request) -> None:
        make.register_stranger()
        make.copy_evidence(make.send_of_a_stranger(stage, by=make.other_teams_bot()), count=256)
        assert (ask_gate().outcome, ask_gate().reasons) == ("allow", [])

    def test_denies_when_the_team_itself_sends_it(self, approved: Request) -> None:
        make.send_junk(by=cast.runner())
        assert [reason["code"] for reason in ask_gate().reasons] == ["evidence.changed"]

    def test_denies_when_there_is_more_evidence_than_can_be_read(self, approved: Request) -> None:
        make.send_junk(by=cast.runner(), count=300)
        assert [reason["code"] for reason in ask_gate().reasons] == ["evidence.too_many"]
