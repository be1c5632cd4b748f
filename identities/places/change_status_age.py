"""Say for how long a signed status of approvals is good in an environment, shorter or longer than its tier has it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from identities.chronicle import append_identity_event
from identities.models import Environment, Identity
from identities.permissions import demand
from proofs.errors import Malformed

MAX_MINUTES = 1440


@transaction.atomic
def change_status_age(*, environment: Environment, minutes: int | None, by: Identity | None, now: datetime) -> Environment:
    """Set how many minutes a status is good for; None is what the tier allows. Refuses with `place.status_age` or `permission.missing`."""
    row = Environment.objects.select_for_update(no_key=True, of=("self",)).select_related("team").get(pk=environment.pk)
    if by is not None:
        demand(by, "places.add", team=row.team)
    if minutes is not None and not 1 <= minutes <= MAX_MINUTES:
        raise Malformed("place.status_age", f"got {minutes} minutes, expected 1 to {MAX_MINUTES}")
    if row.max_status_age == minutes:
        return row
    before, row.max_status_age = row.max_status_age, minutes
    row.save(update_fields=["max_status_age"])
    document: dict[str, object] = {"environment": row.pk, "slug": row.slug, "before": before, "maxStatusAge": minutes}
    append_identity_event(event="environment.status_age", document=document, by=by, now=now)
    return row
