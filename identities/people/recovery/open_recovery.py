"""Ask for a new beginning after every approval key was lost. The person asks, nobody else; until two officers agree nothing changes."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from identities.chronicle import append_identity_event
from identities.keys.recoveries import find_live_recovery, has_live_key
from identities.models import Identity, KeyRecovery, SigningKey
from identities.people.recovery.end_recovery import end_expired
from identities.permissions import demand
from proofs.errors import Conflict, Malformed
from proofs.moment import rfc3339


@transaction.atomic
def open_recovery(*, reason: str, by: Identity, now: datetime) -> KeyRecovery:
    """Open a recovery of the keys of `by`, good for `COUNTERSIGN_RECOVERY_HOURS`. One that is open already is returned as it is.

    Refuses with `permission.missing`, `recovery.reason`, `recovery.first_key` where there was never a key, and `recovery.has_key` while
    one is live: it introduces the next one, or is reported lost first. Not checked: that the person proved themselves just now; the page does.
    """
    demand(by, "keys.own")
    if not reason.strip() or len(reason.strip()) > 200:
        raise Malformed("recovery.reason", "got a reason of no or more than 200 characters, expected what happened, in a sentence")
    identity = Identity.objects.select_for_update(no_key=True, of=("self",)).get(pk=by.pk)
    live = find_live_recovery(identity, now=now)
    if live is not None:
        return live.recovery
    if not SigningKey.objects.filter(identity=identity).exists():
        raise Conflict("recovery.first_key", "you never had an approval key; add your first one, it needs no recovery")
    if has_live_key(identity):
        raise Conflict("recovery.has_key", "you hold a live approval key; add another one with it, or report it lost first")
    end_expired(identity=identity, now=now)
    recovery = KeyRecovery.objects.create(
        identity=identity, reason=reason.strip(), opened_at=now, expires_at=now + timedelta(hours=settings.RECOVERY_HOURS)
    )
    document = {"recovery": recovery.pk, "identity": identity.pk, "reason": recovery.reason, "expiresAt": rfc3339(recovery.expires_at)}
    append_identity_event(event="recovery.opened", document=document, by=by, now=now)
    return recovery
