"""The queue of one person: what waits for them, what waits for others, what is stuck, what is done.

Reads only, with a number of queries that does not grow with the requests shown. Whether the person may really sign is decided when
they do; here it is told whose turn it is, and why.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import F, Q

from approvals.models import Approval, Request, RequestState, Revision
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
AGAIN = {Status.STALE: "it changed since it was approved; ", Status.REVOKED: "an approval was revoked; "}
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


def read_queue(person: Identity, *, show: str = "", now: datetime) -> Queue:
    """Return the queue of `person`; `show` names the tab to show, the first one with rows otherwise."""
    readable = readable_teams(person, "requests.read")
    visible = RequestState.objects.filter(request__project__in=Project.objects.filter(readable)).select_related(
        "request__project__team", "request__environment", "request__requester", "request__on_behalf_of"
    )
    # Oldest first where somebody has to act, newest first where nobody has.
    open_states = list(visible.filter(status__in=OPEN).order_by("request__opened_at")[: SHOWN * 4])
    own = Q(request__requester=person) | Q(request__on_behalf_of=person)
    back = visible.filter(status__in=(Status.CHANGES_REQUESTED, Status.DRAFT)).filter(own)
    # What nobody is asked about yet is nobody's business but the one's who writes it.
    visible = visible.exclude(~own, status=Status.DRAFT)
    back_states = list(back.order_by("request__opened_at")[:SHOWN])
    stuck = visible.filter(status__in=STUCK).order_by("request__opened_at")
    done = visible.exclude(status__in=(*OPEN, *STUCK, Status.DRAFT)).order_by("-request__opened_at")
    stuck_states, done_states = list(stuck[:SHOWN]), list(done[:SHOWN])
    reader = _read(person, [*open_states, *back_states, *stuck_states, *done_states])
    rows = [_row(state, reader) for state in open_states]
    mine = [row for row in rows if row.is_mine] + [_row(state, reader) for state in back_states]
    others = [row for row in rows if not row.is_mine]
    groups = (
        Group("mine", "Your turn", mine[:SHOWN], len(mine)),
        Group("others", "Waiting on others", others[:SHOWN], len(others)),
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


def _read(person: Identity, states: Iterable[RequestState]) -> _Reader:
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
    return _Reader(person, list_held_roles(person), parsed, revisions, answers)


def _row(state: RequestState, reader: _Reader) -> Row:
    request, revision = state.request, reader.revisions.get(state.request_id)
    answers = reader.answers.get(revision.pk, []) if revision else []
    approving = [answer for answer in answers if answer.decision == Approval.Decision.APPROVE and not hasattr(answer, "end")]
    policy = reader.policies[revision.policy_id].for_kind(request.kind) if revision else None
    is_mine, why = _whose_turn(state, policy, answers, reader)
    return Row(
        request=request,
        status=state.status,
        approvals=len(approving),
        required=policy.required_approvals if policy else 0,
        signed_by=tuple(f"{answer.identity.name}{' by sign-in' if answer.bound_by_id else ''}" for answer in approving),
        why=why,
        is_mine=is_mine,
    )


def _whose_turn(state: RequestState, policy: Policy | None, answers: list[Approval], reader: _Reader) -> tuple[bool, str]:
    """Say whether it is the reader's turn, and why it is or whose it is instead."""
    request, person = state.request, reader.person
    asked = person.pk in (request.requester_id, request.on_behalf_of_id)
    if state.status == Status.DRAFT:
        return asked, "Your draft; submit it when it is ready"
    if state.status == Status.CHANGES_REQUESTED:
        return asked, "You asked for it; changes are requested" if asked else "Waiting for the requester to change it"
    if state.status == Status.BLOCKED:
        return False, "A rule is not met"
    if state.status == Status.COLLECTING:
        return False, "Evidence has not arrived"
    if Status(state.status) in ENDED:
        return False, ENDED[Status(state.status)]
    if state.status not in OPEN or policy is None:
        return False, ""
    wanted = [rule.role for rule in policy.approvals_rules]
    waiting = f"Waits for {' and '.join(ROLE_WORDS.get(role, role).lower() for role in dict.fromkeys(wanted))}"
    if (asked and request.kind != Request.Kind.POLICY_CHANGE) or _is_excluded(request, policy, person):
        return False, f"You asked for it. {waiting}"
    if any(answer.identity_id == person.pk for answer in answers):
        return False, f"You have answered. {waiting}"
    if any(hasattr(answer, "end") for answer in answers):
        waiting = f"An approval ended because its approver left. {waiting}"
    held = [role for role in reader.held if str(role.role) in wanted and _covers(role, request)]
    if not held:
        return False, waiting
    left = any(hasattr(answer, "end") for answer in answers)
    again = AGAIN.get(Status(state.status), "an approval ended; " if left else "")
    return True, f"{again}you are {ROLE_WORDS.get(held[0].role, held[0].role).lower()}".capitalize()


def _is_excluded(request: Request, policy: Policy, person: Identity) -> bool:
    people = {"requester": request.requester, "onBehalfOf": request.on_behalf_of, "owner": request.requester.owner}
    asked = {name: {"issuer": who.issuer, "subject": who.subject} if who else None for name, who in people.items()}
    barred = {(item["issuer"], item["subject"]) for item in exclusions(policy, asked)}
    return (person.issuer, person.subject) in barred


def _covers(role: RoleAssignment, request: Request) -> bool:
    if role.project_id is not None:
        return role.project_id == request.project_id
    return role.team_id == request.project.team_id
