"""What became of an approved action or rotation after a gate let it through: the portal's signed note of what the program that did it said.

The program is known by its credential, and what it reports is its word; the portal's signature says that it said so, and when. A note that
nobody reported anything in time is the portal's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proofs.approval.subjects import refuse_secret
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, parse_envelope
from proofs.errors import Unproven
from proofs.fields import Fields
from proofs.keys import PublicKey
from proofs.moment import rfc3339
from proofs.statement import STATEMENT_V1

EXECUTION_TYPE = "urn:countersign:execution:v1"
EXECUTED, FAILED, OUTCOME_UNKNOWN = "executed", "failed", "outcome_unknown"
REPORTED = (EXECUTED, FAILED)
MAX_DETAIL = 1000

_CODE = "execution.malformed"


@dataclass(frozen=True, slots=True)
class ExecutionStatement:
    """One note. `document` is the SHA-256 (hex) of what people approved, `decision` the gate's answer, `result` the SHA-256 of whatever came
    out of it, where the program gave one; `detail` is the program's word."""

    document: str
    request: str
    decision: str
    executor_issuer: str
    executor_subject: str
    outcome: str
    claimed_at: datetime
    at: datetime
    result: str = ""
    detail: str = ""


def build_execution(execution: ExecutionStatement) -> bytes:
    """Return the canonical payload of a note. Refuses with `execution.malformed`, and with `subject.secret` where the detail looks like one."""
    predicate: dict[str, Any] = {
        "request": execution.request,
        "decision": execution.decision,
        "executor": {"issuer": execution.executor_issuer, "subject": execution.executor_subject},
        "outcome": execution.outcome,
        "result": {"sha256": execution.result} if execution.result else None,
        "detail": execution.detail,
        "claimedAt": rfc3339(execution.claimed_at),
        "at": rfc3339(execution.at),
    }
    subject = [{"name": "", "digest": {"sha256": execution.document}}]
    payload = canonical_bytes({"_type": STATEMENT_V1, "subject": subject, "predicateType": EXECUTION_TYPE, "predicate": predicate})
    parse_execution(payload)
    return payload


def parse_execution(payload: bytes) -> ExecutionStatement:
    """Parse the payload of a note. Refuses with `execution.malformed`, `subject.secret` or `json.*`; says nothing of who signed it."""
    statement = Fields(parse_canonical(payload), path="execution", code=_CODE).only("_type", "subject", "predicateType", "predicate")
    statement.choice("_type", (STATEMENT_V1,))
    statement.choice("predicateType", (EXECUTION_TYPE,))
    predicate = statement.fields("predicate")
    predicate.only("request", "decision", "executor", "outcome", "result", "detail", "claimedAt", "at")
    executor = predicate.fields("executor").only("issuer", "subject")
    outcome, detail = predicate.choice("outcome", (*REPORTED, OUTCOME_UNKNOWN)), predicate.text("detail", limit=MAX_DETAIL, empty=True)
    refuse_secret(detail, "detail")
    result = predicate.sha256("result") if predicate.raw("result") is not None else ""
    if outcome == OUTCOME_UNKNOWN and (result or detail):
        predicate.refuse("outcome", "neither result nor detail where nobody reported anything")
    claimed_at, at = predicate.time("claimedAt"), predicate.time("at")
    if at < claimed_at:
        predicate.refuse("at", "a time from `claimedAt` on")
    subject = statement.each("subject", low=1, high=1)[0].only("name", "digest")
    return ExecutionStatement(
        document=subject.sha256(),
        request=predicate.text("request", limit=60),
        decision=predicate.text("decision", limit=60),
        executor_issuer=executor.text("issuer", limit=300),
        executor_subject=executor.text("subject", limit=300),
        outcome=outcome,
        claimed_at=claimed_at,
        at=at,
        result=result,
        detail=detail,
    )


def verify_execution(unverified: bytes | dict[str, Any], *, key: PublicKey) -> ExecutionStatement:
    """Return the note when `key`, a portal's recorder key, signed it. Refuses with `execution.signature` or as `parse_execution` does.

    Not checked: whether what the program said is so.
    """
    envelope = parse_envelope(unverified)
    if len(envelope.signatures) != 1 or envelope.payload_type != IN_TOTO_PAYLOAD_TYPE:
        raise Unproven("execution.signature", "expected one signature of the portal's recorder key over an in-toto statement")
    key.verify(envelope.signatures[0].signature, envelope.signed_bytes, code="execution.signature", what="the execution")
    return parse_execution(envelope.payload)
