"""What the shell keeps for itself: notices to people, messages to other systems, and how setting up stands."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from identities.ids import new_id
from identities.models import Identity, Team
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


def new_endpoint_id() -> str:
    return new_id("whk")


def new_message_id() -> str:
    return new_id("msg")


class WebhookEndpoint(models.Model):
    """Where a team wants to be told what happens to its requests. `events` empty means all of them.

    The secret that deliveries are signed with is sealed; after a rotation the old one signs beside it until `old_until`.
    """

    id = models.CharField(primary_key=True, max_length=40, default=new_endpoint_id)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="webhooks")
    name = models.CharField(max_length=80)
    url = models.CharField(max_length=500)
    events = models.JSONField(default=list, blank=True)
    sealed_secret = models.BinaryField()
    sealed_old_secret = models.BinaryField(null=True, blank=True)
    old_until = models.DateTimeField(null=True, blank=True)
    added_by = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField()
    # Since when every delivery failed; null while the last one arrived.
    failing_since = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_because = models.CharField(max_length=200, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "name"], condition=Q(removed_at__isnull=True), name="webhook_name_once_per_team")
        ]

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(models.Model):
    """One message to one endpoint about one entry of the ledger, and how it stands. `id` is what the receiver tells repeats by."""

    id = models.CharField(primary_key=True, max_length=40, default=new_message_id)
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.PROTECT, related_name="deliveries")
    # None for a test message.
    entry = models.ForeignKey(Entry, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    event = models.CharField(max_length=40)
    body = models.TextField()
    created_at = models.DateTimeField()
    # When it is tried next; null once it arrived or was given up.
    due_at = models.DateTimeField(null=True, blank=True)
    # Whoever wrote this last is sending it; after a while somebody else may.
    claimed_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [models.UniqueConstraint(fields=["endpoint", "entry"], name="webhook_delivery_once_per_entry")]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="webhook_due")]

    def __str__(self) -> str:
        return f"{self.event} to {self.endpoint_id}"


class WebhookTry(models.Model):
    """One attempt to deliver: when, and what the other side answered, or why it did not."""

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="attempts")
    tried_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    why_not = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name_plural = "webhook tries"

    def __str__(self) -> str:
        return f"{self.delivery_id} at {self.tried_at:%Y-%m-%d %H:%M}"
