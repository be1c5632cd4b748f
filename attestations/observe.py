"""Keep what a registered identity says it saw: this digest, under this name, at this place, then.

The same observation sent again is the same row. Not checked here: whether it is true, and what was approved (`approvals.path.receive_observations`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Case, F, Q, QuerySet, Value, When, Window
from django.db.models.functions import Least, RowNumber

from attestations.models import Observation, Place
from identities.models import Environment, Identity
from identities.permissions import demand
from identities.standing import answers_for, why_not_answering
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import NotAllowed, NotFound
from proofs.observation import SaidObservation, demand_time

PLACES_AT_ONCE = 100
# The same as `counts_at`, for the database.
COUNTS_AT = Least("observed_at", "received_at")


def demand_observer(identity: Identity) -> None:
    """Refuses with `permission.missing` for a person, and for a program that is not active or that nobody active answers for."""
    demand(identity, "observations.send", team=identity.team)
    if identity.team is None:
        raise NotAllowed("permission.missing", f"{identity.name} has no team whose places it could speak for.")


def keep_observation(*, said: SaidObservation, by: Identity, now: datetime) -> tuple[Observation, bool]:
    """Store an observation and say whether it is new. Must run inside the caller's transaction, which `demand_observer` let through.

    Refuses with `observation.from_future`, `observation.too_old` or `environment.unknown`, and then keeps nothing. An environment of
    another team is unknown here: an observer speaks for its own team's places.
    """
    demand_time(said.observed_at, now=now)
    environment = _find_environment(said.environment, by)
    place = _keep_place(said, environment, by, now)
    mine = Observation(
        place=place, identity=by, reference=said.reference, digest=said.digest, observed_at=said.observed_at, received_at=now
    )
    Observation.objects.bulk_create([mine], ignore_conflicts=True)
    kept = Observation.objects.select_related("place__environment", "identity__owner").get(
        place=place, identity=by, reference=said.reference, digest=said.digest, observed_at=said.observed_at
    )
    return kept, kept.pk == mine.pk


def newest_of_each_digest(places: Sequence[Place], *, until: datetime | None = None) -> dict[str, list[Observation]]:
    """Return for each place the newest observation of each digest seen there (`until` then, if given), the newest first.

    Where the observer of that one does not count (`does_count`), the newest by one that does comes along with it: nobody who is suspended
    now hides what others saw. An observation counts at the time it is dated, and at most at the time it came in: a date ahead of that hides
    nothing that was seen later.
    """
    found: dict[str, list[Observation]] = {place.pk: [] for place in places}
    for start in range(0, len(places), PLACES_AT_ONCE):
        rows = Observation.objects.filter(place__in=places[start : start + PLACES_AT_ONCE])
        for row in _newest(rows, until):
            found[row.place_id].append(row)
    return found


def newest_at(places: QuerySet[Place], **also: Any) -> dict[str, list[Observation]]:
    """Return the same of every place that these are, if anything was seen there; in one query however many they are. Each observation comes with its
    place, and with what `also` names."""
    found: dict[str, list[Observation]] = {}
    for row in _newest(Observation.objects.filter(place__in=places.order_by().values("pk")).annotate(**also), None):
        found.setdefault(row.place_id, []).append(row)
    return found


def _newest(rows: QuerySet[Observation], until: datetime | None) -> QuerySet[Observation]:
    order = (F("counts_at").desc(), F("received_at").asc(), F("pk").asc())
    is_counting = Case(When(answers_for("identity", signed_at="received_at"), then=Value(True)), default=Value(False))
    rows = rows.annotate(counts_at=COUNTS_AT)
    if until is not None:
        rows = rows.filter(counts_at__lte=until)
    # Several observers may have seen the same at one moment; the first that told us stands for them.
    ranked = rows.annotate(
        is_counting=is_counting,
        rank=Window(RowNumber(), partition_by=[F("place"), F("digest")], order_by=order),
        rank_of_kind=Window(RowNumber(), partition_by=[F("place"), F("digest"), is_counting], order_by=order),
    )
    newest = ranked.filter(Q(rank=1) | Q(rank_of_kind=1, is_counting=True))
    return newest.select_related("identity__owner", "place__environment").order_by("-counts_at", "received_at", "pk")


def does_count(observation: Observation) -> bool:
    """Say whether somebody answers today for what the observer told: it is not suspended, not an orphan, and was neither retired nor compromised.

    What counts for the latter is when it told us. A date is its own word, and whoever took it over may date back.
    """
    return not why_not_answering(observation.identity, signed_at=observation.received_at)


def seen_before(observation: Observation) -> Observation | None:
    """Return the observation of the same place before this one, as their observers date them."""
    rows = (
        Observation.objects.annotate(counts_at=COUNTS_AT)
        .filter(place=observation.place, counts_at__lte=counts_at(observation))
        .exclude(pk=observation.pk)
    )
    return rows.select_related("identity__owner").order_by("-counts_at", "-received_at", "-pk").first()


def counts_at(observation: Observation) -> datetime:
    """Return the moment an observation is ordered by: when it was made, and at most when it came in."""
    return min(observation.observed_at, observation.received_at)


def _find_environment(slug: str, by: Identity) -> Environment | None:
    if not slug:
        return None
    found = Environment.objects.filter(slug=slug, team_id=by.team_id).first()
    if found is None:
        raise NotFound("environment.unknown", f"got {slug!r}, expected the slug of an environment of your team")
    return found


def _keep_place(said: SaidObservation, environment: Environment | None, by: Identity, now: datetime) -> Place:
    """Return the place, locked: two who report about it at once are compared one after the other."""
    team = by.team
    if team is None:
        raise RuntimeError("an observer without a team was let through")
    told = [team.pk, environment.pk if environment else None, said.kind, said.location, said.place_reference, said.place_digest]
    key = sha256_hex(canonical_bytes(told))
    mine = Place(
        key=key,
        team=team,
        environment=environment,
        kind=said.kind,
        location=said.location,
        reference=said.place_reference,
        first_seen_at=now,
    )
    Place.objects.bulk_create([mine], ignore_conflicts=True)
    return Place.objects.select_for_update(no_key=True, of=("self",)).select_related("environment").get(pk=key)
