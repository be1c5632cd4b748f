"""Random histories of a request, its policy, its people and its evidence: no gate opens without every rule, and taking away opens none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis.stateful import run_state_machine_as_test

from tests.histories.machine import History

# More of them: COUNTERSIGN_TEST_HISTORIES=500 python3 manage.py test tests/histories
SHORTEN = os.environ.get("COUNTERSIGN_TEST_SHORTEN") == "1"
EXAMPLES = int(os.environ.get("COUNTERSIGN_TEST_HISTORIES", "10"))


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
