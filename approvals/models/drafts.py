"""Policies being written, and what became of trying them on the past. Nothing here decides anything: only versions are in force."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from approvals.models.policies import PolicyVersion
from identities.ids import new_id
from identities.models import Environment, Identity, Project


def new_draft_id() -> str:
    return new_id("pdr")


def new_dry_run_id() -> str:
    return new_id("dry")


class PolicyDraft(models.Model):
    """A policy that somebody writes, as text. It may be wrong as long as it is a draft. `number` counts how often it was saved."""

    id = models.CharField(primary_key=True, max_length=40, default=new_draft_id)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="policy_drafts")
    # As the text says it, where it can be read.
    policy_id = models.CharField(max_length=80, blank=True)
    source = models.TextField()
    number = models.PositiveIntegerField(default=1)
    edited_by = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+")
    edited_at = models.DateTimeField()
    # What was last stored from it.
    stored = models.ForeignKey(PolicyVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.policy_id or self.id} (draft {self.number})"


class DryRun(models.Model):
    """A draft tried on requests of the past. The row is the queue: `attempts` is the fencing count, `done` says how far it came.

    `source` is the exact text that was tried, `request_ids` the requests, `outcomes` what came of those that are done.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        CLAIMED = "claimed", "Being weighed"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    id = models.CharField(primary_key=True, max_length=40, default=new_dry_run_id)
    draft = models.ForeignKey(PolicyDraft, on_delete=models.PROTECT, related_name="dry_runs")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    days = models.PositiveSmallIntegerField()
    source = models.TextField()
    source_digest = models.CharField(max_length=64)
    request_ids = models.JSONField()
    left_out = models.PositiveIntegerField(default=0)
    asked_by = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    done = models.PositiveIntegerField(default=0)
    outcomes = models.JSONField(default=list)
    last_error = models.CharField(max_length=500, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["asked_at"], condition=Q(state__in=["waiting", "claimed"]), name="dry_run_open")]

    def __str__(self) -> str:
        return f"{self.draft} tried on {len(self.request_ids)} requests"
