"""What the portal says came of the people's decisions, for programs that know no more than two common formats."""

from __future__ import annotations

from django.db import models

from approvals.models.requests import Revision
from ledger.append_only import AppendOnly
from ledger.models import Entry


class OutcomeStatement(AppendOnly):
    """One statement that the portal signed: a simple verification result or a verification summary.

    `digest` is over the payload, `envelope` holds the signed bytes. `about` is the digest of the statement with which somebody broke
    the glass, where that is what it is about.
    """

    class Type(models.TextChoices):
        SIMPLE_RESULT = "svr", "Simple verification result"
        SUMMARY = "vsa", "Verification summary"

    revision = models.ForeignKey(Revision, null=True, blank=True, on_delete=models.PROTECT, related_name="outcomes")
    about = models.CharField(max_length=64, blank=True)
    type = models.CharField(max_length=8, choices=Type.choices)
    envelope = models.BinaryField()
    digest = models.CharField(max_length=64, unique=True)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(revision__isnull=False, about="") | (models.Q(revision__isnull=True) & ~models.Q(about="")),
                name="outcome_of_revision_or_break_glass",
            )
        ]

    def __str__(self) -> str:
        return f"{self.type} of {self.revision or self.about}"
