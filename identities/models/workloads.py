"""Platforms whose tokens prove workloads."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from identities import ids
from identities.models.people import Identity
from identities.models.programs import ApiCredential
from identities.models.teams import Team
from ledger.append_only import AppendOnly


class TokenIssuer(models.Model):
    """A platform whose signed tokens prove workloads. Without a team it is the whole portal's, and only the operator changes it.

    `keys` is the canonical document of its public keys: given once by hand (`stored`), or as last fetched (`discovery`).
    """

    class Source(models.TextChoices):
        STORED = "stored", "Given by hand, never fetched"
        DISCOVERY = "discovery", "Fetched from the issuer"

    id = models.CharField(primary_key=True, max_length=40, default=ids.new_token_issuer_id)
    url = models.CharField(max_length=300)
    name = models.CharField(max_length=120)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="token_issuers")
    algorithms = models.JSONField()
    source = models.CharField(max_length=16, choices=Source.choices)
    # Whether its keys may be fetched from an address that is not on the public internet.
    may_be_private = models.BooleanField(default=False)
    keys = models.BinaryField()
    fetched_at = models.DateTimeField()
    # Claimed before each fetch, so that few are made however many tokens come.
    tried_at = models.DateTimeField()
    added_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["url"], condition=Q(removed_at__isnull=True), name="token_issuer_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.url})"


class WorkloadBinding(models.Model):
    """Which tokens of an issuer are which non-human identity: every pinned claim must stand in the token, to the letter."""

    id = models.CharField(primary_key=True, max_length=40, default=ids.new_workload_binding_id)
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="workload_bindings")
    issuer = models.ForeignKey(TokenIssuer, on_delete=models.PROTECT, related_name="bindings")
    claims = models.JSONField()
    claims_sha256 = models.CharField(max_length=64)
    scopes = models.JSONField()
    valid_from = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["issuer", "claims_sha256"], condition=Q(revoked_at__isnull=True), name="workload_belongs_to_one"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id}: {', '.join(f'{name}={value}' for name, value in self.claims.items())}"


class TokenExchange(AppendOnly):
    """A workload token that was used up, and the credential it was exchanged for. The token itself is not kept."""

    use_sha256 = models.CharField(max_length=64, unique=True)
    binding = models.ForeignKey(WorkloadBinding, on_delete=models.PROTECT, related_name="exchanges")
    credential = models.OneToOneField(ApiCredential, on_delete=models.PROTECT, related_name="exchange")
    subject = models.CharField(max_length=300, blank=True)
    # Who set off the job, as the issuer says: an account at a provider. Null where the token does not say, and in rows of before.
    actor_provider = models.CharField(max_length=60, null=True, blank=True)
    actor_id = models.CharField(max_length=200, null=True, blank=True)
    exchanged_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.credential_id} for {self.subject}"
