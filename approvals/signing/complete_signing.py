"""Complete a signing ceremony: verify the person's assertion, keep the approval, sign the record, append it to the ledger.

All of it in one transaction, with the ceremony's row locked. An assertion that does not verify uses the ceremony up and is written
down: a failed signature is evidence too, and the person begins again. The steps, in this order:

1. The ceremony is this person's, in this session, neither used nor over.     ceremony.not_yours, ceremony.used, ceremony.expired
2. The stored statement is the one that was offered.                          approval.altered
3. What was checked at the beginning still holds, all of it.                  as `approvals.signing.begin_signing`
4. The assertion is this key's, over exactly this statement.                  webauthn.*
5. The key was enrolled for this person, and the level is enough.             signer.*, assurance.too_low
   (A sign-in in place of a key: `approvals.signing.complete_by_sign_in`.)
6. Approval, record and ledger entry are kept together, with what a completed change of the rules does; and, where people have approved
   enough now, what the portal says of it.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from approvals.models import Approval, ApprovalInStead, Ceremony, Delegation, Record, StatementCeremony
from approvals.outcome.sign_outcome import sign_outcome
from approvals.requests.policy_for import policy_for
from approvals.requests.refresh import is_outdated
from approvals.requests.revise import lock_state
from approvals.requests.standing_in import named_delegation
from approvals.requests.status import compute_standing, refresh_state
from approvals.seen.signals_seen import note_seen
from approvals.signing.acknowledge import refuse_if_moved
from approvals.signing.digest_tail import take_tails, typed_in
from approvals.signing.entitlement import (
    Decision,
    get_current_revision,
    refuse_if_answered,
    refuse_if_key_unusable,
    refuse_if_not_entitled,
    refuse_if_not_possible,
)
from approvals.signing.take_effect import refuse_if_in_effect, take_effect
from approvals.signing.verify_signature import GivenAssertion, keep_sign_count, signature_columns, verify_signature
from attestations.blobs import bytes_of, store_blob
from identities.actors import actor_of
from identities.models import Identity
from ledger.append import append_dsse, append_event
from ledger.recorder import recorder_key
from proofs.approval.approval_parts import HumanApproval
from proofs.approval.assurance import reaches_level
from proofs.approval.human_approval import parse_human_approval
from proofs.approval.passkey import Assertion
from proofs.approval.record import CHECKS, TokenReference, build_record
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Conflict, NotAllowed, NotFound, Refusal, Unproven
from proofs.policy.evaluate import parse_policy


@dataclass(frozen=True)
class Answered:
    """A verified answer: its level, what the record holds of it, the checks that held, and the columns of the approval it fills."""

    level: str
    signature: Assertion | TokenReference
    checks: tuple[str, ...]
    columns: dict[str, Any]
    # None where no key signed.
    sign_count: int | None = None
    why_no_more: str = ""


# Verifies what somebody gave for a statement: step 4, and whose it is.
Verify = Callable[[Ceremony, HumanApproval], Answered]


def complete_signing(*, ceremony_id: str, session_hash: str, assertion: GivenAssertion, by: Identity, now: datetime) -> Approval:
    """Keep one person's verified answer, its record and its ledger entry; return the approval.

    Refuses with the codes above. A refusal from step 2 on is kept on the ceremony and in the ledger, and the ceremony is used up.
    """

    def answer(ceremony: Ceremony, statement: HumanApproval) -> Answered:
        return _verify_assertion(ceremony, statement, assertion)

    return complete_ceremony(ceremony_id=ceremony_id, session_hash=session_hash, answer=answer, by=by, now=now)


def complete_ceremony(*, ceremony_id: str, session_hash: str, answer: Verify, by: Identity, now: datetime) -> Approval:
    """Take the steps above with `answer` for what the person gave; what it refuses is kept like any refusal."""
    now = now.replace(microsecond=0)
    refusal: Refusal | None = None
    with transaction.atomic():
        ceremony = _lock_ceremony(ceremony_id, session_hash, by, now)
        ceremony.consumed_at = now
        try:
            with transaction.atomic():
                approval = _answer(ceremony, answer, now)
        except Refusal as refused:
            # The refusal travels on only after the transaction that keeps it has been committed.
            refusal = refused
            keep_refusal(ceremony, refused, now)
        ceremony.save(update_fields=["consumed_at", "refused_code"])
    if refusal is not None:
        raise refusal
    return approval


def _lock_ceremony(ceremony_id: str, session_hash: str, by: Identity, now: datetime) -> Ceremony:  # 1
    found = Ceremony.objects.filter(pk=ceremony_id).select_related("revision__request").first()
    if found is None:
        raise NotFound("ceremony.unknown", "there is no such ceremony")
    # First the request, then the ceremony: every act takes its locks in this order.
    lock_state(found.revision.request, now=now)
    ceremony = Ceremony.objects.select_for_update(no_key=True).get(pk=ceremony_id)
    if ceremony.identity_id != by.pk or not hmac.compare_digest(ceremony.session_hash, session_hash):
        raise NotAllowed("ceremony.not_yours", "this ceremony was begun by somebody else, or in another sign-in session")
    if ceremony.consumed_at is not None:
        raise Conflict("ceremony.used", "this ceremony was used already; a statement is offered for signing once")
    if now >= ceremony.expires_at:
        raise Conflict("ceremony.expired", "the time to sign is over and nothing was signed; go back to the request and start again")
    return ceremony


def _answer(ceremony: Ceremony, verify: Verify, now: datetime) -> Approval:
    by, request = ceremony.identity, ceremony.revision.request
    statement = _read_statement(ceremony)  # 2
    state = refresh_state(lock_state(request, now=now), now=now)
    revision = get_current_revision(request)
    if revision.pk != ceremony.revision_id or is_outdated(revision, now=now):  # 3
        raise Conflict("request.stale_snapshot", "this request has changed since the statement was offered; read the new page, then decide")
    policy = parse_policy(bytes_of(revision.policy.document)).for_kind(revision.request.kind)
    in_stead = _lock_delegation(statement)
    refuse_if_not_entitled(request=request, revision=revision, policy=policy, by=by, now=now, in_stead=in_stead)
    refuse_if_in_effect(request)
    refuse_if_answered(revision, by)
    refuse_if_not_possible(state, revision, ceremony.decision, statement.justification)
    refuse_if_moved(revision, ceremony.decision)
    take_tails(revision, ceremony.decision, typed_in(ceremony))
    answered = verify(ceremony, statement)  # 4
    if ceremony.decision == Decision.APPROVE and not reaches_level(answered.level, policy.minimum_assurance):  # 5
        reason = f"this answer reaches level {answered.level}{answered.why_no_more}, the policy wants {policy.minimum_assurance}"
        raise Unproven("assurance.too_low", reason)
    approval = _keep_approval(ceremony, statement, answered, now)  # 6
    note_seen(answer=approval, now=now)
    if in_stead is not None:
        ApprovalInStead.objects.create(approval=approval, revision=revision, delegation=in_stead, person=in_stead.delegator)
    if answered.sign_count is not None:
        # Before the record: whoever revokes the key holds it and waits for the ledger.
        key_id, digest = str(approval.signing_key_id), approval.payload_digest
        keep_sign_count(key_id=key_id, sign_count=answered.sign_count, payload_digest=digest, by=by, now=now)
    _keep_record(approval, answered, now)
    if policy_for(request).digest != revision.policy_id:
        # The ledger is held by now: whoever changed the policy meanwhile has written that down before this answer, or waits for it.
        raise Conflict("request.stale_snapshot", "another policy came into force while you signed; read the new page, then decide")
    state = refresh_state(lock_state(request, now=now), now=now)
    take_effect(state=state, now=now)
    standing = compute_standing(request, now=now)
    if standing.status == standing.status.APPROVED:
        sign_outcome(revision=revision, approvals=[answer for answer in standing.counting if answer.not_after > now], now=now)
    return approval


def _read_statement(ceremony: Ceremony) -> HumanApproval:
    payload = bytes(ceremony.payload)
    if sha256_hex(payload) != ceremony.payload_digest:
        raise Unproven("approval.altered", "the stored statement is not the one that was offered")
    statement = parse_human_approval(payload)
    if (statement.review.snapshot_digest, statement.decision) != (ceremony.revision.snapshot_id, ceremony.decision):
        raise Unproven("approval.altered", "the stored statement names another snapshot or decision than its ceremony")
    return statement


def _lock_delegation(statement: HumanApproval) -> Delegation | None:
    """Hold the delegation that an answer names: whoever takes it back waits for the answer, or has done so before it."""
    if statement.standing_in_for is None:
        return None
    found = named_delegation(statement.standing_in_for)
    Delegation.objects.select_for_update(no_key=True, of=("self",)).get(pk=found.pk)
    return named_delegation(statement.standing_in_for)


def _verify_assertion(ceremony: Ceremony, statement: HumanApproval, given: GivenAssertion) -> Answered:
    by, key, payload = ceremony.identity, ceremony.signing_key, bytes(ceremony.payload)
    if key is None:
        raise Conflict("ceremony.needs_sign_in", "this statement was offered for a sign-in at your identity provider, not to a key")
    refuse_if_key_unusable(key, by)
    verified = verify_signature(payload=payload, statement=statement, given=given, key=key, by=by)
    columns = {"signing_key": key, **signature_columns(payload=payload, given=given, verified=verified)}
    return Answered(verified.level, verified.assertion, CHECKS, columns, sign_count=verified.sign_count)


def keep_refusal(ceremony: Ceremony | StatementCeremony, refusal: Refusal, now: datetime) -> None:
    """Write down on a ceremony and in the ledger why nothing came of it."""
    ceremony.refused_code = refusal.code[:80]
    document = canonical_bytes(
        {
            "schema": "countersign-refused-ceremony/v1",
            "ceremony": ceremony.pk,
            "payload": {"sha256": ceremony.payload_digest},
            "code": refusal.code,
        }
    )
    blob = store_blob(document, now)
    append_event(event="approval.refused", ref_digest=blob.digest, actor=actor_of(ceremony.identity), now=now)


def _keep_approval(ceremony: Ceremony, statement: HumanApproval, answered: Answered, now: datetime) -> Approval:
    return Approval.objects.create(
        ceremony=ceremony,
        revision=ceremony.revision,
        identity=ceremony.identity,
        decision=ceremony.decision,
        payload=bytes(ceremony.payload),
        payload_digest=ceremony.payload_digest,
        level=answered.level,
        not_after=statement.validity.not_after,
        signed_at=now,
        **answered.columns,
    )


def _keep_record(approval: Approval, answered: Answered, now: datetime) -> Record:
    payload = build_record(
        payload=bytes(approval.payload),
        assertion=answered.signature,
        assurance=answered.level,
        checked_at=now,
        checks=answered.checks,
        verifier_version=settings.VERSION,
        portal=settings.ORIGIN,
    )
    envelope = recorder_key().sign(payload)
    entry = append_dsse(event="record", envelope=envelope, now=now)
    return Record.objects.create(
        approval=approval, digest=sha256_hex(payload), envelope=canonical_bytes(envelope), entry=entry, recorded_at=now
    )
