"""Two stewards link one account to two people at the same moment: it is one of theirs, on both databases."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.live import live_portal
from tests.throwaway import throwaway_database

PREPARE = """
from ledger.keys import create_portal_keys
from tests import cast
create_portal_keys()
cast.alice(), cast.bob(), cast.dave()
"""
LINK = """
import pathlib, time
from identities.people.accounts.link_account import link_account
from proofs.errors import Refusal
from tests import cast
whose, by = cast.{whose}(), cast.dave()
pathlib.Path({ready!r} + "{whose}").touch()
while len(list(pathlib.Path({ready!r}).parent.glob("ready-*"))) < 2:
    time.sleep(0.001)
try:
    link_account(identity=whose, provider="github", account="12345", by=by, now=cast.NOW)
    print("linked")
except Refusal as refusal:
    print(refusal.code)
"""
REPORT = """
import json
from identities.models import LinkedAccount
from ledger.models import Entry
print(json.dumps([LinkedAccount.objects.count(), Entry.objects.filter(event="account.linked").count()]))
"""


@pytest.mark.slow
def test_it_is_one_of_theirs(tmp_path: Path) -> None:
    ready = str(tmp_path / "ready-")
    with throwaway_database() as url, live_portal(tmp_path, database_url=url) as portal:
        portal.manage("shell", "-v0", "-c", PREPARE)
        scripts = [LINK.format(whose=whose, ready=ready) for whose in ("alice", "bob")]
        with ThreadPoolExecutor(2) as pool:
            outcomes = [done.stdout.strip() for done in pool.map(lambda script: portal.manage("shell", "-v0", "-c", script), scripts)]
        assert sorted(outcomes) == ["account.taken", "linked"]
        assert json.loads(portal.manage("shell", "-v0", "-c", REPORT).stdout) == [1, 1]
