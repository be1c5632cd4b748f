"""Somebody lets another person answer for them, for a time; and how that ended before its time."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from approvals.models.answers import Approval
from approvals.models.requests import Revision
from approvals.models.statements import SignedStatement
from identities.models import Identity, Project, RoleAssignment
from ledger.append_only import AppendOnly
from ledger.models import Entry


class Delegation(AppendOnly):
    """`delegate` may answer for `delegator` in `project` with `roles`, from `starts_at` until `until`; `signed` is what the delegator signed.

    `environments` are the ids of those it is for; none stands for every one.
    """

    signed = models.OneToOneField(SignedStatement, primary_key=True, on_delete=models.PROTECT, related_name="delegation")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="delegations")
    delegator = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="delegations_given")
    delegate = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="delegations_received")
    roles = models.JSONField()
    environments = models.JSONField()
    starts_at = models.DateTimeField()
    until = models.DateTimeField()
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    given_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["project", "delegate", "until"], name="delegation_place")]
        constraints = [models.CheckConstraint(condition=~Q(delegator=F("delegate")), name="delegation_to_somebody_else")]

    @property
    def role_words(self) -> str:
        """What the roles are called on pages."""
        words = dict(RoleAssignment.Role.choices)
        return ", ".join(str(words.get(role, role)) for role in self.roles)

    def __str__(self) -> str:
        return f"{self.delegate} for {self.delegator} until {self.until:%Y-%m-%d %H:%M}"


class DelegationEnd(AppendOnly):
    """A delegation ended before its time: one of the two took it back, or one of them was deactivated. `code` is which."""

    delegation = models.OneToOneField(Delegation, primary_key=True, on_delete=models.PROTECT, related_name="end")
    code = models.CharField(max_length=80)
    by = models.ForeignKey(Identity, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=400)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.delegation_id}: {self.code}"


class ApprovalInStead(AppendOnly):
    """An answer was given in another person's stead. Of each revision a person has one, whoever gives it."""

    approval = models.OneToOneField(Approval, primary_key=True, on_delete=models.PROTECT, related_name="in_stead")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="answers_in_stead")
    delegation = models.ForeignKey(Delegation, on_delete=models.PROTECT, related_name="answers")
    person = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="answers_in_their_stead")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["revision", "person"], name="one_answer_in_stead_of_a_person")]

    def __str__(self) -> str:
        return f"{self.approval_id} for {self.person}"
