"""Revoke an approval: offer the statement, and end the approval when whoever has to has signed.

Its own approver signs alone, at any time. Somebody else's approval takes two holders of approver:security; the first signature is kept and
changes nothing. A revocation also counts after a gate has acted: from then on. What the portal ends by itself is `revoke_by_portal`.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.urls import reverse

from approvals.models import Approval, ApprovalEnd, ApprovalRevocation, SignedStatement, StatementCeremony
from approvals.requests.revise import lock_state
from approvals.requests.status import refresh_state
from approvals.revocation.may_revoke import is_enough, refuse_if_not_revocable
from approvals.signing.approval_statement import SigningSession
from approvals.statements.begin_statement import begin_statement
from approvals.statements.kinds import StatementKind
from attestations.blobs import store_blob
from identities.actors import actor_of, portal_actor
from identities.models import Identity, SigningKey
from ledger.append import append_event
from proofs.approval.person_statement import REVOCATION_REASONS, PersonStatement, Revocation
from proofs.canonical import canonical_bytes
from proofs.errors import Malformed, Unproven
from proofs.moment import rfc3339

REVOKED = "approval.revoked"
REASON_WORDS = {
    "approver_withdrew": "the approver withdrew it",
    "artifact_bad": "the artifact turned out bad",
    "evidence_invalid": "its evidence is not valid",
    "key_compromise": "the key was compromised",
    "policy_error": "the policy was wrong",
    "sod_found_later": "the duties were not separated",
}


@transaction.atomic
def begin_revocation(
    *, approval: Approval, reason: str, justification: str, key: SigningKey, session: SigningSession, by: Identity, now: datetime
) -> StatementCeremony:
    """Return the ceremony that offers `by` the revocation to sign. Refuses as `refuse_if_not_revocable` and `begin_statement` do."""
    request = approval.revision.request
    lock_state(request, now=now)
    refuse_if_not_revocable(approval=_read(approval.pk), by=by)
    if reason not in REVOCATION_REASONS:
        raise Malformed("revocation.reason", f"got {reason[:40]!r}, expected one of {', '.join(REVOCATION_REASONS)}")
    if reason == "approver_withdrew" and approval.identity_id != by.pk:
        raise Malformed("revocation.reason", "only the approver withdraws an approval; give the reason why you revoke it")
    return begin_statement(
        body=Revocation((approval.payload_digest,), reason),
        about=approval.pk,
        justification=justification,
        summary=f"Revoke the approval that {approval.identity.name[:200]} gave: {REASON_WORDS[reason]}",
        key=key,
        session=session,
        by=by,
        now=now,
        project=request.project,
    )


def _lock(ceremony: StatementCeremony, now: datetime) -> None:
    lock_state(_read(ceremony.about).revision.request, now=now)


def _refuse(ceremony: StatementCeremony, statement: PersonStatement, now: datetime) -> None:
    approval = _read(ceremony.about)
    body = statement.body
    if not isinstance(body, Revocation) or body.approvals != (approval.payload_digest,):
        raise Unproven("statement.altered", "the stored statement revokes something else than its ceremony is about")
    refuse_if_not_revocable(approval=approval, by=ceremony.identity)


def _keep(signed: SignedStatement, statement: PersonStatement, now: datetime) -> None:
    approval = _read(signed.ceremony.about)
    assert isinstance(statement.body, Revocation)
    ApprovalRevocation.objects.create(signed=signed, approval=approval, reason=statement.body.reason)
    if is_enough(approval):
        words = f"{approval.identity} approved, and it was revoked at {now:%Y-%m-%d %H:%M} UTC: {REASON_WORDS[statement.body.reason]}"
        end_revoked(approval=approval, words=words, reason=statement.body.reason, by=signed.identity, now=now)


def end_revoked(*, approval: Approval, words: str, reason: str, by: Identity | None, now: datetime, also: str = "") -> ApprovalEnd:
    """End an approval as revoked, with its ledger entry. The caller holds its request, and has asked who may.

    `by` is None where the portal does it by itself; then `also` is the digest of its own statement.
    """
    signed = [row.signed.payload_digest for row in approval.revocations.select_related("signed").order_by("signed__entry_id")]
    signed += [also] if also else []
    document = canonical_bytes(
        {
            "schema": "countersign-approval-revoked/v1",
            "approval": approval.pk,
            "payload": {"sha256": approval.payload_digest},
            "reason": reason,
            "statements": [{"sha256": digest} for digest in signed],
            "at": rfc3339(now),
        }
    )
    actor = actor_of(by) if by is not None else portal_actor()
    entry = append_event(event=REVOKED, ref_digest=store_blob(document, now).digest, actor=actor, now=now)
    end = ApprovalEnd.objects.create(approval=approval, code=REVOKED, sentence=words[:400], entry=entry, ended_at=now)
    refresh_state(lock_state(approval.revision.request, now=now), now=now)
    return end


def _page(ceremony: StatementCeremony) -> str:
    return reverse("approvals:record", args=[_read(ceremony.about).record.digest])


def _read(approval_id: str) -> Approval:
    rows = Approval.objects.select_related("revision__request__project__team", "identity", "end", "record")
    return rows.get(pk=approval_id)


REVOCATIONS = StatementKind(lock=_lock, refuse=_refuse, keep=_keep, page=_page)
