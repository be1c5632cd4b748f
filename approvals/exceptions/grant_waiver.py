"""Grant an approved waiver, in the transaction of the answer that completed it.

The portal signs that it did, and names the records of those who approved. Called by the act that keeps an answer, which holds the
request's row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings

from approvals.exceptions.derive_policy import terms_asked
from approvals.models import Approval, Request, Waiver
from identities.models import Identity
from ledger.append import append_dsse
from ledger.recorder import recorder_key
from proofs.approval.portal_statement import WAIVER_TYPE, build_portal_statement
from proofs.approval.waiver_terms import build_waiver
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Conflict


def grant_waiver(*, request: Request, approvals: Sequence[Approval], now: datetime) -> Waiver:
    """Write the waiver that `approvals` of an exception call for, and its entry in the ledger.

    Refuses with `waiver.over` when the moment until which it was asked for has passed, and with `waiver.exists`.
    """
    assert request.subject is not None
    terms, subject = terms_asked(request), request.subject
    if terms.until <= now:
        raise Conflict(
            "waiver.over", f"the exception was asked for until {terms.until:%Y-%m-%d %H:%M} UTC, which has passed; ask for it anew"
        )
    if Waiver.objects.filter(pk=subject.digest).exists():
        raise Conflict("waiver.exists", "exactly this was waived before; ask for another end")
    payload = build_portal_statement(
        predicate_type=WAIVER_TYPE,
        document=build_waiver(terms),
        request=request.pk,
        records=[approval.record.digest for approval in approvals],
        at=now,
        portal=settings.ORIGIN,
    )
    envelope = recorder_key().sign(payload)
    entry = append_dsse(event="waiver.granted", envelope=envelope, now=now)
    return Waiver.objects.create(
        digest=sha256_hex(build_waiver(terms)),
        request=request,
        policy_id=terms.policy_id,
        rule_id=terms.rule_id,
        project=request.project,
        environment=request.environment,
        owner=Identity.objects.get(issuer=terms.owner[0], subject=terms.owner[1]),
        until=terms.until,
        agreed_under=approvals[0].revision.policy_id,
        document=subject,
        statement=canonical_bytes(envelope),
        entry=entry,
        granted_at=now,
    )
