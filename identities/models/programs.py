"""How programs sign and call, and what they may."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from identities import ids
from identities.models.people import Identity
from identities.models.teams import Environment, Project, Team
from ledger.append_only import AppendOnly


class EvidenceSigner(models.Model):
    """One way a non-human identity signs evidence: a certificate identity of an issuer, or a registered public key.

    `certificate_identity` is the whole subject alternative name, or, with `any_ref`, the part before its `@`.
    """

    class Method(models.TextChoices):
        CERTIFICATE = "certificate", "Certificate identity"
        PUBLIC_KEY = "public_key", "Public key"

    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="evidence_signers")
    method = models.CharField(max_length=16, choices=Method.choices)
    certificate_issuer = models.CharField(max_length=300, blank=True)
    certificate_identity = models.CharField(max_length=500, blank=True)
    any_ref = models.BooleanField(default=False)
    key_id = models.CharField(max_length=60, blank=True)
    spki = models.BinaryField(null=True, blank=True)
    # When somebody really made it; `valid_from` may lie before that. Null where that was not kept yet.
    registered_at = models.DateTimeField(null=True, blank=True)
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    # The signer of the same identity that this one takes over from, where a key was rotated.
    replaces = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="replaced_by")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["certificate_issuer", "certificate_identity"],
                condition=Q(method="certificate", revoked_at__isnull=True),
                name="certificate_identity_belongs_to_one",
            ),
            models.UniqueConstraint(fields=["key_id"], condition=Q(method="public_key"), name="evidence_key_belongs_to_one"),
            models.CheckConstraint(
                condition=(Q(method="certificate") & ~Q(certificate_issuer="") & ~Q(certificate_identity=""))
                | (Q(method="public_key") & ~Q(key_id="") & Q(spki__isnull=False)),
                name="evidence_signer_is_complete",
            ),
        ]

    def __str__(self) -> str:
        return self.certificate_identity or self.key_id


class BlockedSigner(models.Model):
    """A way of signing that nobody registered and whose signatures count for nothing here, until the block is lifted.

    `name` is the whole subject alternative name of certificates of `issuer`, or, with an empty issuer, the id of a key.
    """

    id = models.CharField(primary_key=True, max_length=40, default=ids.new_block_id)
    issuer = models.CharField(max_length=300, blank=True)
    name = models.CharField(max_length=500)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="blocked_signers")
    reason = models.CharField(max_length=200)
    # Null is the operator at the console.
    blocked_by = models.ForeignKey(Identity, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    blocked_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer", "name"], condition=Q(lifted_at__isnull=True), name="signer_blocked_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Grant(models.Model):
    """A right of a non-human identity, from `granted_at` until it runs out or is ended.

    `object` is what it may attest (a predicate type), use (a tool) or read (a secret's path), or `*` for all of them. Without a project or an
    environment it holds for each.
    """

    class Right(models.TextChoices):
        ATTEST = "attest", "Attest"
        TOOL = "tool", "Use the tool"
        SECRET = "secret", "Read the secret"

    id = models.CharField(primary_key=True, max_length=40, default=ids.new_grant_id)
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="grants")
    right = models.CharField(max_length=16, choices=Right.choices)
    object = models.CharField(max_length=300)
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.PROTECT, related_name="grants")
    environment = models.ForeignKey(Environment, null=True, blank=True, on_delete=models.PROTECT, related_name="grants")
    reason = models.CharField(max_length=200)
    # Null is the operator at the console.
    granted_by = models.ForeignKey(Identity, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    granted_at = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(object="") & ~Q(reason=""), name="grant_says_what_and_why"),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("granted_at")), name="grant_runs_out_after_it_began"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_right_display()} {self.object}{self.where}"

    @property
    def where(self) -> str:
        """Where it holds, as the end of a sentence; empty where it holds everywhere."""
        project = f" for {self.project.slug}" if self.project else ""
        return f"{project} in {self.environment.slug}" if self.environment else project

    @property
    def ends_at(self) -> datetime | None:
        """When it ended or will run out; None where it has no end."""
        return min((end for end in (self.ended_at, self.valid_until) if end is not None), default=None)


class Recertification(AppendOnly):
    """Somebody looked at what an identity is for and may do, and said that it stays so. `grants` are those held then."""

    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="recertifications")
    # Null is the operator at the console.
    by = models.ForeignKey(Identity, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    note = models.CharField(max_length=200)
    grants = models.JSONField()
    reviewed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.identity} on {self.reviewed_at:%Y-%m-%d}"


class ApiCredential(models.Model):
    """A stored secret a non-human identity calls the API with: shown once, kept as a hash, scoped and expiring."""

    class Scope(models.TextChoices):
        ATTESTATIONS_WRITE = "attestations:write", "Send evidence"
        OBSERVATIONS_WRITE = "observations:write", "Send observations"
        REQUESTS_WRITE = "requests:write", "Open requests"
        GATES_DECIDE = "gates:decide", "Ask a gate"
        READ = "read", "Read"

    id = models.CharField(primary_key=True, max_length=40, default=ids.new_credential_id)
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="api_credentials")
    secret_sha256 = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.id} of {self.identity}"
