"""Read the ledger from where it was read to, in order, and write a notice to everybody an entry concerns, and messages to other systems.

Notices and the cursor are written in one transaction, and a notice is unique for its person, entry and kind: killed at any moment, this
loses nothing and tells nothing twice. Entries become visible in the order of their indexes, since all queue for one lock.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from django.conf import settings
from django.db import transaction

from identities.models import EventSubject, User
from identities.preferences.choices import ALWAYS_MAILED
from identities.preferences.current import is_mailed, preferences_of
from ledger.models import Entry
from portal.models import Notice, NoticeCursor
from portal.notices.concerned import TELLERS, list_told
from portal.notices.told import Told
from portal.webhooks.queue_messages import live_endpoints, queue_messages

BATCH = 200
log = structlog.get_logger(__name__)


def follow_ledger(*, now: datetime, limit: int = BATCH) -> int:
    """Look at the next entries, at most `limit`, and return how many that were. Safe to run twice, and by several processes."""
    reached = NoticeCursor.objects.values_list("next_index", flat=True).first() or 0
    if not Entry.objects.filter(index__gte=reached).exists():
        return 0
    with transaction.atomic():
        NoticeCursor.objects.bulk_create([NoticeCursor(id=1, next_index=0)], ignore_conflicts=True)
        cursor = NoticeCursor.objects.select_for_update(no_key=True).get()
        entries = list(Entry.objects.filter(index__gte=cursor.next_index).order_by("index")[:limit])
        if not entries:
            return 0
        endpoints = live_endpoints()
        for entry in entries:
            Notice.objects.bulk_create([_notice(entry, told, now) for told in _told(entry)], ignore_conflicts=True)
            queue_messages(entry, to=endpoints, now=now)
        cursor.next_index = entries[-1].index + 1
        cursor.save(update_fields=["next_index"])
        # They have done their work, and a pseudonym is to stay one.
        EventSubject.objects.filter(entry__lt=cursor.next_index).delete()
    return len(entries)


def _told(entry: Entry) -> list[Told]:
    if entry.event not in TELLERS:
        return []
    try:
        with transaction.atomic():
            return list_told(entry)
    except Exception:  # One entry that nobody can be told of must not silence all that come after it.
        log.exception("nobody is told of an entry", index=entry.index, ledger_event=entry.event)
        return []


def _notice(entry: Entry, told: Told, now: datetime) -> Notice:
    has_address = User.objects.filter(identity=told.identity).exclude(email="").exists()
    wanted = bool(settings.EMAIL_HOST) and has_address and is_mailed(preferences_of(told.identity), told.kind, ALWAYS_MAILED)
    return Notice(
        identity=told.identity,
        entry=entry,
        kind=told.kind,
        sentence=told.sentence[:500],
        link=told.link[:200],
        created_at=now,
        mail_wanted=wanted,
    )
