"""Sign what came of a revision: part of the act that made it fully approved, and never one of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings

from approvals.models import Approval, OutcomeStatement, Revision
from ledger.append import append_dsse
from ledger.recorder import recorder_key
from proofs.approval.human_approval import parse_human_approval
from proofs.approval.outcome import (
    BREAK_GLASS,
    OutcomeFacts,
    approved_properties,
    build_simple_result,
    build_summary,
    environment_property,
    environment_uri,
)
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.digest import sha256_hex

Type = OutcomeStatement.Type


def sign_outcome(*, revision: Revision, approvals: Sequence[Approval], now: datetime) -> list[OutcomeStatement]:
    """Sign both statements over a revision that is fully approved by `approvals`, and keep them; return them.

    For the transaction of the answer that made it so. Each later approval gets a pair of its own, over all of them. The simple result names
    no records: where another request came to the same in the same second, it is that very statement, and is not signed again. Does not
    check that they are enough: `approvals.requests.status` has said so.
    """
    payload = bytes(approvals[0].payload)
    statement = parse_human_approval(payload)
    facts = OutcomeFacts(
        subject=parse_canonical(payload)["subject"],
        verifier=settings.ORIGIN,
        policy=revision.policy_id,
        properties=approved_properties(len({answer.identity_id for answer in approvals}), statement.environment.name),
        at=now,
    )
    summary = build_summary(
        facts,
        resource=environment_uri(settings.ORIGIN, statement.environment.id),
        records=[answer.record.digest for answer in approvals],
        evidence=list(revision.evidence.values_list("attestation__blob_id", flat=True)),
    )
    simple = build_simple_result(facts)
    # The ledger is held, because the record of the answer is in it: no other answer says the same meanwhile.
    said = OutcomeStatement.objects.filter(digest=sha256_hex(simple), type=Type.SIMPLE_RESULT).first()
    return [
        said or _keep(simple, Type.SIMPLE_RESULT, revision=revision, now=now),
        _keep(summary, Type.SUMMARY, revision=revision, now=now),
    ]


def sign_break_glass_outcome(
    *, statement_digest: str, subject: Sequence[dict[str, Any]], environment_slug: str, policy_digest: str, now: datetime
) -> OutcomeStatement:
    """Sign that somebody broke the glass for `subject`, for the transaction of that act. It never says that people approved.

    `statement_digest` is the SHA-256 (hex) of the payload that the person signed, `subject` its subject. Refuses with `outcome.malformed`.
    """
    facts = OutcomeFacts(
        subject=list(subject),
        verifier=settings.ORIGIN,
        policy=policy_digest,
        properties=(BREAK_GLASS, environment_property(environment_slug)),
        at=now,
    )
    return _keep(build_simple_result(facts), Type.SIMPLE_RESULT, about=statement_digest, now=now)


def _keep(
    payload: bytes, kind: OutcomeStatement.Type, *, now: datetime, revision: Revision | None = None, about: str = ""
) -> OutcomeStatement:
    envelope = recorder_key().sign(payload)
    entry = append_dsse(event="outcome", envelope=envelope, now=now)
    return OutcomeStatement.objects.create(
        revision=revision,
        about=about,
        type=kind,
        envelope=canonical_bytes(envelope),
        digest=sha256_hex(payload),
        entry=entry,
        signed_at=now,
    )
