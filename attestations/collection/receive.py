"""Take in a file of several pieces of evidence: each item as if it had been sent alone, each with an answer of its own.

Every item is kept, or refused, in a transaction of its own together with its answer, so that one does not wait for another, and what was
acknowledged is stored. A file that was cut off half-way is sent again; what it holds is known by then. Nothing here says that it holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from attestations.models import Attestation, Collection, CollectionItem
from attestations.receive import demand_evidence, keep_attestation
from identities.models import Identity
from identities.permissions import Answer, demand, may
from proofs.collection.item import MAX_NAME, Item, Limits, is_plain_text
from proofs.collection.read import read_collection
from proofs.digest import sha256_hex
from proofs.errors import Refusal

NEW, KNOWN, REFUSED = "new", "known", "refused"
# An archive of JSON shrinks to a fifth or so; a bomb to a thousandth.
UNPACKED = 4


@dataclass(frozen=True, slots=True)
class ItemAnswer:
    """The answer to one item: its attestation and whether its bytes are new, or why it was refused."""

    position: int
    item: Item
    attestation: Attestation | None
    answer: str
    refusal: Refusal | None


def may_send(identity: Identity) -> Answer:
    """Answer whether this identity may send evidence: in its own team, since that is where unproven evidence counts."""
    return may(identity, "attestations.send", team=identity.team)


def demand_sender(identity: Identity) -> None:
    """Refuses with `permission.missing` unless `may_send` says yes."""
    demand(identity, "attestations.send", team=identity.team)


def receive_collection(*, content: bytes, name: str, by: Identity, now: datetime) -> tuple[Collection, list[ItemAnswer]]:
    """Cut the file into items and receive each; return the collection and the answers in order.

    Refuses the whole, and then keeps nothing, with `permission.missing` or as `proofs.collection.read.read_collection` does. An item is
    refused as `receive_attestation` does, or with the refusal it was read with. `name` is what the sender calls the file.
    """
    demand_sender(by)
    limits = Limits(
        collection_bytes=settings.MAX_COLLECTION_BYTES,
        item_bytes=settings.MAX_EVIDENCE_BYTES,
        total_bytes=UNPACKED * settings.MAX_COLLECTION_BYTES,
    )
    read = read_collection(content, limits=limits)
    mine = Collection(
        identity=by,
        digest=sha256_hex(content),
        kind=read.kind,
        name=name if is_plain_text(name, MAX_NAME) else "",
        size=len(content),
        item_count=len(read.items),
        received_at=now,
    )
    Collection.objects.bulk_create([mine], ignore_conflicts=True)
    collection = Collection.objects.get(identity=by, digest=mine.digest)
    answers = [_receive(collection, position, item, by, now) for position, item in enumerate(read.items, start=1)]
    return collection, answers


def _receive(collection: Collection, position: int, item: Item, by: Identity, now: datetime) -> ItemAnswer:
    answered = CollectionItem(collection=collection, position=position, name=item.name, label=item.label)
    try:
        if item.refusal is not None:
            raise item.refusal
        evidence_format = demand_evidence(item.content)
    except Refusal as refusal:
        answered.code, answered.reason = refusal.code[:80], refusal.reason[:600]
        CollectionItem.objects.bulk_create([answered], ignore_conflicts=True)
        return ItemAnswer(position, item, None, REFUSED, refusal)
    with transaction.atomic():
        attestation, created = keep_attestation(content=item.content, evidence_format=evidence_format, by=by, now=now)
        # In the same transaction as the job: whoever verifies it can see the label.
        answered.attestation = attestation
        CollectionItem.objects.bulk_create([answered], ignore_conflicts=True)
    return ItemAnswer(position, item, attestation, NEW if created else KNOWN, None)
