"""A policy that comes into force at the very moment of another answer: one defined end, on both databases."""

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
from tests import cast, make_approvals as make, make_changes as changes
create_portal_keys()
stage = make.set_stage()
make.send_provenance(stage)
release = make.ask()
frank, alice = changes.frank(), cast.alice()
passkeys = {{person.pk: make.enrol(person) for person in (frank, alice)}}
first, second = changes.propose(changes.version(2)), changes.propose(changes.version(3, count=2))
for request in (first, second):
    changes.answer(request, make.erin())
answers = []
for request, person in ((first, frank), (second, frank), (release, alice)):
    passkey, key = passkeys[person.pk]
    row = make.begin(request, person, key)
    answers.append((row.pk, make.posted(passkey, bytes(row.payload)), person.pk))
pathlib.Path({answers!r}).write_text(json.dumps(answers))
"""
ANSWER = """
import json, pathlib, time
from approvals.signing.complete_signing import complete_signing
from approvals.signing.verify_signature import parse_assertion
from identities.models import Identity
from proofs.errors import Refusal
from tests import make_approvals as make
ceremony, posted, person = json.loads(pathlib.Path({answers!r}).read_text())[{which}]
by = Identity.objects.get(pk=person)
pathlib.Path({ready!r} + str(time.monotonic_ns())).touch()
while len(list(pathlib.Path({ready!r}).parent.glob("ready-*"))) < 2:
    time.sleep(0.001)
try:
    complete_signing(ceremony_id=ceremony, session_hash=make.session().session_hash, assertion=parse_assertion(posted), by=by, now=make.NOW)
    print("kept")
except Refusal as refusal:
    print(refusal.code)
"""
REPORT = """
import json
from approvals.models import PolicyActivation, Record
activated = list(PolicyActivation.objects.filter(request__isnull=False).values_list("entry_id", flat=True))
released = list(Record.objects.filter(approval__revision__request__kind="release").values_list("entry_id", flat=True))
print(json.dumps([activated, released]))
"""


def race(tmp_path: Path, which: tuple[int, int]) -> tuple[list[str], list[int], list[int]]:
    """Let two answers be completed at once; return how each ended, and the ledger's entries of activations and of releases approved."""
    answers, ready = str(tmp_path / "answers.json"), str(tmp_path / "ready-")
    with throwaway_database() as url, live_portal(tmp_path, database_url=url) as portal:
        portal.manage("shell", "-v0", "-c", PREPARE.format(answers=answers))
        scripts = [ANSWER.format(answers=answers, which=one, ready=ready) for one in which]
        with ThreadPoolExecutor(2) as pool:
            ends = [done.stdout.strip() for done in pool.map(lambda script: portal.manage("shell", "-v0", "-c", script), scripts)]
        activated, released = json.loads(portal.manage("shell", "-v0", "-c", REPORT).stdout)
    return ends, activated, released


@pytest.mark.slow
def test_of_two_changes_of_one_place_one_comes_into_force(tmp_path: Path) -> None:
    ends, activated, _ = race(tmp_path, (0, 1))
    assert sorted(ends) == ["kept", "policy_change.overtaken"]
    assert len(activated) == 1


@pytest.mark.slow
def test_a_release_is_approved_before_the_new_policy_or_not_at_all(tmp_path: Path) -> None:
    ends, activated, released = race(tmp_path, (0, 2))
    assert ends[0] == "kept"
    if ends[1] == "kept":
        assert released[0] < activated[0]
    else:
        assert (ends[1], released) == ("request.stale_snapshot", [])
