"""Write what happens to a request into the ledger: one event, over a small canonical document that is kept beside it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from approvals.models import Request
from attestations.blobs import store_blob
from identities.actors import actor_of, portal_actor
from identities.models import EventSubject, Identity
from ledger.append import append_event
from ledger.models import Entry
from proofs.canonical import canonical_bytes
from proofs.errors import NotAllowed
from proofs.moment import rfc3339


def append_request_event(*, event: str, request: Request, document: dict[str, Any], by: Identity | None, now: datetime) -> Entry:
    """Append `event` about a request; must run in the transaction of the act. `by` is None when the portal does it by itself.

    Those who asked are kept beside the entry until they were told (`portal.notices`). Checks nothing.
    """
    whole = {"schema": f"countersign-{event.replace('.', '-')}/v1", "request": request.pk, "at": rfc3339(now), **document}
    blob = store_blob(canonical_bytes(whole), now)
    entry = append_event(event=event, ref_digest=blob.digest, actor=actor_of(by) if by is not None else portal_actor(), now=now)
    # A rehearsed entry has no index, and nobody is told of it.
    if entry.pk is not None:
        askers = [asker for asker in list_askers(request) if asker.is_person]
        EventSubject.objects.bulk_create([EventSubject(entry=entry, identity=asker, about=request.pk) for asker in askers])
    return entry


def list_askers(request: Request) -> list[Identity]:
    """Return who asks: the requester, the person it asks for, and the person who answers for the program that asks, each once."""
    parties = (request.requester, request.on_behalf_of, request.requester.owner)
    return list({party.pk: party for party in parties if party is not None}.values())


def refuse_if_not_asker(request: Request, by: Identity) -> None:
    """Refuse with `request.not_yours` unless `by` asks, or is asked for, or answers for the program that asks."""
    if by.pk not in {asker.pk for asker in list_askers(request)}:
        raise NotAllowed("request.not_yours", "only who asked, and who answers for the program that asked, may do this")
