"""Random histories of a request, its policy, its people and its evidence: no gate opens without every rule, and taking away opens none."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis.stateful import run_state_machine_as_test

from gates.models import Decision
from tests.histories.machine import History
from tests.histories.told import REQUESTER

# More of them: COUNTERSIGN_TEST_HISTORIES=500 python3 manage.py test tests/histories
SHORTEN = os.environ.get("COUNTERSIGN_TEST_SHORTEN") == "1"
EXAMPLES = int(os.environ.get("COUNTERSIGN_TEST_HISTORIES", "6"))


@pytest.mark.django_db
def test_no_history_opens_a_gate_that_a_rule_shuts(settings: Any, tmp_path: Path) -> None:
    History.settings, History.folder = settings, tmp_path
    run_state_machine_as_test(
        History,
        settings=hypothesis.settings(
            max_examples=EXAMPLES,
            stateful_step_count=18,
            deadline=None,
            derandomize="COUNTERSIGN_TEST_HISTORIES" not in os.environ,
            print_blob=True,
            # A history is found in seconds and made short in many minutes; the environment asks for that.
            phases=[Phase.generate, Phase.shrink] if SHORTEN else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


TAKEN_AWAY: dict[str, Callable[[History], None]] = {
    "time": lambda history: history.time_passes(hours=80),
    "a stricter policy": lambda history: history.a_policy_with_one_rule_more(more="tests"),
    "a revocation": lambda history: history.an_approver_revokes(which=1),
    "a revocation in staging": lambda history: history.an_approver_in_staging_revokes(which=0),
    "a no in staging": lambda history: history.somebody_answers_in_staging(name="alice", decision="reject"),
    "a lost key": lambda history: history.a_key_was_lost(which=2),
    "an approver who leaves": lambda history: history.somebody_leaves(name="alice"),
    "a requester who leaves": lambda history: history.somebody_leaves(name=REQUESTER),
    "a signer who is suspended": History.the_signer_is_suspended,
    "a withdrawal": History.it_is_withdrawn,
}


@pytest.mark.django_db
@pytest.mark.parametrize("what", TAKEN_AWAY)
def test_each_of_them_shuts_a_gate_that_was_open(what: str, settings: Any, tmp_path: Path) -> None:
    """Where all three who approved are needed: so the histories above can tell a guard that is gone from one that is there."""
    History.settings, History.folder = settings, tmp_path
    history = History()
    try:
        history.set_stage(count=2, security=True, staging=True, approved=True)
        assert history._gate() == Decision.Outcome.ALLOW
        TAKEN_AWAY[what](history)
        assert history._gate() == Decision.Outcome.DENY
        assert history._told_why()
    finally:
        history.teardown()
