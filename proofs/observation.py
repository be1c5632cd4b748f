"""What an observer says it saw: at this place, under this name, this digest, then. Read strictly; believed by nobody here.

Whether the observer may speak for the place, and whether the time is near enough to now, is for the caller to decide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

from proofs.artifact_name import without_scheme
from proofs.digest import parse_digest
from proofs.errors import Malformed
from proofs.fields import Fields

# Places that keep things under names, and places where something runs or is let in.
REGISTRY, PACKAGE_INDEX, GATE, CLUSTER, HOST = "registry", "package-index", "gate", "cluster", "host"
KINDS = (REGISTRY, PACKAGE_INDEX, GATE, CLUSTER, HOST)
# Here the location is the place, and what it runs may change its name with every release; elsewhere each name is a place of its own.
RUNNING = frozenset({CLUSTER, HOST})
MAX_LOCATION, MAX_REFERENCE, MAX_SLUG = 300, 300, 64
# How far an observer's clock may go wrong, and how late it may tell us.
TOLERATED_SKEW = timedelta(minutes=2)
OLDEST = timedelta(days=7)

_CODE = "observation.malformed"
_PORT = re.compile(r":[0-9]{1,5}")
_FIELDS = ("kind", "location", "reference", "digest", "environment", "observedAt")


@dataclass(frozen=True, slots=True)
class SaidObservation:
    """One observation as it was sent. `environment` is a slug or empty."""

    kind: str
    location: str
    reference: str
    digest: str
    environment: str
    observed_at: datetime

    @property
    def place_reference(self) -> str:
        """The name that is a place of its own at this location; empty where something runs."""
        return "" if self.kind in RUNNING else self.reference

    @property
    def place_digest(self) -> str:
        """The digest where it is itself the name something is kept under; another digest is another place then."""
        return "" if self.kind in RUNNING or self.reference else self.digest


def read_observation(unverified_value: object) -> SaidObservation:
    """Read one observation. Refuses with `observation.malformed`, `observation.name_in_location` or `digest.malformed`."""
    fields = Fields(unverified_value, path="observation", code=_CODE).only(*_FIELDS)
    kind = fields.choice("kind", KINDS)
    return SaidObservation(
        kind=kind,
        location=_location(fields, kind),
        reference=_plain(fields, "reference", MAX_REFERENCE) if fields.raw("reference") not in (None, "") else "",
        digest=str(parse_digest(fields.text("digest", limit=140))),
        environment=_plain(fields, "environment", MAX_SLUG) if fields.has("environment") else "",
        observed_at=fields.time("observedAt"),
    )


def demand_time(observed_at: datetime, *, now: datetime) -> None:
    """Refuses with `observation.from_future` or `observation.too_old` when an observer's time is too far from `now`."""
    if observed_at > now + TOLERATED_SKEW:
        minutes = int(TOLERATED_SKEW.total_seconds() // 60)
        raise Malformed("observation.from_future", f"got {observed_at:%Y-%m-%dT%H:%M:%SZ}, expected at most {minutes} minutes from now")
    if observed_at < now - OLDEST:
        raise Malformed("observation.too_old", f"got {observed_at:%Y-%m-%dT%H:%M:%SZ}, expected a time of the last {OLDEST.days} days")


def place_words(kind: str, location: str, reference: str) -> str:
    """Return a place as people write it: `registry.example/app:1.2` for what is kept, `cluster-1/web (app:1.2)` for what runs."""
    if not reference:
        return location
    return f"{location} ({reference})" if kind in RUNNING or kind == PACKAGE_INDEX else f"{location}:{reference}"


def _location(fields: Fields, kind: str) -> str:
    text = _plain(fields, "location", MAX_LOCATION)
    segments = without_scheme(text).split("/")
    if any(segment in ("", ".", "..") for segment in segments):
        fields.refuse("location", "a path without empty segments, `.` and `..`: two spellings of one place would be two places")
    # It would be part of the place's name then, and be compared with nothing that people approved.
    if kind in (REGISTRY, PACKAGE_INDEX) and any("@" in segment[1:] for segment in segments):
        _refuse_name(text)
    if kind == REGISTRY and (any(":" in segment for segment in segments[1:]) or ":" in _PORT.sub("", segments[0], count=1)):
        _refuse_name(text)
    return text


def _refuse_name(location: str) -> NoReturn:
    raise Malformed(
        "observation.name_in_location",
        f"got the location {location[:200]!r} with a tag, version or digest in it, expected the repository alone; put the tag or version into "
        "reference, and the digest into digest",
    )


def _plain(fields: Fields, name: str, limit: int) -> str:
    """Return a text without spaces or a slash at either end: two spellings of one place would be two places."""
    text = fields.text(name, limit=limit)
    if any(character.isspace() for character in text) or text.startswith("/") or text.endswith("/"):
        fields.refuse(name, "a name without spaces and without a slash at its ends")
    return text
