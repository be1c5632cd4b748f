"""The row is the queue: claims, leases by the database's clock, and the fencing count."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from attestations import drain as drain_module
from attestations.claim import Claim, claim_jobs, finish_job, retry_job
from attestations.drain import drain
from attestations.models import Attestation, Finding, Verdict, VerdictSubject, VerificationJob
from attestations.verify import verify_attestation
from ledger.models import Entry
from tests.make_attestations import NOW, make_attestation, make_signer, make_statement, register_key

pytestmark = pytest.mark.django_db
State = VerificationJob.State


def waiting(count: int) -> list[Attestation]:
    signer = make_signer()
    register_key(signer)
    return [make_attestation(signer.sign(make_statement(f"artifact {number}"))) for number in range(count)]


def end_lease(attestation: Attestation) -> None:
    VerificationJob.objects.filter(pk=attestation.pk).update(lease_until=Now() - timedelta(seconds=1))


def claim_one(attestation: Attestation) -> Claim:
    claims = claim_jobs(limit=100, lease_seconds=30)
    return next(claim for claim in claims if claim.attestation_id == attestation.pk)


class TestClaim:
    def test_takes_the_oldest_up_to_the_limit(self) -> None:
        rows = waiting(5)
        for age, row in enumerate(rows):
            VerificationJob.objects.filter(pk=row.pk).update(next_try_at=Now() - timedelta(minutes=age + 1))
        claims = claim_jobs(limit=2, lease_seconds=30)
        assert {claim.attestation_id for claim in claims} == {rows[4].pk, rows[3].pk}
        assert [claim.attempts for claim in claims] == [1, 1]

    def test_gives_no_row_twice(self) -> None:
        waiting(5)
        first, second, third = (claim_jobs(limit=3, lease_seconds=30) for _ in range(3))
        assert (len(first), len(second), len(third)) == (3, 2, 0)

    def test_gives_a_row_again_when_its_lease_ended(self) -> None:
        row = waiting(1)[0]
        assert claim_one(row).attempts == 1
        assert claim_jobs(limit=5, lease_seconds=30) == []
        end_lease(row)
        assert claim_one(row).attempts == 2

    def test_measures_the_lease_from_the_databases_clock(self) -> None:
        row = waiting(1)[0]
        claim_one(row)
        lease = VerificationJob.objects.get(pk=row.pk).lease_until
        assert lease is not None
        assert timedelta(seconds=25) < lease - timezone.now() < timedelta(seconds=31)

    def test_leaves_a_row_alone_until_its_next_try(self) -> None:
        row = waiting(1)[0]
        VerificationJob.objects.filter(pk=row.pk).update(next_try_at=Now() + timedelta(seconds=30))
        assert claim_jobs(limit=5, lease_seconds=30) == []

    @pytest.mark.parametrize("state", [State.DONE, State.FAILED])
    def test_leaves_finished_rows_alone(self, state: State) -> None:
        row = waiting(1)[0]
        assert finish_job(claim_one(row), state=state)
        assert claim_jobs(limit=5, lease_seconds=30) == []


class TestFencing:
    def test_a_stale_worker_cannot_finish(self) -> None:
        row = waiting(1)[0]
        stale = claim_one(row)
        end_lease(row)
        fresh = claim_one(row)
        entries = Entry.objects.count()
        assert verify_attestation(claim=stale, now=NOW) is None
        assert not Verdict.objects.exists()
        assert not VerdictSubject.objects.exists()
        assert not Finding.objects.exists()
        assert Entry.objects.count() == entries
        assert VerificationJob.objects.get(pk=row.pk).state == State.CLAIMED
        assert verify_attestation(claim=fresh, now=NOW) is not None

    def test_nor_after_the_other_has_finished(self) -> None:
        row = waiting(1)[0]
        stale = claim_one(row)
        end_lease(row)
        verify_attestation(claim=claim_one(row), now=NOW)
        assert verify_attestation(claim=stale, now=NOW) is None
        assert Verdict.objects.count() == 1

    def test_nor_put_the_row_back(self) -> None:
        row = waiting(1)[0]
        stale = claim_one(row)
        end_lease(row)
        claim_one(row)
        assert not retry_job(stale, error="too slow", after_seconds=0)
        assert VerificationJob.objects.get(pk=row.pk).attempts == 2

    def test_the_same_claim_does_not_finish_twice(self) -> None:
        claim = claim_one(waiting(1)[0])
        assert verify_attestation(claim=claim, now=NOW) is not None
        assert verify_attestation(claim=claim, now=NOW) is None


class TestFailure:
    """The verifier itself breaks: the evidence bytes in the database no longer fit their digest."""

    @pytest.fixture
    def broken(self, monkeypatch: pytest.MonkeyPatch) -> Attestation:
        row = waiting(1)[0]
        # Each try comes at once instead of seconds later.
        monkeypatch.setattr(drain_module, "RETRY_SECONDS", 0)
        alter_stored_bytes(row)
        return row

    def test_is_tried_three_times_and_then_says_error_never_verified(self, broken: Attestation) -> None:
        job = VerificationJob.objects.get(pk=broken.pk)
        for attempt in (1, 2):
            assert drain(clock=timezone.now, limit=10) == 0
            job.refresh_from_db()
            assert (job.state, job.attempts) == (State.WAITING, attempt)
            assert "blob.altered" in job.last_error
        assert drain(clock=timezone.now, limit=10) == 1
        job.refresh_from_db()
        assert (job.state, job.attempts) == (State.FAILED, 3)
        verdict = Verdict.objects.get()
        assert (verdict.result, verdict.code) == ("error", "verification.gave_up")
        assert drain(clock=timezone.now, limit=10) == 0

    def test_does_not_stop_the_others(self, broken: Attestation) -> None:
        others = [make_attestation(make_signer().sign(make_statement(str(number)))) for number in range(3)]
        assert drain(clock=timezone.now, limit=10) == 3
        assert Verdict.objects.filter(attestation__in=others).count() == 3

    def test_waits_longer_after_each_try(self, broken: Attestation, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(drain_module, "RETRY_SECONDS", 60)
        drain(clock=timezone.now, limit=10)
        assert drain(clock=timezone.now, limit=10) == 0
        job = VerificationJob.objects.get(pk=broken.pk)
        assert job.attempts == 1
        assert timedelta(seconds=50) < job.next_try_at - timezone.now() < timedelta(seconds=61)

    def test_evidence_that_kills_its_worker_is_given_up_too(self, settings: Any) -> None:
        row = waiting(1)[0]
        for _ in range(settings.MAX_ATTEMPTS):
            claim_one(row)
            end_lease(row)
        assert drain(clock=timezone.now, limit=10) == 1
        verdict = Verdict.objects.get()
        assert (verdict.result, verdict.signer) == ("error", None)
        assert VerificationJob.objects.get(pk=row.pk).state == State.FAILED
        assert Entry.objects.filter(event="verdict.recorded").count() == 1


def alter_stored_bytes(attestation: Attestation) -> None:
    """Do what only the database's administrator can: take the trigger away and change stored evidence."""
    with connection.cursor() as cursor:
        on_table = " ON attestations_blob" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER attestations_blob_no_update{on_table}")
        cursor.execute("UPDATE attestations_blob SET content = %s WHERE digest = %s", [b"{}", attestation.blob_id])
