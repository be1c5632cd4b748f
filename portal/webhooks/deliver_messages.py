"""Deliver what is due: each message at least once, in no promised order, until the other side answers 2xx or the tries are used up.

One process claims a message, sends it and notes the answer; killed between the last two, it is sent again after a while, under the same
id. A round tries each endpoint once and starts nothing new after some seconds, so that a slow receiver holds nobody else up for long.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from identities.outgoing import Message, send
from identities.seal import unseal
from portal.models import WebhookDelivery, WebhookEndpoint, WebhookTry
from portal.webhooks.sign_message import sign_message
from proofs.errors import Refusal

CLAIM = timedelta(minutes=2)
ROUND = timedelta(seconds=10)
BATCH = 20
# How long after each failed try the next one comes; after the last there is none. They are those that Standard Webhooks proposes.
PAUSES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
# An endpoint where nothing arrived for this long is stopped; somebody has to look and start it again.
STOP_AFTER = timedelta(days=5)
MOST_BYTES = 64 * 1024
GONE = 410

log = structlog.get_logger(__name__)


def deliver_messages(*, clock: Callable[[], datetime], limit: int = BATCH) -> int:
    """Try what is due, at most `limit` messages, and return how many were tried. Safe to run in several processes."""
    began, seen, tried = clock(), set[str](), 0
    for delivery in _due(began).select_related("endpoint").order_by("due_at", "pk")[: limit * 5]:
        now = clock()
        if tried >= limit or now - began > ROUND:
            break
        if delivery.endpoint_id in seen or not _due(now).filter(pk=delivery.pk).update(claimed_at=now):
            continue
        seen.add(delivery.endpoint_id)
        status, why_not = _send(delivery, now)
        _note(delivery, status, why_not, clock())
        tried += 1
    return tried


def _due(now: datetime) -> QuerySet[WebhookDelivery]:
    free = Q(claimed_at__isnull=True) | Q(claimed_at__lte=now - CLAIM)
    return WebhookDelivery.objects.filter(free, due_at__lte=now, endpoint__stopped_at__isnull=True, endpoint__removed_at__isnull=True)


def _send(delivery: WebhookDelivery, now: datetime) -> tuple[int | None, str]:
    """Return the status that was answered, or None and why there is none. What else was answered is not kept: it is not ours to show."""
    endpoint = delivery.endpoint
    try:
        headers = sign_message(message_id=delivery.pk, body=delivery.body, secrets_of=_secrets(endpoint, now), at=now)
        parts = urlsplit(endpoint.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers |= {"Content-Type": "application/json", "User-Agent": f"Countersign/{settings.VERSION}"}
        message = Message("POST", path, "webhook", body=delivery.body.encode(), headers=headers)
        status, _ = send(message, parts, may_be_private=parts.hostname in settings.WEBHOOK_PRIVATE_HOSTS, most_bytes=MOST_BYTES)
    except Refusal as refusal:
        return None, f"{refusal.code}: {refusal.reason}"[:300]
    return status, "" if 200 <= status < 300 else f"answered {status}, expected 2xx; redirects are not followed"


def _secrets(endpoint: WebhookEndpoint, now: datetime) -> list[str]:
    sealed = [bytes(endpoint.sealed_secret)]
    if endpoint.sealed_old_secret and endpoint.old_until and endpoint.old_until > now:
        sealed.append(bytes(endpoint.sealed_old_secret))
    return [unseal(item, owner=endpoint.pk) for item in sealed]


@transaction.atomic
def _note(delivery: WebhookDelivery, status: int | None, why_not: str, now: datetime) -> None:
    row = WebhookDelivery.objects.select_for_update(no_key=True).get(pk=delivery.pk)
    endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=delivery.endpoint_id)
    WebhookTry.objects.create(delivery=row, tried_at=now, status=status, why_not=why_not)
    row.tries += 1
    row.claimed_at = None
    if not why_not:
        row.delivered_at, row.due_at, endpoint.failing_since = now, None, None
    else:
        log.warning("a webhook did not arrive", delivery=row.pk, endpoint=endpoint.pk, status=status, tries=row.tries)
        endpoint.failing_since = endpoint.failing_since or now
        row.due_at = now + PAUSES[row.tries - 1] if row.tries <= len(PAUSES) else None
        if row.due_at is None:
            row.given_up_at = now
        _stop_if_hopeless(endpoint, status, now)
    row.save(update_fields=["tries", "claimed_at", "delivered_at", "due_at", "given_up_at"])
    endpoint.save(update_fields=["failing_since", "stopped_at", "stopped_because"])


def _stop_if_hopeless(endpoint: WebhookEndpoint, status: int | None, now: datetime) -> None:
    assert endpoint.failing_since is not None
    if status == GONE:
        endpoint.stopped_at, endpoint.stopped_because = now, "The receiver answered 410: it wants no more messages."
    elif now - endpoint.failing_since > STOP_AFTER:
        endpoint.stopped_at, endpoint.stopped_because = now, f"Nothing arrived there for {STOP_AFTER.days} days."
