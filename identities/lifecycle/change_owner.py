"""Give a program another person to answer for it. An orphan answers for its signatures again from then on."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from identities.chronicle import append_identity_event
from identities.lifecycle.change_status import demand_stewardship, order_another_look, reason_of
from identities.models import Identity
from proofs.errors import Conflict, Malformed


@transaction.atomic
def change_owner(*, identity: Identity, owner: Identity, reason: str, by: Identity | None, now: datetime) -> Identity:
    """Make `owner` answer for `identity`; the same owner again changes nothing.

    Refuses with `identity.person`, `identity.retired`, `identity.owner`, `identity.reason`, `identity.oneself` or `permission.missing`.
    Not checked: that the owner agreed.
    """
    demand_stewardship(identity, by)
    said = reason_of(reason)
    row = Identity.objects.select_for_update(no_key=True, of=("self",)).select_related("team", "owner").get(pk=identity.pk)
    new = Identity.objects.get(pk=owner.pk)
    if row.is_person:
        raise Malformed("identity.person", f"{row} is a person, and people answer for themselves")
    if row.status == Identity.Status.RETIRED:
        raise Conflict("identity.retired", f"{row} is retired, and that stays; nobody needs to answer for it")
    if not new.is_person or new.status != Identity.Status.ACTIVE:
        raise Conflict("identity.owner", f"got {new} as owner, expected an active person who answers for {row}")
    if row.owner_id == new.pk:
        return row
    before, row.owner = row.owner_id, new
    row.save(update_fields=["owner"])
    document = {"identity": row.pk, "before": before, "owner": new.pk, "reason": said}
    append_identity_event(event="identity.owner_changed", document=document, by=by, now=now)
    order_another_look(row, now=now)
    return row
