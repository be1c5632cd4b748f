"""How long somebody looked at a review before they answered: theirs to see, and gone after a while."""

from __future__ import annotations

from django.db import models

from approvals.models.requests import Revision
from identities.models import Identity


class Reading(models.Model):
    """How long one person had the page of one revision in front of them, and how much of what is flagged they opened.

    What their own browser says; nothing is decided by it, and nothing of it is signed. Shown to the person alone, and counted for the team.
    """

    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+", db_index=False)
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="+")
    seconds = models.PositiveIntegerField()
    opened = models.PositiveSmallIntegerField()
    read_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["identity", "revision"], name="reading_once")]

    def __str__(self) -> str:
        return f"{self.identity_id} {self.revision_id} {self.seconds} s"
