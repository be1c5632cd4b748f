"""Reading what an observer says: one shape, one spelling, a time near to now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from attestations.models import Place
from proofs.errors import Refusal
from proofs.observation import KINDS, OLDEST, TOLERATED_SKEW, demand_time, read_observation

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "kind": "registry",
    "location": "registry.example/app",
    "reference": "1.4.2",
    "digest": "sha256:" + "a" * 64,
    "observedAt": "2026-03-02T09:00:00Z",
}


def test_reads_what_is_said() -> None:
    said = read_observation({**GOOD, "environment": "production"})
    assert (said.kind, said.location, said.reference, said.environment, said.observed_at) == (
        "registry",
        "registry.example/app",
        "1.4.2",
        "production",
        AT,
    )
    assert (said.place_reference, said.place_digest) == ("1.4.2", "")


def test_a_name_is_a_place_where_things_are_kept_and_not_where_they_run() -> None:
    assert read_observation({**GOOD, "kind": "cluster"}).place_reference == ""
    for missing in ("", None):
        said = read_observation({**GOOD, "reference": missing})
        assert (said.place_reference, said.place_digest) == ("", GOOD["digest"])
        assert read_observation({**GOOD, "kind": "host", "reference": missing}).place_digest == ""


@pytest.mark.parametrize(("algorithm", "length"), [("sha384", 96), ("sha512", 128)])
def test_longer_digests(algorithm: str, length: int) -> None:
    assert read_observation({**GOOD, "digest": f"{algorithm}:{'a' * length}"}).digest.startswith(algorithm)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"kind": "cloud"}, "observation.malformed"),
        ({"kind": None}, "observation.malformed"),
        ({"location": ""}, "observation.malformed"),
        ({"location": "a b"}, "observation.malformed"),
        ({"location": "a\u202eb"}, "observation.malformed"),
        ({"location": "a\0b"}, "observation.malformed"),
        ({"location": "registry.example/app/"}, "observation.malformed"),
        ({"location": "/app"}, "observation.malformed"),
        ({"location": "a" * 301}, "observation.malformed"),
        ({"location": ["a"]}, "observation.malformed"),
        ({"location": "registry.example//app"}, "observation.malformed"),
        ({"location": "registry.example/./app"}, "observation.malformed"),
        ({"location": "registry.example/other/../app"}, "observation.malformed"),
        ({"location": "..", "kind": "host"}, "observation.malformed"),
        ({"location": "registry.example/app:1.4.2"}, "observation.name_in_location"),
        ({"location": "registry.example/app:1.4.2", "reference": ""}, "observation.name_in_location"),
        ({"location": "app:latest"}, "observation.name_in_location"),
        ({"location": "https://registry.example:5000/app:1.4.2"}, "observation.name_in_location"),
        ({"location": "registry.example/app@sha256:" + "a" * 64}, "observation.name_in_location"),
        ({"location": "registry.example/app:1@sha256:" + "a" * 64, "reference": ""}, "observation.name_in_location"),
        ({"location": "npm.example/@acme/app@1.2.0", "kind": "package-index"}, "observation.name_in_location"),
        ({"reference": "a b"}, "observation.malformed"),
        ({"reference": 7}, "observation.malformed"),
        ({"digest": "latest"}, "digest.malformed"),
        ({"digest": "sha1:" + "a" * 40}, "digest.malformed"),
        ({"digest": None}, "observation.malformed"),
        ({"environment": "a/"}, "observation.malformed"),
        ({"observedAt": "2026-03-02 09:00"}, "observation.malformed"),
        ({"observedAt": "2026-03-02T09:00:00+01:00"}, "observation.malformed"),
        ({"team": "payments"}, "observation.malformed"),
    ],
)
def test_refuses(changed: dict[str, Any], code: str) -> None:
    with pytest.raises(Refusal) as refusal:
        read_observation({**GOOD, **changed})
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("kind", "location"),
    [
        ("registry", "registry.example:5000/payments/api"),
        ("registry", "registry.example:5000"),
        ("registry", "https://registry.example/payments/api"),
        ("package-index", "npm.example/@acme/app"),
        ("package-index", "npm.example/@acme%2fapp"),
        ("package-index", "maven.example/org.acme:app"),
        ("cluster", "cluster-1:6443/payments/api:web"),
    ],
)
def test_reads_locations_as_they_are(kind: str, location: str) -> None:
    assert read_observation({**GOOD, "kind": kind, "location": location}).location == location


@pytest.mark.parametrize("value", [None, [], "x", 7])
def test_refuses_what_is_no_object(value: object) -> None:
    with pytest.raises(Refusal, match=r"observation\.malformed"):
        read_observation(value)


def test_the_kinds_that_are_read_are_those_that_are_kept() -> None:
    assert set(Place.Kind.values) == set(KINDS)


def test_the_time_must_be_near_to_now() -> None:
    demand_time(AT + TOLERATED_SKEW, now=AT)
    demand_time(AT - OLDEST, now=AT)
    for at, code in ((AT + TOLERATED_SKEW + timedelta(seconds=1), "from_future"), (AT - OLDEST - timedelta(seconds=1), "too_old")):
        with pytest.raises(Refusal, match=rf"observation\.{code}"):
            demand_time(at, now=AT)
