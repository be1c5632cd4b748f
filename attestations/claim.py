"""Claim the work of verifying: the row is the queue, a lease says whose it is, and a fencing count says whose it still is.

Leases are measured by the database's clock alone, so that workers on machines with other clocks cannot steal work.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from attestations.models import VerificationJob

# A claimed job whose lease has run out belongs to nobody: its worker died, or was too slow and will be fenced off.
_CLAIM_POSTGRESQL = """
UPDATE attestations_verificationjob
SET state = 'claimed', attempts = attempts + 1, lease_until = clock_timestamp() + make_interval(secs => %s)
WHERE attestation_id IN (
    SELECT attestation_id FROM attestations_verificationjob
    WHERE (state = 'waiting' AND next_try_at <= clock_timestamp()) OR (state = 'claimed' AND lease_until < clock_timestamp())
    ORDER BY next_try_at, attestation_id LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING attestation_id, attempts, attempts - attempts_before
"""
# SQLite keeps datetimes as text with up to six digits of a second and tells the time with three: what is due within the running
# millisecond counts as due (999), and a lease that ends within it does not count as ended.
_CLAIM_SQLITE = """
UPDATE attestations_verificationjob
SET state = 'claimed', attempts = attempts + 1, lease_until = strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '+' || %s || ' seconds')
WHERE attestation_id IN (
    SELECT attestation_id FROM attestations_verificationjob
    WHERE (state = 'waiting' AND next_try_at <= strftime('%%Y-%%m-%%d %%H:%%M:%%f999', 'now'))
        OR (state = 'claimed' AND lease_until < strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now'))
    ORDER BY next_try_at, attestation_id LIMIT %s)
RETURNING attestation_id, attempts, attempts - attempts_before
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to finish one job, as long as nobody claimed it after us: `attempts` is the fencing count.

    `tries` counts only those attempts that were made for the verdict that is due now.
    """

    attestation_id: str
    attempts: int
    tries: int


def claim_jobs(*, limit: int, lease_seconds: int) -> list[Claim]:
    """Claim up to `limit` jobs that wait or whose lease ran out, oldest first. Committed when it returns."""
    statement = _CLAIM_POSTGRESQL if connection.vendor == "postgresql" else _CLAIM_SQLITE
    # IMMEDIATE makes SQLite take its write lock before it looks for rows.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [lease_seconds, limit])
        claims = [Claim(str(attestation_id), int(attempts), int(tries)) for attestation_id, attempts, tries in cursor.fetchall()]
    return sorted(claims, key=lambda claim: claim.attestation_id)


def finish_job(claim: Claim, *, state: VerificationJob.State, error: str = "") -> bool:
    """Set the final state if the claim is still ours, inside the caller's transaction; say whether it was.

    The count moves on with every claim, so a worker that lost its lease changes no row and must keep nothing of its work.
    """
    mine = VerificationJob.objects.filter(pk=claim.attestation_id, attempts=claim.attempts, state=VerificationJob.State.CLAIMED)
    return mine.update(state=state, lease_until=None, last_error=error[:500]) == 1


def retry_job(claim: Claim, *, error: str, after_seconds: int, was_failure: bool = True) -> bool:
    """Put a job back to wait, if the claim is still ours; say whether it was. What was no failure counts as no attempt."""
    mine = VerificationJob.objects.filter(pk=claim.attestation_id, attempts=claim.attempts, state=VerificationJob.State.CLAIMED)
    again = Now() + timedelta(seconds=after_seconds)
    spent = {} if was_failure else {"attempts_before": F("attempts")}
    return mine.update(state=VerificationJob.State.WAITING, lease_until=None, next_try_at=again, last_error=error[:500], **spent) == 1
