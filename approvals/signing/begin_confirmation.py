"""Begin the sign-in that will stand for a signature: the person has seen the statement, and now goes to their identity provider, once.

Nothing is written to the ceremony: the sign-in's nonce is the statement's, and no second one can have it. Whoever breaks off there
begins a new ceremony. `approvals.signing.complete_by_sign_in` takes what comes back.
"""

from __future__ import annotations

import hmac
from datetime import datetime

from approvals.models import Ceremony
from identities.models import BoundSignIn, Identity
from identities.oidc.bound_sign_in import begin_bound_sign_in
from proofs.errors import Conflict, NotAllowed


def begin_confirmation(*, ceremony: Ceremony, session_hash: str, by: Identity, now: datetime) -> tuple[BoundSignIn, str]:
    """Return the sign-in and where to send the browser.

    Refuses with `ceremony.not_yours`, `ceremony.used`, `ceremony.expired`, `ceremony.needs_key` for one that a key answers,
    `ceremony.confirming` when its sign-in was begun before, and as `begin_bound_sign_in` does.
    """
    if ceremony.identity_id != by.pk or not hmac.compare_digest(ceremony.session_hash, session_hash):
        raise NotAllowed("ceremony.not_yours", "this ceremony was begun by somebody else, or in another sign-in session")
    if ceremony.consumed_at is not None:
        raise Conflict("ceremony.used", "this ceremony was used already; a statement is offered for signing once")
    if now >= ceremony.expires_at:
        raise Conflict("ceremony.expired", "the time to sign is over and nothing was signed; go back to the request and start again")
    if ceremony.provider is None or ceremony.sign_in_nonce is None:
        raise Conflict(
            "ceremony.needs_key", "this statement is offered to your passkey; go back to the request to confirm it by signing in"
        )
    if BoundSignIn.objects.filter(nonce=ceremony.sign_in_nonce).exists():
        raise Conflict("ceremony.confirming", "you went to sign in for this statement before; go back to the request and start again")
    return begin_bound_sign_in(
        identity=by,
        provider=ceremony.provider,
        purpose=BoundSignIn.Purpose.APPROVAL,
        nonce=ceremony.sign_in_nonce,
        session_hash=session_hash,
        now=now,
    )
