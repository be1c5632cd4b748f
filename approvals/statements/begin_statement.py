"""Offer one person one exact statement to sign, once, for minutes.

The inner act of every statement beside an answer. Whether the person may say it is asked by the acts that call this, and again by
`approvals.statements.complete_statement`.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from approvals.models import StatementCeremony, new_statement_ceremony_id
from approvals.signing.approval_statement import SigningSession, approver_of
from approvals.signing.begin_signing import get_head
from approvals.signing.entitlement import refuse_if_cooling_off, refuse_if_key_unusable
from approvals.statements.kinds import kind_of
from identities.models import Identity, Project, SigningKey
from identities.permissions import list_held_roles, roles_of
from proofs.approval.approval_parts import ApprovedArtifact, LogHead, SignerReference, SigningCeremony, Validity
from proofs.approval.person_statement import Body, BreakGlass, PersonStatement, build_person_statement, subjects_of, type_of
from proofs.digest import sha256_hex
from proofs.encoding import b64url_encode
from proofs.errors import Malformed


@transaction.atomic
def begin_statement(
    *,
    body: Body,
    about: str,
    justification: str,
    summary: str,
    key: SigningKey,
    session: SigningSession,
    by: Identity,
    now: datetime,
    project: Project | None = None,
    artifacts: Sequence[ApprovedArtifact] = (),
    valid_for: timedelta | None = None,
) -> StatementCeremony:
    """Return the ceremony that offers `by` the statement to sign with `key`. `about` is the id of what it is about; `artifacts` go with a break-glass.

    A statement without `valid_for` counts from when it is recorded; its `notAfter` is then when it can be signed no more. Refuses with
    `statement.reason_missing`, `statement.malformed`, `statement.unknown_kind`, `signer.*` for a key that may not be used, and `log.pending`.
    """
    now = now.replace(microsecond=0)
    kind_of(type_of(body))
    if not justification.strip():
        raise Malformed("statement.reason_missing", "say why in a sentence; it is signed with the rest")
    refuse_if_key_unusable(key, by)
    if isinstance(body, BreakGlass):
        refuse_if_cooling_off(key, tier=body.environment.tier, now=now)
    head = get_head()
    ceremony_id, expires_at = new_statement_ceremony_id(), now + timedelta(seconds=settings.CEREMONY_SECONDS)
    roles = roles_of(by, project=project) if project else list_held_roles(by)
    payload = build_person_statement(
        PersonStatement(
            subjects=tuple(artifacts) if isinstance(body, BreakGlass) else subjects_of(body),
            body=body,
            person=approver_of(by, roles, session, now),
            signer=SignerReference(key.key_id, key.algorithm, key.enrollment_digest),
            justification=justification.strip(),
            validity=Validity(now, now, now + valid_for if valid_for else expires_at),
            summary=summary,
            renderer_version=settings.VERSION,
            ceremony=SigningCeremony(
                id=ceremony_id,
                nonce=b64url_encode(secrets.token_bytes(32)),
                rp_id=settings.RP_ID,
                origin=settings.ORIGIN,
                expires_at=expires_at,
                log_head=LogHead(settings.LOG_ORIGIN, head.size, bytes(head.root)),
            ),
        )
    )
    return StatementCeremony.objects.create(
        id=ceremony_id,
        kind=type_of(body),
        about=about,
        project=project,
        identity=by,
        signing_key=key,
        payload=payload,
        payload_digest=sha256_hex(payload),
        session_hash=session.session_hash,
        begun_at=now,
        expires_at=expires_at,
    )
