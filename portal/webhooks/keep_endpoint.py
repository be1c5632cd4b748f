"""Add an endpoint, give it a new secret, stop and start it, remove it, and send one message again; each written into the ledger or the log of
deliveries.

A receiver learns what a team decides, so it takes an administrator of the whole team. Not checked: that the address is the team's own; the
secret says to the receiver who speaks, not to us who listens.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.db import transaction

from identities.actors import actor_of
from identities.models import Identity, Team
from identities.outgoing import LOOPBACK
from identities.permissions import demand
from identities.seal import seal
from ledger.append import append_event
from portal.models import WebhookDelivery, WebhookEndpoint, new_endpoint_id
from portal.webhooks.describe_entry import CHOICES, Described
from portal.webhooks.queue_messages import write_body
from portal.webhooks.sign_message import new_secret
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Conflict, Malformed
from proofs.moment import rfc3339

MAX_NAME, MAX_URL, MAX_ENDPOINTS = 80, 500, 20
OVERLAP = timedelta(hours=24)
TEST = "webhook.test"


@transaction.atomic
def add_endpoint(*, team: Team, name: str, url: str, events: Sequence[str], by: Identity, now: datetime) -> tuple[WebhookEndpoint, str]:
    """Return a new endpoint of a team and its secret, which cannot be shown again.

    Refuses with `webhook.url`, `webhook.name`, `webhook.events`, `webhook.name_taken`, `webhook.too_many` or `permission.missing`.
    """
    demand(by, "webhooks.change", team=team)
    Team.objects.select_for_update(no_key=True).get(pk=team.pk)
    parts, name = read_url(url), " ".join(name.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise Malformed("webhook.name", f"got {name[:80]!r}, expected a name of 1 to {MAX_NAME} characters")
    unknown = [event for event in events if event not in dict(CHOICES)]
    if unknown:
        raise Malformed("webhook.events", f"got {str(unknown[0])[:40]!r}, expected some of {', '.join(dict(CHOICES))}")
    live = WebhookEndpoint.objects.filter(team=team, removed_at__isnull=True)
    if live.filter(name=name).exists():
        raise Conflict("webhook.name_taken", f"{team} has a webhook called {name!r}; choose another name, or remove that one")
    if live.count() >= MAX_ENDPOINTS:
        raise Conflict("webhook.too_many", f"{team} has {MAX_ENDPOINTS} webhooks; remove one first")
    pk, secret = new_endpoint_id(), new_secret()
    endpoint = WebhookEndpoint.objects.create(
        id=pk,
        team=team,
        name=name,
        url=parts.geturl(),
        events=sorted(set(events)),
        sealed_secret=seal(secret, owner=pk),
        added_by=by,
        added_at=now,
    )
    _append("webhook.added", endpoint, by, now)
    return endpoint, secret


@transaction.atomic
def rotate_secret(*, endpoint: WebhookEndpoint, by: Identity, now: datetime) -> str:
    """Return a new secret of an endpoint; for a day the old one signs beside it. Refuses with `webhook.removed` or `permission.missing`."""
    row = _hold(endpoint, by)
    secret = new_secret()
    row.sealed_old_secret, row.old_until, row.sealed_secret = bytes(row.sealed_secret), now + OVERLAP, seal(secret, owner=row.pk)
    row.save(update_fields=["sealed_secret", "sealed_old_secret", "old_until"])
    _append("webhook.secret_rotated", row, by, now)
    return secret


@transaction.atomic
def switch_endpoint(*, endpoint: WebhookEndpoint, on: bool, by: Identity, now: datetime) -> WebhookEndpoint:
    """Start or stop an endpoint; what waits for it goes on when it starts. Refuses with `webhook.removed` or `permission.missing`."""
    row = _hold(endpoint, by)
    if (row.stopped_at is None) == on:
        return row
    row.stopped_at = None if on else now
    row.stopped_because = "" if on else f"Stopped by {by.name}."[:200]
    row.failing_since = None
    row.save(update_fields=["stopped_at", "stopped_because", "failing_since"])
    _append("webhook.started" if on else "webhook.stopped", row, by, now)
    return row


@transaction.atomic
def remove_endpoint(*, endpoint: WebhookEndpoint, by: Identity, now: datetime) -> WebhookEndpoint:
    """Remove an endpoint for good; what waits for it is given up. Refuses with `webhook.removed` or `permission.missing`."""
    row = _hold(endpoint, by)
    row.removed_at, row.sealed_secret, row.sealed_old_secret = now, b"", None
    row.save(update_fields=["removed_at", "sealed_secret", "sealed_old_secret"])
    row.deliveries.filter(due_at__isnull=False).update(due_at=None, given_up_at=now)
    _append("webhook.removed", row, by, now)
    return row


@transaction.atomic
def send_test(*, endpoint: WebhookEndpoint, by: Identity, now: datetime) -> WebhookDelivery:
    """Queue a message that says nothing but that messages arrive. Refuses with `webhook.removed` or `permission.missing`."""
    row = _hold(endpoint, by)
    body = write_body(Described(TEST, str(row.team_id), {"webhook": row.pk}), now=now)
    return WebhookDelivery.objects.create(endpoint=row, event=TEST, body=body, created_at=now, due_at=now)


@transaction.atomic
def send_again(*, delivery: WebhookDelivery, by: Identity, now: datetime) -> WebhookDelivery:
    """Queue a message once more, under its old id, so that the receiver can tell. Refuses with `webhook.removed` or `permission.missing`."""
    _hold(delivery.endpoint, by)
    row = WebhookDelivery.objects.select_for_update(no_key=True).get(pk=delivery.pk)
    row.due_at, row.tries, row.given_up_at = now, 0, None
    row.save(update_fields=["due_at", "tries", "given_up_at"])
    return row


def read_url(url: str) -> SplitResult:
    """Return the parts of an address a webhook may have. Refuses with `webhook.url`; where it leads is checked when something is sent.

    http is for this machine alone, and only where the operator allows it (`COUNTERSIGN_WEBHOOK_PRIVATE_HOSTS`).
    """
    expected = "expected an https address without user name or fragment"
    try:
        parts, port = urlsplit(url), urlsplit(url).port
    except ValueError as error:
        raise Malformed("webhook.url", f"got {url[:200]!r}, {expected}") from error
    inside = parts.hostname in LOOPBACK and parts.hostname in settings.WEBHOOK_PRIVATE_HOSTS
    secure = parts.scheme == "https" or (parts.scheme == "http" and inside)
    plain = url.isascii() and url.isprintable() and " " not in url and "#" not in url and len(url) <= MAX_URL
    if not secure or not plain or not parts.hostname or "@" in parts.netloc or port == 0:
        raise Malformed("webhook.url", f"got {url[:200]!r}, {expected}")
    return parts


def _hold(endpoint: WebhookEndpoint, by: Identity) -> WebhookEndpoint:
    demand(by, "webhooks.change", team=endpoint.team)
    row = WebhookEndpoint.objects.select_for_update(no_key=True, of=("self",)).get(pk=endpoint.pk)
    if row.removed_at is not None:
        raise Conflict("webhook.removed", f"the webhook {row.name!r} was removed; add it again")
    return row


def _append(event: str, endpoint: WebhookEndpoint, by: Identity, now: datetime) -> None:
    # The address may hold a secret of the receiver's, so the ledger has no more of it than its digest.
    document = canonical_bytes(
        {
            "schema": f"countersign-{event.replace('.', '-').replace('_', '-')}/v1",
            "webhook": endpoint.pk,
            "team": endpoint.team.slug,
            "url": {"sha256": sha256_hex(endpoint.url.encode())},
            "events": endpoint.events,
            "at": rfc3339(now.replace(microsecond=0)),
        }
    )
    append_event(event=event, ref_digest=sha256_hex(document), actor=actor_of(by), now=now)
