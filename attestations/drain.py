"""Work off what waits to be verified: the one function that the worker loop and the broker's task both call.

Safe to run in any number of processes at once, and safe to kill anywhere: what was claimed and not finished comes free again
when its lease ends. Reading the clock is the caller's: it passes one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog
from django.conf import settings

from attestations.claim import Claim, claim_jobs, retry_job
from attestations.verify import OtherVerifier, TrustChanged, give_up, verify_attestation

RETRY_SECONDS = 2
OTHER_VERSION_SECONDS = 30
log = structlog.get_logger("attestations.drain")


def drain(*, clock: Callable[[], datetime], limit: int) -> int:
    """Claim up to `limit` attestations and verify them one by one; return how many got a verdict.

    A failure of ours (not of the evidence) is tried again, `settings.MAX_ATTEMPTS` times in all, then the verdict is `error`.
    """
    claims = claim_jobs(limit=limit, lease_seconds=settings.LEASE_SECONDS)
    return sum(_work_on(claim, clock) for claim in claims)


def _work_on(claim: Claim, clock: Callable[[], datetime]) -> bool:
    if claim.tries > settings.MAX_ATTEMPTS:
        # Nobody is left to tell of these attempts: whoever made them was killed, perhaps by this very evidence.
        return _give_up(claim, "every attempt ended without an answer", clock)
    try:
        verdict = verify_attestation(claim=claim, now=clock())
    except TrustChanged:
        log.info("trust changed meanwhile", attestation=claim.attestation_id, attempt=claim.attempts)
        retry_job(claim, error="", after_seconds=0, was_failure=False)
        return False
    except OtherVerifier:
        log.warning("another version of the verifier is in force; update this worker", attestation=claim.attestation_id)
        retry_job(claim, error="waits for a worker of another version", after_seconds=OTHER_VERSION_SECONDS, was_failure=False)
        return False
    except Exception as error:
        log.exception("verification failed", attestation=claim.attestation_id, attempt=claim.attempts)
        description = f"{type(error).__name__}: {error}"
        if claim.tries >= settings.MAX_ATTEMPTS:
            return _give_up(claim, description, clock)
        retry_job(claim, error=description, after_seconds=RETRY_SECONDS * claim.tries)
        return False
    if verdict is None:
        log.warning("claim lost", attestation=claim.attestation_id, attempt=claim.attempts)
    return verdict is not None


def _give_up(claim: Claim, error: str, clock: Callable[[], datetime]) -> bool:
    try:
        return give_up(claim=claim, error=error, now=clock()) is not None
    except Exception:
        log.exception("giving up failed", attestation=claim.attestation_id)
        return False
