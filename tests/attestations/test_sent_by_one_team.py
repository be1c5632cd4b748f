"""Where a team alone sent something about an artifact there is a shorter question; it has the same answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db.models import Q

from attestations.admission import (
    has_been_sent_by_others,
    left_out_verdicts,
    others_verdicts,
    own_among_others,
    own_verdicts,
    spare_verdicts,
)
from tests import cast
from tests import make_approvals as make
from tests.make_ledger import use_own_keys

pytestmark = pytest.mark.django_db
NOBODY = Q(pk__in=[])


@pytest.fixture(autouse=True)
def portal_keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


def both() -> tuple[list[int], list[int]]:
    """Return what the short and the long question find."""
    digests, team = [make.image()], cast.payments()
    short, long = own_verdicts(digests, team=team, named=NOBODY), own_among_others(digests, team=team, named=NOBODY)
    return sorted(short.values_list("pk", flat=True)), sorted(long.values_list("pk", flat=True))


def test_the_same_verdicts_and_none_of_others() -> None:
    stage = make.set_stage()
    make.send_provenance(stage)
    make.send_tests(stage, result="FAILED")
    make.send_lie(stage)
    digests, team = [make.image()], cast.payments()
    assert not has_been_sent_by_others(digests, team)
    short, long = both()
    assert short == long
    assert len(short) == 3
    assert not others_verdicts(digests, team=team, named=NOBODY).exists()
    assert not spare_verdicts(digests, team=team, named=NOBODY).exists()
    assert not left_out_verdicts(digests, team=team).exists()


def test_one_item_of_somebody_else_asks_the_long_question() -> None:
    stage = make.set_stage()
    make.send_provenance(stage)
    make.send_junk(by=make.other_teams_bot())
    assert has_been_sent_by_others([make.image()], cast.payments())
    short, long = both()
    assert short == long
