"""Write down who signed in, failed to, or signed out. Kept out of the ledger and of every signed statement: it can be removed
(`identities.sign_in.forget_sign_ins`), never changed.
"""

from __future__ import annotations

from datetime import datetime

from identities.models import Identity, SignInEvent, User

SIGNED_IN, SIGNED_OUT, FAILED, REFUSED = "signed_in", "signed_out", "failed", "refused"


def record_sign_in(
    *, username: str, outcome: str, address: str, identity: Identity | None, now: datetime, via: str | None = None
) -> SignInEvent:
    """Record one event; `via` is `password`, `passkey` or a provider's slug.

    A name that no account has is not kept: what people type there by mistake is their password.
    """
    known = User.objects.filter(username=username.strip().lower()[:150]).values_list("username", flat=True).first()
    return SignInEvent.objects.create(
        identity=identity, username=known or "", outcome=outcome, address=address[:64], via=via, happened_at=now
    )
