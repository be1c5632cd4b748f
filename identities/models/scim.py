"""What identity providers provision by SCIM: people and groups, and the secrets they do it with."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from identities import ids
from identities.models.people import Identity
from identities.models.sso import IdentityProvider


class ProvisioningToken(models.Model):
    """The secret an identity provider provisions with: shown once, kept as a hash, good for `/scim/v2` and nothing else."""

    id = models.CharField(primary_key=True, max_length=40, default=ids.new_provisioning_token_id)
    provider = models.ForeignKey(IdentityProvider, on_delete=models.PROTECT, related_name="provisioning_tokens")
    secret_sha256 = models.CharField(max_length=64, unique=True)
    # Null is the operator at the console.
    made_by = models.ForeignKey(Identity, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.id} of {self.provider}"


class ProvisionedPerson(models.Model):
    """A User resource (RFC 7643 section 4.1): a person as their identity provider describes them. `attributes` is what it sent, checked."""

    id = models.CharField(primary_key=True, max_length=40, default=ids.new_provisioned_person_id)
    provider = models.ForeignKey(IdentityProvider, on_delete=models.PROTECT, related_name="provisioned_people")
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="provisioned")
    user_name = models.CharField(max_length=150)
    external_id = models.CharField(max_length=300, blank=True)
    # What the provider called them when they first signed in. Another subject under the same name is somebody else.
    subject = models.CharField(max_length=300, blank=True)
    attributes = models.JSONField(default=dict)
    active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "provisioned people"
        constraints = [
            models.UniqueConstraint(fields=["provider", "user_name"], condition=Q(removed_at__isnull=True), name="scim_user_name_once"),
            models.UniqueConstraint(fields=["identity"], condition=Q(removed_at__isnull=True), name="scim_person_once"),
        ]

    def __str__(self) -> str:
        return self.user_name


class ProvisionedGroup(models.Model):
    """A Group resource (RFC 7643 section 4.2). Its display name is what group rules name."""

    id = models.CharField(primary_key=True, max_length=40, default=ids.new_provisioned_group_id)
    provider = models.ForeignKey(IdentityProvider, on_delete=models.PROTECT, related_name="provisioned_groups")
    display_name = models.CharField(max_length=300)
    external_id = models.CharField(max_length=300, blank=True)
    members = models.ManyToManyField(ProvisionedPerson, related_name="groups", blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "display_name"], name="scim_group_once")]

    def __str__(self) -> str:
        return self.display_name
