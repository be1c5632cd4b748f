"""Say whether the approvals of a request still count, signed and good for a short time: what the gate itself would say, for gates elsewhere.

Writes nothing. Rules about the clock and evidence are weighed as for a promotion at this moment.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from approvals.models import Approval, Record, Request, RequestState
from approvals.requests.status import compute_standing
from gates.decide import weigh_whole
from identities.models import Environment
from ledger.recorder import recorder_key
from proofs.approval.status_statement import UNKNOWN, VALID, ApprovalStatus, RequestStatus, build_status
from proofs.digest import parse_digest

# How long a status is good for, by the tier of the environment, where it does not say otherwise.
MAX_AGE = {3: timedelta(minutes=10), 2: timedelta(hours=4), 1: timedelta(hours=24)}
_STATES = {
    "validity.window": "expired",
    "approval.ended": "revoked",
    "signer.revoked": "revoked_key",
    "signer.compromised": "revoked_key",
    "sod.violation": "sod_violation",
    "policy.mismatch": "stale",
    "expectations.mismatch": "stale",
    "policy.not_approved_before": "stale",
    "policy.approved_too_late": "stale",
    "evidence.changed": "stale",
    "evidence.verdict_changed": "stale",
}
_CLOSED = {
    RequestState.Status.WITHDRAWN: "withdrawn",
    RequestState.Status.SUPERSEDED: "superseded",
    RequestState.Status.STALE: "stale",
    RequestState.Status.EXPIRED: "expired",
    RequestState.Status.REVOKED: "revoked",
}


def read_status(request: Request, *, now: datetime) -> dict[str, Any]:
    """Return the signed envelope that says how the approvals of `request` stand at `now`; whatever cannot be shown is unknown."""
    answers = Approval.objects.filter(revision__request=request).select_related("end", "revision", "record").order_by("signed_at", "pk")
    return _sign_status(request, list(answers), now=now)


def read_record_status(record: Record, *, now: datetime) -> dict[str, Any]:
    """Return the signed envelope that says how the one approval of `record` stands at `now`, and its request with it."""
    answers = Approval.objects.select_related("end", "revision", "record").filter(pk=record.approval_id)
    return _sign_status(record.approval.revision.request, list(answers), now=now)


def _sign_status(request: Request, answers: list[Approval], *, now: datetime) -> dict[str, Any]:
    now = now.replace(microsecond=0)
    newest = request.revisions.order_by("-number").values_list("pk", flat=True).first()
    digests = sorted(request.artifacts.values_list("artifact_id", flat=True))
    state = _state_of(request, digests, now)
    status = RequestStatus(
        request=request.pk,
        artifacts=tuple(parse_digest(digest).hex for digest in digests),
        approvals=tuple(
            ApprovalStatus(answer.payload_digest, _verdict_of(answer, newest, state, now), answer.record.digest) for answer in answers
        ),
        state=state,
        at=now,
        not_after=now + _max_age(request.environment),
    )
    return recorder_key().sign(build_status(status))


def _max_age(environment: Environment) -> timedelta:
    """Return for how long a status is good there: as the environment says, else by its tier."""
    if environment.max_status_age is not None:
        return timedelta(minutes=environment.max_status_age)
    return MAX_AGE.get(environment.tier, min(MAX_AGE.values()))


def _state_of(request: Request, digests: list[str], now: datetime) -> str:
    against = [reason for digest in digests for reason in weigh_whole(request, digest, now=now)]
    if not against:
        return VALID
    closed = _CLOSED.get(compute_standing(request, now=now).status)
    return closed or _STATES.get(against[0].code, UNKNOWN)


def _verdict_of(answer: Approval, newest: int | None, state: str, now: datetime) -> str:
    if hasattr(answer, "end"):
        return "revoked"
    if answer.revision_id != newest:
        return "stale"
    if answer.not_after <= now:
        return "expired"
    return state
