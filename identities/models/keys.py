"""The keys people approve with."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from identities import ids
from identities.models.people import Identity
from identities.models.sso import BoundSignIn
from ledger.append_only import AppendOnly


class SigningKey(models.Model):
    """A passkey a person approves with: enrolled apart from sign-in, never an authenticator of the sign-in library."""

    id = models.CharField(primary_key=True, max_length=40, default=ids.new_signing_key_id)
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="signing_keys")
    label = models.CharField(max_length=80)
    credential_id = models.BinaryField(max_length=1023, unique=True)
    key_id = models.CharField(max_length=60, unique=True)
    spki = models.BinaryField()
    cose_key = models.BinaryField()
    algorithm = models.SmallIntegerField()
    rp_id = models.CharField(max_length=255)
    transports = models.JSONField(default=list)
    backup_eligible = models.BooleanField()
    sign_count = models.BigIntegerField(default=0)
    enrollment = models.BinaryField()
    enrollment_digest = models.CharField(max_length=64, unique=True)
    enrolled_at = models.DateTimeField()
    revocation = models.BinaryField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_reason = models.CharField(max_length=200, blank=True)
    # From then on somebody else may have signed with it; what was signed before stays. It is revoked as well.
    compromised_from = models.DateTimeField(null=True, blank=True)
    # The sign-in whose nonce is the hash of this key. Null where the portal alone vouches.
    bound_by = models.ForeignKey(BoundSignIn, null=True, blank=True, on_delete=models.PROTECT, related_name="signing_keys")
    # The authenticator's own statement about itself, as the browser sent it, and the model it names.
    attestation = models.BinaryField(null=True, blank=True)
    aaguid = models.CharField(max_length=36, null=True, blank=True)
    # The older key of the same person that signed for this one, and its signature (JSON, canonical).
    introduced_by = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="introduced")
    introduction = models.BinaryField(null=True, blank=True)
    recovery = models.ForeignKey("KeyRecovery", null=True, blank=True, on_delete=models.PROTECT, related_name="signing_keys")
    # Before that it does not count in environments of the highest tier. Null for keys from before there was such a time.
    matures_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bound_by"], condition=Q(bound_by__isnull=False), name="sign_in_binds_one_key"),
            models.UniqueConstraint(fields=["recovery"], condition=Q(recovery__isnull=False), name="recovery_gives_one_key"),
        ]

    def __str__(self) -> str:
        return f"{self.label} ({self.key_id[:15]}…)"


class KeyRecovery(models.Model):
    """A person who lost every key asks for a new beginning; two officers agree before they may enrol a key that no older one signs for."""

    id = models.CharField(primary_key=True, max_length=40, default=ids.new_key_recovery_id)
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="key_recoveries")
    reason = models.CharField(max_length=200)
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    # Refused by an officer, or taken back.
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(Identity, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # The operator at the console stood in for an officer there was not.
    operator_consented_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "key recoveries"
        constraints = [
            models.UniqueConstraint(
                fields=["identity"], condition=Q(ended_at__isnull=True, used_at__isnull=True), name="one_open_recovery_per_person"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} of {self.identity}"


class RecoveryConsent(AppendOnly):
    """One officer's yes to a recovery. Nobody consents twice, and nobody to their own."""

    recovery = models.ForeignKey(KeyRecovery, on_delete=models.PROTECT, related_name="consents")
    officer = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+")
    consented_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["recovery", "officer"], name="recovery_consent_once")]

    def __str__(self) -> str:
        return f"{self.officer} to {self.recovery_id}"
