"""What was found when an observation was held against what was approved."""

from __future__ import annotations

from django.db import models

from approvals.models.answers import Approval
from attestations.models import Blob, Observation
from ledger.append_only import AppendOnly
from ledger.models import Entry


class PathFinding(AppendOnly):
    """What a check made of one observation when it came in, and the approval it rests on. What holds now is computed anew.

    The first finding of a contradiction has its document in the ledger; one that only repeats it has none.
    """

    class Outcome(models.TextChoices):
        PASS = "pass", "Pass"
        FAIL = "fail", "Fail"
        REVIEW = "review", "Review"
        UNKNOWN = "unknown", "Unknown"

    observation = models.ForeignKey(Observation, on_delete=models.PROTECT, related_name="findings")
    check_name = models.CharField(max_length=60)
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    code = models.CharField(max_length=80)
    sentence = models.CharField(max_length=2000)
    expected_digest = models.CharField(max_length=140, blank=True, db_index=True)
    approval = models.ForeignKey(Approval, null=True, blank=True, on_delete=models.PROTECT, related_name="path_findings")
    not_looked_at = models.JSONField(default=list)
    document = models.ForeignKey(Blob, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    entry = models.OneToOneField(Entry, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    found_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["observation", "check_name"], name="path_finding_once_per_check")]

    def __str__(self) -> str:
        return f"{self.check_name}: {self.code}"
