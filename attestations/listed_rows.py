"""The rows by which evidence is found for what it lists. They follow from the evidence's bytes, and can be made anew from them at any time."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

ATTESTATION = "attestations.Attestation"


class Listing(models.Model):
    """That the packages a bill of materials lists were read, by which version of the reader, and how many were left out."""

    attestation = models.OneToOneField(ATTESTATION, primary_key=True, on_delete=models.PROTECT, related_name="listing")
    version = models.PositiveSmallIntegerField()
    left_out = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["attestation"], condition=Q(left_out__gt=0), name="listing_cut")]

    def __str__(self) -> str:
        return f"what {self.attestation_id} lists"


class ListedPackage(models.Model):
    """A package that a bill of materials lists, as `proofs.comparison.packages` reads it."""

    attestation = models.ForeignKey(ATTESTATION, on_delete=models.PROTECT, related_name="listed_packages", db_index=False)
    type = models.CharField(max_length=40)
    name = models.CharField(max_length=300)
    version = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["attestation", "type", "name", "version"], name="listed_package_once")]
        indexes = [
            models.Index(fields=["name", "type", "version", "id"], name="listed_package_version"),
            models.Index(fields=["name", "type", "id"], name="listed_package_name"),
        ]

    def __str__(self) -> str:
        return f"pkg:{self.type}/{self.name}" + (f"@{self.version}" if self.version else "")


class BuiltFrom(models.Model):
    """A commit that a build record names as its source, in lower case."""

    attestation = models.ForeignKey(ATTESTATION, on_delete=models.PROTECT, related_name="built_from", db_index=False)
    commit = models.CharField(max_length=64)
    repository = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["attestation", "commit"], name="built_from_once")]
        indexes = [models.Index(fields=["commit", "id"], name="built_from_commit")]

    def __str__(self) -> str:
        return f"{self.repository}@{self.commit}"


class ListingProgress(models.Model):
    """How far the evidence of before was read by one version of the reader: up to `cursor`, of all up to `until`."""

    version = models.PositiveSmallIntegerField(primary_key=True)
    cursor = models.CharField(max_length=40, blank=True)
    until = models.CharField(max_length=40, blank=True)

    def __str__(self) -> str:
        return f"version {self.version} up to {self.cursor}"
