"""End a recovery before it came to anything: the person takes it back, or an officer says no."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from identities.chronicle import append_identity_event
from identities.models import Identity, KeyRecovery
from identities.people.officers import demand_officer
from proofs.errors import Conflict


@transaction.atomic
def end_recovery(*, recovery: KeyRecovery, by: Identity | None, now: datetime) -> KeyRecovery:
    """End it for good; ending it again changes nothing. `by` is None at the server's own console.

    Refuses with `permission.missing` unless `by` is the person or an officer, and with `recovery.used` once the key is enrolled.
    """
    row = KeyRecovery.objects.select_for_update(no_key=True, of=("self",)).select_related("identity").get(pk=recovery.pk)
    if by is not None and by.pk != row.identity_id:
        by = demand_officer(by, action="recoveries.decide")
    if row.used_at is not None:
        raise Conflict("recovery.used", "the new key is enrolled already; whoever doubts it revokes that key or suspends the person")
    if row.ended_at is None:
        _end(row, because="taken_back" if by is not None and by.pk == row.identity_id else "refused", by=by, now=now)
    return row


def end_expired(*, identity: Identity, now: datetime) -> None:
    """End what ran out, so that another can be opened; in the caller's transaction, which holds the person's row."""
    for row in KeyRecovery.objects.filter(identity=identity, ended_at__isnull=True, used_at__isnull=True, expires_at__lte=now):
        _end(row, because="expired", by=identity, now=now)


def _end(row: KeyRecovery, *, because: str, by: Identity | None, now: datetime) -> None:
    row.ended_at, row.ended_by = now, by
    row.save(update_fields=["ended_at", "ended_by"])
    document = {"recovery": row.pk, "identity": row.identity_id, "because": because}
    append_identity_event(event="recovery.ended", document=document, by=by, now=now)
