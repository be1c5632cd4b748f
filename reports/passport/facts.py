"""The facts of the sentence, and of the rows of environments, read out of what a passport holds. No queries, and nothing is judged anew.

An environment stands as the status that is kept with its request says, unless somebody said no since; for which of several requests is said at
`_deciding`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from approvals.models import Approval, Request, RequestState
from attestations.trace import Link
from gates.decide import LET_THROUGH
from proofs.observation import RUNNING
from proofs.path import AS_APPROVED as AS_APPROVED_CODE
from proofs.path import DIFFERS, STALE
from proofs.tell_path import PathAnswer, PlaceStands
from reports.passport import sentence
from reports.passport.sentence import Answered, Downstream, Made

Status = RequestState.Status
_STATES = {
    Status.APPROVED: sentence.APPROVED,
    Status.PROMOTED: sentence.PROMOTED,
    Status.EXPIRED: sentence.LAPSED,
    Status.STALE: sentence.STALE,
    Status.REVOKED: sentence.REVOKED,
    Status.REJECTED: sentence.REFUSED,
    Status.CHANGES_REQUESTED: sentence.REFUSED,
    Status.BLOCKED: sentence.BLOCKED,
    Status.WITHDRAWN: sentence.OVER,
    Status.SUPERSEDED: sentence.OVER,
}
_YES = (Status.APPROVED, Status.PROMOTED)
_NO = (Status.REJECTED, Status.CHANGES_REQUESTED)
_NEVER_ASKED = (Status.WITHDRAWN, Status.SUPERSEDED, Status.DRAFT)


@dataclass(frozen=True, slots=True)
class Target:
    """One project and environment an artifact was asked for: the request that counts, its approvals that stand, and how that is called."""

    words: str
    request: Request
    approvals: tuple[Approval, ...]
    state: str

    @property
    def people(self) -> tuple[str, ...]:
        """Whoever approves, each once; two people may have the same name."""
        return tuple({approval.identity_id: str(approval.identity) for approval in self.approvals}.values())

    @property
    def status(self) -> str:
        """The status as pages show it: the one that is kept, unless time or somebody's no on another request has overtaken it."""
        if self.state == sentence.LAPSED:
            return str(Status.EXPIRED)
        overtaken = self.state == sentence.REFUSED and self.request.state.status in _YES
        return str(Status.REJECTED if overtaken else self.request.state.status)

    @property
    def named(self) -> tuple[str, ...]:
        """Whom pages name beside that status: those who approve, and nobody where it says that they do not count any more."""
        return () if self.status in (Status.EXPIRED, Status.REJECTED) else self.people


def list_targets(requests: Sequence[Request], approvals: Sequence[Approval], *, now: datetime) -> tuple[Target, ...]:
    """Return each project and environment that these requests, newest first, ask for, in the order they were asked for last."""
    asked: dict[tuple[str, str], list[Request]] = {}
    for request in requests:
        if request.kind in LET_THROUGH:
            asked.setdefault((request.project_id, request.environment_id), []).append(request)
    has_several = len({project for project, _ in asked}) > 1
    return tuple(_target(rows, approvals, has_several=has_several, now=now) for rows in asked.values())


def made_of(chain: Sequence[Link]) -> Made:
    """Return from what and by what the chain says it was built."""
    links = {link.kind: link for link in chain}
    source, build = links["source"], links["build"]
    is_named = build.state != sentence.MISSING
    return Made(
        source=sentence.short_source(source.title, source.digest),
        source_state=source.state,
        builder=sentence.short_builder(build.title) if is_named else "",
        builder_state=build.state,
    )


def answered_of(targets: Sequence[Target]) -> tuple[Answered, ...]:
    """Return how the question stands for each target, as the sentence takes it."""
    return tuple(Answered(target.words, target.state, len(target.people)) for target in targets)


def downstream_of(
    digest: str, answer: PathAnswer, places: Sequence[PlaceStands], *, stale: Collection[int] = (), last_seen_at: datetime | None = None
) -> Downstream:
    """Return what the places come to, given the answer to the third question; at the places with the numbers `stale` nobody has looked lately.
    `last_seen_at` is when it was last seen anywhere, which is all that is left to tell where no place has it any more.

    Each place speaks for itself: that a registry was looked at today says nothing of a cluster that nobody has looked at for weeks.
    """
    here = [item for item in places if item.has(digest)]
    old = [places[number] for number in stale]
    seen = [item.check.about for item in here if item.check.about]
    wrong = [item for item in places if item.check.is_contradiction and (item.has(digest) or item.expects(digest))]
    bad, wrong = _worst(digest, wrong)
    state = bad or {
        AS_APPROVED_CODE: sentence.AS_APPROVED,
        STALE: sentence.AS_APPROVED,
        "path.gone": sentence.GONE,
    }.get(answer.code, sentence.NOT_COMPARED if here else sentence.NOT_SEEN)
    as_approved = [item for item in here if item.check.code == AS_APPROVED_CODE and item.check.about]
    right = [item.check.about for item in as_approved if item.check.about]
    times = [item.check.about for item in wrong if item.check.about] or right or seen
    return Downstream(
        state=state,
        running=sum(item.kind in RUNNING for item in seen),
        kept=sum(item.kind not in RUNNING for item in seen),
        places=tuple(item.words for item in wrong),
        seen_at=max((item.observed_at for item in times), default=last_seen_at),
        is_fresh=answer.code == AS_APPROVED_CODE,
        unseen_running=sum(item in old and item.check.about.kind in RUNNING for item in here if item.check.about),
        right=len(as_approved),
        unseen_right=sum(item in old for item in as_approved),
    )


def _worst(digest: str, wrong: list[PlaceStands]) -> tuple[str, list[PlaceStands]]:
    """Return the worst of what is wrong and the places where it is: another digest in the place of this one before this one in another's."""
    altered = [item for item in wrong if item.expects(digest) and not item.has(digest)]
    misplaced = [item for item in wrong if item.has(digest) and item.check.code == DIFFERS]
    found = ((sentence.ALTERED, altered), (sentence.MISPLACED, misplaced), (sentence.UNAPPROVED, wrong))
    return next(((state, places) for state, places in found if places), ("", []))


def _deciding(rows: Sequence[Request]) -> Request:
    """Return the request that decides: the newest no, if nobody said yes after it, then the newest yes, then the newest that anybody still asks."""
    for request in rows:
        if request.state.status in (*_YES, *_NO):
            return request
    return next((request for request in rows if request.state.status not in _NEVER_ASKED), rows[0])


def _target(rows: Sequence[Request], approvals: Sequence[Approval], *, has_several: bool, now: datetime) -> Target:
    request = _deciding(rows)
    name = request.environment.name
    stand = tuple(
        approval
        for approval in approvals
        if approval.revision.request_id == request.pk
        and approval.revision.number == request.state.revision_number
        and approval.decision == Approval.Decision.APPROVE
        and not hasattr(approval, "end")
    )
    status = Status(request.state.status)
    state = _STATES.get(status, sentence.WAITING)
    # A question that nobody answered in time expires as well, and then there is no approval that could have run out.
    if status == Status.EXPIRED and not stand:
        state = sentence.OVER
    # The kept status is looked at again by a worker, and time goes on in between, or nobody could look.
    over = [approval for approval in stand if approval.not_after <= now]
    if status == Status.APPROVED and over and (over == list(stand) or any(request.state.computed_at < each.not_after for each in over)):
        state = sentence.LAPSED
    if status in _YES and _was_refused_since(rows, approvals, stand):
        state = sentence.REFUSED
    if state == sentence.APPROVED:
        # More people may have approved than had to: it stands by those whose approval has not run out.
        stand = tuple(approval for approval in stand if approval not in over)
    return Target(f"{name} ({request.project.name})" if has_several else name, request, stand, state)


def _was_refused_since(rows: Sequence[Request], approvals: Sequence[Approval], stand: Sequence[Approval]) -> bool:
    """Say whether somebody answered no after the last yes, on whichever request for the same: gates stay shut for that."""
    last_yes = max((approval.signed_at for approval in stand), default=None)
    same = {request.pk for request in rows}
    noes = [answer for answer in approvals if answer.decision != Approval.Decision.APPROVE and answer.revision.request_id in same]
    return any(last_yes is None or answer.signed_at >= last_yes for answer in noes)
