"""Accounts elsewhere, and whose they are here."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from identities import ids
from identities.models.people import Identity


class LinkedAccount(models.Model):
    """An account elsewhere is this identity's, from `linked_at` until that is ended.

    `account` is what never changes about it: a number, or an address in lower case. `label` is how people there call it, and proves nothing.
    """

    id = models.CharField(primary_key=True, max_length=40, default=ids.new_linked_account_id)
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="linked_accounts")
    provider = models.CharField(max_length=60)
    account = models.CharField(max_length=200)
    label = models.CharField(max_length=120, blank=True)
    # Null is the operator at the console.
    linked_by = models.ForeignKey(Identity, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    linked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "account"], condition=Q(ended_at__isnull=True), name="account_belongs_to_one"),
            models.CheckConstraint(condition=~Q(provider="") & ~Q(account=""), name="linked_account_is_named"),
        ]

    def __str__(self) -> str:
        return f"{self.provider}:{self.account}"
