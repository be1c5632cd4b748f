"""One token sent by several at the same moment: one gets a credential, on both databases."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.live import live_portal
from tests.throwaway import throwaway_database

PREPARE = """
import pathlib
from django.utils import timezone
from tests import make_tokens as make
make.binding()
pathlib.Path({token!r}).write_text(make.sign(make.claims(timezone.now())))
"""
EXCHANGE = """
import pathlib, time
from django.utils import timezone
from identities.workload.exchange import exchange_token
from proofs.errors import Refusal
from tests import make_tokens as make
token = pathlib.Path({token!r}).read_text()
pathlib.Path({ready!r} + str(time.monotonic_ns())).touch()
while len(list(pathlib.Path({ready!r}).parent.glob("ready-*"))) < {count}:
    time.sleep(0.001)
try:
    exchange_token(unverified_token=token, audience=make.PORTAL, now=timezone.now())
    print("exchanged")
except Refusal as refusal:
    print(refusal.code)
"""
REPORT = """
import json
from identities.models import ApiCredential, TokenExchange
from ledger.models import Entry
print(json.dumps([ApiCredential.objects.count(), TokenExchange.objects.count(), Entry.objects.filter(event="credential.exchanged").count()]))
"""


@pytest.mark.slow
def test_9_several_at_once_and_one_wins(tmp_path: Path) -> None:
    token, ready = str(tmp_path / "token"), str(tmp_path / "ready-")
    with throwaway_database() as url, live_portal(tmp_path, database_url=url) as portal:
        portal.manage("shell", "-v0", "-c", PREPARE.format(token=token))
        script = EXCHANGE.format(token=token, ready=ready, count=3)
        with ThreadPoolExecutor(3) as pool:
            told = [done.stdout.strip() for done in pool.map(lambda _: portal.manage("shell", "-v0", "-c", script), range(3))]
        assert sorted(told) == ["exchanged", "token.replayed", "token.replayed"]
        assert json.loads(portal.manage("shell", "-v0", "-c", REPORT).stdout) == [1, 1, 1]
