"""Whether approvals still count: the portal's signed word on one request, good for a short time, for gates that cannot ask it.

A pack shows that people approved. It cannot show that nobody has taken it back since; this can, as of the moment it names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from proofs.approval.recorder_word import read_recorder_word
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.errors import Unproven
from proofs.fields import Fields
from proofs.keys import PublicKey
from proofs.moment import rfc3339
from proofs.statement import STATEMENT_V1

STATUS_TYPE = "urn:countersign:approval-status:v1"
VALID, UNKNOWN = "valid", "unknown"
STATES = (VALID, "stale", "expired", "superseded", "withdrawn", "revoked", "sod_violation", "revoked_key", UNKNOWN)
# What a state that is not valid is refused with.
CODES = {
    "stale": "approval.stale",
    "expired": "validity.window",
    "superseded": "request.superseded",
    "withdrawn": "request.withdrawn",
    "revoked": "approval.revoked",
    "sod_violation": "sod.violation",
    "revoked_key": "signer.revoked",
    UNKNOWN: "status.unknown",
}
# How far the clock of who signed may be ahead of the reader's.
MAX_AHEAD = timedelta(seconds=30)

_CODE = "status.malformed"


@dataclass(frozen=True, slots=True)
class ApprovalStatus:
    """One approval, by the SHA-256 (hex) of the payload that the person signed and of the payload of its record, and whether it counts."""

    payload: str
    verdict: str
    record: str | None = None


@dataclass(frozen=True, slots=True)
class RequestStatus:
    """The status of a request at one moment. `artifacts` are the SHA-256 (hex) it is about."""

    request: str
    artifacts: tuple[str, ...]
    approvals: tuple[ApprovalStatus, ...]
    state: str
    at: datetime
    not_after: datetime


def build_status(status: RequestStatus) -> bytes:
    """Return the canonical payload of a status statement. Refuses with `status.malformed`."""
    predicate = {
        "request": status.request,
        "approvals": [_approval_document(item) for item in status.approvals],
        "state": status.state,
        "at": rfc3339(status.at),
        "notAfter": rfc3339(status.not_after),
    }
    subject = [{"name": "", "digest": {"sha256": digest}} for digest in sorted(status.artifacts)]
    payload = canonical_bytes({"_type": STATEMENT_V1, "subject": subject, "predicateType": STATUS_TYPE, "predicate": predicate})
    parse_status(payload)
    return payload


def parse_status(payload: bytes) -> RequestStatus:
    """Parse the payload of a status statement. Refuses with `status.malformed` or `json.*`; says nothing of who signed it."""
    statement = Fields(parse_canonical(payload), path="status", code=_CODE).only("_type", "subject", "predicateType", "predicate")
    statement.choice("_type", (STATEMENT_V1,))
    statement.choice("predicateType", (STATUS_TYPE,))
    predicate = statement.fields("predicate").only("request", "approvals", "state", "at", "notAfter")
    approvals = [item.only("payload", "verdict", "record") for item in predicate.each("approvals")]
    at, not_after = predicate.time("at"), predicate.time("notAfter")
    if not_after <= at:
        predicate.refuse("notAfter", "a time after `at`")
    return RequestStatus(
        request=predicate.text("request", limit=60),
        artifacts=tuple(item.only("name", "digest").sha256() for item in statement.each("subject", low=1)),
        approvals=tuple(_read_approval(item) for item in approvals),
        state=predicate.choice("state", STATES),
        at=at,
        not_after=not_after,
    )


def check_status(
    unverified: bytes | dict[str, Any] | None,
    *,
    keys: Iterable[PublicKey],
    request: str,
    payloads: Collection[str],
    now: datetime,
    max_age: timedelta | None = None,
) -> RequestStatus:
    """Return the status when a portal's key signed it, it is fresh at `now`, about this request, and every approval in it counts.

    `payloads` are the SHA-256 (hex) of the payloads people signed, `max_age` the reader's own limit, beside the portal's. Refuses with
    `status.missing`, `status.malformed`, `status.signature`, `status.mismatch`, `status.future`, `status.stale`, or one of `CODES`.
    """
    status = _read_signed(unverified, keys)
    _refuse_other(status, request, payloads)
    _refuse_age(status, now, max_age)
    _refuse_state(status, payloads)
    return status


def check_record_status(
    unverified: bytes | dict[str, Any] | None,
    *,
    keys: Iterable[PublicKey],
    record: str,
    now: datetime,
    max_age: timedelta | None = None,
) -> RequestStatus:
    """Return the status when it is of the one approval whose record has this SHA-256 (hex), and that counts at `now`.

    Refuses as `check_status` does. Not checked: which request and artifact it is about, and who approved; the pack says that.
    """
    status = _read_signed(unverified, keys)
    named = [item.record for item in status.approvals]
    if named != [record]:
        raise Unproven(
            "status.mismatch", f"the status is of {len(named)} approvals or of another record, expected of sha256:{record} alone"
        )
    _refuse_age(status, now, max_age)
    _refuse_state(status, {status.approvals[0].payload})
    return status


def _read_signed(unverified: bytes | dict[str, Any] | None, keys: Iterable[PublicKey]) -> RequestStatus:
    if not unverified:
        raise Unproven("status.missing", "got no status of the approvals, expected a fresh one from the portal")
    return parse_status(read_recorder_word(unverified, keys=keys, code="status.signature", what="the status"))


def _approval_document(item: ApprovalStatus) -> dict[str, Any]:
    named = {"record": {"sha256": item.record}} if item.record else {}
    return {"payload": {"sha256": item.payload}, "verdict": item.verdict, **named}


def _read_approval(item: Fields) -> ApprovalStatus:
    record = item.sha256("record") if item.has("record") else None
    return ApprovalStatus(item.sha256("payload"), item.choice("verdict", STATES), record)


def _refuse_other(status: RequestStatus, request: str, payloads: Collection[str]) -> None:
    if status.request != request:
        raise Unproven("status.mismatch", f"the status is of request {status.request}, expected {request}")
    missing = set(payloads) - {item.payload for item in status.approvals}
    if missing or not payloads:
        raise Unproven("status.mismatch", f"the status does not name {len(missing)} of the approvals it should be about")


def _refuse_age(status: RequestStatus, now: datetime, max_age: timedelta | None) -> None:
    if status.at > now + MAX_AHEAD:
        raise Unproven("status.future", f"the status is of {rfc3339(status.at)}, which is after {rfc3339(now)}; compare the clocks")
    if now >= status.not_after or (max_age is not None and now - status.at > max_age):
        raise Unproven("status.stale", f"the status is of {rfc3339(status.at)}, too old at {rfc3339(now)}; fetch a fresh one")


def _refuse_state(status: RequestStatus, payloads: Collection[str]) -> None:
    verdicts: Sequence[str] = [item.verdict for item in status.approvals if item.payload in payloads]
    against = next((verdict for verdict in (status.state, *verdicts) if verdict != VALID), None)
    if against is not None:
        raise Unproven(CODES[against], f"the portal says that this is {against.replace('_', ' ')} as of {rfc3339(status.at)}")
