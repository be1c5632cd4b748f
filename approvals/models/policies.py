"""Policies and expectations, and where they are in force."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from attestations.models import Blob
from identities.models import Environment, Project
from ledger.append_only import AppendOnly
from ledger.models import Entry


class PolicyVersion(AppendOnly):
    """One version of a policy. `document` holds the RFC 8785 bytes the digest is over; `source` the YAML as written."""

    digest = models.CharField(primary_key=True, max_length=64)
    policy_id = models.CharField(max_length=80)
    version = models.CharField(max_length=40)
    document = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    source = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["policy_id", "version"], name="policy_version_once")]

    def __str__(self) -> str:
        return f"{self.policy_id} {self.version}"


class PolicyActivation(AppendOnly):
    """A policy version comes into force for a project and environment; the newest activation counts.

    `mode` says what gates do with a no: without one they enforce it.
    """

    class Mode(models.TextChoices):
        OBSERVE = "observe", "Observe"
        WARN = "warn", "Warn"
        ENFORCE = "enforce", "Enforce"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="policy_activations")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="policy_activations")
    policy = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="activations")
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="+")
    activated_at = models.DateTimeField()
    # Null in rows of before there were modes, which are never rewritten.
    mode = models.CharField(max_length=8, choices=Mode.choices, null=True, blank=True)
    # The request in which policy owners approved it, and the statement the portal signed that names their records; none at the beginning.
    request = models.ForeignKey("approvals.Request", null=True, blank=True, on_delete=models.PROTECT, related_name="activations")
    statement = models.BinaryField(null=True, blank=True)

    class Meta:
        # With a condition, so that the table need not be made anew.
        constraints = [
            models.UniqueConstraint(fields=["request"], condition=Q(request__isnull=False), name="policy_activated_once_per_request")
        ]

    def __str__(self) -> str:
        return f"{self.policy} for {self.project} in {self.environment}"


class ExpectationsVersion(AppendOnly):
    """One version of a project's expectations. `document` holds the RFC 8785 bytes the digest is over; `source` the YAML as written."""

    digest = models.CharField(primary_key=True, max_length=64)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="expectations")
    version = models.CharField(max_length=40)
    document = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    source = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "version"], name="expectations_version_once")]

    def __str__(self) -> str:
        return f"{self.project} {self.version}"


class ExpectationsActivation(AppendOnly):
    """Expectations come into force for their project; the newest activation counts."""

    expectations = models.ForeignKey(ExpectationsVersion, on_delete=models.PROTECT, related_name="activations")
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="+")
    activated_at = models.DateTimeField()
    # As of an activation of a policy: the request in which policy owners approved it, and what the portal signed then.
    request = models.ForeignKey(
        "approvals.Request", null=True, blank=True, on_delete=models.PROTECT, related_name="expectations_activations"
    )
    statement = models.BinaryField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request"], condition=Q(request__isnull=False), name="expectations_activated_once_per_request")
        ]

    def __str__(self) -> str:
        return f"{self.expectations} in force"
