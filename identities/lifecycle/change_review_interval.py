"""Say how often a program is looked at again. When that is next follows from it and from the last time."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from identities.chronicle import append_identity_event
from identities.lifecycle.change_status import demand_stewardship, reason_of
from identities.models import REVIEW_EVERY_DAYS, Identity
from proofs.errors import Conflict, Malformed

LONGEST_INTERVAL_DAYS = 366


@transaction.atomic
def change_review_interval(*, identity: Identity, days: int, reason: str, by: Identity | None, now: datetime) -> Identity:
    """Have a program looked at every `days` days; the same number again changes nothing.

    Refuses with `identity.review_interval`, `identity.person`, `identity.retired`, `identity.reason`, `identity.oneself` or `permission.missing`.
    """
    demand_stewardship(identity, by)
    said = reason_of(reason)
    if not 1 <= days <= LONGEST_INTERVAL_DAYS:
        raise Malformed("identity.review_interval", f"got {days} days, expected 1 to {LONGEST_INTERVAL_DAYS}")
    row = Identity.objects.select_for_update(no_key=True, of=("self",)).select_related("team", "owner").get(pk=identity.pk)
    if row.is_person:
        raise Malformed("identity.person", f"{row} is a person; people hold roles, and only programs are recertified")
    if row.status == Identity.Status.RETIRED:
        raise Conflict("identity.retired", f"{row} is retired, and that stays; nobody needs to look at it again")
    before = row.review_every_days or REVIEW_EVERY_DAYS
    if before == days:
        return row
    row.review_every_days = days
    row.save(update_fields=["review_every_days"])
    document = {"identity": row.pk, "before": before, "days": days, "reason": said}
    append_identity_event(event="identity.review_interval_changed", document=document, by=by, now=now)
    return row
