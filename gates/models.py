"""Gate decisions, kept for ever."""

from __future__ import annotations

from django.db import models

from approvals.models import BreakGlass, Request
from identities.ids import new_id
from identities.models import Environment, Identity
from ledger.append_only import AppendOnly
from ledger.models import Entry


def new_decision_id() -> str:
    return new_id("dec")


class Decision(AppendOnly):
    """One answer of a gate: `reasons` is a list of {code, sentence}; `document` the canonical bytes the ledger names.

    Where the glass was broken, `reasons` are those of the deny that it would have been.
    """

    class Outcome(models.TextChoices):
        ALLOW = "allow", "Allow"
        DENY = "deny", "Deny"
        BREAK_GLASS = "break_glass", "Break glass"

    class Purpose(models.TextChoices):
        PROMOTE = "promote", "Promote"
        RUN = "run", "Run"

    id = models.CharField(primary_key=True, max_length=40, default=new_decision_id)
    artifact_digest = models.CharField(max_length=140, db_index=True)
    environment_slug = models.CharField(max_length=64)
    environment = models.ForeignKey(Environment, null=True, blank=True, on_delete=models.PROTECT, related_name="decisions")
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    reasons = models.JSONField(default=list)
    request = models.ForeignKey(Request, null=True, blank=True, on_delete=models.PROTECT, related_name="decisions")
    asked_by = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="decisions")
    document = models.BinaryField()
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    # False where the policy in force is observed or warned of alone: then `would` holds the reasons of the deny that it was not. Null else.
    enforced = models.BooleanField(null=True, blank=True)
    would = models.JSONField(null=True, blank=True)
    # What let it through where its policy did not.
    break_glass = models.ForeignKey(BreakGlass, null=True, blank=True, on_delete=models.PROTECT, related_name="decisions")

    # Whether a promotion was to begin, or what was promoted was to start again; answers of before there was the difference have none.
    purpose = models.CharField(max_length=8, choices=Purpose.choices, null=True, blank=True)
    # Until when time alone does not turn the yes into a no.
    valid_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.outcome} {self.artifact_digest[:19]} to {self.environment_slug}"
