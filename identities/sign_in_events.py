"""Write down who signed in, failed to, or signed out. Kept out of the ledger and of every signed statement: it can be erased."""

from __future__ import annotations

from datetime import datetime

from identities.models import Identity, SignInEvent

SIGNED_IN, SIGNED_OUT, FAILED, REFUSED = "signed_in", "signed_out", "failed", "refused"


def record_sign_in(*, username: str, outcome: str, address: str, identity: Identity | None, now: datetime) -> SignInEvent:
    """Record one event. The username is what was typed, so it may name nobody."""
    return SignInEvent.objects.create(identity=identity, username=username[:150], outcome=outcome, address=address[:64], happened_at=now)
