"""Requests, their artifacts, their revisions, and the row that caches where each stands."""

from __future__ import annotations

from django.db import models
from django.db.models import Case, Q, Value, When
from django.utils.translation import gettext_noop as noop

from approvals.models.policies import PolicyVersion
from attestations.models import Artifact, Attestation, Blob, Verdict
from identities.ids import new_id
from identities.models import Environment, Identity, Project
from ledger.append_only import AppendOnly


def new_request_id() -> str:
    return new_id("req")


class Request(AppendOnly):
    """The question put to people: may these artifacts go to this environment?

    A request that is about something other than an artifact people built (an agent's action, a rotation, a policy change, an exception)
    has one artifact, whose digest is that of the canonical document in `subject`.
    """

    class Kind(models.TextChoices):
        RELEASE = "release", noop("Release")
        PROMOTION = "promotion", noop("Promotion")
        AGENT_ACTION = "agent-action", noop("Agent action")
        ROTATION = "rotation", noop("Rotation")
        POLICY_CHANGE = "policy-change", noop("Policy change")
        EXCEPTION = "exception", noop("Exception")
        BREAK_GLASS_REVIEW = "break-glass-review", noop("Break-glass review")

    id = models.CharField(primary_key=True, max_length=40, default=new_request_id)
    kind = models.CharField(max_length=24, choices=Kind.choices, default=Kind.RELEASE)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="requests")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="requests")
    title = models.CharField(max_length=200)
    note = models.TextField(max_length=2000, blank=True)
    requester = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="requests")
    on_behalf_of = models.ForeignKey(Identity, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    # What is asked about where it is no artifact that was built: the document whose digest the request's one artifact has.
    subject = models.ForeignKey(Blob, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # The request that this one asks an exception for, or is a promotion or the review of.
    about = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="followers")
    # Where the artifacts of a promotion come from.
    from_environment = models.ForeignKey(Environment, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # Opened as a draft: nobody is asked until it is submitted. Null stands for no.
    is_draft = models.BooleanField(null=True, blank=True)

    def __str__(self) -> str:
        return self.title


class RequestArtifact(AppendOnly):
    """An artifact a request asks about."""

    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="artifacts")
    artifact = models.ForeignKey(Artifact, on_delete=models.PROTECT, related_name="requests")
    name = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["request", "artifact"], name="request_artifact_once")]

    def __str__(self) -> str:
        return self.artifact_id


class RequestState(models.Model):
    """The computed status of a request, cached for lists; it can be rebuilt from the other tables at any time."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        COLLECTING = "collecting", "Collecting evidence"
        READY = "ready", "Ready for review"
        IN_REVIEW = "in_review", "In review"
        BLOCKED = "blocked", "Blocked"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"
        CHANGES_REQUESTED = "changes_requested", "Changes requested"
        STALE = "stale", "Stale"
        EXPIRED = "expired", "Expired"
        WITHDRAWN = "withdrawn", "Withdrawn"
        SUPERSEDED = "superseded", "Superseded"
        REVOKED = "revoked", "Revoked"
        PROMOTED = "promoted", "Promoted"

    class Section(models.TextChoices):
        OPEN = "open", "Waits for answers"
        STUCK = "stuck", "Blocked or collecting"
        DRAFT = "draft", "Draft"
        DONE = "done", "Done"

    request = models.OneToOneField(Request, primary_key=True, on_delete=models.PROTECT, related_name="state")
    status = models.CharField(max_length=24, choices=Status.choices, default=Status.COLLECTING, db_index=True)
    # In which part of a list the status belongs: an index on it finds the open ones among very many that are done.
    section = models.GeneratedField(
        expression=Case(
            When(status__in=["ready", "in_review", "stale", "revoked", "changes_requested"], then=Value("open")),
            When(status__in=["blocked", "collecting"], then=Value("stuck")),
            When(status="draft", then=Value("draft")),
            default=Value("done"),
        ),
        output_field=models.CharField(max_length=8),
        db_persist=True,
    )
    revision_number = models.PositiveIntegerField(default=0)
    # The newest revision, and what a list says of its comparison: `{"tokens", "sentence", "level"}`.
    revision = models.ForeignKey("Revision", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    headline = models.JSONField(null=True, blank=True)
    # What lists are ordered and narrowed by, as it is on the request; `due_at` is until when the newest revision should be answered.
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+", db_index=False)
    rank = models.PositiveSmallIntegerField()
    due_at = models.DateTimeField()
    opened_at = models.DateTimeField()
    computed_at = models.DateTimeField()
    # When it was last computed whose turn it is.
    attention_at = models.DateTimeField(null=True, blank=True)
    # When it was last looked whether what its page is compared with still holds.
    ground_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["section", "rank", "due_at", "request", "project"], name="state_by_due"),
            models.Index(fields=["section", "opened_at", "request", "project"], name="state_by_age"),
            models.Index(fields=["project", "section", "rank", "due_at", "request"], name="state_of_project_by_due"),
            models.Index(fields=["project", "section", "opened_at", "request"], name="state_of_project_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.request_id} {self.status}"


# What is looked at first wherever requests are listed; everything else comes after these, by when it is due.
_RANKS = {Request.Kind.BREAK_GLASS_REVIEW: 0, Request.Kind.AGENT_ACTION: 1}


def rank_of(kind: str) -> int:
    """Return the place of a kind of request in a list: the lower comes first, whenever it is due."""
    return _RANKS.get(Request.Kind(kind), 2)


class Revision(AppendOnly):
    """One frozen version of a request: policy, evidence set, evaluation and the snapshot its page is drawn from."""

    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    policy = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="revisions")
    digest = models.CharField(max_length=64, unique=True)
    document = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    policy_input = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    policy_result = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    # Null where the policy does not ask for the project's expectations; empty where it does and none were in force.
    expectations_digest = models.CharField(max_length=64, null=True, blank=True)
    result = models.CharField(max_length=8)
    snapshot = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    frozen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "number"], name="revision_number_once"),
            models.CheckConstraint(condition=Q(result__in=["pass", "fail"]), name="revision_result_pass_or_fail"),
        ]

    def __str__(self) -> str:
        return f"{self.request_id} r{self.number}"


class RevisionEvidence(AppendOnly):
    """One evidence item of a revision: the attestation and the verdict that was shown."""

    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="evidence")
    attestation = models.ForeignKey(Attestation, on_delete=models.PROTECT, related_name="+")
    verdict = models.ForeignKey(Verdict, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["revision", "attestation"], name="revision_evidence_once")]

    def __str__(self) -> str:
        return f"{self.revision} {self.attestation_id}"
