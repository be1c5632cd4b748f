"""The worker is killed with SIGKILL in the middle of its work: nothing is lost, and everything is verified exactly once.

Real processes (`manage.py worker`) on a database of their own, of the kind this lane runs on.
"""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.live import ROOT, LivePortal, live_portal
from tests.throwaway import throwaway_database

COUNT = 200
KILLS = 3
DEADLINE = 120.0

SEND = f"""
from django.utils import timezone
from tests import cast
from tests.make_attestations import make_attestation, make_signer, make_statement, register_key
from ledger.keys import create_portal_keys
create_portal_keys()
signer = make_signer()
register_key(signer)
sender = cast.runner()
for number in range({COUNT}):
    make_attestation(signer.sign(make_statement(f"artifact {{number}}")), by=sender, now=timezone.now())
"""
REPORT = """
import json
from collections import Counter
from django.utils import timezone
from attestations.models import Attestation, Finding, Verdict, VerdictSubject, VerificationJob
from ledger.models import Entry
from ledger.publish import publish_checkpoint
publish_checkpoint(now=timezone.now())
verdicts = Counter(Verdict.objects.values_list("attestation_id", flat=True))
recorded = Counter(Entry.objects.filter(event="verdict.recorded").values_list("ref_digest", flat=True))
print(json.dumps({
    "attestations": Attestation.objects.count(),
    "with_one_verdict": sum(count == 1 for count in verdicts.values()),
    "verdicts": sum(verdicts.values()),
    "results": dict(Counter(Verdict.objects.values_list("result", flat=True))),
    "subjects": VerdictSubject.objects.count(),
    "signer_findings": Finding.objects.filter(check_name="signer", outcome="pass").count(),
    "entries_of_verdicts": sum(recorded.values()),
    "verdicts_recorded_once": sum(recorded[digest] == 1 for digest in Verdict.objects.values_list("document_id", flat=True)),
    "states": dict(Counter(VerificationJob.objects.values_list("state", flat=True))),
    "most_attempts": max(VerificationJob.objects.values_list("attempts", flat=True)),
    "gapless": list(Entry.objects.order_by("index").values_list("index", flat=True)) == list(range(Entry.objects.count())),
}))
"""


@contextlib.contextmanager
def worker(portal: LivePortal) -> Iterator[subprocess.Popen[bytes]]:
    """A real worker process; killed at the end if it still runs."""
    with portal.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "worker"], env=portal.environment, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


class Jobs:
    """A look at the jobs from outside, by a connection of the test's own."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url, self._file = url, folder / "var" / "countersign.sqlite3"

    def count(self) -> dict[str, int]:
        statement = "SELECT state, count(*) FROM attestations_verificationjob GROUP BY state"
        if self._url:
            with psycopg.connect(self._url, autocommit=True) as connection:
                rows = connection.execute(statement).fetchall()
        else:
            with contextlib.closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=20)) as connection:
                rows = connection.execute(statement).fetchall()
        return {"waiting": 0, "claimed": 0, "done": 0, "failed": 0} | {str(state): int(number) for state, number in rows}

    def wait_until(self, *, done: int, claimed: int) -> dict[str, int]:
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            seen = self.count()
            if seen["done"] >= done and seen["claimed"] >= claimed:
                return seen
            if seen["done"] + seen["failed"] == COUNT:
                return seen
            time.sleep(0.005)
        raise AssertionError(f"the worker came no further than {self.count()}")


@pytest.mark.slow
def test_sigkill_in_the_middle_loses_nothing_and_verifies_everything_once(tmp_path: Path) -> None:
    # A short lease, so that what a dead worker held comes free soon; many attempts, because here they are killed on purpose.
    settings = {"LEASE_SECONDS": "2", "MAX_ATTEMPTS": "20", "BATCH_SIZE": "40", "LOG_LEVEL": "WARNING"}
    with throwaway_database() as url, live_portal(tmp_path, database_url=url, **settings) as portal:
        portal.manage("shell", "-v0", "-c", SEND)
        jobs = Jobs(url, tmp_path)
        assert jobs.count() == {"waiting": COUNT, "claimed": 0, "done": 0, "failed": 0}
        hits = 0
        while hits < KILLS:
            before = jobs.count()["done"]
            with worker(portal) as process:
                seen = jobs.wait_until(done=before + 5, claimed=5)
                process.send_signal(signal.SIGKILL)
                assert process.wait(10) == -signal.SIGKILL
            left = jobs.count()
            if left["done"] + left["failed"] == COUNT:
                break
            # Killed in the middle: some were finished, and some were claimed and will not be finished by their claimant.
            hits += left["claimed"] > 0 and 0 < left["done"] < COUNT and seen["claimed"] > 0
        assert hits, "the worker was never caught in the middle"
        with worker(portal), worker(portal):
            finished = jobs.wait_until(done=COUNT, claimed=0)
        assert finished["failed"] == 0
        report = json.loads(portal.manage("shell", "-v0", "-c", REPORT).stdout)
    assert report.pop("most_attempts") > 1, "no job was taken over, so nothing was tested"
    assert report == {
        "attestations": COUNT,
        "with_one_verdict": COUNT,
        "verdicts": COUNT,
        "results": {"verified": COUNT},
        "subjects": COUNT,
        "signer_findings": COUNT,
        "entries_of_verdicts": COUNT,
        "verdicts_recorded_once": COUNT,
        "states": {"done": COUNT},
        "gapless": True,
    }
