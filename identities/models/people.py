"""Identities, the sign-in accounts of people, and the roles they hold."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_noop as noop

from identities import ids
from identities.models.teams import Project, Team

# How often the rights of an identity are looked at again where nobody said otherwise: quarterly, as access reviews usually are.
REVIEW_EVERY_DAYS = 90


def new_actor_salt() -> bytes:
    return secrets.token_bytes(16)


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
    # Since when a person is deactivated: suspended, without roles, keys and sessions. They come back by being made active again.
    deactivated_at = models.DateTimeField(null=True, blank=True)
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


class RoleAssignments(models.QuerySet["RoleAssignment"]):
    """Roles, and the one place that says which of them give power now."""

    def held(self) -> RoleAssignments:
        """Keep those that give power now by the database's clock: neither ended nor run out."""
        return self.filter(Q(valid_until__isnull=True) | Q(valid_until__gt=Now()), ended_at__isnull=True)

    def lapsed(self) -> RoleAssignments:
        """Keep those that ran out by the database's clock and that nobody has closed yet."""
        return self.filter(ended_at__isnull=True, valid_until__lte=Now())


class RoleAssignment(models.Model):
    """A person holds a role in a team, or in one project of it, from `granted_at` until it is ended or runs out.

    Where a group of an identity provider carries it, `provider` says whose, and it ends with the group.
    """

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
    provider = models.ForeignKey("IdentityProvider", null=True, blank=True, on_delete=models.PROTECT, related_name="roles")
    granted_at = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = RoleAssignments.as_manager()

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


class Preferences(models.Model):
    """How one person wants the portal to look, speak and write to them, and when they are away. Without a row, the defaults."""

    class Theme(models.TextChoices):
        SYSTEM = "system", noop("As the device says")
        LIGHT = "light", noop("Light")
        DARK = "dark", noop("Dark")

    class Density(models.TextChoices):
        COMFORTABLE = "comfortable", noop("Comfortable")
        COMPACT = "compact", noop("Compact")

    identity = models.OneToOneField(Identity, primary_key=True, on_delete=models.PROTECT, related_name="preferences")
    theme = models.CharField(max_length=8, choices=Theme.choices, default=Theme.SYSTEM)
    density = models.CharField(max_length=12, choices=Density.choices, default=Density.COMFORTABLE)
    # Empty: what the browser asks for.
    language = models.CharField(max_length=12, blank=True, default="")
    time_zone = models.CharField(max_length=64, default="UTC")
    shortcuts = models.BooleanField(default=True)
    # Kinds of notices that are not mailed. Those about one's own keys and roles always are.
    unmailed = models.JSONField(default=list)
    away_from = models.DateField(null=True, blank=True)
    away_until = models.DateField(null=True, blank=True)
    away_note = models.CharField(max_length=200, blank=True)
    # Ways to look at the queue that the person gave a name: `{"slug", "name", "query"}` each.
    queue_views = models.JSONField(default=list)
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"of {self.identity}"
