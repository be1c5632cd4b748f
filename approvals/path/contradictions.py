"""How the places stand now where an artifact was seen, or where another was seen in its stead: computed anew from rows, never written.

What a check found when an observation came in is kept (`approvals.path.receive_observations`); approvals given or ended since may change what an
observation means. A contradiction stands until a later observation of the same place shows an approved digest. Reads only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from approvals.models import PathFinding
from approvals.path.approved import ApprovedReleases
from attestations.models import Observation, Place
from attestations.observe import does_count, newest_at
from identities.models import Environment, Project, Team
from proofs.artifact_name import read_name
from proofs.observation import RUNNING
from proofs.path import BY_NAME, BY_PLACE, DIFFERS, Approved, PathCheck, Seen, check_place, names_exactly, names_place


@dataclass(frozen=True, slots=True)
class PlaceNow:
    """A place as it stands now. `observation` is the one that decided, and `check` what it means.

    `seen` has what was there before as well: the newest observation of each digest, the newest first.
    """

    place: Place
    observation: Observation
    check: PathCheck
    seen: tuple[Observation, ...] = ()


def seen_of(observation: Observation, place: Place) -> Seen:
    """Return an observation as the checks take it."""
    return Seen(
        kind=place.kind,
        location=place.location,
        reference=observation.reference,
        digest=observation.digest,
        observed_at=observation.observed_at,
        environment=place.environment.slug if place.environment else "",
        observer_counts=does_count(observation),
        received_at=observation.received_at,
    )


def places_about(digest: str, *, teams: Collection[Team]) -> list[PlaceNow]:
    """Return every place of these teams that has, had or should have the artifact, the one seen last first.

    A place that is in order for the project its name belongs to is not when a project that approved this artifact finds another under the name.
    """
    found = _look(digest, ApprovedReleases(teams), teams) if teams else []
    return sorted(found, key=lambda now: now.observation.observed_at, reverse=True)


def standing_contradictions(digest: str, *, environment: Environment, project: Project) -> list[PlaceNow]:
    """Return the places that speak against promoting the artifact of the project to the environment; another project's approvals do not matter.

    They show another digest under its approved name, or it under the name of another, or, in the environment itself, another in its place.
    That the environment still runs something else which nobody approved is no reason against promoting what was approved.
    """
    releases = ApprovedReleases([environment.team_id], environment=environment, project=project)
    places = _look(digest, releases, [environment.team], environment=environment)
    approved = releases.of(digest, team=environment.team_id)
    return [now for now in places if _speaks_against(now, digest, approved)]


def observations_about(digest: str, *, teams: Collection[Team]) -> QuerySet[Observation]:
    """Return the observations of an artifact and those that a finding held against its approval, the newest first."""
    rows = Observation.objects.filter(Q(digest=digest) | Q(findings__expected_digest=digest), place__team__in=teams).distinct()
    findings = Prefetch("findings", PathFinding.objects.order_by("pk"))
    return rows.select_related("place__environment", "identity__owner").prefetch_related(findings).order_by("-observed_at", "-pk")


def findings_about(digest: str, *, teams: Collection[Team]) -> QuerySet[PathFinding]:
    """Return what was first found wrong, or to be looked at, when observations came in: about this artifact or in its stead, newest first.

    Those that only repeat a contradiction are left out: an observer that reports every minute would hide all others behind them.
    """
    about = Q(observation__digest=digest) | Q(expected_digest=digest) | Q(observation__findings__expected_digest=digest)
    first = Q(entry__isnull=False) | Q(outcome=PathFinding.Outcome.REVIEW)
    rows = PathFinding.objects.filter(about, first, observation__place__team__in=teams).distinct()
    related = ("observation__place__environment", "observation__identity__owner")
    return rows.select_related(*related).order_by("-observation__observed_at", "-pk")


def _look(digest: str, releases: ApprovedReleases, teams: Collection[Team], *, environment: Environment | None = None) -> list[PlaceNow]:
    """Look at the places of all these teams at once; what one team approved says nothing of the places of another."""
    names = {team.pk: releases.names_of(digest, team=team) for team in teams}
    newest = newest_at(_places(digest, names, environment), was_missed=_was_missed(digest))
    rows = [found[0].place for found in newest.values()]
    # Read at once what every place is compared with, so that a hundred places cost what one does.
    releases.read([seen_of(row, place) for place in rows for row in newest[place.pk]])
    approved = {team.pk: releases.of(digest, team=team) for team in teams}
    found = []
    for place in rows:
        # What only somebody approved, and not all who had to, gives no place a name.
        called = {item.name for item in approved[place.team_id] if item.name}
        is_about = any(row.digest == digest or row.was_missed for row in newest[place.pk])  # type: ignore[attr-defined]
        if is_about or any(_is_named(place, name) for name in called):
            found.append(_weigh(place, newest[place.pk], releases, {item.project for item in approved[place.team_id]}))
    return found


def _places(digest: str, names: Mapping[str, Collection[str]], environment: Environment | None) -> QuerySet[Place]:
    """Return the places of these teams where the artifact was seen or missed, or that may be called by one of a team's names.

    The database leaves out most others; only `names_place` knows all spellings of a name.
    """
    about = Q(pk__in=Observation.objects.filter(digest=digest).values("place")) | Q(
        pk__in=PathFinding.objects.filter(expected_digest=digest).values("observation__place")
    )
    # What a registry had under this name before it was approved was compared with nothing when it came in.
    teams_of = {name: [team for team in names if name in names[team]] for name in set[str]().union(*names.values())}
    may_be = reduce(or_, (_may_be_named(name) & Q(team__in=teams) for name, teams in sorted(teams_of.items())), about)
    places = Place.objects.filter(may_be, team__in=list(names))
    if environment is not None:
        places = places.filter(Q(environment=environment) | Q(environment__isnull=True))
    return places


def _was_missed(digest: str) -> Exists:
    """Say of an observation whether the artifact was found to be missing where it was made."""
    return Exists(PathFinding.objects.filter(expected_digest=digest, observation__place=OuterRef("place")))


def _is_named(place: Place, name: str) -> bool:
    return names_place(name, kind=place.kind, location=place.location, reference=place.reference)


def _may_be_named(name: str) -> Q:
    """Return a condition that holds for every place that is called so, and for some others."""
    wanted = read_name(name)
    may_be = Q(reference=name)
    if wanted.version:
        # The longest word of a name is in each of its spellings; in a package URL even the version may be escaped.
        words = re.findall("[a-z0-9]+", wanted.spellings[0].rpartition("/")[2], re.IGNORECASE)
        word = max(words, key=len, default="")
        may_be |= (Q(reference__contains=wanted.version) | Q(reference__istartswith="pkg:")) & (
            Q(location__icontains=word) | Q(reference__icontains=word)
        )
    return may_be


def _weigh(place: Place, observations: Sequence[Observation], releases: ApprovedReleases, projects: Collection[str]) -> PlaceNow:
    seen = [seen_of(row, place) for row in observations]
    approved = releases.about(seen, team=place.team_id)
    check = check_place(seen, approved=approved)
    for project in sorted(projects):
        theirs = check_place(seen, approved=[item for item in approved if item.project == project])
        if theirs.code == DIFFERS and theirs.basis == BY_NAME and not check.is_contradiction:
            check = theirs
    decided = next(row for row, item in zip(observations, seen, strict=True) if item == check.about)
    return PlaceNow(place, decided, check, tuple(observations))


def _speaks_against(now: PlaceNow, digest: str, approved: Sequence[Approved]) -> bool:
    check = now.check
    if check.code != DIFFERS or check.expected is None or check.about is None:
        return False
    if check.basis == BY_PLACE:
        is_kept = now.place.kind not in RUNNING
        return is_kept and now.place.environment is not None and check.expected.digest == digest
    # Several digests may have been approved under one name; it leads to none of them now.
    is_named = any(names_exactly(item.name, check.about) for item in approved)
    return check.basis == BY_NAME and (is_named or digest == check.about.digest)
