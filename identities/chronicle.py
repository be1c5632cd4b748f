"""Write what happens to identities into the ledger: one event, whose digest is over a small canonical document.

The documents name identities by their random ids, never by name or address, so that a leaf's digest gives nobody away.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from identities.actors import actor_of, portal_actor
from identities.models import EventSubject, Identity, IdentityProvider
from ledger.append import append_event
from ledger.models import Entry
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.moment import rfc3339

# Which row of its own a document names.
ABOUT = ("assignment", "recovery", "key")


def append_identity_event(
    *,
    event: str,
    document: dict[str, Any],
    by: Identity | None,
    now: datetime,
    provider: IdentityProvider | None = None,
    actor: str | None = None,
) -> Entry:
    """Append `event` about `document`; must run in the transaction of the act. Checks nothing.

    `provider` is the identity provider whose word the portal followed, where nobody acted: the document names it, and the actor is the portal.
    `actor` is for what the portal does by itself, and stands for `by` then.
    The identity that the document names is kept beside the entry until it was told (`portal.notices`), with the row that it is about.
    """
    whole = {"schema": f"countersign-{event.replace('.', '-')}/v1", "at": rfc3339(now), **document}
    if provider is not None:
        whole["provider"] = provider.pk
        actor = actor or (portal_actor() if by is None else None)
    entry = append_event(event=event, ref_digest=sha256_hex(canonical_bytes(whole)), actor=actor or actor_of(by), now=now)
    identity = document.get("identity")
    # A rehearsed entry has no index, and nobody is told of it.
    if entry.pk is not None and isinstance(identity, str):
        about = next((str(document[name]) for name in ABOUT if document.get(name)), "")
        EventSubject.objects.create(entry=entry, identity_id=identity, about=about[:80])
    return entry
