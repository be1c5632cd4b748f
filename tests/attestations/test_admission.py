"""Choosing among copies costs no more for each than for the first, and reads no table from end to end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q, QuerySet

from attestations.admission import MAX_OF_OTHERS, others_verdicts, own_verdicts, spare_verdicts
from attestations.models import Verdict
from identities.lifecycle.change_status import suspend_identity
from identities.register import register_signer
from tests import cast
from tests import make_approvals as make
from tests.gates.test_evidence_today import results_by, settle
from tests.make_attestations import make_signer
from tests.make_ledger import use_own_keys

pytestmark = [pytest.mark.django_db, pytest.mark.skipif("connection.vendor != 'sqlite'", reason="counts the steps of SQLite's machine")]

NOBODY = Q(pk__in=[])
Read = Callable[..., QuerySet[Verdict]]
READS: list[Read] = [own_verdicts, others_verdicts, spare_verdicts]


@pytest.fixture(autouse=True)
def portal_keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


def read(of: Read) -> QuerySet[Verdict]:
    return of([make.image()], team=cast.payments(), named=NOBODY)


def steps_of(verdicts: QuerySet[Verdict]) -> int:
    """Return how many hundreds of steps SQLite's machine takes for it."""
    taken = 0

    def step() -> int:
        nonlocal taken
        taken += 1
        return 0

    connection.ensure_connection()
    connection.connection.set_progress_handler(step, 100)
    try:
        len(verdicts[:MAX_OF_OTHERS])
    finally:
        connection.connection.set_progress_handler(None, 0)
    return taken


@pytest.mark.parametrize("respelled", [True, False], ids=["copies of one", "each its own"])
@pytest.mark.parametrize("answers", [True, False], ids=["whose signer answers", "whose signer does not"])
def test_twice_as_many_cost_twice_as_much(respelled: bool, answers: bool) -> None:
    make.set_stage()
    bot, signer = make.other_teams_bot(), make_signer()
    register_signer(identity=bot, public_key_pem=signer.pem, by=None, now=make.NOW)
    cast.let_attest(bot)
    if not answers:
        suspend_identity(identity=bot, reason="leaked", by=None, now=make.NOW)
        settle(make.NOW)
    sent = make.send(results_by(signer), by=bot)
    make.copy_evidence(sent, count=299, respelled=respelled)
    few = [steps_of(read(of)) for of in READS]
    assert (read(others_verdicts).count(), read(spare_verdicts).count()) == ((1, 299) if respelled else (300, 0))
    make.copy_evidence(sent, count=300, respelled=respelled, name="more")
    many = [steps_of(read(of)) for of in READS]
    assert all(after < 2.6 * before for before, after in zip(few, many, strict=True)), (few, many)


@pytest.mark.parametrize("of", READS, ids=["own", "others", "spare"])
def test_no_table_is_read_from_end_to_end(of: Read) -> None:
    make.send_provenance(make.set_stage())
    # With nothing of others there is a shorter question.
    make.send_junk(by=make.other_teams_bot())
    plan = read(of).explain()
    assert "SEARCH attestations_verdict" in plan
    assert "SCAN attestations" not in plan
