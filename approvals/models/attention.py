"""Whose turn it is, who left it to others, and whom the portal reminded."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from approvals.models.requests import Request, Revision
from identities.models import Identity
from ledger.append_only import AppendOnly
from ledger.models import Entry


class Attention(models.Model):
    """A request waits for this person, why, and since when. Computed, and rebuilt from the other tables at any time; it gives no power."""

    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="attention")
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="attention")
    reason_code = models.CharField(max_length=40)
    sentence = models.CharField(max_length=300)
    since = models.DateTimeField()
    # As on the request's state: with them here, one index gives a person's own list in its order.
    rank = models.PositiveSmallIntegerField()
    due_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "attention"
        constraints = [models.UniqueConstraint(fields=["request", "identity"], name="attention_once")]
        indexes = [
            models.Index(fields=["identity", "rank", "due_at", "request"], name="attention_by_due"),
            models.Index(fields=["identity", "since", "request"], name="attention_by_since"),
        ]

    def __str__(self) -> str:
        return f"{self.request_id} waits for {self.identity_id}: {self.reason_code}"


class Snooze(models.Model):
    """A person does not want to see a request that waits for them before this moment. It hides a line of their own list and nothing else."""

    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="snoozes", db_index=False)
    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="snoozes")
    until = models.DateTimeField()
    snoozed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["identity", "request"], name="snoozed_once")]

    def __str__(self) -> str:
        return f"{self.request_id} not before {self.until:%Y-%m-%d} for {self.identity_id}"


class TurnPassed(AppendOnly):
    """A person leaves a revision to others and says why. With the next revision it may be their turn again."""

    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="passed")
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    passed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["revision", "identity"], name="turn_passed_once")]

    def __str__(self) -> str:
        return f"{self.identity_id} leaves {self.revision_id} to others"


class Reminder(AppendOnly):
    """The portal told people that a revision waits, when this share of the time to answer had passed."""

    class Stage(models.IntegerChoices):
        REMINDED = 50, "Reminded"
        ESCALATED = 80, "Escalated"
        OVERDUE = 100, "Overdue"

    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="reminders")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="reminders")
    stage = models.PositiveSmallIntegerField(choices=Stage.choices)
    due_at = models.DateTimeField()
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    reminded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "revision", "stage"], name="reminded_once"),
            models.CheckConstraint(condition=Q(stage__in=[50, 80, 100]), name="reminder_stage_known"),
        ]

    def __str__(self) -> str:
        return f"{self.revision_id} at {self.stage} %"
