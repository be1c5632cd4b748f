"""Break-glass: somebody went past the policy for one artifact at one place, each time a gate let it through for that, and what others said of it."""

from __future__ import annotations

from django.db import models

from approvals.models.policies import PolicyVersion
from approvals.models.requests import Request
from approvals.models.statements import SignedStatement
from attestations.models import Artifact
from identities.models import Environment, Identity, Project
from ledger.append_only import AppendOnly
from ledger.models import Entry


class BreakGlass(AppendOnly):
    """One artifact may go to one environment until a moment, so many times, past the policy. `review` is the request that looks at it afterwards.

    The columns repeat what the person signed, to look it up by. `policy` is the one that allowed it; `about` the request that did not open.
    """

    signed = models.OneToOneField(SignedStatement, primary_key=True, on_delete=models.PROTECT, related_name="break_glass")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="break_glasses")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="break_glasses")
    artifact = models.ForeignKey(Artifact, on_delete=models.PROTECT, related_name="break_glasses")
    policy = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+")
    about = models.ForeignKey(Request, null=True, blank=True, on_delete=models.PROTECT, related_name="break_glasses")
    review = models.OneToOneField(Request, on_delete=models.PROTECT, related_name="reviewed_break_glass")
    incident = models.CharField(max_length=200)
    max_uses = models.PositiveSmallIntegerField()
    until = models.DateTimeField()
    review_due_at = models.DateTimeField()
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    declared_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["artifact", "environment", "until"], name="break_glass_place")]

    def __str__(self) -> str:
        return f"{self.incident} until {self.until:%Y-%m-%d %H:%M}"


class BreakGlassUse(AppendOnly):
    """A gate let the artifact through for it: the `n`th time. `decision` is the gate's answer."""

    break_glass = models.ForeignKey(BreakGlass, on_delete=models.PROTECT, related_name="uses")
    n = models.PositiveSmallIntegerField()
    decision = models.CharField(max_length=40)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    used_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["break_glass", "n"], condition=models.Q(n__gt=0), name="break_glass_used_once_a_number")
        ]

    def __str__(self) -> str:
        return f"{self.break_glass_id} use {self.n}"


class BreakGlassEnd(AppendOnly):
    """Whoever broke the glass took it back: no gate opens for it any more. It is reviewed all the same."""

    break_glass = models.OneToOneField(BreakGlass, primary_key=True, on_delete=models.PROTECT, related_name="end")
    by = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=400)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.break_glass_id} taken back"


class BreakGlassReview(AppendOnly):
    """The review concluded: as many as it takes have answered, and it was right if all of them approved. No gate opens for it any more."""

    class Verdict(models.TextChoices):
        RIGHT = "right", "It was right"
        WRONG = "wrong", "It was not right"

    break_glass = models.OneToOneField(BreakGlass, primary_key=True, on_delete=models.PROTECT, related_name="concluded")
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    concluded_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.break_glass_id}: {self.verdict}"
