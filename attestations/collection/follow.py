"""Where each item of a collection stands: refused at the door, waiting, or with its newest verdict."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from attestations.models import Collection, CollectionItem, VerificationJob
from attestations.queries import newest_verdicts
from identities.models import Identity
from identities.permissions import is_of_team
from proofs.errors import NotFound

REFUSED = "refused"
OPEN = (VerificationJob.State.WAITING, VerificationJob.State.CLAIMED)


@dataclass(frozen=True, slots=True)
class ItemState:
    """One item. `state` is `refused`, the state of its job, or the result of its verdict; `predicate_type` was signed, `label` was not."""

    position: int
    name: str
    label: str
    attestation_id: str | None
    state: str
    code: str
    sentence: str
    predicate_type: str

    @property
    def is_open(self) -> bool:
        """Whether its verdict is still due."""
        return self.state in OPEN

    @property
    def is_mislabelled(self) -> bool:
        """Whether the file called it something else than what was signed. Held against the file, never against the evidence."""
        return bool(self.label and self.predicate_type) and self.label != self.predicate_type


@dataclass(frozen=True, slots=True)
class Progress:
    """A collection and its items in order. `unanswered` items were not reached: the sending was cut off, or still goes on."""

    collection: Collection
    items: tuple[ItemState, ...]

    @property
    def unanswered(self) -> int:
        """How many items of the file have no answer yet."""
        return self.collection.item_count - len(self.items)

    @property
    def is_open(self) -> bool:
        """Whether a verdict is still due."""
        return any(item.is_open for item in self.items)

    @property
    def counts(self) -> dict[str, int]:
        """How many items stand where."""
        return dict(Counter(item.state for item in self.items))


def get_collection(collection_id: str, *, reader: Identity) -> Collection:
    """Return a collection with its sender. Refuses with `collection.unknown`, also where it was sent by another team than the reader's."""
    found = Collection.objects.select_related("identity__team").filter(pk=collection_id).first()
    sender = found.identity if found else reader
    if found is None or not (sender.pk == reader.pk or (sender.team and is_of_team(reader, sender.team))):
        raise NotFound("collection.unknown", f"there is no collection {collection_id[:60]}")
    return found


def follow_collection(collection: Collection) -> Progress:
    """Return where every item stands, in two queries."""
    rows = CollectionItem.objects.filter(collection=collection)
    answers = sorted(rows.select_related("attestation__job"), key=lambda row: (row.attestation_id is not None, row.pk))
    counting = {row.position: row for row in answers}
    verdicts = newest_verdicts().filter(attestation__in=rows.filter(attestation__isnull=False).values("attestation"))
    found = {attestation: told for attestation, *told in verdicts.values_list("attestation", "result", "code", "reason", "predicate_type")}
    return Progress(collection, tuple(_state_of(counting[position], found) for position in sorted(counting)))


def _state_of(row: CollectionItem, verdicts: dict[str, list[str]]) -> ItemState:
    if row.attestation is None:
        told = [REFUSED, row.code, row.reason, ""]
    else:
        told = verdicts.get(row.attestation.pk) or [row.attestation.job.state, "", "", ""]
    return ItemState(row.position, row.name, row.label, row.attestation_id, *told)
