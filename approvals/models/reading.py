"""How long somebody looked at a review before they answered, and which signals they saw: theirs to see, and gone after a while."""

from __future__ import annotations

from django.db import models

from approvals.models.requests import Revision
from identities.models import Environment, Identity, Project


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


class SignalsSeen(models.Model):
    """What stood on pages that one person decided in one project and environment: a digest of each signal's words, and when it was last (in
    seconds since 1970). Only orders what they are shown; nothing is decided by it.
    """

    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+", db_index=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+", db_index=False)
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+", db_index=False)
    words = models.JSONField()
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["identity", "project", "environment"], name="seen_once_a_place")]

    def __str__(self) -> str:
        return f"{self.identity_id} {self.project_id} {self.environment_id}"
