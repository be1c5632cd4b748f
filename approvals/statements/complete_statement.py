"""Complete a statement's ceremony: verify the assertion, keep the statement, its record and what comes of it, in one transaction.

The steps, in this order; an assertion that does not verify uses the ceremony up and is written down:

1. The ceremony is this person's, in this session, neither used nor over.     ceremony.not_yours, ceremony.used, ceremony.expired
2. The stored statement is the one that was offered.                          statement.altered
3. What was asked at the beginning still holds.                               as the kind's `refuse` does
4. The assertion is this key's, over exactly this statement.                  webauthn.*, signer.*
5. The level is enough for what it does.                                      assurance.too_low
6. Statement, record, ledger entry and what comes of it are kept together.
"""

from __future__ import annotations

import hmac
from datetime import datetime

from django.conf import settings
from django.db import transaction

from approvals.models import SignedStatement, StatementCeremony
from approvals.signing.complete_signing import keep_refusal
from approvals.signing.entitlement import refuse_if_key_unusable
from approvals.signing.verify_signature import GivenAssertion, VerifiedSignature, keep_sign_count, signature_columns, verify_signature
from approvals.statements.kinds import kind_of
from identities.models import Identity
from ledger.append import append_dsse
from ledger.recorder import recorder_key
from proofs.approval.assurance import reaches_level
from proofs.approval.person_statement import PersonStatement, parse_person_statement
from proofs.approval.record import PERSON_CHECKS, build_record
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Conflict, NotAllowed, NotFound, Refusal, Unproven


def complete_statement(*, ceremony_id: str, session_hash: str, assertion: GivenAssertion, by: Identity, now: datetime) -> SignedStatement:
    """Keep one person's verified statement and what comes of it. Refuses with the codes above; from step 2 on the refusal is kept."""
    now = now.replace(microsecond=0)
    refusal: Refusal | None = None
    with transaction.atomic():
        ceremony = _lock_ceremony(ceremony_id, session_hash, by, now)
        ceremony.consumed_at = now
        try:
            with transaction.atomic():
                signed = _keep(ceremony, assertion, now)
        except Refusal as refused:
            # The refusal travels on only after the transaction that keeps it has been committed.
            refusal = refused
            keep_refusal(ceremony, refused, now)
        ceremony.save(update_fields=["consumed_at", "refused_code"])
    if refusal is not None:
        raise refusal
    return signed


def _lock_ceremony(ceremony_id: str, session_hash: str, by: Identity, now: datetime) -> StatementCeremony:  # 1
    found = StatementCeremony.objects.filter(pk=ceremony_id).first()
    if found is None:
        raise NotFound("ceremony.unknown", "there is no such ceremony")
    if found.identity_id != by.pk or not hmac.compare_digest(found.session_hash, session_hash):
        raise NotAllowed("ceremony.not_yours", "this ceremony was begun by somebody else, or in another sign-in session")
    kind_of(found.kind).lock(found, now)
    ceremony = StatementCeremony.objects.select_for_update(no_key=True).get(pk=ceremony_id)
    if ceremony.consumed_at is not None:
        raise Conflict("ceremony.used", "this ceremony was used already; a statement is offered for signing once")
    if now >= ceremony.expires_at:
        raise Conflict("ceremony.expired", "the time to sign is over and nothing was signed; go back and start again")
    return ceremony


def _keep(ceremony: StatementCeremony, given: GivenAssertion, now: datetime) -> SignedStatement:
    kind, by, payload = kind_of(ceremony.kind), ceremony.identity, bytes(ceremony.payload)
    statement = _read_statement(ceremony, payload)  # 2
    kind.refuse(ceremony, statement, now)  # 3
    refuse_if_key_unusable(ceremony.signing_key, by)
    verified = verify_signature(payload=payload, statement=statement, given=given, key=ceremony.signing_key, by=by)  # 4
    if not reaches_level(verified.level, kind.minimum_level):  # 5
        raise Unproven("assurance.too_low", f"this signature reaches level {verified.level}, expected at least {kind.minimum_level}")
    keep_sign_count(key_id=ceremony.signing_key_id, sign_count=verified.sign_count, payload_digest=ceremony.payload_digest, by=by, now=now)
    signed = _keep_signed(ceremony, given, verified, now)  # 6
    kind.keep(signed, statement, now)
    return signed


def _read_statement(ceremony: StatementCeremony, payload: bytes) -> PersonStatement:
    if sha256_hex(payload) != ceremony.payload_digest:
        raise Unproven("statement.altered", "the stored statement is not the one that was offered")
    statement = parse_person_statement(payload)
    if statement.type != ceremony.kind:
        raise Unproven("statement.altered", "the stored statement is of another type than its ceremony")
    return statement


def _keep_signed(ceremony: StatementCeremony, given: GivenAssertion, verified: VerifiedSignature, now: datetime) -> SignedStatement:
    payload = bytes(ceremony.payload)
    record = build_record(
        payload=payload,
        assertion=verified.assertion,
        assurance=verified.level,
        checked_at=now,
        checks=PERSON_CHECKS,
        verifier_version=settings.VERSION,
        portal=settings.ORIGIN,
    )
    envelope = recorder_key().sign(record)
    entry = append_dsse(event="record", envelope=envelope, now=now)
    return SignedStatement.objects.create(
        ceremony=ceremony,
        kind=ceremony.kind,
        project=ceremony.project,
        identity=ceremony.identity,
        signing_key=ceremony.signing_key,
        payload=payload,
        payload_digest=ceremony.payload_digest,
        level=verified.level,
        record_digest=sha256_hex(record),
        envelope=canonical_bytes(envelope),
        entry=entry,
        signed_at=now,
        **signature_columns(payload=payload, given=given, verified=verified),
    )
