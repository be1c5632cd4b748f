"""What happens to a request beside its revisions and answers: each at most once, each with its entry in the ledger."""

from __future__ import annotations

from django.db import models

from approvals.models.requests import Request, Revision
from identities.models import Identity
from ledger.append_only import AppendOnly
from ledger.models import Entry


class RequestSubmission(AppendOnly):
    """A draft is put to people."""

    request = models.OneToOneField(Request, primary_key=True, on_delete=models.PROTECT, related_name="submission")
    by = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+")
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    submitted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.request_id} submitted"


class Withdrawal(AppendOnly):
    """A request is taken back by who asked, or by the person who answers for the program that asked."""

    request = models.OneToOneField(Request, primary_key=True, on_delete=models.PROTECT, related_name="withdrawal")
    by = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=2000)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.request_id} withdrawn"


class Supersession(AppendOnly):
    """A request that waited is overtaken by a newer one about the same things."""

    request = models.OneToOneField(Request, primary_key=True, on_delete=models.PROTECT, related_name="supersession")
    by_request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="supersessions")
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    superseded_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.request_id} superseded by {self.by_request_id}"


class RequestExpiry(AppendOnly):
    """Nobody answered a request in the time there is for it."""

    request = models.OneToOneField(Request, primary_key=True, on_delete=models.PROTECT, related_name="expiry")
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    expired_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.request_id} expired"


class Promotion(AppendOnly):
    """A gate let an approved request through for the first time. `decision_id` names its answer."""

    request = models.OneToOneField(Request, primary_key=True, on_delete=models.PROTECT, related_name="promotion")
    decision_id = models.CharField(max_length=40, blank=True)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    promoted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.request_id} promoted"


class ApprovalUse(AppendOnly):
    """An approved action was let through: the `n`th time, and there is one. `by` asked the gate and carries it out."""

    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="uses")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="uses")
    n = models.PositiveSmallIntegerField()
    by = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+")
    decision_id = models.CharField(max_length=40)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    claimed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "n"], name="one_claim_of_each_use"),
            models.CheckConstraint(condition=models.Q(n=1), name="an_action_has_one_use"),
        ]

    def __str__(self) -> str:
        return f"{self.request_id} use {self.n}"


class Execution(AppendOnly):
    """What became of a use: the report of the program that was let through, and before it, at most once, that none came in time.

    `result` is a SHA-256 (hex) or empty; `envelope` what the portal signed.
    """

    class Outcome(models.TextChoices):
        EXECUTED = "executed", "Executed"
        FAILED = "failed", "Failed"
        OUTCOME_UNKNOWN = "outcome_unknown", "Outcome unknown"

    use = models.ForeignKey(ApprovalUse, on_delete=models.PROTECT, related_name="executions")
    outcome = models.CharField(max_length=20, choices=Outcome.choices)
    is_reported = models.BooleanField()
    result = models.CharField(max_length=64, blank=True)
    detail = models.CharField(max_length=1000, blank=True)
    envelope = models.BinaryField()
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["use", "is_reported"], name="one_report_on_a_use"),
            models.CheckConstraint(
                condition=models.Q(is_reported=True, outcome__in=["executed", "failed"])
                | models.Q(is_reported=False, outcome="outcome_unknown"),
                name="execution_reported_or_unknown",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.use_id} {self.outcome}"


class ChangesAnswered(AppendOnly):
    """The requester answers those who asked for changes: with this revision, and a note of what changed."""

    revision = models.OneToOneField(Revision, primary_key=True, on_delete=models.PROTECT, related_name="answers_changes")
    by = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+")
    note = models.TextField(max_length=2000)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    answered_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.revision} answers the changes asked for"
