"""Plain makers for observations: a program that watches registry and cluster, and what it says it saw."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from approvals.path.receive_observations import ObservationAnswer, receive_observations
from identities.models import Identity
from identities.register import register_nonhuman
from proofs.moment import rfc3339
from tests import cast
from tests import make_approvals as make

NOW = make.NOW
REGISTRY, CLUSTER = "registry.example/payments/api", "cluster-1/payments/api"


def watcher(*, name: str = "registry watcher", now: datetime = NOW) -> Identity:
    """A program of payments that looks at places and tells; bob answers for it."""
    found = Identity.objects.filter(issuer="https://watch.payments.example", subject=name).first()
    if found is not None:
        return found
    return register_nonhuman(
        kind="service",
        name=name,
        issuer="https://watch.payments.example",
        subject=name,
        owner=cast.bob(now=now),
        team=cast.payments(),
        purpose="Tells what registry and cluster have",
        by=None,
        now=now,
    )


def said(*, tag: str = "1.4.2", digest: str | None = None, at: datetime = NOW, **changed: Any) -> dict[str, Any]:
    """What a registry watcher sends about a tag; it has the image of that name unless told."""
    return {
        "kind": "registry",
        "location": REGISTRY,
        "reference": tag,
        "digest": digest or make.image(tag),
        "observedAt": rfc3339(at),
        **changed,
    }


def runs(*, tag: str = "1.4.2", digest: str | None = None, at: datetime = NOW, **changed: Any) -> dict[str, Any]:
    """What a cluster watcher sends about a deployment in production."""
    seen = {"kind": "cluster", "location": CLUSTER, "reference": f"{REGISTRY}:{tag}", "environment": "production"}
    return said(tag=tag, digest=digest, at=at, **{**seen, **changed})


def observe(*observations: dict[str, Any], by: Identity | None = None, now: datetime | None = None) -> list[ObservationAnswer]:
    """Let the watcher send observations, a minute after the newest of them unless told."""
    at = max(datetime.fromisoformat(item["observedAt"]) for item in observations) + timedelta(minutes=1)
    return receive_observations(unverified=list(observations), by=by or watcher(), now=now or at)


def codes(answer: ObservationAnswer) -> list[str]:
    """The codes of what was found when an observation came in."""
    return [finding.code for finding in answer.findings]
