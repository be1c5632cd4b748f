"""What the shell keeps for itself: notices to people, and how setting up stands."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from identities.models import Identity
from ledger.models import Entry


class Notice(models.Model):
    """One thing one person is told, because of one entry of the ledger. They may remove it once they have read it."""

    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="notices")
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=40)
    sentence = models.CharField(max_length=500)
    link = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    # Decided when it is written, so that a mail server or a choice that comes later mails nothing old.
    mail_wanted = models.BooleanField(default=False)
    # Whoever wrote this last is sending it; after a while somebody else may.
    mail_tried_at = models.DateTimeField(null=True, blank=True)
    mailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["identity", "entry", "kind"], name="notice_once_per_person_and_entry")]
        indexes = [
            models.Index(fields=["identity"], condition=Q(read_at__isnull=True), name="notice_unread"),
            models.Index(fields=["created_at"], condition=Q(mail_wanted=True, mailed_at__isnull=True), name="notice_unmailed"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.identity_id}"


class NoticeCursor(models.Model):
    """The one row that says which entry of the ledger is the next to be looked at for notices."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    next_index = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="notice_cursor_is_one_row")]

    def __str__(self) -> str:
        return f"next is {self.next_index}"


class SetUpAnswer(models.Model):
    """How an administrator left one step of setting the portal up. Without a row nobody has looked at it yet."""

    class Answer(models.TextChoices):
        DONE = "done", "Done"
        SKIPPED = "skipped", "Skipped"

    step = models.CharField(primary_key=True, max_length=24)
    answer = models.CharField(max_length=8, choices=Answer.choices)
    by = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+")
    answered_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.step} {self.answer}"
