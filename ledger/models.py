"""Entries, the hashes of the tree over them, and the signed tree heads."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from ledger.append_only import AppendOnly


class Entry(AppendOnly):
    """One leaf. `body` is the exact leaf data (canonical JSON, below 65,536 bytes); `event` names what happened."""

    index = models.BigIntegerField(primary_key=True)
    event = models.CharField(max_length=64, db_index=True)
    body = models.BinaryField()
    leaf_hash = models.BinaryField(max_length=32)
    ref_digest = models.CharField(max_length=64, db_index=True)
    appended_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "entries"
        constraints = [models.CheckConstraint(condition=Q(index__gte=0), name="entry_index_not_negative")]

    def __str__(self) -> str:
        return f"entry {self.index} {self.event}"


class Node(AppendOnly):
    """The hash of the complete subtree number `index` of 2**level leaves (level 0 is the leaf hash itself)."""

    level = models.PositiveSmallIntegerField()
    index = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["level", "index"], name="node_once_per_place")]

    def __str__(self) -> str:
        return f"node {self.level}/{self.index}"


class Head(models.Model):
    """The one row that is locked to append: how many entries there are. Everything else is derived from the entries."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    size = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="head_is_one_row")]

    def __str__(self) -> str:
        return f"head {self.size}"


class Checkpoint(AppendOnly):
    """A tree head as signed: `note` is the signed note, exactly as published."""

    size = models.BigIntegerField(unique=True)
    root = models.BinaryField(max_length=32)
    note = models.TextField()
    signed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"checkpoint {self.size}"
