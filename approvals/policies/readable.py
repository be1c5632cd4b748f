"""Which policy versions a person may read: those in force in their own projects, and for policy owners those in force nowhere yet. Reads only."""

from __future__ import annotations

from django.db.models import QuerySet

from approvals.models import PolicyActivation, PolicyVersion
from identities.models import Identity, RoleAssignment
from identities.permissions import may, readable_projects


def readable_policies(reader: Identity) -> QuerySet[PolicyVersion]:
    """Return the versions that were put into force somewhere `reader` may read, and, for a policy owner, those that were nowhere."""
    there = PolicyActivation.objects.filter(project__in=readable_projects(reader, "policies.read")).values("policy")
    rows = PolicyVersion.objects.filter(pk__in=there)
    if may(reader, "policies.read", role=RoleAssignment.Role.POLICY_OWNER).allowed:
        rows |= PolicyVersion.objects.exclude(pk__in=PolicyActivation.objects.values("policy"))
    return rows
