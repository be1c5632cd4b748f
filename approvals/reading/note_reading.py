"""Keep how long somebody had a review in front of them, and forget it after `KEPT`."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from approvals.models import Reading, Revision
from identities.models import Identity
from identities.permissions import demand
from proofs.errors import NotFound

KEPT = timedelta(days=90)
# A page that was left open says nothing beyond this.
MOST_SECONDS, MOST_OPENED = 3600, 200
BATCH = 500


@transaction.atomic
def note_reading(*, revision: Revision, seconds: int, opened: int, by: Identity, now: datetime) -> Reading:
    """Add `seconds` to how long `by` looked at the page of `revision`, and keep the most of what they `opened`.

    Refuses with `permission.missing`. Both numbers are what a browser says; too large ones are cut.
    """
    demand(by, "requests.read", project=revision.request.project)
    Reading.objects.bulk_create([Reading(identity=by, revision=revision, seconds=0, opened=0, read_at=now)], ignore_conflicts=True)
    row = Reading.objects.select_for_update(no_key=True, of=("self",)).get(identity=by, revision=revision)
    row.seconds = min(MOST_SECONDS, row.seconds + max(0, seconds))
    row.opened = min(MOST_OPENED, max(row.opened, opened))
    row.read_at = now
    row.save(update_fields=["seconds", "opened", "read_at"])
    return row


def forget_readings(*, now: datetime, limit: int = BATCH) -> int:
    """Delete what is older than `KEPT`, at most `limit` of it; return how many that were."""
    old = list(Reading.objects.filter(read_at__lt=now - KEPT).order_by("read_at").values_list("pk", flat=True)[:limit])
    return Reading.objects.filter(pk__in=old).delete()[0] if old else 0


def find_read_revision(request_id: str, snapshot: str) -> Revision:
    """Return the revision whose page it was. Refuses with `request.unknown_snapshot`."""
    rows = Revision.objects.filter(request=request_id, snapshot=snapshot).select_related("request__project__team")
    found = rows.first()
    if found is None:
        raise NotFound("request.unknown_snapshot", "no page of this request had that snapshot")
    return found
