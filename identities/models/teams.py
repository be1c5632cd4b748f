"""Teams, and what they release and where to."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from identities import ids


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
    # For how many minutes a signed status of approvals for it is good; null for what its tier allows.
    max_status_age = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(tier__gte=1, tier__lte=3), name="environment_tier_1_to_3"),
            # Whoever checks a pack may ask for an environment by slug or by id; nothing may look like both.
            models.CheckConstraint(condition=Q(id__startswith="env_") & ~Q(slug__startswith="env_"), name="environment_slug_is_no_id"),
        ]

    def __str__(self) -> str:
        return self.slug
