"""What the shell keeps for itself."""

from __future__ import annotations

from django.db import models

from identities.models import Identity


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
