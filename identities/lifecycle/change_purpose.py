"""Say anew what a program is for. Its rights stay as they are; whoever looks at them next measures them by the new words."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from identities.chronicle import append_identity_event
from identities.lifecycle.change_status import demand_stewardship, reason_of
from identities.models import Identity
from identities.plain_text import plain_text
from proofs.errors import Conflict, Malformed

MAX_PURPOSE = 300


@transaction.atomic
def change_purpose(*, identity: Identity, purpose: str, reason: str, by: Identity | None, now: datetime) -> Identity:
    """Give a program another purpose; the same words change nothing.

    Refuses with `identity.person`, `identity.purpose`, `identity.retired`, `identity.reason`, `identity.oneself` or `permission.missing`.
    """
    demand_stewardship(identity, by)
    said, words = reason_of(reason), plain_text(purpose, what="identity.purpose", code="identity.purpose", limit=MAX_PURPOSE)
    row = Identity.objects.select_for_update(no_key=True, of=("self",)).get(pk=identity.pk)
    if row.is_person:
        raise Malformed("identity.person", f"{row} is a person, and people have roles instead of a purpose")
    if row.status == Identity.Status.RETIRED:
        raise Conflict("identity.retired", f"{row} is retired, and that stays")
    if row.purpose == words:
        return row
    before, row.purpose = row.purpose, words
    row.save(update_fields=["purpose"])
    # The words themselves may name people or places, so the entry's document holds them and the ledger only its digest.
    document = {"identity": row.pk, "before": before, "purpose": words, "reason": said}
    append_identity_event(event="identity.purpose_changed", document=document, by=by, now=now)
    return row
