"""Take in what observers saw, and hold each at once against what people approved: observation and findings in one transaction.

Each observation of a list is answered for itself, and a process that dies in between has stored what it was through with. The list is
sent again then. Not checked: whether an observer tells the truth.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from approvals.models import PathFinding
from approvals.path.approved import ApprovedReleases
from approvals.path.contradictions import seen_of
from attestations.blobs import store_blob
from attestations.models import Observation
from attestations.observe import counts_at, demand_observer, keep_observation, newest_of_each_digest, seen_before
from identities.actors import actor_of
from identities.models import Identity
from ledger.append import append_event
from proofs.canonical import canonical_bytes
from proofs.errors import Malformed, Refusal, TooLarge
from proofs.moment import rfc3339
from proofs.observation import read_observation
from proofs.path import PathCheck, check_path, check_tag_moved

NEW, KNOWN, REFUSED = "new", "known", "refused"
MAX_OBSERVATIONS = 500
CHECK_PATH, CHECK_TAG_MOVED = "check_path", "check_tag_moved"


@dataclass(frozen=True, slots=True)
class ObservationAnswer:
    """The answer to one observation: the row and what was found then, or why it was refused."""

    position: int
    answer: str
    observation: Observation | None
    findings: tuple[PathFinding, ...]
    refusal: Refusal | None


def receive_observations(*, unverified: object, by: Identity, now: datetime) -> list[ObservationAnswer]:
    """Receive one observation (an object) or a list of them; return the answers in order.

    Refuses the whole with `permission.missing`, `observation.malformed` (neither object nor list, or an empty list) or
    `observation.too_many`. One of them is refused as `read_observation` and `keep_observation` do.
    """
    demand_observer(by)
    items = unverified if isinstance(unverified, list) else [unverified]
    if not items or not isinstance(unverified, (list, dict)):
        raise Malformed("observation.malformed", "got no observation, expected an object or a list of them")
    if len(items) > MAX_OBSERVATIONS:
        raise TooLarge("observation.too_many", f"got {len(items)} observations, expected at most {MAX_OBSERVATIONS}")
    releases = ApprovedReleases([by.team_id or ""])
    return [_receive(position, item, releases, by, now) for position, item in enumerate(items, start=1)]


def _receive(position: int, item: object, releases: ApprovedReleases, by: Identity, now: datetime) -> ObservationAnswer:
    try:
        said = read_observation(item)
        with transaction.atomic():
            observation, created = keep_observation(said=said, by=by, now=now)
            if created:
                for name, found in _check(observation, releases):
                    _keep_finding(observation, name, found, by, now)
    except Refusal as refusal:
        return ObservationAnswer(position, REFUSED, None, (), refusal)
    findings = tuple(observation.findings.order_by("pk"))
    return ObservationAnswer(position, NEW if created else KNOWN, observation, findings, None)


def _check(observation: Observation, releases: ApprovedReleases) -> Iterable[tuple[str, PathCheck]]:
    place = observation.place
    seen = seen_of(observation, place)
    earlier = [seen_of(row, place) for row in newest_of_each_digest([place], until=counts_at(observation))[place.pk]]
    before = [item.digest for item in earlier if item.digest != seen.digest]
    yield CHECK_PATH, check_path(seen, before=before, approved=releases.about([seen, *earlier], team=place.team_id))
    previous = seen_before(observation)
    moved = check_tag_moved(seen, seen_of(previous, place) if previous else None)
    if moved is not None:
        yield CHECK_TAG_MOVED, moved


def _keep_finding(observation: Observation, name: str, found: PathCheck, by: Identity, now: datetime) -> None:
    expected = found.expected
    finding = PathFinding(
        observation=observation,
        check_name=name,
        outcome=found.outcome,
        code=found.code,
        sentence=found.sentence[:2000],
        expected_digest=expected.digest if expected else "",
        approval_id=expected.approval_id if expected else None,
        not_looked_at=list(found.not_looked_at),
        found_at=now,
    )
    if found.is_contradiction and not _is_repeated(finding):
        # A contradiction is in the ledger when it is first found; an observer that reports every minute does not fill it.
        content = canonical_bytes(_document(finding))
        finding.document = store_blob(content, now)
        finding.entry = append_event(event="path.contradiction", ref_digest=finding.document.digest, actor=actor_of(by), now=now)
    finding.save()


def _is_repeated(finding: PathFinding) -> bool:
    """Say whether the newest finding of the same check about this place says the same already."""
    earlier = PathFinding.objects.filter(observation__place=finding.observation.place, check_name=finding.check_name)
    last = earlier.select_related("observation").order_by("-pk").first()
    return last is not None and (last.code, last.expected_digest, last.observation.digest) == (
        finding.code,
        finding.expected_digest,
        finding.observation.digest,
    )


def _document(finding: PathFinding) -> dict[str, object]:
    observation, place = finding.observation, finding.observation.place
    return {
        "schema": "countersign-path-finding/v1",
        "code": finding.code,
        "sentence": finding.sentence,
        "observation": {
            "id": observation.pk,
            "kind": place.kind,
            "location": place.location,
            "reference": observation.reference,
            "environment": place.environment_id,
            "digest": observation.digest,
            "observedAt": rfc3339(observation.observed_at),
            "receivedAt": rfc3339(observation.received_at),
        },
        "expected": finding.expected_digest or None,
        "approval": finding.approval_id,
        "notLookedAt": list(finding.not_looked_at),
    }
