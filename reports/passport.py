"""The artifact passport: everything the rooms below know about one digest, read in one place.

Reads only, with a number of queries that grows with requests and projects and not with evidence. It decides nothing: the four questions come from
`attestations.trace`, and what happened after review from the gate's own checks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from approvals.acceptance import ProjectAcceptance, list_acceptances
from approvals.models import Approval, Request, RequestArtifact
from attestations.models import Artifact, Verdict
from attestations.names import proven_name
from attestations.queries import verdicts_about
from attestations.trace import Question, ReviewFacts, Trace, trace_artifact
from gates.models import Decision
from gates.present_facts import check_present_facts
from gates.queries import readable_decisions
from identities.models import Identity, Project
from identities.permissions import readable_teams
from proofs.errors import Refusal

MAX_DECISIONS = 20
MAX_REQUESTS = 50


@dataclass(frozen=True)
class Passport:
    """What the page and its JSON twin show. `artifact` is None for a digest that was never seen."""

    digest: str
    artifact: Artifact | None
    verdicts: list[Verdict]
    trace: Trace
    requests: list[Request]
    approvals: list[Approval]
    decisions: list[Decision]
    acceptances: list[ProjectAcceptance]

    @property
    def name(self) -> str:
        """The first name a verified statement gave the artifact, or, where none did, what a request of the reader's teams calls it."""
        proven = proven_name(self.digest)
        if proven:
            return proven
        asked = RequestArtifact.objects.filter(artifact_id=self.digest, request__in=self.requests).exclude(name="")
        return asked.order_by("request__opened_at").values_list("name", flat=True).first() or ""

    @property
    def questions(self) -> tuple[Question, ...]:
        return self.trace.questions


def build_passport(digest: str, *, reader: Identity, now: datetime) -> Passport:
    """Read what `reader` may know about `digest` (as `parse_digest` spells it).

    Evidence is read by everybody with a role; requests, approvals and decisions only by those of the project. An unknown digest gives
    an empty passport, not a refusal.
    """
    projects = Project.objects.filter(readable_teams(reader, "requests.read"))
    artifact = Artifact.objects.filter(pk=digest).first()
    requests = list(
        Request.objects.filter(artifacts__artifact_id=digest, project__in=projects)
        .select_related("project", "environment", "requester", "state")
        .order_by("-opened_at")[:MAX_REQUESTS]
    )
    expecting = projects.filter(expectations__activations__isnull=False).distinct().select_related("team").order_by("slug")
    approvals = list(
        Approval.objects.filter(revision__request__in=requests)
        .select_related("identity", "record", "revision__request__environment", "signing_key")
        .order_by("-signed_at")
    )
    return Passport(
        digest=digest,
        artifact=artifact,
        verdicts=list(verdicts_about(digest)),
        trace=trace_artifact(digest, review=_review_facts(digest, requests, approvals, now)),
        requests=requests,
        approvals=approvals,
        decisions=list(
            readable_decisions(reader)
            .filter(artifact_digest=digest)
            .select_related("asked_by")
            .order_by("-decided_at", "-id")[:MAX_DECISIONS]
        ),
        acceptances=list_acceptances(digest, projects=expecting) if artifact else [],
    )


def _review_facts(digest: str, requests: list[Request], approvals: list[Approval], now: datetime) -> ReviewFacts:
    """Say who approved, and what has changed since, for the fourth question."""
    approved_ids = {approval.revision.request_id for approval in approvals if approval.decision == Approval.Decision.APPROVE}
    changes = [sentence for request in requests if request.pk in approved_ids for sentence in _changes(request, digest, now)]
    return ReviewFacts(
        approved_by=tuple(
            f"{approval.identity.name} for {approval.revision.request.environment.name}"
            for approval in approvals
            if approval.decision == Approval.Decision.APPROVE
        ),
        changes_since=tuple(changes),
    )


def _changes(request: Request, digest: str, now: datetime) -> list[str]:
    try:
        return [reason.sentence for reason in check_present_facts(request, digest=digest, now=now)]
    except Refusal as refusal:
        return [refusal.reason]
