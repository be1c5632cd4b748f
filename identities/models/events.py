"""Whom an entry of the ledger is about, for as long as it takes to tell them."""

from __future__ import annotations

from django.db import models

from identities.models.people import Identity
from ledger.models import Entry


class EventSubject(models.Model):
    """An entry is about this identity. Written with the entry, removed once those it concerns were told.

    The ledger itself holds pseudonyms only, and these rows would undo them for good if they stayed.
    """

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="+")
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+")
    # The row the event is about, by its id, where the event names one: a role's assignment, a recovery, a key.
    about = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entry", "identity"], name="event_subject_once")]

    def __str__(self) -> str:
        return f"{self.identity_id} in entry {self.entry_id}"
