"""The lines of the queue: what is asked, until when, what changed, who signed, and whose turn it is and why.

However many lines, it takes the same few queries. Nothing here is asked when somebody signs; whether they may is decided then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import OuterRef, Q, Subquery

from approvals.attention.due import time_to_answer
from approvals.attention.turns import WAITING
from approvals.desk.excluded import is_excluded
from approvals.desk.tabs import Reader
from approvals.models import Approval, Attention, Request, RequestState, Snooze
from approvals.policies.parsed import parsed_policies
from approvals.requests.happened import list_askers
from identities.models import Identity, RoleAssignment
from proofs.policy.evaluate import Policy

Status = RequestState.Status
OPEN = (Status.READY, Status.IN_REVIEW, Status.STALE, Status.REVOKED)
ENDED = {
    Status.WITHDRAWN: "Who asked took it back",
    Status.SUPERSEDED: "A newer request took its place",
    Status.PROMOTED: "A gate let it through",
}
ROLE_WORDS = dict(RoleAssignment.Role.choices)
# The icon of each kind; every kind is written out beside it.
SYMBOLS = {
    Request.Kind.RELEASE: "workflow",
    Request.Kind.PROMOTION: "right",
    Request.Kind.AGENT_ACTION: "agent",
    Request.Kind.ROTATION: "key",
    Request.Kind.POLICY_CHANGE: "scroll",
    Request.Kind.EXCEPTION: "stop",
    Request.Kind.BREAK_GLASS_REVIEW: "alert",
}
# With less than this of its time left, a line says so.
SOON = 0.2


@dataclass(frozen=True)
class Row:
    """One line of the queue. `why` says whose turn it is; `signed_before` is the revision the reader signed where a newer one came since."""

    request: Request
    team_id: str
    project: str
    status: str
    symbol: str
    approvals: int
    required: int
    signed_by: tuple[str, ...]
    why: str
    is_mine: bool
    since: datetime
    due: datetime | None = None
    is_overdue: bool = False
    is_soon: bool = False
    tokens: Sequence[str] = ()
    sentence: str = ""
    level: str = ""
    signed_before: int | None = None
    snoozed_until: datetime | None = None
    may_withdraw: bool = False


@dataclass(frozen=True)
class _Beside:
    """What stands in other tables about the lines shown, read once for all of them."""

    reader: Reader
    policies: dict[str, Policy] = field(default_factory=dict)
    answers: dict[int, list[Approval]] = field(default_factory=dict)
    signed_before: dict[str, int] = field(default_factory=dict)


def read_rows(states: Sequence[RequestState], reader: Reader) -> list[Row]:
    """Return the lines of these states. Three queries, or two where this process has read the policies before.

    The requests are read after the page is found, and not joined to it: the database takes longer to weigh in which order it might join ten
    tables than to look fifty rows up.
    """
    asked = _read_requests(states, reader)
    revisions = {state.revision_id for state in states if state.revision_id is not None}
    policies = parsed_policies({state.revision.policy_id for state in states if state.revision is not None})
    answers: dict[int, list[Approval]] = {}
    before: dict[str, int] = {}
    own = Q(identity=reader.person, revision__request__in=[state.pk for state in states])
    told = Approval.objects.filter(Q(revision__in=revisions) | own).select_related("identity", "end", "revision")
    told = told.defer("payload", "credential_id", "authenticator_data", "client_data_json", "signature", "sshsig")
    for answer in told.order_by("signed_at", "pk"):
        if answer.revision_id in revisions:
            answers.setdefault(answer.revision_id, []).append(answer)
        else:
            named = answer.revision.request_id
            before[named] = max(before.get(named, 0), answer.revision.number)
    beside = _Beside(reader, policies, answers, before)
    return [_row(state, asked[state.pk], beside) for state in states]


def _read_requests(states: Sequence[RequestState], reader: Reader) -> dict[str, Any]:
    """Return the requests of these states by id, each with the reader's own turn and for how long they put it off."""
    turns = Attention.objects.filter(identity=reader.person, request=OuterRef("pk"))
    put_off = Snooze.objects.filter(identity=reader.person, request=OuterRef("pk"), until__gt=reader.now)
    rows = Request.objects.select_related("project", "environment", "requester__owner", "on_behalf_of").annotate(
        turn_sentence=Subquery(turns.values("sentence")[:1]),
        turn_since=Subquery(turns.values("since")[:1]),
        snoozed_until=Subquery(put_off.values("until")[:1]),
    )
    return rows.in_bulk([state.pk for state in states])


def _row(state: Any, request: Any, beside: _Beside) -> Row:
    revision, reader = state.revision, beside.reader
    state.request = request
    answers = beside.answers.get(state.revision_id, [])
    approving = [answer for answer in answers if answer.decision == Approval.Decision.APPROVE and not hasattr(answer, "end")]
    policy = beside.policies[revision.policy_id].for_kind(request.kind) if revision is not None else None
    is_mine = request.turn_sentence is not None and state.pk not in reader.taken
    has_answered = any(answer.identity_id == reader.person.pk for answer in answers)
    headline = state.headline or {}
    given = time_to_answer(kind=str(request.kind), tier=request.environment.tier)
    due = revision.frozen_at + given if state.status in WAITING and revision is not None else None
    return Row(
        request=request,
        team_id=request.project.team_id,
        project=request.project.slug,
        status=state.status,
        symbol=SYMBOLS[Request.Kind(request.kind)],
        approvals=len(approving),
        required=policy.required_approvals if policy else 0,
        signed_by=tuple(f"{answer.identity.name}{' by sign-in' if answer.bound_by_id else ''}" for answer in approving),
        why=request.turn_sentence if is_mine else _whose_turn(state, policy, answers, reader.person),
        is_mine=is_mine,
        since=request.turn_since if is_mine else request.opened_at,
        due=due,
        is_overdue=due is not None and due <= reader.now,
        is_soon=due is not None and timedelta() < due - reader.now < given * SOON,
        tokens=headline.get("tokens", ()),
        sentence=headline.get("sentence", ""),
        level=headline.get("level", ""),
        signed_before=None if has_answered else beside.signed_before.get(state.pk),
        snoozed_until=request.snoozed_until,
        may_withdraw=reader.person in list_askers(request),
    )


def _whose_turn(state: RequestState, policy: Policy | None, answers: Sequence[Approval], person: Identity) -> str:
    """Say whose turn it is, where it is not the reader's."""
    request = state.request
    asked = person.pk in (request.requester_id, request.on_behalf_of_id)
    if state.status == Status.DRAFT:
        return "Your draft; submit it when it is ready"
    if state.status == Status.CHANGES_REQUESTED:
        return "Waiting for the requester to change it"
    if state.status == Status.BLOCKED:
        return "A rule is not met"
    if state.status == Status.COLLECTING:
        return "Evidence has not arrived"
    if Status(state.status) in ENDED:
        return ENDED[Status(state.status)]
    if state.status not in OPEN or policy is None:
        return ""
    wanted = [rule.role for rule in policy.approvals_rules]
    waiting = f"Waits for {' and '.join(ROLE_WORDS.get(role, role).lower() for role in dict.fromkeys(wanted))}"
    if (asked and request.kind != Request.Kind.POLICY_CHANGE) or is_excluded(request, policy, person):
        return f"You asked for it. {waiting}"
    if any(answer.identity_id == person.pk for answer in answers):
        return f"You have answered. {waiting}"
    if any(hasattr(answer, "end") for answer in answers):
        return f"An approval ended because its approver left. {waiting}"
    return waiting
