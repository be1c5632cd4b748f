"""What artifacts are called: a label, and only as good as whoever gave it. Here the one a verified statement gave.

That a name fits the artifact is never checked; the digest is the artifact.
"""

from __future__ import annotations

from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from attestations.models import Artifact, VerdictSubject


def with_proven_names(artifacts: QuerySet[Artifact]) -> QuerySet[Artifact]:
    """Annotate artifacts with `proven_name`: the first name a verified statement gave, empty where none did."""
    named = VerdictSubject.objects.filter(artifact=OuterRef("pk"), claimed=False).exclude(name="").order_by("pk")
    return artifacts.annotate(proven_name=Coalesce(Subquery(named.values("name")[:1]), Value("")))


def proven_name(digest: str) -> str:
    """Return the first name a verified statement gave the artifact, or nothing."""
    named = VerdictSubject.objects.filter(artifact=digest, claimed=False).exclude(name="").order_by("pk")
    return named.values_list("name", flat=True).first() or ""
