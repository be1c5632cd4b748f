"""Agree to a recovery. Two officers do, neither of them the person; nobody ever enrols a key for somebody else.

Where fewer than two other people are officers, the operator at the console stands in for one. The ledger, the page and the enrolment
statement say that it was the operator. The operator alone is never enough: make somebody an officer first.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from identities.chronicle import append_identity_event
from identities.keys.recoveries import ENDED, EXPIRED, USED, RecoveryStanding, standing_of
from identities.models import Identity, KeyRecovery, RecoveryConsent
from identities.people.officers import demand_officer, list_officers
from proofs.errors import Conflict, NotAllowed
from proofs.moment import rfc3339


@transaction.atomic
def consent_to_recovery(*, recovery: KeyRecovery, by: Identity | None, now: datetime) -> RecoveryStanding:
    """Keep one consent; the same officer's again changes nothing. `by` is None at the server's own console.

    Refuses with `permission.missing`, `recovery.own`, `recovery.officers_decide` for the operator where two others are officers,
    `recovery.ended`, `recovery.used`, `recovery.expired`. Not checked: that the officer proved themselves just now; the page does.
    """
    # Two officers at the same moment: the second waits here and then counts the first one's consent.
    row = KeyRecovery.objects.select_for_update(no_key=True, of=("self",)).select_related("identity").get(pk=recovery.pk)
    if by is not None:
        by = demand_officer(by, action="recoveries.decide")
        if by.pk == row.identity_id:
            raise NotAllowed("recovery.own", "This recovery is your own; two other officers agree to it.")
    elif list_officers().exclude(pk=row.identity_id).count() >= 2:
        raise NotAllowed("recovery.officers_decide", "there are two officers who can be asked; the console stands in for nobody")
    standing = standing_of(row, now=now)
    _refuse_what_is_over(standing)
    if _has_consented(row, by):
        return standing
    if by is None:
        row.operator_consented_at = now
        row.save(update_fields=["operator_consented_at"])
    else:
        RecoveryConsent.objects.create(recovery=row, officer=by, consented_at=now)
    document = {"recovery": row.pk, "identity": row.identity_id, "consentOf": by.pk if by else "operator"}
    append_identity_event(event="recovery.consented", document=document, by=by, now=now)
    return standing_of(row, now=now)


def _has_consented(row: KeyRecovery, by: Identity | None) -> bool:
    return row.consents.filter(officer=by).exists() if by is not None else row.operator_consented_at is not None


def _refuse_what_is_over(standing: RecoveryStanding) -> None:
    row = standing.recovery
    if standing.state == USED:
        raise Conflict("recovery.used", "the new key is enrolled already")
    if standing.state == ENDED:
        raise Conflict("recovery.ended", "this recovery was ended; the person opens another one")
    if standing.state == EXPIRED:
        raise Conflict("recovery.expired", f"this recovery ran out at {rfc3339(row.expires_at)}; the person opens another one")
