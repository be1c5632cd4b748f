"""What evidence is worth once its signer's identity or key has come to an end, looked at again and again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from attestations.drain import drain
from attestations.models import Attestation, Verdict
from attestations.queries import latest_verdict
from attestations.reverify import spread_reverifications
from identities.lifecycle.change_status import retire_identity, suspend_identity
from identities.lifecycle.compromise import mark_compromised
from identities.lifecycle.rotate_signer import rotate_signer
from identities.revoke_signer import revoke_signer
from portal.demo.instance import build_provenance
from tests import cast
from tests.make_attestations import (
    NOW,
    artifact_digest,
    make_attestation,
    make_signer,
    make_statement,
    register_key,
    runner_workload,
    trust_instance,
    verify_now,
)
from tests.make_ledger import use_own_keys

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def portal_keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


def work_it_off(ago: timedelta = timedelta()) -> None:
    """What the worker does, until nothing waits; by a clock that is so much behind."""
    while spread_reverifications(now=timezone.now() - ago) or drain(clock=lambda: timezone.now() - ago, limit=100):
        pass


def newest(attestation: Attestation) -> Verdict:
    found = latest_verdict(attestation)
    assert found is not None
    return found


@pytest.mark.parametrize("change", ["retired", "rotated", "compromised since later"])
def test_what_was_here_before_its_key_was_registered_stays_when_the_identity_ends_later(change: str) -> None:
    signer = make_signer()
    sent = make_attestation(signer.sign(make_statement()), now=NOW)
    assert verify_now(sent).code == "dsse.key_unknown"
    identity = register_key(signer, now=NOW + DAY)
    work_it_off(timedelta(hours=2))
    assert (newest(sent).result, newest(sent).signer) == ("verified", identity)
    # Ended an hour ago, so that nothing is judged in the very second of the end.
    later = {"reason": "replaced", "by": None, "now": timezone.now() - timedelta(hours=1)}
    if change == "retired":
        retire_identity(identity=identity, **later)
    elif change == "rotated":
        new = {"public_key_pem": make_signer().pem, "overlap_days": 0}
        rotate_signer(identity=identity, signer=identity.evidence_signers.get(), **new, **later)
    else:
        mark_compromised(identity=identity, since=NOW + timedelta(hours=1), **later)
    work_it_off()
    assert (newest(sent).result, newest(sent).signer) == ("verified", identity)


def test_what_a_suspended_signer_said_once_it_was_revoked_is_nobodys_word() -> None:
    statement = build_provenance(runner_workload(), [("a.tar", artifact_digest("a.tar"))])
    bundle = make_attestation(trust_instance().sign_as(runner_workload(), statement, at=NOW))
    verify_now(bundle)
    runner = cast.runner()
    suspend_identity(identity=runner, reason="stolen", by=None, now=timezone.now())
    revoke_signer(signer=runner.evidence_signers.get(), revoked_from=NOW - DAY, reason="stolen", by=None, now=timezone.now())
    work_it_off()
    assert newest(bundle).findings.get(check_name="signer").code == "signer.revoked"
