"""Policies and where they are active, requests and their revisions, ceremonies, approvals and records."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from attestations.models import Artifact, Attestation, Blob, Observation, Verdict
from identities.ids import new_id
from identities.models import BoundSignIn, Environment, Identity, IdentityProvider, Project, SigningKey
from ledger.append_only import AppendOnly
from ledger.models import Entry


def new_request_id() -> str:
    return new_id("req")


def new_ceremony_id() -> str:
    return new_id("cer")


def new_approval_id() -> str:
    return new_id("apr")


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
    """A policy version comes into force for a project and environment; the newest activation counts."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="policy_activations")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="policy_activations")
    policy = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="activations")
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="+")
    activated_at = models.DateTimeField()

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

    def __str__(self) -> str:
        return f"{self.expectations} in force"


class Request(AppendOnly):
    """The question put to people: may these artifacts go to this environment?"""

    class Kind(models.TextChoices):
        RELEASE = "release", "Release"

    id = models.CharField(primary_key=True, max_length=40, default=new_request_id)
    kind = models.CharField(max_length=24, choices=Kind.choices, default=Kind.RELEASE)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="requests")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="requests")
    title = models.CharField(max_length=200)
    note = models.TextField(max_length=2000, blank=True)
    requester = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="requests")
    on_behalf_of = models.ForeignKey(Identity, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()

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
        COLLECTING = "collecting", "Collecting evidence"
        IN_REVIEW = "in_review", "In review"
        BLOCKED = "blocked", "Blocked"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"
        CHANGES_REQUESTED = "changes_requested", "Changes requested"
        STALE = "stale", "Stale"
        EXPIRED = "expired", "Expired"
        WITHDRAWN = "withdrawn", "Withdrawn"

    request = models.OneToOneField(Request, primary_key=True, on_delete=models.PROTECT, related_name="state")
    status = models.CharField(max_length=24, choices=Status.choices, default=Status.COLLECTING, db_index=True)
    revision_number = models.PositiveIntegerField(default=0)
    computed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.request_id} {self.status}"


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


class Ceremony(models.Model):
    """One signing ceremony: the exact statement offered to one person, once, for a few minutes.

    It is answered with a key, or by a sign-in at `provider` whose nonce is the hash of the statement.
    """

    id = models.CharField(primary_key=True, max_length=40, default=new_ceremony_id)
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="ceremonies")
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="ceremonies")
    signing_key = models.ForeignKey(SigningKey, null=True, blank=True, on_delete=models.PROTECT, related_name="ceremonies")
    provider = models.ForeignKey(IdentityProvider, null=True, blank=True, on_delete=models.PROTECT, related_name="ceremonies")
    # As whom the provider knows the portal, and the nonce; empty and null where a key answers.
    audience = models.CharField(max_length=300, blank=True)
    sign_in_nonce = models.CharField(max_length=64, null=True, blank=True, unique=True)
    # Whether the person had a key, whose answer would have been surer.
    is_downgrade = models.BooleanField(default=False)
    decision = models.CharField(max_length=24)
    payload = models.BinaryField()
    payload_digest = models.CharField(max_length=64, unique=True)
    session_hash = models.CharField(max_length=64)
    begun_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    consumed_at = models.DateTimeField(null=True, blank=True)
    refused_code = models.CharField(max_length=80, blank=True)

    class Meta:
        verbose_name_plural = "ceremonies"
        constraints = [
            models.CheckConstraint(
                condition=Q(signing_key__isnull=False, provider__isnull=True, sign_in_nonce__isnull=True, is_downgrade=False)
                | Q(signing_key__isnull=True, provider__isnull=False, sign_in_nonce__isnull=False),
                name="ceremony_has_key_or_provider",
            ),
        ]

    def __str__(self) -> str:
        return self.id


class Approval(AppendOnly):
    """One person's answer about one revision, signed with a key or bound to a sign-in, with everything needed to verify it again.

    Where no key signed, the columns of a signature are empty.
    """

    class Decision(models.TextChoices):
        APPROVE = "approve", "Approve"
        REJECT = "reject", "Reject"
        REQUEST_CHANGES = "request_changes", "Request changes"

    id = models.CharField(primary_key=True, max_length=40, default=new_approval_id)
    ceremony = models.OneToOneField(Ceremony, on_delete=models.PROTECT, related_name="approval")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="approvals")
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="approvals")
    signing_key = models.ForeignKey(SigningKey, null=True, blank=True, on_delete=models.PROTECT, related_name="approvals")
    bound_by = models.OneToOneField(BoundSignIn, null=True, blank=True, on_delete=models.PROTECT, related_name="approval")
    decision = models.CharField(max_length=24, choices=Decision.choices)
    payload = models.BinaryField()
    payload_digest = models.CharField(max_length=64, unique=True)
    credential_id = models.BinaryField(max_length=1023)
    authenticator_data = models.BinaryField()
    client_data_json = models.BinaryField()
    signature = models.BinaryField()
    sshsig = models.TextField(null=True, blank=True)
    level = models.CharField(max_length=2)
    not_after = models.DateTimeField()
    signed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["revision", "identity"], name="one_answer_per_person_and_revision"),
            models.CheckConstraint(
                condition=Q(signing_key__isnull=False, bound_by__isnull=True) | Q(signing_key__isnull=True, bound_by__isnull=False),
                name="approval_has_key_or_sign_in",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.identity} {self.decision} {self.revision}"


class Record(AppendOnly):
    """The portal's signed wrapper around one approval, and the ledger entry that holds it."""

    approval = models.OneToOneField(Approval, primary_key=True, on_delete=models.PROTECT, related_name="record")
    digest = models.CharField(max_length=64, unique=True)
    envelope = models.BinaryField()
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"record of {self.approval_id}"


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
