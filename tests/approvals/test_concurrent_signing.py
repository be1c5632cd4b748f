"""Two answers to one ceremony at the same moment: one is kept, the other is refused, on both databases."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.live import live_portal
from tests.throwaway import throwaway_database

PREPARE = """
import json, pathlib
from ledger.keys import create_portal_keys
from tests import cast, make_approvals as make
create_portal_keys()
stage = make.set_stage()
make.send_provenance(stage)
request = make.ask()
passkey, key = make.enrol(cast.alice())
ceremonies = [make.begin(request, cast.alice(), key) for _ in range(2)]
answers = [(row.pk, make.posted(passkey, bytes(row.payload))) for row in ceremonies]
pathlib.Path({answers!r}).write_text(json.dumps(answers))
"""
ANSWER = """
import json, pathlib, time
from approvals.signing.complete_signing import complete_signing
from approvals.signing.verify_signature import parse_assertion
from proofs.errors import Refusal
from tests import cast, make_approvals as make
ceremony, posted = json.loads(pathlib.Path({answers!r}).read_text())[{which}]
alice = cast.alice()
pathlib.Path({ready!r} + str(time.monotonic_ns())).touch()
while len(list(pathlib.Path({ready!r}).parent.glob("ready-*"))) < {count}:
    time.sleep(0.001)
try:
    complete_signing(ceremony_id=ceremony, session_hash=make.session().session_hash, assertion=parse_assertion(posted), by=alice, now=make.NOW)
    print("kept")
except Refusal as refusal:
    print(refusal.code)
"""
REPORT = """
import json
from approvals.models import Approval, Ceremony, Record
from ledger.models import Entry
print(json.dumps([Approval.objects.count(), Record.objects.count(), Entry.objects.filter(event="record").count()]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("which", "loser"), [((0, 0, 0), "ceremony.used"), ((0, 1), "approval.already_answered")])
def test_one_answer_is_kept(tmp_path: Path, which: tuple[int, ...], loser: str) -> None:
    answers, ready = str(tmp_path / "answers.json"), str(tmp_path / "ready-")
    with throwaway_database() as url, live_portal(tmp_path, database_url=url) as portal:
        portal.manage("shell", "-v0", "-c", PREPARE.format(answers=answers))
        scripts = [ANSWER.format(answers=answers, which=one, ready=ready, count=len(which)) for one in which]
        with ThreadPoolExecutor(len(scripts)) as pool:
            outcomes = [done.stdout.strip() for done in pool.map(lambda script: portal.manage("shell", "-v0", "-c", script), scripts)]
        assert sorted(outcomes) == sorted(["kept", *[loser] * (len(which) - 1)])
        assert json.loads(portal.manage("shell", "-v0", "-c", REPORT).stdout) == [1, 1, 1]
