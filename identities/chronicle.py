"""Write what happens to identities into the ledger: one event, whose digest is over a small canonical document.

The documents name identities by their random ids, never by name or address, so that a leaf's digest gives nobody away.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from identities.actors import actor_of
from identities.models import Identity
from ledger.append import append_event
from ledger.models import Entry
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.moment import rfc3339


def append_identity_event(*, event: str, document: dict[str, Any], by: Identity | None, now: datetime, actor: str | None = None) -> Entry:
    """Append `event` about `document`; must run in the transaction of the act. Checks nothing.

    `actor` is for what the portal does by itself, and stands for `by` then.
    """
    whole = {"schema": f"countersign-{event.replace('.', '-')}/v1", "at": rfc3339(now), **document}
    return append_event(event=event, ref_digest=sha256_hex(canonical_bytes(whole)), actor=actor or actor_of(by), now=now)
