"""What one person signs beside an answer to a request: the ceremony that offers it, and the statement as signed and recorded."""

from __future__ import annotations

from django.db import models

from approvals.models.answers import Approval
from identities.ids import new_id
from identities.models import Identity, Project, SigningKey
from ledger.append_only import AppendOnly
from ledger.models import Entry


def new_statement_ceremony_id() -> str:
    return new_id("sce")


def new_statement_id() -> str:
    return new_id("sta")


class StatementCeremony(models.Model):
    """One exact statement offered to one person's key, once, for a few minutes. `kind` is its predicate type, `about` what it is about."""

    id = models.CharField(primary_key=True, max_length=40, default=new_statement_ceremony_id)
    kind = models.CharField(max_length=80)
    about = models.CharField(max_length=140)
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="statement_ceremonies")
    signing_key = models.ForeignKey(SigningKey, on_delete=models.PROTECT, related_name="statement_ceremonies")
    payload = models.BinaryField()
    payload_digest = models.CharField(max_length=64, unique=True)
    session_hash = models.CharField(max_length=64)
    begun_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    consumed_at = models.DateTimeField(null=True, blank=True)
    refused_code = models.CharField(max_length=80, blank=True)

    class Meta:
        verbose_name_plural = "statement ceremonies"

    def __str__(self) -> str:
        return self.id


class SignedStatement(AppendOnly):
    """A statement as its person signed it, with everything needed to verify it again, the portal's record of it and its ledger entry."""

    id = models.CharField(primary_key=True, max_length=40, default=new_statement_id)
    ceremony = models.OneToOneField(StatementCeremony, on_delete=models.PROTECT, related_name="signed")
    kind = models.CharField(max_length=80)
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="statements")
    signing_key = models.ForeignKey(SigningKey, on_delete=models.PROTECT, related_name="statements")
    payload = models.BinaryField()
    payload_digest = models.CharField(max_length=64, unique=True)
    credential_id = models.BinaryField(max_length=1023)
    authenticator_data = models.BinaryField()
    client_data_json = models.BinaryField()
    signature = models.BinaryField()
    sshsig = models.TextField(null=True, blank=True)
    level = models.CharField(max_length=2)
    record_digest = models.CharField(max_length=64, unique=True)
    envelope = models.BinaryField()
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.kind} by {self.identity}"


class ApprovalRevocation(AppendOnly):
    """One person signed that an approval is to count no more. It ends (`ApprovalEnd`) when whoever has to has signed."""

    signed = models.OneToOneField(SignedStatement, primary_key=True, on_delete=models.PROTECT, related_name="revocation")
    approval = models.ForeignKey(Approval, on_delete=models.PROTECT, related_name="revocations")
    reason = models.CharField(max_length=40)

    def __str__(self) -> str:
        return f"{self.approval_id}: {self.reason}"


class AutomaticRevocation(AppendOnly):
    """The portal's own statement that an approval counts no more, as its recorder key signed it. No person did. `digest` is over the payload."""

    approval = models.OneToOneField(Approval, primary_key=True, on_delete=models.PROTECT, related_name="automatic_revocation")
    reason = models.CharField(max_length=40)
    envelope = models.BinaryField()
    digest = models.CharField(max_length=64, unique=True)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.approval_id}: {self.reason}"
