"""Plain makers for what a person signs beside an answer."""

from __future__ import annotations

from datetime import datetime

from approvals.models import Approval, SignedStatement, StatementCeremony
from approvals.revocation.revoke_approval import begin_revocation
from approvals.signing.verify_signature import parse_assertion
from approvals.statements.complete_statement import complete_statement
from identities.models import Identity, SigningKey
from tests import make_approvals as make
from tests.passkey import TRUTH, Lie, SoftPasskey
from tests.retell import retold

NOW = make.NOW


@retold
def passkey_of(person: Identity, *, now: datetime = NOW) -> tuple[SoftPasskey, SigningKey]:
    """The person's newest live passkey made here, or a fresh one."""
    live = SigningKey.objects.filter(identity=person, revoked_at=None).order_by("-enrolled_at")
    key = next((each for each in live if each.pk in make._PASSKEYS), None)
    return (make._PASSKEYS[key.pk], key) if key else make.enrol(person, now=now)


@retold
def begin(
    approval: Approval, by: Identity, *, reason: str = "artifact_bad", why: str = "The export leaks names.", now: datetime = NOW
) -> StatementCeremony:
    """Begin to revoke an approval."""
    key = passkey_of(by, now=now)[1]
    return begin_revocation(approval=approval, reason=reason, justification=why, key=key, session=make.session(now=now), by=by, now=now)


@retold
def complete(ceremony: StatementCeremony, *, lie: Lie = TRUTH, by: Identity | None = None, now: datetime = NOW) -> SignedStatement:
    """Sign what a ceremony offers, truthfully unless told otherwise."""
    return complete_statement(
        ceremony_id=ceremony.pk,
        session_hash=make.session().session_hash,
        assertion=parse_assertion(make.posted(make._PASSKEYS[ceremony.signing_key_id], bytes(ceremony.payload), lie)),
        by=by or ceremony.identity,
        now=now,
    )


@retold
def revoke(approval: Approval, by: Identity, *, now: datetime = NOW) -> SignedStatement:
    """Revoke an approval, or sign the first of the two that it takes."""
    return complete(begin(approval, by, now=now), now=now)
