"""The artifact passport: everything the rooms below know about one digest, read in one place.

Reads only, with a number of queries that grows with requests and projects and not with evidence. It decides nothing: the four answers come from
the checks of `proofs.answers`, and what the gate says now from the gate's own code.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Min, QuerySet

from approvals.models import Approval, PathFinding, Request, RequestArtifact
from approvals.path.contradictions import PlaceNow, findings_about, places_about
from approvals.policies.acceptance import ProjectAcceptance, list_acceptances
from attestations.models import Artifact, Observation, Verdict
from attestations.names import proven_name
from attestations.queries import verdicts_about
from attestations.trace import PathFacts, Trace, Viewpoint, trace_verdicts
from gates.models import Decision
from gates.queries import readable_decisions
from identities.models import Identity, Project, Team
from identities.permissions import readable_teams, readable_whole_teams
from proofs.answers.told import Answer
from proofs.path import UNDECIDED, PathCheck, check_freshness
from proofs.tell_path import PlaceStands, tell_path
from reports.since_review import read_reviews

MAX_DECISIONS = 20
MAX_REQUESTS = 50
MAX_PATH_FINDINGS = 50


@dataclass(frozen=True)
class SeenPlace:
    """A place as the page shows it: how it stands now, and whether it was looked at lately."""

    now: PlaceNow
    age: PathCheck

    @property
    def is_stale(self) -> bool:
        return self.age.outcome != "pass"


@dataclass(frozen=True)
class Path:
    """What a reader may know of the way of an artifact: the places, what was found when observations came in, and the facts told of it."""

    places: list[SeenPlace]
    findings: list[PathFinding]
    facts: PathFacts
    first_seen_at: datetime | None


@dataclass(frozen=True)
class Passport:
    """What the page and its JSON twin show. `artifact` is None for a digest that no evidence and no request names."""

    digest: str
    artifact: Artifact | None
    verdicts: list[Verdict]
    trace: Trace
    requests: list[Request]
    approvals: list[Approval]
    decisions: list[Decision]
    path: Path
    acceptances: list[ProjectAcceptance]

    @property
    def is_known(self) -> bool:
        """Whether evidence or a request names it, or an observer of the reader's teams saw it."""
        return self.artifact is not None or self.path.first_seen_at is not None

    @property
    def first_seen_at(self) -> datetime | None:
        times = [at for at in (self.artifact and self.artifact.first_seen_at, self.path.first_seen_at) if at]
        return min(times, default=None)

    @property
    def name(self) -> str:
        """The first name a verified statement gave the artifact, or, where none did, what a request of the reader's teams calls it."""
        proven = proven_name(self.digest)
        if proven:
            return proven
        asked = RequestArtifact.objects.filter(artifact_id=self.digest, request__in=self.requests).exclude(name="")
        return asked.order_by("request__opened_at").values_list("name", flat=True).first() or ""

    @property
    def questions(self) -> tuple[Answer, ...]:
        """The answers to the four questions."""
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
        .select_related("project__team", "environment", "requester", "state")
        .order_by("-opened_at")[:MAX_REQUESTS]
    )
    expecting = projects.filter(expectations__activations__isnull=False).distinct().select_related("team").order_by("slug")
    approvals = list(
        Approval.objects.filter(revision__request__in=requests)
        .select_related("identity", "record", "end", "revision__request__environment", "signing_key")
        .order_by("-signed_at")
    )
    path = read_path(digest, teams=list(readable_whole_teams(reader, "observations.read")), now=now)
    verdicts = list(verdicts_about(digest))
    acceptances = list_acceptances(digest, projects=expecting) if artifact else []
    reviews = read_reviews(digest, requests=requests, verdicts=verdicts, now=now)
    return Passport(
        digest=digest,
        artifact=artifact,
        verdicts=verdicts,
        trace=trace_verdicts(digest, verdicts, seen_by=_viewpoint(projects, acceptances), reviews=reviews, path=path.facts),
        requests=requests,
        approvals=approvals,
        decisions=list(
            readable_decisions(reader)
            .filter(artifact_digest=digest)
            .select_related("asked_by")
            .order_by("-decided_at", "-id")[:MAX_DECISIONS]
        ),
        path=path,
        acceptances=acceptances,
    )


def _viewpoint(projects: QuerySet[Project], acceptances: list[ProjectAcceptance]) -> Viewpoint:
    """Say whose signers come first: those that the reader's projects accept, then those of their teams."""
    accepted = {item.verdict.attestation_id for acceptance in acceptances for item in acceptance.items if item.accepted}
    return Viewpoint(teams=set(projects.values_list("team_id", flat=True)), accepted=accepted)


def read_path(digest: str, *, teams: list[Team], now: datetime) -> Path:
    """Read what programs of these teams observed of an artifact and how every place stands at `now`."""
    places = places_about(digest, teams=teams)
    findings = list(findings_about(digest, teams=teams)[:MAX_PATH_FINDINGS])
    stands = tuple(_stands(place) for place in places)
    wrong = {place.place.pk for place in places if place.check.is_contradiction or place.check.code in UNDECIDED}
    settled = [item.sentence for item in findings if item.outcome == PathFinding.Outcome.FAIL and item.observation.place_id not in wrong]
    first = Observation.objects.filter(digest=digest, place__team__in=teams).aggregate(at=Min("received_at"))["at"]
    return Path(
        places=[SeenPlace(place, check_freshness(place.observation.observed_at, at=now)) for place in places],
        findings=findings,
        facts=PathFacts(tell_path(digest, stands, settled=settled, at=now), stands),
        first_seen_at=first,
    )


def _stands(place: PlaceNow) -> PlaceStands:
    observer = place.observation.identity
    return PlaceStands(
        check=place.check,
        observer=observer.name,
        owner=observer.owner.name if observer.owner else "",
        received_at=place.observation.received_at,
    )
