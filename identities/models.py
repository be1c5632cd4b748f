"""People and non-human identities, where they act, what they may do, and how they prove themselves."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q

from identities import ids
from ledger.append_only import AppendOnly

# How often the rights of an identity are looked at again where nobody said otherwise: quarterly, as access reviews usually are.
REVIEW_EVERY_DAYS = 90


def new_actor_salt() -> bytes:
    return secrets.token_bytes(16)


class Team(models.Model):
    """People who own projects together."""

    id = models.CharField(primary_key=True, max_length=40, default=ids.new_team_id)
    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=120)

    def __str__(self) -> str:
        return self.slug


class Project(models.Model):
    """Something a team releases."""

    id = models.CharField(primary_key=True, max_length=40, default=ids.new_project_id)
    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=120)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="projects")

    def __str__(self) -> str:
        return self.slug


class Environment(models.Model):
    """A place artifacts are promoted to. Tier 1 is the least and 3 the most sensitive."""

    id = models.CharField(primary_key=True, max_length=40, default=ids.new_environment_id)
    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=120)
    tier = models.PositiveSmallIntegerField(default=3)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="environments")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(tier__gte=1, tier__lte=3), name="environment_tier_1_to_3"),
            # Whoever checks a pack may ask for an environment by slug or by id; nothing may look like both.
            models.CheckConstraint(condition=Q(id__startswith="env_") & ~Q(slug__startswith="env_"), name="environment_slug_is_no_id"),
        ]

    def __str__(self) -> str:
        return self.slug


class Identity(models.Model):
    """A person or a non-human identity. `issuer` and `subject` name it in signed statements; `kind` never changes."""

    class Kind(models.TextChoices):
        PERSON = "person", "Person"
        WORKFLOW = "workflow", "CI workflow"
        SERVICE = "service", "Service account"
        AGENT = "agent", "AI agent"
        KEY = "key", "Signing key"
        BOT = "bot", "Bot"

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        SUSPENDED = "suspended", "Suspended"
        RETIRED = "retired", "Retired"

    id = models.CharField(primary_key=True, max_length=40, default=ids.new_identity_id)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    issuer = models.CharField(max_length=300)
    subject = models.CharField(max_length=300)
    name = models.CharField(max_length=200)
    purpose = models.CharField(max_length=300, blank=True)
    owner = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="owned")
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="identities")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.ACTIVE)
    # Since when it is suspended. It stays when the identity is retired from there: what was signed meanwhile never counts.
    suspended_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    # From then on somebody else may have acted in its name; it is retired as well. It can be said again for an earlier time.
    compromised_from = models.DateTimeField(null=True, blank=True)
    # Null is `REVIEW_EVERY_DAYS`.
    review_every_days = models.PositiveSmallIntegerField(null=True, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    # Null is the operator at the console.
    registered_by = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    actor_salt = models.BinaryField(max_length=16, default=new_actor_salt)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "identities"
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="identity_once"),
            models.CheckConstraint(
                condition=Q(kind="person") | (Q(owner__isnull=False) & Q(team__isnull=False)),
                name="nonhuman_identity_has_owner_and_team",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_person(self) -> bool:
        return self.kind == self.Kind.PERSON

    @property
    def is_orphaned(self) -> bool:
        """Whether this is a program that could act, and no active person answers for it."""
        lacks_owner = self.owner is None or self.owner.status != self.Status.ACTIVE
        return not self.is_person and self.status == self.Status.ACTIVE and lacks_owner

    @property
    def standing(self) -> str:
        """The word that lists and pages show: the status, `compromised` or `orphaned`."""
        if self.compromised_from is not None:
            return "compromised"
        return "orphaned" if self.is_orphaned else str(self.status)

    @property
    def next_review_at(self) -> datetime:
        """When somebody has to look at its rights again: so many days after the last time, or after it was registered."""
        return (self.reviewed_at or self.created_at) + timedelta(days=self.review_every_days or REVIEW_EVERY_DAYS)


class User(AbstractUser):
    """The sign-in account of a person. What a person may do hangs on the identity, never on staff or superuser flags."""

    identity = models.OneToOneField(Identity, null=True, blank=True, on_delete=models.PROTECT, related_name="user")


class RoleAssignment(models.Model):
    """A person holds a role in a team, or in one project of it, from `granted_at` until `ended_at`."""

    class Role(models.TextChoices):
        REQUESTER = "requester", "Requester"
        APPROVER_RELEASE = "approver:release", "Release approver"
        APPROVER_SECURITY = "approver:security", "Security approver"
        APPROVER_OWNER = "approver:owner", "Owner approver"
        AUDITOR = "auditor", "Auditor"
        IDENTITY_STEWARD = "identity-steward", "Identity steward"
        POLICY_OWNER = "policy-owner", "Policy owner"
        OFFICER = "officer", "Officer"
        ADMINISTRATOR = "administrator", "Administrator"

    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="roles")
    role = models.CharField(max_length=24, choices=Role.choices)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="roles")
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.PROTECT, related_name="roles")
    granted_by = models.ForeignKey(Identity, null=True, blank=True, on_delete=models.PROTECT, related_name="granted_roles")
    granted_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["identity", "role", "team", "project"],
                condition=Q(ended_at__isnull=True, project__isnull=False),
                name="project_role_held_once",
            ),
            models.UniqueConstraint(
                fields=["identity", "role", "team"],
                condition=Q(ended_at__isnull=True, project__isnull=True),
                name="team_role_held_once",
            ),
            models.CheckConstraint(condition=~Q(granted_by=F("identity")), name="nobody_grants_to_self"),
        ]

    def __str__(self) -> str:
        return f"{self.identity} is {self.role} in {self.project or self.team}"


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

    def __str__(self) -> str:
        return f"{self.label} ({self.key_id[:15]}…)"


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
    exchanged_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.credential_id} for {self.subject}"


class SignInEvent(models.Model):
    """A sign-in, a failed one, or a sign-out: who, when, from where. Never part of signed data; a row never changes, but can go."""

    identity = models.ForeignKey(Identity, null=True, blank=True, on_delete=models.PROTECT)
    username = models.CharField(max_length=150)
    outcome = models.CharField(max_length=16)
    address = models.CharField(max_length=64, blank=True)
    happened_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.username} {self.outcome} {self.happened_at:%Y-%m-%d %H:%M}"
