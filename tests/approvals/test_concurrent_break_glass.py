"""Two gates ask at the same moment for the last use of a break-glass: one gets it, on both databases."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.live import live_portal
from tests.throwaway import throwaway_database

PREPARE = """
from ledger.keys import create_portal_keys
from tests import make_approvals as make, make_break_glass
create_portal_keys()
make.set_stage(source=make_break_glass.POLICY)
make.ask()
make_break_glass.declare(max_uses=1)
"""
ASK = """
import pathlib, time
from gates.decide import decide
from tests import cast, make_approvals as make
runner = cast.runner()
pathlib.Path({ready!r} + str(time.monotonic_ns())).touch()
while len(list(pathlib.Path({ready!r}).parent.glob("ready-*"))) < 2:
    time.sleep(0.001)
print(decide(digest=make.image(), environment_slug="production", by=runner, now=make.NOW).outcome)
"""
REPORT = """
import json
from approvals.models import BreakGlassUse
from ledger.models import Entry
print(json.dumps([BreakGlassUse.objects.count(), Entry.objects.filter(event="break_glass.used").count()]))
"""


@pytest.mark.slow
def test_one_gate_gets_the_last_use(tmp_path: Path) -> None:
    ready = str(tmp_path / "ready-")
    with throwaway_database() as url, live_portal(tmp_path, database_url=url) as portal:
        portal.manage("shell", "-v0", "-c", PREPARE)
        script = ASK.format(ready=ready)
        with ThreadPoolExecutor(2) as pool:
            outcomes = [done.stdout.strip() for done in pool.map(lambda _: portal.manage("shell", "-v0", "-c", script), range(2))]
        assert sorted(outcomes) == ["break_glass", "deny"]
        assert json.loads(portal.manage("shell", "-v0", "-c", REPORT).stdout) == [1, 1]
