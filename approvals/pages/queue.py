"""The queue of one person: what waits for them, what waits for others, what is stuck, what is done.

Reads only, with a number of queries that does not grow with the requests shown. Whether the person may really sign is decided when
they do; here it is told whose turn it is, and why.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import F, Q

from approvals.attention.turns import WAITING
from approvals.models import Approval, Attention, Request, RequestState, Revision
from approvals.pages.live import due_of
from attestations.blobs import bytes_of
from identities.models import Identity, Project, RoleAssignment, SigningKey
from identities.oidc.bound_sign_in import oidc_provider_of
from identities.permissions import ACTIONS, APPROVERS, list_held_roles, readable_teams
from identities.preferences.current import list_away
from proofs.policy.evaluate import Policy, exclusions, parse_policy

Status = RequestState.Status
OPEN = (Status.READY, Status.IN_REVIEW, Status.STALE, Status.REVOKED)
STUCK = (Status.BLOCKED, Status.COLLECTING)
ENDED = {
    Status.WITHDRAWN: "Who asked took it back",
    Status.SUPERSEDED: "A newer request took its place",
    Status.PROMOTED: "A gate let it through",
}
SHOWN = 50
ROLE_WORDS = dict(RoleAssignment.Role.choices)


@dataclass(frozen=True)
class Row:
    """One line of the queue. `why` says whose turn it is."""

    request: Request
    status: str
    approvals: int
    required: int
    signed_by: tuple[str, ...]
    why: str
    is_mine: bool
    due: datetime | None = None
    is_overdue: bool = False


@dataclass(frozen=True)
class Group:
    """One tab of the queue: its rows, and how many there are in all."""

    key: str
    title: str
    rows: list[Row] = field(default_factory=list)
    total: int = 0


@dataclass(frozen=True)
class Queue:
    """Everything the queue page shows."""

    groups: tuple[Group, ...]
    shown: Group
    has_key: bool
    may_sign_in: bool
    may_decide: bool
    may_ask: bool
    away: list[str]


@dataclass(frozen=True)
class _Reader:
    """What is known about the reader and the shown requests, read once."""

    person: Identity
    held: list[RoleAssignment]
    policies: dict[str, Policy]
    revisions: dict[str, Revision]
    answers: dict[int, list[Approval]]
    turns: dict[str, Attention]
    now: datetime


def read_queue(person: Identity, *, show: str = "", now: datetime) -> Queue:
    """Return the queue of `person`; `show` names the tab to show, the first one with rows otherwise."""
    readable = readable_teams(person, "requests.read")
    visible = RequestState.objects.filter(request__project__in=Project.objects.filter(readable)).select_related(
        "request__project__team", "request__environment", "request__requester__owner", "request__on_behalf_of"
    )
    # Oldest first where somebody has to act, newest first where nobody has.
    mine_states = visible.filter(request__attention__identity=person).order_by("request__opened_at")
    # What nobody is asked about yet is nobody's business but the one's who writes it.
    own = Q(request__requester=person) | Q(request__on_behalf_of=person)
    visible = visible.exclude(~own, status=Status.DRAFT)
    other_states = visible.filter(status__in=OPEN).exclude(request__attention__identity=person).order_by("request__opened_at")
    stuck = visible.filter(status__in=STUCK).order_by("request__opened_at")
    done = visible.exclude(status__in=(*OPEN, *STUCK, Status.DRAFT)).order_by("-request__opened_at")
    stuck_states, done_states = list(stuck[:SHOWN]), list(done[:SHOWN])
    mine_shown, others_shown = list(mine_states[:SHOWN]), list(other_states[:SHOWN])
    reader = _read(person, [*mine_shown, *others_shown, *stuck_states, *done_states], now)
    # Whose turn it is was written before somebody took a program over; who asks is not told to answer meanwhile.
    taken = [state for state in mine_shown if _may_not_answer(state, reader)]
    for state in taken:
        del reader.turns[state.request_id]
    mine = [_row(state, reader) for state in mine_shown if state not in taken]
    others = [_row(state, reader) for state in (*taken, *others_shown)]
    groups = (
        Group("mine", "Your turn", mine, mine_states.count() - len(taken)),
        Group("others", "Waiting on others", others, other_states.count() + len(taken)),
        Group("stuck", "Blocked or collecting", [_row(state, reader) for state in stuck_states], stuck.count()),
        Group("done", "Done", [_row(state, reader) for state in done_states], done.count()),
    )
    shown = next((group for group in groups if group.key == show), groups[0])
    has_key = SigningKey.objects.filter(identity=person, revoked_at=None).exists()
    may_decide = any(role.role in ACTIONS["requests.answer"][1] for role in reader.held)
    may_ask = any(role.role == RoleAssignment.Role.REQUESTER for role in reader.held)
    may_sign_in = not has_key and oidc_provider_of(person) is not None
    away = _away_approvers({row.request.project.team_id for row in others}, now)
    return Queue(groups, shown, has_key, may_sign_in, may_decide, may_ask, away)


def _away_approvers(teams: set[str], now: datetime) -> list[str]:
    """Return who may approve in these teams and is away, each with the words for it."""
    held = RoleAssignment.objects.held().filter(role__in=APPROVERS, team__in=teams, identity__status="active")
    names = dict(held.values_list("identity_id", "identity__name"))
    return sorted(f"{names[pk]} ({words})" for pk, words in list_away(names, now=now).items())


def _read(person: Identity, states: Iterable[RequestState], now: datetime) -> _Reader:
    ids = {state.request_id for state in states}
    revisions = {
        revision.request_id: revision
        for revision in Revision.objects.filter(request__in=ids, number=F("request__state__revision_number")).select_related(
            "policy__document"
        )
    }
    answers: dict[int, list[Approval]] = {}
    for answer in Approval.objects.filter(revision__in=revisions.values()).select_related("identity", "end").order_by("signed_at"):
        answers.setdefault(answer.revision_id, []).append(answer)
    policies = {revision.policy_id: revision.policy for revision in revisions.values()}
    parsed = {digest: parse_policy(bytes_of(policy.document)) for digest, policy in policies.items()}
    turns = {turn.request_id: turn for turn in Attention.objects.filter(identity=person, request__in=ids)}
    return _Reader(person, list_held_roles(person), parsed, revisions, answers, turns, now)


def _row(state: RequestState, reader: _Reader) -> Row:
    request, revision = state.request, reader.revisions.get(state.request_id)
    answers = reader.answers.get(revision.pk, []) if revision else []
    approving = [answer for answer in answers if answer.decision == Approval.Decision.APPROVE and not hasattr(answer, "end")]
    policy = reader.policies[revision.policy_id].for_kind(request.kind) if revision else None
    turn = reader.turns.get(request.pk)
    why = turn.sentence if turn is not None else _whose_turn(state, policy, answers, reader)
    due = due_of(request, revision) if revision is not None and state.status in WAITING else None
    return Row(
        request=request,
        status=state.status,
        approvals=len(approving),
        required=policy.required_approvals if policy else 0,
        signed_by=tuple(f"{answer.identity.name}{' by sign-in' if answer.bound_by_id else ''}" for answer in approving),
        why=why,
        is_mine=turn is not None,
        due=due,
        is_overdue=due is not None and due <= reader.now,
    )


def _whose_turn(state: RequestState, policy: Policy | None, answers: list[Approval], reader: _Reader) -> str:
    """Say whose turn it is, where it is not the reader's."""
    request, person = state.request, reader.person
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
    if (asked and request.kind != Request.Kind.POLICY_CHANGE) or _is_excluded(request, policy, person):
        return f"You asked for it. {waiting}"
    if any(answer.identity_id == person.pk for answer in answers):
        return f"You have answered. {waiting}"
    if any(hasattr(answer, "end") for answer in answers):
        return f"An approval ended because its approver left. {waiting}"
    return waiting


def _may_not_answer(state: RequestState, reader: _Reader) -> bool:
    """Say whether it is put to the reader to answer what they ask for themselves."""
    revision, turn = reader.revisions.get(state.request_id), reader.turns[state.request_id]
    if revision is None or state.status not in WAITING or turn.reason_code == "mentioned":
        return False
    return _is_excluded(state.request, reader.policies[revision.policy_id], reader.person)


def _is_excluded(request: Request, policy: Policy, person: Identity) -> bool:
    people = {"requester": request.requester, "onBehalfOf": request.on_behalf_of, "owner": request.requester.owner}
    asked: dict[str, Any] = {name: {"issuer": who.issuer, "subject": who.subject} if who else None for name, who in people.items()}
    asked["kind"] = str(request.kind)
    barred = {(item["issuer"], item["subject"]) for item in exclusions(policy, asked)}
    return (person.issuer, person.subject) in barred
