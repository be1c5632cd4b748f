"""Answers to one proposal at the same moment: each counts once, and the change is made once, on both databases."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.live import live_portal
from tests.throwaway import throwaway_database

PREPARE = """
import pathlib
from tests import cast
from tests.make_trust import propose
cast.olga(), cast.omar()
pathlib.Path({proposal!r}).write_text(propose(None).pk)
"""
ANSWER = """
import pathlib, time
from attestations.trust.proposals import get_proposal
from tests import cast
from tests.make_trust import answer
proposal, officer = get_proposal(pathlib.Path({proposal!r}).read_text()), cast.{officer}()
pathlib.Path({ready!r} + str(time.monotonic_ns())).touch()
while len(list(pathlib.Path({ready!r}).parent.glob("ready-*"))) < {count}:
    time.sleep(0.001)
print(answer(proposal, "confirm", officer).state)
"""
REPORT = """
import json
from attestations.models import TrustAnswer, TrustRoot
from ledger.models import Entry
print(json.dumps([TrustAnswer.objects.count(), TrustRoot.objects.count(), Entry.objects.filter(event="trust.root_added").count()]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("officers", "states", "kept"),
    [(("olga", "omar"), ["accepted", "open"], [2, 1, 1]), (("olga", "olga", "omar", "omar"), None, [2, 1, 1])],
)
def test_each_answer_counts_once(tmp_path: Path, officers: tuple[str, ...], states: list[str] | None, kept: list[int]) -> None:
    proposal, ready = str(tmp_path / "proposal"), str(tmp_path / "ready-")
    with throwaway_database() as url, live_portal(tmp_path, database_url=url) as portal:
        portal.manage("shell", "-v0", "-c", PREPARE.format(proposal=proposal))
        scripts = [ANSWER.format(proposal=proposal, officer=one, ready=ready, count=len(officers)) for one in officers]
        with ThreadPoolExecutor(len(scripts)) as pool:
            told = [done.stdout.strip() for done in pool.map(lambda script: portal.manage("shell", "-v0", "-c", script), scripts)]
        assert states is None or sorted(told) == states
        assert json.loads(portal.manage("shell", "-v0", "-c", REPORT).stdout) == kept
