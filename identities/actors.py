"""The pseudonym an identity carries in the ledger: a salted hash that says "the same one again" and nothing else.

The salt lives in the identity's row. Destroy it and the entries stay provable while nobody can tell whose they were.
"""

from __future__ import annotations

import hashlib

from django.conf import settings

from identities.models import Identity


def actor_of(identity: Identity | None) -> str:
    """Return `h:<hex>` for an identity; `None` is the operator at the server's own console, who has no identity."""
    if identity is None:
        return "h:" + hashlib.sha256(b"operator\0" + settings.ORIGIN.encode()).hexdigest()
    named = identity.issuer.encode() + b"\0" + identity.subject.encode()
    return "h:" + hashlib.sha256(bytes(identity.actor_salt) + named).hexdigest()


def portal_actor() -> str:
    """Return the pseudonym of the portal's own workers, who act for nobody."""
    return "h:" + hashlib.sha256(b"portal\0" + settings.ORIGIN.encode()).hexdigest()
