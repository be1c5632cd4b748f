"""Plain makers of requests in every state there is, each through the acts that lead there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from approvals.carried_out.note_promotion import note_promotion
from approvals.models import Request
from approvals.requests.expire import expire_unanswered
from approvals.requests.open_request import AskedArtifact, open_request
from approvals.requests.withdraw import withdraw_request
from tests import cast
from tests import make_approvals as make

LATER = make.NOW + timedelta(minutes=5)
LATE = make.NOW + timedelta(days=31)


def draft() -> Request:
    """Bob's draft."""
    stage = make.set_stage()
    make.send_provenance(stage)
    return open_request(
        project=cast.payments_api(),
        environment=cast.production(),
        title="payments/api 1.4.2",
        artifacts=[AskedArtifact(make.image(), "payments/api:1.4.2")],
        by=cast.bob(),
        now=make.NOW,
        is_draft=True,
    )


def collecting() -> Request:
    """Nothing has been sent."""
    make.set_stage()
    return make.ask()


def ready(count: int = 1) -> Request:
    """Everything is there, and `count` people have to approve."""
    stage = make.set_stage(count=count)
    make.send_provenance(stage)
    return make.ask()


def in_review() -> Request:
    """One of two has approved."""
    request = ready(2)
    make.approve(request, cast.alice())
    return request


def blocked() -> Request:
    """The only evidence is a lie."""
    stage = make.set_stage()
    make.send_lie(stage)
    return make.ask()


def approved() -> Request:
    """Alice approved it."""
    request = ready()
    make.approve(request, cast.alice())
    return request


def answered(decision: str, reason: str = "Not like this.") -> Request:
    """Alice answered so."""
    request = ready()
    passkey, key = make.enrol(cast.alice())
    make.complete(make.begin(request, cast.alice(), key, decision=decision, reason=reason), passkey)
    return request


def stale() -> Request:
    """Alice approved it, and then somebody sent a lie about it."""
    stage = make.set_stage()
    make.send_provenance(stage)
    request = make.ask()
    make.approve(request, cast.alice())
    make.send_lie(stage, now=LATER)
    make.refresh(now=LATER)
    return request


def unanswered() -> Request:
    """Nobody answered it in time."""
    request = ready()
    expire_unanswered(now=LATE)
    return request


def withdrawn() -> Request:
    """Bob took it back."""
    request = ready()
    withdraw_request(request=request, reason="Not needed.", by=cast.bob(), now=make.NOW)
    return request


def superseded() -> Request:
    """Bob asked for the next version before anybody answered."""
    request = ready()
    make.ask(tag="1.4.3", now=LATER)
    return request


def promoted() -> Request:
    """A gate let it through."""
    request = approved()
    note_promotion(request=request, decision_id="dec_1", by=cast.runner(), now=make.NOW)
    return request


STATES: dict[str, Callable[[], Request]] = {
    "draft": draft,
    "collecting": collecting,
    "ready": ready,
    "in_review": in_review,
    "blocked": blocked,
    "approved": approved,
    "rejected": lambda: answered("reject"),
    "changes_requested": lambda: answered("request_changes"),
    "stale": stale,
    "expired": unanswered,
    "withdrawn": withdrawn,
    "superseded": superseded,
    "promoted": promoted,
}
