"""A key is revoked while several workers are busy with what it signed: in the end no verdict rests on it, on both databases."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.live import live_portal
from tests.throwaway import throwaway_database

COUNT, WORKERS = 120, 3
SEND = f"""
from datetime import timedelta
from django.utils import timezone
from identities.models import EvidenceSigner
from tests import cast
from tests.make_attestations import make_attestation, make_signer, make_statement, register_key
from ledger.keys import create_portal_keys
create_portal_keys()
signer = make_signer()
register_key(signer, now=timezone.now() - timedelta(days=1))
sender = cast.runner()
for number in range({COUNT}):
    make_attestation(signer.sign(make_statement(f"artifact {{number}}")), by=sender, now=timezone.now())
"""
# Each worker drains what there is in small batches.
WORK = """
from django.utils import timezone
from attestations.drain import drain
from attestations.models import VerificationJob
while VerificationJob.objects.exclude(state="done").exists():
    drain(clock=timezone.now, limit=3)
"""
REVOKE = """
import time
from datetime import timedelta
from django.utils import timezone
from attestations.models import Verdict
from identities.models import EvidenceSigner
from identities.revoke_signer import revoke_signer
while Verdict.objects.count() < 20:
    time.sleep(0.002)
signer = EvidenceSigner.objects.get(method="public_key")
revoke_signer(signer=signer, revoked_from=timezone.now() - timedelta(hours=1), reason="stolen", by=None, now=timezone.now())
print(Verdict.objects.count())
"""
FINISH = """
import json
from collections import Counter
from django.utils import timezone
from attestations.drain import drain
from attestations.models import Verdict, VerificationJob
from attestations.queries import newest_verdicts
from attestations.reverify import spread_reverifications
before = Counter(newest_verdicts().values_list("code", flat=True))
while spread_reverifications(now=timezone.now()) or drain(clock=timezone.now, limit=50):
    pass
after = Counter(newest_verdicts().values_list("code", flat=True))
print(json.dumps([before, after, Verdict.objects.count()]))
"""


@pytest.mark.slow
def test_no_verdict_outlives_the_key_it_rests_on(tmp_path: Path) -> None:
    with throwaway_database() as url, live_portal(tmp_path, database_url=url) as portal:
        portal.manage("shell", "-v0", "-c", SEND)
        with ThreadPoolExecutor(WORKERS + 1) as pool:
            runs = [pool.submit(portal.manage, "shell", "-v0", "-c", script) for script in [WORK] * WORKERS + [REVOKE]]
            outputs = [run.result().stdout for run in runs]
        assert 20 <= int(outputs[-1]) <= COUNT
        before, after, verdicts = json.loads(portal.manage("shell", "-v0", "-c", FINISH).stdout)
        assert before["key.revoked"] > 0, "the key was revoked only when everything was done; nothing raced"
        assert after == {"key.revoked": COUNT}
        # Whatever was verified before the revocation was verified again, and nothing else was.
        assert verdicts == COUNT + before.get("evidence.verified", 0)
