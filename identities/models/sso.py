"""Identity providers, what their groups give, and sign-ins that are bound to one exact value."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from identities import ids
from identities.models.people import Identity
from ledger.append_only import AppendOnly


class IdentityProvider(models.Model):
    """Where people sign in: an OpenID provider or a SAML identity provider.

    `issuer` is the OpenID issuer or the SAML entity id. `config` holds what else the protocol needs, and nothing secret; the client's secret
    is sealed with a key made from the portal's secret key.
    """

    class Protocol(models.TextChoices):
        OIDC = "oidc", "OpenID Connect"
        SAML = "saml", "SAML 2.0"

    class Source(models.TextChoices):
        PAGE = "page", "Set up on a page"
        FILE = "file", "Set up in the operator's file"

    id = models.CharField(primary_key=True, max_length=40, default=ids.new_identity_provider_id)
    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    protocol = models.CharField(max_length=8, choices=Protocol.choices)
    issuer = models.CharField(max_length=300)
    client_id = models.CharField(max_length=300, blank=True)
    sealed_secret = models.BinaryField(null=True, blank=True)
    config = models.JSONField(default=dict)
    groups_claim = models.CharField(max_length=120, default="groups")
    # Whether somebody nobody registered comes in, if a group of theirs gives them a role.
    admits_unregistered = models.BooleanField(default=False)
    source = models.CharField(max_length=8, choices=Source.choices, default=Source.PAGE)
    # Null is the operator at the console.
    added_by = models.ForeignKey(Identity, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # Whoever said how it is spoken to, or made a token to provision with: they could make people up, or come in as those there are.
    set_up_by = models.ManyToManyField(Identity, blank=True, related_name="+")
    added_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer"], condition=Q(removed_at__isnull=True), name="identity_provider_once"),
        ]

    def __str__(self) -> str:
        return self.name


class GroupRules(AppendOnly):
    """Which roles the groups of a provider carry: one version, whole. The highest version counts from the next sign-in on.

    `rules` is a list of objects with `group`, `team` and `project` (slugs, project may be null) and `role`.
    """

    provider = models.ForeignKey(IdentityProvider, on_delete=models.PROTECT, related_name="group_rules")
    version = models.PositiveIntegerField()
    rules = models.JSONField()
    # Null is the operator at the console.
    made_by = models.ForeignKey(Identity, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "version"], name="group_rules_version_once")]

    def __str__(self) -> str:
        return f"{self.provider} version {self.version}"


class HeldGroups(models.Model):
    """The groups a provider last said a person is in, and how it said so."""

    class Source(models.TextChoices):
        SIGN_IN = "sign_in", "At sign-in"
        SCIM = "scim", "By SCIM"

    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="held_groups")
    provider = models.ForeignKey(IdentityProvider, on_delete=models.PROTECT, related_name="held_groups")
    groups = models.JSONField()
    source = models.CharField(max_length=8, choices=Source.choices)
    as_of = models.DateTimeField()

    class Meta:
        verbose_name_plural = "held groups"
        constraints = [models.UniqueConstraint(fields=["identity", "provider"], name="groups_of_a_person_once_per_provider")]

    def __str__(self) -> str:
        return f"{self.identity} at {self.provider}"


class LocalSignIn(AppendOnly):
    """Whether people may sign in with an account of the portal's own; the newest row counts, and without one they may."""

    allowed = models.BooleanField()
    # Null is the operator at the console.
    changed_by = models.ForeignKey(Identity, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{'on' if self.allowed else 'off'} since {self.changed_at:%Y-%m-%d %H:%M}"


class BoundSignIn(models.Model):
    """One sign-in at an OpenID provider whose nonce is the hash of exactly one thing: a new key, or a statement to approve.

    The token is private: it never leaves the portal but in packs for auditors. `issuer_keys` is the provider's key set as it stood then.
    """

    class Purpose(models.TextChoices):
        ENROLMENT = "enrolment", "Enrol an approval key"
        APPROVAL = "approval", "Approve"

    id = models.CharField(primary_key=True, max_length=40, default=ids.new_bound_sign_in_id)
    provider = models.ForeignKey(IdentityProvider, on_delete=models.PROTECT, related_name="bound_sign_ins")
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="bound_sign_ins")
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    # The portal's client id there when it was begun, which the token is for; the provider's row may name another one since. Null where it
    # could not be told afterwards.
    audience = models.CharField(max_length=300, null=True, blank=True)
    nonce = models.CharField(max_length=64, unique=True)
    state_sha256 = models.CharField(max_length=64, unique=True)
    code_verifier = models.CharField(max_length=128)
    session_hash = models.CharField(max_length=64)
    begun_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    id_token = models.TextField(blank=True)
    issuer_keys = models.BinaryField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)
    refused_code = models.CharField(max_length=80, blank=True)

    def __str__(self) -> str:
        return self.id
