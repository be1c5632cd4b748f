"""Every test here gets portal keys and an empty log of its own: the log's state outlives a rolled-back database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.make_ledger import use_own_keys


@pytest.fixture(autouse=True)
def portal_keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)
