"""Mark one's own notices as read, and remove those that are. The ledger keeps what they were about."""

from __future__ import annotations

from datetime import datetime

from identities.models import Identity
from portal.models import Notice
from proofs.errors import NotFound


def mark_read(*, notice_id: int, by: Identity, now: datetime) -> None:
    """Mark one notice as read; again changes nothing. Refuses with `notice.unknown` for one that is not theirs."""
    mine = Notice.objects.filter(identity=by, pk=notice_id)
    if not mine.exists():
        raise NotFound("notice.unknown", "There is no such notice, or it is not yours.")
    mine.filter(read_at__isnull=True).update(read_at=now)


def mark_all_read(*, by: Identity, now: datetime) -> int:
    """Mark every notice of the person as read, and return how many were not."""
    return Notice.objects.filter(identity=by, read_at__isnull=True).update(read_at=now)


def remove_read(*, by: Identity) -> int:
    """Remove the notices the person has read, and return how many that were."""
    return Notice.objects.filter(identity=by, read_at__isnull=False).delete()[0]
