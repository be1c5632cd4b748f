"""Which grants an identity holds, and whether they cover what it attested. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q, QuerySet

from identities.grants.grant_right import ANYTHING
from identities.models import Grant, Identity

Right = Grant.Right


def list_grants(identity: Identity) -> QuerySet[Grant]:
    """Return every grant the identity ever had, those without an end first."""
    rows = Grant.objects.filter(identity=identity).select_related("project", "environment", "granted_by")
    return rows.order_by("ended_at", "right", "object", "pk")


def in_force(now: datetime) -> Q:
    """Return the condition that a grant holds at `now`."""
    return Q(granted_at__lte=now, ended_at__isnull=True) & (Q(valid_until__isnull=True) | Q(valid_until__gt=now))


def find_grants_to_attest(identity: Identity, *, predicate_type: str, signed_at: datetime, at: datetime) -> list[Grant]:
    """Return the grants under which `identity` may have attested this at `signed_at`, as known at `at`.

    A grant counts for what was signed before it was given, as a registration does: somebody looked at it, and let it count. It never counts
    for what was signed after it ended.
    """
    rows = Grant.objects.filter(
        Q(ended_at__isnull=True) | Q(ended_at__gt=signed_at),
        Q(valid_until__isnull=True) | Q(valid_until__gt=signed_at),
        identity=identity,
        right=Right.ATTEST,
        object__in=(predicate_type, ANYTHING),
        granted_at__lte=at,
    )
    return list(rows.select_related("project", "environment").order_by("granted_at", "pk"))


def scopes_of(grants: Sequence[Grant]) -> list[dict[str, str | None]]:
    """Return where grants hold, as verdicts name it: slugs, or None for everywhere."""
    scopes = {(grant.project.slug if grant.project else None, grant.environment.slug if grant.environment else None) for grant in grants}
    return [
        {"project": project, "environment": environment}
        for project, environment in sorted(scopes, key=lambda each: (each[0] or "", each[1] or ""))
    ]
