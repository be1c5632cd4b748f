"""Put a message into the queue of every endpoint that wants to hear of an entry; in the transaction that moves the cursor on.

A message is unique for its endpoint and entry, so that reading an entry twice tells nothing twice. An entry that cannot be described is
passed over with a line in the log: it must not silence all that come after it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

import structlog
from django.db import transaction

from ledger.models import Entry
from portal.models import WebhookDelivery, WebhookEndpoint
from portal.webhooks.describe_entry import Described, describe_entry
from proofs.moment import rfc3339

log = structlog.get_logger(__name__)


def live_endpoints() -> list[WebhookEndpoint]:
    """Return the endpoints that are sent to now."""
    return list(WebhookEndpoint.objects.filter(removed_at__isnull=True, stopped_at__isnull=True))


def queue_messages(entry: Entry, *, to: Sequence[WebhookEndpoint], now: datetime) -> None:
    """Queue the messages about one entry, for those of the live endpoints that want to hear of it. Must run in the caller's transaction."""
    described = _described(entry) if to else None
    if described is None:
        return
    body = write_body(described, now=now)
    wanting = [endpoint for endpoint in to if endpoint.team_id == described.team_id and wants(endpoint, described.event)]
    rows = [
        WebhookDelivery(endpoint=endpoint, entry=entry, event=described.event[:40], body=body, created_at=now, due_at=now)
        for endpoint in wanting
    ]
    WebhookDelivery.objects.bulk_create(rows, ignore_conflicts=True)


def write_body(described: Described, *, now: datetime) -> str:
    """Return the JSON of a message: `type`, `timestamp` and `data`, as Standard Webhooks names them."""
    message = {"type": described.event, "timestamp": rfc3339(now.replace(microsecond=0)), "data": described.data}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def wants(endpoint: WebhookEndpoint, event: str) -> bool:
    """Return whether an endpoint is told of events of this name."""
    return not endpoint.events or any(event.startswith(beginning) for beginning in endpoint.events)


def _described(entry: Entry) -> Described | None:
    try:
        with transaction.atomic():
            return describe_entry(entry)
    except Exception:
        log.exception("no system is told of an entry", index=entry.index, ledger_event=entry.event)
        return None
