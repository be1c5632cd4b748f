"""Which break-glass opens a gate, and which still waits for its review. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL

from approvals.models import Approval, BreakGlass, Request
from approvals.policies.versions import active_policy
from attestations.blobs import bytes_of
from identities.models import Environment, Identity, Project
from proofs.policy.bounds import BreakGlass as Bounds
from proofs.policy.evaluate import parse_policy


def bounds_of(*, project: Project, environment: Environment) -> Bounds | None:
    """Return what the policy in force there allows; None where it allows no break-glass, or none is in force."""
    policy = active_policy(project=project, environment=environment)
    return parse_policy(bytes_of(policy.document)).break_glass if policy else None


def list_live(*, digest: str, project: Project, environment: Environment, now: datetime) -> QuerySet[BreakGlass]:
    """Return what may open a gate for `digest` there at `now`: with uses left, not over, not taken back, not concluded, oldest first.

    One reviewer who rejected it is enough to shut it, long before its review is concluded.

    Not asked: whether its key and its person still stand (`still_stands`), and whether the policy still allows any.
    """
    rows = BreakGlass.objects.filter(artifact_id=digest, project=project, environment=environment, until__gt=now)
    rows = rows.filter(end__isnull=True, concluded__isnull=True, declared_at__lte=now)
    rows = rows.exclude(_found_wrong())
    return rows.annotate(used=Count("uses")).filter(used__lt=F("max_uses")).order_by("declared_at", "pk")


def _found_wrong() -> Exists:
    rejected = Approval.objects.filter(revision__request=OuterRef("review"), decision=Approval.Decision.REJECT)
    return Exists(rejected)


def still_stands(row: BreakGlass) -> bool:
    """Say whether its person is active, and neither they nor their key were reported compromised from before they signed."""
    signed = row.signed
    since = [at for at in (signed.signing_key.compromised_from, signed.identity.compromised_from) if at is not None]
    return signed.identity.status == Identity.Status.ACTIVE and all(signed.signed_at < at for at in since)


def unreviewed(projects: QuerySet[Project] | Sequence[str] | RawSQL) -> QuerySet[BreakGlass]:
    """Return every break-glass of these projects whose review is not concluded."""
    return BreakGlass.objects.filter(project__in=projects, concluded__isnull=True)


def list_unreviewed(
    *, projects: QuerySet[Project] | Sequence[str] | RawSQL, digests: Collection[str] | None = None, request: Request | None = None
) -> list[BreakGlass]:
    """Return every break-glass of these projects, and of these artifacts or of what `request` is about or reviews, if named, whose review is not concluded, the first due first.

    Each has how often it was `used`, and whether a reviewer `found_wrong` what was done.
    """
    rows = unreviewed(projects)
    if digests is not None:
        rows = rows.filter(artifact_id__in=digests)
    if request is not None:
        rows = rows.filter(Q(review=request) | Q(artifact__in=request.artifacts.values("artifact")))
    rows = rows.select_related("signed__identity", "environment", "project", "review", "end", "concluded").annotate(
        used=Count("uses"), found_wrong=_found_wrong()
    )
    return list(rows.order_by("review_due_at", "pk"))
