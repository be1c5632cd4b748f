"""Ceremonies, the answers people gave in them, how answers ended, and the records of them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from approvals.models.requests import Revision
from identities.ids import new_id
from identities.models import BoundSignIn, Identity, IdentityProvider, SigningKey
from ledger.append_only import AppendOnly
from ledger.models import Entry


def new_ceremony_id() -> str:
    return new_id("cer")


def new_approval_id() -> str:
    return new_id("apr")


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
    # What was typed of the artifact's digest, where the tier asks for it; a table with guards takes no column that is never null.
    digest_tail = models.CharField(max_length=8, null=True, blank=True)
    # Of the second artifact and on, with a space between them.
    more_tails = models.CharField(max_length=40, null=True, blank=True)
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


class ApprovalEnd(AppendOnly):
    """An approval ended: its person was deactivated before any gate acted on it, or it was revoked. It no longer counts. `code` is why, `sentence` the same in words."""

    approval = models.OneToOneField(Approval, primary_key=True, on_delete=models.PROTECT, related_name="end")
    code = models.CharField(max_length=80)
    sentence = models.CharField(max_length=400)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.approval_id}: {self.code}"


class KeptApproval(AppendOnly):
    """A gate had acted on an approval when its person was deactivated: it goes on counting, with the `roles` that counted for it then."""

    approval = models.OneToOneField(Approval, primary_key=True, on_delete=models.PROTECT, related_name="kept")
    roles = models.JSONField()
    kept_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.approval_id} with {', '.join(self.roles)}"


class Record(AppendOnly):
    """The portal's signed wrapper around one approval, and the ledger entry that holds it."""

    approval = models.OneToOneField(Approval, primary_key=True, on_delete=models.PROTECT, related_name="record")
    digest = models.CharField(max_length=64, unique=True)
    envelope = models.BinaryField()
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"record of {self.approval_id}"
