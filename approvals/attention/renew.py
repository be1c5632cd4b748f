"""Compute again whose turn it is, in the transaction of whatever changed a request, and keep it in rows for lists and notices.

The rows can be rebuilt from the other tables at any time. They decide nothing: signing asks everything again. A row that still holds keeps
the time since when it does. How many queries it takes does not depend on how many people may approve.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from approvals.attention.due import due_at
from approvals.attention.turns import BACK, TALKING, WAITING, OpenRole, Turn, TurnFacts, decide_turns
from approvals.models import Approval, Attention, Comment, CommentMention, Delegation, Request, RequestState, TurnPassed, rank_of
from approvals.requests.people import barred_today
from approvals.requests.revise import lock_state
from approvals.requests.standing_in import list_stand_ins
from approvals.requests.status import Standing, compute_standing
from attestations.blobs import bytes_of
from identities.models import Identity, LinkedAccount, Project, RoleAssignment
from proofs.canonical import parse_canonical
from proofs.policy.evaluate import Policy, exclusions, parse_policy

log = structlog.get_logger(__name__)

ROLE_WORDS = {str(role): label.lower() for role, label in RoleAssignment.Role.choices}
# Roles run out by themselves and people are suspended: nobody tells a request.
LOOK_AGAIN = timedelta(hours=1)
BATCH = 50


def renew_attention(request: Request, *, now: datetime, standing: Standing | None = None) -> None:
    """Write whose turn it is. The caller has locked the request's state."""
    standing = standing or compute_standing(request, now=now)
    turns = decide_turns(read_facts(request, standing, now=now))
    due, rank = _due(request, standing), rank_of(request.kind)
    # Nobody may be deleted, so whoever the turn names is there.
    kept = {row.identity_id: row for row in Attention.objects.filter(request=request)}
    gone = [row.pk for person, row in kept.items() if person not in turns]
    if gone:
        Attention.objects.filter(pk__in=gone).delete()
    changed = [
        _change(kept[person], turn, due, now)
        for person, turn in turns.items()
        if person in kept and not (_same(kept[person], turn) and kept[person].due_at == due)
    ]
    if changed:
        Attention.objects.bulk_update(changed, ["reason_code", "sentence", "since", "due_at"])
    new = [
        Attention(
            request=request,
            identity_id=person,
            reason_code=turn.code,
            sentence=turn.sentence[:300],
            since=now,
            rank=rank,
            due_at=due,
        )
        for person, turn in turns.items()
        if person not in kept
    ]
    if new:
        Attention.objects.bulk_create(new)
    RequestState.objects.filter(request=request).update(attention_at=now, due_at=due)


def hear_refreshed(sender: Any, *, state: RequestState, standing: Standing, now: datetime, **_: Any) -> None:
    """Renew a request's attention whenever its state is computed anew."""
    renew_attention(state.request, now=now, standing=standing)


def renew_due(*, now: datetime, limit: int = BATCH) -> int:
    """Renew requests whose team's roles changed since, or that nobody looked at for an hour; return how many. The worker calls it."""
    due = list(_list_due(now).select_related("request").order_by(F("attention_at").asc(nulls_first=True))[:limit])
    for state in due:
        try:
            with transaction.atomic():
                locked = lock_state(state.request, now=now)
                renew_attention(locked.request, now=now)
        except Exception:
            log.exception("renew_failed", request=state.request_id)
            # The one renewed longest ago comes first: without this, one that fails would stay in front for ever.
            RequestState.objects.filter(pk=state.pk).update(attention_at=now)
    return len(due)


def rebuild_attention(*, now: datetime) -> int:
    """Compute every request's attention anew, and return how many there are. Safe at any time."""
    count = 0
    for state in RequestState.objects.select_related("request").order_by("pk").iterator():
        with transaction.atomic():
            lock_state(state.request, now=now)
            renew_attention(state.request, now=now)
        count += 1
    return count


def _list_due(now: datetime) -> QuerySet[RequestState]:
    of_team = RoleAssignment.objects.filter(team=OuterRef("request__project__team"))
    given = Exists(of_team.filter(granted_at__gt=OuterRef("attention_at")))
    ended = Exists(of_team.filter(ended_at__gt=OuterRef("attention_at")))
    # Whose an account is decides who made it, and whoever answers for a program does not answer what it asks: neither tells a request.
    relinked = Exists(LinkedAccount.objects.filter(Q(linked_at__gt=OuterRef("attention_at")) | Q(ended_at__gt=OuterRef("attention_at"))))
    lent = Delegation.objects.filter(project=OuterRef("request__project"))
    moved = Exists(lent.filter(Q(given_at__gt=OuterRef("attention_at")) | Q(end__ended_at__gt=OuterRef("attention_at"))))
    stale = Q(attention_at__isnull=True) | Q(attention_at__lte=now - LOOK_AGAIN) | Q(given) | Q(ended) | Q(relinked) | Q(moved)
    return RequestState.objects.filter(stale, status__in=sorted(TALKING))


def read_facts(request: Request, standing: Standing, *, now: datetime) -> TurnFacts:
    """Return what decides whose turn it is, in a fixed number of queries."""
    revision, status = standing.revision, str(standing.status)
    if revision is None or status not in TALKING:
        return TurnFacts(status)
    policy = parse_policy(bytes_of(revision.policy.document)).for_kind(request.kind)
    met = {rule["id"] for rule in standing.rules if rule["outcome"] == "pass"}
    wanted = [rule.role for rule in policy.approvals_rules if rule.id not in met]
    holders = read_holders(request.project, wanted) if status in WAITING else {}
    lent = read_stand_ins(request, standing, policy, wanted, now=now) if status in WAITING else {}
    passed = TurnPassed.objects.filter(revision=revision).values_list("identity_id", flat=True)
    before = Approval.objects.filter(revision__request=request, revision__number=revision.number - 1, decision=Approval.Decision.APPROVE)
    return TurnFacts(
        status=status,
        open_roles=[
            OpenRole(role, ROLE_WORDS.get(role, role), holders.get(role, frozenset()), lent.get(role, {})) for role in dict.fromkeys(wanted)
        ],
        askers=read_askers(request) if status in BACK else frozenset(),
        barred=frozenset(read_barred(request, standing, policy)),
        answered=read_answered(standing),
        passed=frozenset(passed),
        signed_before=dict(before.values_list("identity_id", "revision__number")),
        mentioned=_read_mentioned(request, standing),
        an_approval_ended=bool(standing.ended),
    )


def read_holders(project: Project, roles: Sequence[str]) -> dict[str, frozenset[str]]:
    """Return who holds each of these roles in the project or its whole team, and is active. One query."""
    held = RoleAssignment.objects.held().filter(role__in=set(roles), team=project.team_id, identity__status=Identity.Status.ACTIVE)
    held = held.filter(Q(project=None) | Q(project=project))
    found: defaultdict[str, set[str]] = defaultdict(set)
    for role, identity in held.values_list("role", "identity_id"):
        found[role].add(identity)
    return {role: frozenset(people) for role, people in found.items()}


def read_answered(standing: Standing) -> frozenset[str]:
    """Return who has answered, and in whose stead somebody has."""
    instead = {answer.in_stead.person_id for answer in standing.answers if hasattr(answer, "in_stead")}
    return frozenset(instead | {answer.identity_id for answer in standing.answers})


def read_stand_ins(
    request: Request, standing: Standing, policy: Policy, roles: Sequence[str], *, now: datetime
) -> dict[str, dict[str, str]]:
    """Return for each role who may answer in a holder's stead, and that holder's name."""
    assert standing.revision is not None
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for row, lent in list_stand_ins(request.project, roles, request=request, revision=standing.revision, policy=policy, now=now):
        for role in sorted(lent):
            found[role].setdefault(row.delegate_id, row.delegator.name)
    return dict(found)


def read_barred(request: Request, standing: Standing, policy: Policy) -> dict[str, tuple[str, ...]]:
    """Return who may not answer, and the policy's reasons: those who stand in the revision, and who is known today."""
    assert standing.revision is not None
    policy_input = parse_canonical(bytes_of(standing.revision.policy_input))
    barred = exclusions(policy, policy_input)
    owner = request.requester.owner
    if owner is not None:
        barred += exclusions(policy, {**policy_input, "owner": {"issuer": owner.issuer, "subject": owner.subject}})
    barred += barred_today(standing.revision, policy, policy_input)
    because = {(item["issuer"], item["subject"]): tuple(item["because"]) for item in reversed(barred)}
    found = Identity.objects.filter(subject__in=[subject for _, subject in because])
    return {row.pk: because[row.issuer, row.subject] for row in found if (row.issuer, row.subject) in because}


def read_askers(request: Request) -> frozenset[str]:
    """Return whom a request goes back to: the person who asked; of a program the person it asks for, else its owner, else its team's requesters."""
    if request.requester.is_person:
        return frozenset({request.requester_id})
    for person in (request.on_behalf_of, request.requester.owner):
        if person is not None and person.status == Identity.Status.ACTIVE:
            return frozenset({person.pk})
    role = str(RoleAssignment.Role.REQUESTER)
    return read_holders(request.project, [role]).get(role, frozenset())


def _read_mentioned(request: Request, standing: Standing) -> dict[str, str]:
    """Return who was named in a comment that stands, by whom, and has neither answered nor said anything since."""
    rows = CommentMention.objects.filter(comment__request=request, comment__withdrawal__isnull=True, comment__replaced_by__isnull=True)
    rows = rows.filter(identity__status=Identity.Status.ACTIVE).select_related("comment__author").order_by("comment__entry_id")
    mentions = {row.identity_id: row.comment for row in rows}
    if not mentions:
        return {}
    said = Comment.objects.filter(request=request, author__in=list(mentions)).values_list("author_id", "entry_id")
    answered = [(answer.identity_id, answer.record.entry_id) for answer in standing.answers if hasattr(answer, "record")]
    later = {person for person, entry in [*said, *answered] if person in mentions and entry > mentions[person].entry_id}
    return {person: comment.author.name for person, comment in mentions.items() if person not in later}


def _same(row: Attention, turn: Turn) -> bool:
    return (row.reason_code, row.sentence) == (turn.code, turn.sentence[:300])


def _change(row: Attention, turn: Turn, due: datetime, now: datetime) -> Attention:
    if not _same(row, turn):
        row.reason_code, row.sentence, row.since = turn.code, turn.sentence[:300], now
    row.due_at = due
    return row


def _due(request: Request, standing: Standing) -> datetime:
    """Return until when the newest revision should be answered; lists are ordered by it even where nobody has to answer any more."""
    begun = standing.revision.frozen_at if standing.revision else request.opened_at
    return due_at(kind=str(request.kind), tier=request.environment.tier, frozen_at=begun)
