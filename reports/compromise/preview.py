"""What would no longer count if a program were compromised from a time on: evidence, artifacts, requests, approvals, environments, promotions.

Reads only, in a constant number of queries for as many pieces of evidence as it looks at. What was built from an affected artifact is not
looked for, and neither is what the program did where nothing reports to this portal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from approvals.models import Approval, Request, Revision, RevisionEvidence
from attestations.models import Artifact, Observation, Submission, Verdict, VerdictSubject
from attestations.names import with_proven_names
from attestations.queries import verdict_document
from attestations.signer import when_signed_of
from gates.models import Decision
from gates.queries import readable_decisions
from identities.models import ApiCredential, Environment, Identity, Project, WorkloadBinding
from identities.permissions import readable_projects
from reports.signed_by import evidence_signed_by

# Newest first; a preview that left some out says so, and the act does not look at it at all.
MAX_EVIDENCE = 2000


@dataclass(frozen=True, slots=True)
class Signed:
    """A piece of evidence it signed, alone or with others, and when."""

    verdict: Verdict
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Affected:
    """What rests on what the program did at or after `since`. `kept` counts what it signed before, which stays.

    `hidden` counts requests of projects that the reader may not read; those, with their approvals and promotions, are not listed.
    """

    identity: Identity
    since: datetime
    evidence: list[Signed]
    kept: int
    is_cut: bool
    artifacts: list[Artifact]
    requests: list[Request]
    hidden: int
    approvals: list[Approval]
    promotions: list[Decision]
    environments: list[Environment]
    observations: int
    sent: int
    asked: int
    credentials: int
    bindings: int

    @property
    def is_nothing(self) -> bool:
        """Whether nothing that the portal knows of rests on it."""
        return not (self.evidence or self.requests or self.hidden or self.promotions or self.observations or self.sent or self.asked)


def preview_compromise(identity: Identity, *, since: datetime, reader: Identity | None, now: datetime) -> Affected:
    """Return what `identity` did at or after `since` and what rests on it, as known at `now`; changes nothing.

    `reader` is None at the server's console, where everything is listed.
    """
    signed, is_cut = _signed_by(identity)
    evidence = [item for item in signed if item.signed_at >= since]
    subjects = VerdictSubject.objects.filter(verdict__in=[item.verdict.pk for item in evidence])
    digests = list(subjects.order_by("artifact").values_list("artifact", flat=True).distinct())
    resting = _requests(identity, [item.verdict.attestation_id for item in evidence], since)
    projects = Project.objects.all() if reader is None else readable_projects(reader, "requests.read")
    readable = set(projects.values_list("pk", flat=True))
    requests = [request for request in resting if request.project_id in readable]
    promotions = _promotions(digests, requests, reader, projects)
    observations = Observation.objects.filter(identity=identity, observed_at__gte=since)
    seen = set(observations.order_by().values_list("place__environment", flat=True).distinct())
    places = {request.environment_id for request in requests} | {decision.environment_id for decision in promotions} | seen
    return Affected(
        identity=identity,
        since=since,
        evidence=evidence,
        kept=len(signed) - len(evidence),
        is_cut=is_cut,
        artifacts=list(with_proven_names(Artifact.objects.filter(pk__in=digests)).order_by("-first_seen_at", "digest")),
        requests=requests,
        hidden=len(resting) - len(requests),
        approvals=_approvals(requests),
        promotions=promotions,
        environments=list(Environment.objects.filter(pk__in=places - {None}).order_by("-tier", "slug")),
        observations=observations.count(),
        sent=Submission.objects.filter(identity=identity, submitted_at__gte=since).count(),
        asked=Decision.objects.filter(asked_by=identity, decided_at__gte=since).count(),
        credentials=ApiCredential.objects.filter(identity=identity, revoked_at__isnull=True, expires_at__gt=now).count(),
        bindings=WorkloadBinding.objects.filter(identity=identity, revoked_at__isnull=True).count(),
    )


def _signed_by(identity: Identity) -> tuple[list[Signed], bool]:
    """Return the evidence that it signed, by name where its signature counts for nobody already; the last received first, and whether some was left out."""
    # Suspended first, as one does, it is the signer of nothing by the time somebody asks.
    mine = evidence_signed_by(identity, identity.evidence_signers.all())
    rows = mine.order_by("-attestation__received_at", "-attestation_id")
    found = list(rows[: MAX_EVIDENCE + 1])
    return [Signed(verdict, _when(verdict)) for verdict in found[:MAX_EVIDENCE]], len(found) > MAX_EVIDENCE


def _when(verdict: Verdict) -> datetime:
    return when_signed_of(verdict_document(verdict), received_at=verdict.attestation.received_at)


def _requests(identity: Identity, attestations: list[str], since: datetime) -> list[Request]:
    """Return the requests that rest on the evidence in their newest revision, and those that the program opened itself."""
    later = Revision.objects.filter(request=OuterRef("revision__request"), number__gt=OuterRef("revision__number"))
    resting = RevisionEvidence.objects.filter(~Exists(later), attestation__in=attestations, revision__request=OuterRef("pk"))
    rows = Request.objects.filter(Exists(resting) | Q(requester=identity, opened_at__gte=since))
    return list(rows.select_related("project", "environment", "state", "requester").order_by("-opened_at", "-pk"))


def _approvals(requests: list[Request]) -> list[Approval]:
    given = Approval.objects.filter(revision__request__in=requests, decision=Approval.Decision.APPROVE)
    return list(given.select_related("identity", "revision__request").order_by("-signed_at", "-pk"))


def _promotions(digests: list[str], requests: list[Request], reader: Identity | None, projects: QuerySet[Project]) -> list[Decision]:
    """Return when gates let through what rests on it, as far as `reader` may read that: this is where it was promoted to already.

    An artifact belongs to no team, so that the reader may read about one project that has it says nothing about the others.
    """
    readable = Decision.objects.all() if reader is None else readable_decisions(reader)
    # Where no request was met, nothing but the environment says whose promotion it is.
    there = Q() if reader is None else Q(environment__team__in=projects.values("team"))
    rows = readable.filter(
        Q(request__in=requests) | (Q(artifact_digest__in=digests) & there & (Q(request__isnull=True) | Q(request__project__in=projects))),
        outcome__in=(Decision.Outcome.ALLOW, Decision.Outcome.BREAK_GLASS),
    )
    return list(rows.select_related("environment", "request").order_by("-decided_at", "-pk"))
