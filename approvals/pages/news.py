"""What came in since a revision was frozen, and what others sent about its artifacts that is not looked at. Reads only, and is no part of what is signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from approvals.comparison.since import moved_since
from approvals.models import Request, Revision
from approvals.policies.expectations import active_expectations
from approvals.policies.named_signers import named_signers
from approvals.requests.follow_ground import is_followed
from approvals.requests.refresh import Since, look_since
from approvals.requests.snapshot import read_snapshot
from attestations.admission import MAX_OF_OTHERS, left_out_verdicts, others_verdicts, spare_verdicts
from attestations.blobs import bytes_of
from attestations.models import Verdict
from proofs.errors import Refusal
from proofs.policy.evaluate import Policy, parse_policy

SHOWN_LEFT_OUT = 5


@dataclass(frozen=True)
class LeftOut:
    """What others sent about the artifacts and is not looked at: how many items nothing proves, how many are too many, and
    how many copy what is there; the newest.
    """

    unproven: int
    too_many: int
    copies: int
    newest: list[Verdict]

    @property
    def count(self) -> int:
        """How many items it is in all."""
        return self.unproven + self.too_many + self.copies


@dataclass(frozen=True)
class News:
    """What came in since the revision was frozen. `cannot_follow` says why the request cannot be brought up to date, where it cannot; `moved`
    what took the ground from under its comparison, until it is frozen anew; nothing for what is not, because it was answered."""

    since: Since
    cannot_follow: str
    moved: str
    left_out: LeftOut


def read_news(*, request: Request, revision: Revision, now: datetime) -> News:
    """Return what came in since `revision`, the newest one of `request`, was frozen, and what is not looked at."""
    since, cannot_follow = read_since(revision, now)
    policy = parse_policy(bytes_of(revision.policy.document)).for_kind(request.kind)
    moved = moved_since(request, read_snapshot(bytes_of(revision.snapshot)).get("comparison"))
    return News(since, cannot_follow, moved if moved and is_followed(request) else "", _left_out(request, policy))


def read_since(revision: Revision, now: datetime) -> tuple[Since, str]:
    """Return what came in since, and why the request cannot follow it, where it cannot."""
    try:
        return look_since(revision, now=now), ""
    except Refusal as refusal:
        # Without a policy in force, or with more evidence than can be read, nothing can be said, and so nothing can be signed.
        return Since(0, True), f"{refusal.reason[:1].upper()}{refusal.reason[1:]}."


def _left_out(request: Request, policy: Policy) -> LeftOut:
    digests, team = list(request.artifacts.values_list("artifact_id", flat=True)), request.project.team
    unproven = left_out_verdicts(digests, team=team)
    named = named_signers(policy, active_expectations(request.project) if policy.asks_expectations else None)
    others = others_verdicts(digests, team=team, named=named)
    too_many = max(0, others.count() - MAX_OF_OTHERS)
    copies = spare_verdicts(digests, team=team, named=named)
    newest = [*unproven[:SHOWN_LEFT_OUT], *others.reverse()[: min(too_many, SHOWN_LEFT_OUT)], *copies[:SHOWN_LEFT_OUT]]
    newest.sort(key=lambda verdict: (verdict.attestation.received_at, verdict.attestation_id), reverse=True)
    return LeftOut(unproven.count(), too_many, copies.count(), newest[:SHOWN_LEFT_OUT])
