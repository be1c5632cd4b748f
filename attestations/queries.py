"""Reads across the tables of evidence: what is known about an artifact, and the newest verdict of an attestation."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet

from attestations.blobs import bytes_of
from attestations.models import Attestation, Finding, Submission, Verdict, VerdictSubject, VerificationJob
from identities.models import Identity, Team
from proofs.assess import may_be_about
from proofs.errors import NotFound
from proofs.statement import MAX_CLAIMED

MAX_PENDING = 200
MAX_HISTORY = 50


def get_attestation(attestation_id: str) -> Attestation:
    """Return an attestation with its job and its submissions. Refuses with `attestation.unknown`."""
    submissions = Prefetch("submissions", Submission.objects.select_related("identity").order_by("submitted_at", "pk"))
    found = Attestation.objects.select_related("job").prefetch_related(submissions).filter(pk=attestation_id).first()
    if found is None:
        raise NotFound("attestation.unknown", f"there is no attestation {attestation_id[:60]}")
    return found


def latest_verdict(attestation: Attestation) -> Verdict | None:
    """Return the newest verdict with its document, findings and subjects, or None while it is being verified."""
    return (
        Verdict.objects.filter(attestation=attestation)
        .select_related("document", "signer__owner", "signer__team")
        .prefetch_related(
            Prefetch("findings", Finding.objects.order_by("pk")),
            Prefetch("subjects", VerdictSubject.objects.order_by("pk")),
        )
        .order_by("-number")
        .first()
    )


def verdict_history(attestation: Attestation) -> list[Verdict]:
    """Return every verdict of an attestation, the newest first, at most `MAX_HISTORY` of them."""
    return list(Verdict.objects.filter(attestation=attestation).order_by("-number")[:MAX_HISTORY])


def newest_verdicts() -> QuerySet[Verdict]:
    """Return the newest verdict of every attestation."""
    newer = Verdict.objects.filter(attestation=OuterRef("attestation"), number__gt=OuterRef("number"))
    return Verdict.objects.filter(~Exists(newer)).select_related("attestation", "signer__owner", "document")


def count_resting_on(digests: Collection[str]) -> dict[str, int]:
    """Return how many pieces of evidence are verified today under each of these trust roots."""
    resting = newest_verdicts().filter(result=Verdict.Result.VERIFIED, trust_root__in=digests).order_by()
    return dict.fromkeys(digests, 0) | dict(resting.values_list("trust_root").annotate(Count("pk")))


def verdicts_about(digest: str) -> QuerySet[Verdict]:
    """Return the newest verdict of every attestation that is, or claims to be, about the artifact; the newest first."""
    subject = VerdictSubject.objects.filter(verdict=OuterRef("pk"), artifact_id=digest)
    return newest_verdicts().filter(Exists(subject)).order_by("-verified_at", "-pk")


def attestations_about(digest: str) -> QuerySet[Attestation]:
    """Return every attestation whose newest verdict is, or claims to be, about the artifact; the first received first."""
    return Attestation.objects.filter(pk__in=verdicts_about(digest).order_by().values("attestation")).order_by("received_at", "pk")


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict document. Refuses with `blob.altered` when the stored bytes no longer fit their digest."""
    document: dict[str, Any] = json.loads(bytes_of(verdict.document))
    return document


def did_submit(identity: Identity, attestation: Attestation) -> bool:
    """Say whether this identity sent the attestation itself."""
    return Submission.objects.filter(attestation=attestation, identity=identity).exists()


def pending_about(digest: str, *, team: Team) -> list[Attestation]:
    """Return what the team's own identities sent that names the artifact, as far as unproven bytes tell, and waits for a verdict.

    Of what waits for its first verdict, or was too large to be searched before the last one, looks at the `MAX_PENDING` oldest; a queue longer
    than that counts as naming every artifact, because nobody has looked, and so does what cannot be searched. Whatever else is verified
    again is known by its last verdict.
    """
    open_states = (VerificationJob.State.WAITING, VerificationJob.State.CLAIMED)
    mine = Attestation.objects.filter(job__state__in=open_states, submissions__identity__team=team).distinct()
    again = list(mine.filter(verdicts__subjects__artifact=digest).order_by("received_at", "pk")[:MAX_PENDING])
    if again:
        return again
    named = VerdictSubject.objects.filter(verdict__attestation=OuterRef("pk"))
    # A member takes two bytes at least, so that nothing smaller has too many of them.
    mine = mine.filter(Q(verdicts__isnull=True) | (Q(blob__size__gt=2 * MAX_CLAIMED) & ~Exists(named)))
    waiting = list(mine.select_related("blob").order_by("received_at", "pk")[: MAX_PENDING + 1])
    if len(waiting) > MAX_PENDING:
        return waiting
    return [attestation for attestation in waiting if may_be_about(bytes(attestation.blob.content), digest, max_bytes=None)]
