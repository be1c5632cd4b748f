"""Waivers: a rule that is not asked of some artifacts until a moment, and how a waiver ended before."""

from __future__ import annotations

from django.db import models

from approvals.models.requests import Request
from attestations.models import Blob
from identities.models import Environment, Identity, Project
from ledger.append_only import AppendOnly
from ledger.models import Entry


class Waiver(AppendOnly):
    """One rule of a policy is waived until a moment. `document` holds the terms people signed over, whose digest is the waiver's.

    `statement` is what the portal signed, which names their records. The columns repeat the terms, to look waivers up by.
    """

    digest = models.CharField(primary_key=True, max_length=64)
    request = models.OneToOneField(Request, on_delete=models.PROTECT, related_name="waiver")
    policy_id = models.CharField(max_length=80)
    rule_id = models.CharField(max_length=80)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="waivers")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="waivers")
    owner = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="waivers")
    until = models.DateTimeField()
    # The policy that it was agreed to under: where another one names other people for waivers, it holds no longer.
    agreed_under = models.CharField(max_length=64)
    document = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    statement = models.BinaryField()
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    granted_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["project", "environment", "until"], name="waiver_place")]

    def __str__(self) -> str:
        return f"{self.rule_id} of {self.policy_id} until {self.until:%Y-%m-%d}"


class WaiverEnd(AppendOnly):
    """A waiver was withdrawn before its time: it no longer counts."""

    waiver = models.OneToOneField(Waiver, primary_key=True, on_delete=models.PROTECT, related_name="end")
    by = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=400)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.waiver_id} withdrawn"
