"""The artifact passport: what the rooms below know about one digest, read in one place, with as many queries for a hundred rows as for one.

Reads only, and asks no gate: what gates say now, the four answers, and what each project accepts are in `reports.passport.now`, at a price of
their own. Bounded: the newest requests, decisions and findings; more there may be is said by the counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Min, OuterRef, Q, QuerySet, Subquery

from approvals.models import Approval, ExpectationsActivation, PathFinding, Request, RequestArtifact, Revision
from approvals.pages.emergency.register import ShownBreakGlass, read_banner
from approvals.path.contradictions import PlaceNow, findings_about, places_about
from approvals.policies.acceptance import accepted_among, active_expectations_of
from attestations.blobs import bytes_of
from attestations.models import Artifact, Blob, Observation, Verdict, VerdictSubject
from attestations.names import with_proven_names
from attestations.queries import verdicts_about
from attestations.trace import Link, PathFacts, Viewpoint, trace_verdicts
from gates.models import Decision
from gates.queries import readable_decisions
from identities.models import Identity, Project, Team
from identities.permissions import ACTIONS, list_roles_among, readable_projects, readable_whole_teams
from identities.read_once import reading_once
from proofs.canonical import parse_canonical
from proofs.path import UNDECIDED, PathCheck, check_freshness
from proofs.tell_path import PlaceStands, tell_path
from reports.passport.facts import Target, answered_of, downstream_of, list_targets, made_of
from reports.passport.sentence import Clause, Facts, tell_sentence

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

    def is_wrong_about(self, digest: str) -> bool:
        """Whether what is there contradicts what people approved, and it is this artifact that is there or should be."""
        check = self.now.check
        return check.is_contradiction and (
            self.now.observation.digest == digest or (check.expected is not None and check.expected.digest == digest)
        )


@dataclass(frozen=True)
class Path:
    """What a reader may know of the way of an artifact: the places, what was found when observations came in (where that was read), and the
    facts told of it."""

    places: list[SeenPlace]
    findings: list[PathFinding]
    facts: PathFacts


@dataclass(frozen=True)
class Passport:
    """What the page and its JSON twin show. `artifact` is None for a digest that no evidence and no request names.

    `name` is the first name a verified statement gave the artifact, or, where none did, what a request of the reader's teams calls it.
    """

    digest: str
    name: str
    artifact: Artifact | None
    verdicts: list[Verdict]
    chain: tuple[Link, ...]
    requests: list[Request]
    approvals: list[Approval]
    targets: tuple[Target, ...]
    rules: Mapping[str, Sequence[Mapping[str, Any]]]
    decisions: list[Decision]
    glass: list[ShownBreakGlass]
    path: Path
    first_seen_at: datetime | None
    viewpoint: Viewpoint
    projects: QuerySet[Project]

    @property
    def is_known(self) -> bool:
        """Whether evidence or a request names it, or an observer of the reader's teams saw it."""
        return self.artifact is not None or bool(self.path.places)

    @cached_property
    def sentence(self) -> tuple[Clause, ...]:
        """The clauses of the one sentence on top."""
        stale = [number for number, seen in enumerate(self.path.places) if seen.is_stale]
        seen = [row.observed_at for place in self.path.places for row in place.now.seen if row.digest == self.digest]
        path, last_seen_at = self.path.facts, max(seen, default=None)
        downstream = downstream_of(self.digest, path.answer, path.places, stale=stale, last_seen_at=last_seen_at)
        glass = tuple(item.row.environment.name for item in self.glass)
        return tell_sentence(Facts(made_of(self.chain), answered_of(self.targets), downstream, glass))


def build_passport(digest: str, *, reader: Identity, now: datetime, with_past: bool = False) -> Passport:
    """Read what `reader` may know about `digest` (as `parse_digest` spells it); with what gates answered and what was found when observations came
    in, if wanted.

    Evidence is read by everybody with a role; requests, approvals and decisions only by those of the project. An unknown digest gives
    an empty passport, not a refusal.
    """
    with reading_once():
        return _build(digest, reader, now, with_past)


def _build(digest: str, reader: Identity, now: datetime, with_past: bool) -> Passport:
    projects = readable_projects(reader, "requests.read")
    teams, observed = _teams_of(reader, digest)
    requests = list(
        _with_documents(Request.objects.filter(artifacts__artifact_id=digest, project__in=projects), digest)
        .select_related("project__team", "environment", "requester", "state")
        .order_by("-opened_at", "-pk")[:MAX_REQUESTS]
    )
    approvals = list(
        Approval.objects.filter(revision__request__in=[request.pk for request in requests])
        .select_related("identity", "record", "end", "revision", "signing_key")
        .order_by("-signed_at", "-pk")
    )
    path = read_path(digest, teams=observed, now=now, with_past=with_past)
    verdicts = list(verdicts_about(digest))
    # Whoever asked about it has it at hand; where nobody did, two more questions take the place of those about requests.
    artifact, name = _asked_artifact(requests, digest) if requests else _find_artifact(digest, projects)
    expected = _asked_expectations(requests) if requests else active_expectations_of(projects) if verdicts else []
    accepted = accepted_among(digest, verdicts, expected)
    targets = list_targets(requests, approvals, now=now)
    viewpoint = Viewpoint(teams=teams, accepted=accepted)
    return Passport(
        digest=digest,
        name=name,
        artifact=artifact,
        verdicts=verdicts,
        chain=trace_verdicts(digest, verdicts, seen_by=viewpoint, path=path.facts).chain,
        requests=requests,
        approvals=approvals,
        targets=targets,
        rules=_rules_of(targets),
        decisions=_list_decisions(digest, reader) if with_past else [],
        glass=read_banner(reader, now=now, digests=[digest]),
        path=path,
        first_seen_at=artifact.first_seen_at if artifact else _first_observed(digest, path),
        viewpoint=viewpoint,
        projects=projects,
    )


def _find_artifact(digest: str, projects: QuerySet[Project]) -> tuple[Artifact | None, str]:
    """Return the artifact, if anything names it, and what it is called."""
    asked = RequestArtifact.objects.filter(artifact=OuterRef("pk"), request__project__in=projects).exclude(name="")
    named = asked.order_by("request__opened_at").values("name")[:1]
    found = with_proven_names(Artifact.objects.filter(pk=digest)).annotate(asked_name=Subquery(named)).first()
    return found, str(getattr(found, "proven_name", "") or getattr(found, "asked_name", "") or "")


def _with_documents(requests: QuerySet[Request], digest: str) -> QuerySet[Request]:
    """Annotate requests with what else is told of them, each document with its digest: what their policy said when the newest revision was
    frozen, the expectations of their project, and when the artifact was first seen and under which names."""
    newest = Revision.objects.filter(request=OuterRef("pk")).order_by("-number")
    expected = ExpectationsActivation.objects.filter(expectations__project=OuterRef("project")).order_by("-entry_id")
    proven = VerdictSubject.objects.filter(artifact=digest, claimed=False).exclude(name="").order_by("pk")
    asked = RequestArtifact.objects.filter(request=OuterRef("pk"), artifact=digest)
    return requests.annotate(
        result_bytes=Subquery(newest.values("policy_result__content")[:1]),
        result_digest=Subquery(newest.values("policy_result__digest")[:1]),
        expected_bytes=Subquery(expected.values("expectations__document__content")[:1]),
        expected_digest=Subquery(expected.values("expectations__document__digest")[:1]),
        seen_at=Subquery(Artifact.objects.filter(pk=digest).values("first_seen_at")[:1]),
        proven_name=Subquery(proven.values("name")[:1]),
        asked_name=Subquery(asked.values("name")[:1]),
    )


def _document_of(request: Request, what: str) -> bytes | None:
    """Return an annotated document. Refuses with `blob.altered` where the bytes have another digest."""
    digest, content = getattr(request, f"{what}_digest"), getattr(request, f"{what}_bytes")
    return bytes_of(Blob(digest=digest, content=content)) if digest and content is not None else None


def _asked_artifact(requests: Sequence[Request], digest: str) -> tuple[Artifact, str]:
    first: Any = requests[-1]
    named = [str(getattr(request, "asked_name", "") or "") for request in reversed(requests)]
    artifact = Artifact(digest=digest, name="", first_seen_at=first.seen_at)
    return artifact, str(first.proven_name or next(filter(None, named), ""))


def _asked_expectations(requests: Sequence[Request]) -> list[tuple[Project, bytes]]:
    """Return the projects that were asked about it and have expectations in force, with their documents."""
    projects = {request.project_id: (request.project, _document_of(request, "expected")) for request in requests}
    return [(project, document) for project, document in projects.values() if document is not None]


def _rules_of(targets: Sequence[Target]) -> dict[str, Sequence[Mapping[str, Any]]]:
    """Return for each request that decides what its policy said of each rule. Refuses with `blob.altered` where the bytes have another digest."""
    documents = {target.request.pk: _document_of(target.request, "result") for target in targets}
    return {pk: parse_canonical(document)["rules"] for pk, document in documents.items() if document is not None}


def _list_decisions(digest: str, reader: Identity) -> list[Decision]:
    rows = readable_decisions(reader).filter(artifact_digest=digest).select_related("asked_by")
    return list(rows.order_by("-decided_at", "-id")[:MAX_DECISIONS])


def _first_observed(digest: str, path: Path) -> datetime | None:
    here = Observation.objects.filter(digest=digest, place__in=[seen.now.place.pk for seen in path.places])
    return here.aggregate(at=Min("received_at"))["at"]  # type: ignore[no-any-return]


def _teams_of(reader: Identity, digest: str) -> tuple[frozenset[str], list[Team]]:
    """Return of the reader's teams those that anything about the artifact is of: the ids of all, and those whose observations they may read.

    Of the thousand others of somebody who is in a thousand teams nothing is asked: whose signer it names, for whose environments it was asked
    about, or whose places had it, missed it, or are called as such a team calls it.
    """
    if not reader.is_person:
        return frozenset({reader.team_id} if reader.team_id else ()), list(readable_whole_teams(reader, "observations.read"))
    if reader.status != Identity.Status.ACTIVE:
        return frozenset(), []
    signed = VerdictSubject.objects.filter(artifact=digest).values("verdict__signer__team")
    asked = RequestArtifact.objects.filter(artifact=digest).values("request__environment__team")
    seen = Observation.objects.filter(digest=digest).values("place__team")
    missed = PathFinding.objects.filter(expected_digest=digest).values("observation__place__team")
    held = list_roles_among(reader, Q(team__in=signed) | Q(team__in=asked) | Q(team__in=seen) | Q(team__in=missed))
    observed = {role.team_id: role.team for role in held if role.project_id is None and role.role in ACTIONS["observations.read"][1]}
    return frozenset(role.team_id for role in held), list(observed.values())


def read_path(digest: str, *, teams: list[Team], now: datetime, with_past: bool = True) -> Path:
    """Read what programs of these teams observed of an artifact and how every place stands at `now`; with what was found, and is settled since."""
    places = places_about(digest, teams=teams)
    findings = list(findings_about(digest, teams=teams)[:MAX_PATH_FINDINGS]) if with_past else []
    stands = tuple(_stands(place) for place in places)
    wrong = {place.place.pk for place in places if place.check.is_contradiction or place.check.code in UNDECIDED}
    settled = [item.sentence for item in findings if item.outcome == PathFinding.Outcome.FAIL and item.observation.place_id not in wrong]
    return Path(
        places=[SeenPlace(place, check_freshness(place.observation.observed_at, at=now)) for place in places],
        findings=findings,
        facts=PathFacts(tell_path(digest, stands, settled=settled, at=now), stands),
    )


def _stands(place: PlaceNow) -> PlaceStands:
    observer = place.observation.identity
    return PlaceStands(
        check=place.check,
        observer=observer.name,
        owner=observer.owner.name if observer.owner else "",
        received_at=place.observation.received_at,
    )
