"""What is kept of sign-ins."""

from __future__ import annotations

from django.db import models

from identities.models.people import Identity


class SignInEvent(models.Model):
    """A sign-in, a failed one, or a sign-out: who, when, from where. Never part of signed data; a row never changes, but can go."""

    identity = models.ForeignKey(Identity, null=True, blank=True, on_delete=models.PROTECT)
    username = models.CharField(max_length=150)
    outcome = models.CharField(max_length=16)
    # How: a password, a passkey, or the identity provider's slug. Null where that was not kept yet.
    via = models.CharField(max_length=48, null=True, blank=True)
    address = models.CharField(max_length=64, blank=True)
    happened_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.username} {self.outcome} {self.happened_at:%Y-%m-%d %H:%M}"


class AuditEvent(models.Model):
    """Somebody changed or took something by way of a page or the API: who, when, from where, what, and how it was answered.

    Never part of signed data; it can be removed with the sign-ins, because it holds addresses. What a change was stands in the ledger.
    """

    identity = models.ForeignKey(Identity, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    username = models.CharField(max_length=150, blank=True)
    # The name of the page or call, for example `identities:revoke_key`, and the path that was asked for.
    act = models.CharField(max_length=80, db_index=True)
    path = models.CharField(max_length=300)
    address = models.CharField(max_length=64, blank=True)
    status = models.PositiveSmallIntegerField()
    happened_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.username} {self.act} {self.happened_at:%Y-%m-%d %H:%M}"
