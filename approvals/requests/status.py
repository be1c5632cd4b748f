"""Where a request stands: computed from what people and machines did, and cached in one row for lists.

The cache can be rebuilt from the other tables at any time, and decides nothing: gates recompute from the signed material. Not looked at
here: keys revoked and evidence changed since (gates and `approvals.requests.refresh` do).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from approvals.models import (
    Approval,
    ApprovalEnd,
    Promotion,
    Request,
    RequestState,
    Revision,
)
from approvals.policies.effects import has_taken_effect
from approvals.requests.standing_in import count_answer
from approvals.signals import request_refreshed
from attestations.blobs import bytes_of
from identities.read_once import once
from proofs.canonical import parse_canonical
from proofs.errors import Conflict
from proofs.policy.evaluate import count_approvals, exclusions, parse_policy

Status = RequestState.Status
MISSING = "policy.evidence_missing"
# An approval that ended with such a code was taken back, and not only left behind by somebody who is gone.
REVOKED = "approval.revoked"
# Nothing is decided about these any more, and no gate opens on them, whatever was signed. What happened is told apart by its code.
SHUT: Mapping[RequestState.Status, tuple[str, str]] = {
    Status.WITHDRAWN: ("request.withdrawn", "this request was withdrawn"),
    Status.SUPERSEDED: ("request.superseded", "a newer request took the place of this one"),
    Status.EXPIRED: ("request.expired", "nobody answered this request in time"),
    Status.DRAFT: ("request.draft", "this request is a draft; who asks has to submit it first"),
}
_ENDS = (("withdrawal", Status.WITHDRAWN), ("supersession", Status.SUPERSEDED), ("expiry", Status.EXPIRED))
# Somebody still has to do something about these, so a newer request about the same takes their place, and time runs out on them.
PENDING = frozenset(
    {
        Status.COLLECTING,
        Status.READY,
        Status.IN_REVIEW,
        Status.BLOCKED,
        Status.CHANGES_REQUESTED,
        Status.STALE,
        Status.REVOKED,
    }
)


@dataclass(frozen=True)
class Standing:
    """The status of a request now, its newest revision, everybody's answers to it, and what the policy makes of them."""

    status: RequestState.Status
    revision: Revision | None
    answers: tuple[Approval, ...]
    rules: tuple[Mapping[str, Any], ...]
    required: int

    @property
    def approvals(self) -> int:
        """How many answers approve."""
        return len(self.counting)

    @property
    def counting(self) -> tuple[Approval, ...]:
        """The answers that approve and have not ended."""
        return tuple(answer for answer in self.answers if answer.decision == Approval.Decision.APPROVE and not hasattr(answer, "end"))

    @property
    def ended(self) -> tuple[Approval, ...]:
        """The approvals that ended, unused or revoked; each has its `end`."""
        return tuple(answer for answer in self.answers if hasattr(answer, "end"))

    @property
    def has_pack(self) -> bool:
        """Say whether there is something to check offline: approvals, and no answer against it."""
        return bool(self.counting) and len(self.counting) + len(self.ended) == len(self.answers)


def shut_because(request: Request) -> RequestState.Status | None:
    """Return as what a request is shut before anything people signed is looked at: withdrawn, superseded, expired unanswered, or a draft.

    The first that happened to it counts, in this order. Reads the rows of what happened, never the cache.
    """
    # Asked of the database each time, and of the rows themselves: one may have come after the object was read.
    names = [*(name for name, _ in _ENDS), "submission"]
    happened = once(happened_to(request), lambda: Request.objects.filter(pk=request.pk).values(*names).first()) or {}
    ended = next((status for name, status in _ENDS if happened.get(name) is not None), None)
    if ended is not None:
        return ended
    return None if not request.is_draft or happened.get("submission") is not None else Status.DRAFT


def is_not_shut() -> Q:
    """Return for the database what `shut_because` returns None for."""
    submitted = Q(is_draft__isnull=True) | Q(is_draft=False) | Q(submission__isnull=False)
    return submitted & Q(**{f"{name}__isnull": True for name, _ in _ENDS})


def happened_to(request: Request) -> tuple[str, str]:
    """Return the key under which a page that has read the request's row keeps what happened to it."""
    return ("happened", request.pk)


def why_shut(request: Request) -> tuple[str, str] | None:
    """Return code and sentence of why no gate opens on a request whatever was signed about it; None where what was signed decides."""
    status = shut_because(request)
    return SHUT[status] if status is not None else None


def refuse_if_shut(request: Request) -> None:
    """Refuse with `request.withdrawn`, `request.superseded`, `request.expired` or `request.draft` where a request is shut."""
    shut = why_shut(request)
    if shut is not None:
        raise Conflict(*shut)


def compute_standing(request: Request, *, now: datetime) -> Standing:
    """Return where `request` stands at `now`. Reads only."""
    revision = (
        request.revisions.select_related("policy__document", "policy_input", "policy_result", "snapshot", "document", "answers_changes__by")
        .order_by("-number")
        .first()
    )
    shut = shut_because(request)
    if revision is None:
        return Standing(shut or Status.COLLECTING, None, (), (), 0)
    told = revision.approvals.select_related(
        "identity", "record", "signing_key", "end", "ceremony", "bound_by__provider", "in_stead__person", "in_stead__delegation"
    )
    answers = tuple(told.order_by("signed_at", "pk"))
    policy = parse_policy(bytes_of(revision.policy.document)).for_kind(request.kind)
    policy_input = parse_canonical(bytes_of(revision.policy_input))
    excluded = exclusions(policy, policy_input)
    looks_back = request.kind == Request.Kind.BREAK_GLASS_REVIEW
    # What took effect is decided, whatever becomes of an answer since: nobody can answer it any more, so it waits for nobody.
    is_done = has_taken_effect(request)
    approving = [answer for answer in answers if answer.decision == Approval.Decision.APPROVE and (is_done or not hasattr(answer, "end"))]
    # It does not run out: a policy in force is replaced, and a waiver has an end of its own. Nor does what people found when they looked back.
    stays = looks_back or is_done
    valid = [answer for answer in approving if stays or answer.not_after > now]
    # Whoever looks back has looked, whatever they found.
    found = [answer for answer in answers if looks_back and answer.decision == Approval.Decision.REJECT]
    rules = count_approvals(policy, [count_answer(answer, policy, policy_input) for answer in (*valid, *found)], excluded=excluded)
    status = shut or _decide_status(revision, answers, rules, lapsed=len(valid) < len(approving), looks_back=looks_back)
    return Standing(status, revision, answers, tuple(rules), policy.required_approvals)


def stood_approved(revision: Revision, *, answers: Iterable[Approval] | None = None) -> Approval | None:
    """Return the approval with which a revision had all it needed, whether or not it has lapsed since; None if it never had.

    One that ended, unused or revoked, is as if it had not been given. `answers` are those that have not ended, the first signed first, where
    the caller has read them already.
    """
    if revision.result != "pass":
        return None
    policy = parse_policy(bytes_of(revision.policy.document)).for_kind(revision.request.kind)
    policy_input = parse_canonical(bytes_of(revision.policy_input))
    excluded = exclusions(policy, policy_input)
    counted = []
    told = (
        revision.approvals.filter(end__isnull=True).select_related("identity").order_by("signed_at", "pk") if answers is None else answers
    )
    for answer in told:
        if answer.decision != Approval.Decision.APPROVE:
            return None
        counted.append(count_answer(answer, policy, policy_input))
        if all(rule["outcome"] == "pass" for rule in count_approvals(policy, counted, excluded=excluded)):
            return answer
    return None


def refresh_state(state: RequestState, *, now: datetime) -> RequestState:
    """Write the computed status into the cache row, which the caller has locked, and tell the parts above."""
    standing = compute_standing(state.request, now=now)
    state.status, state.computed_at = standing.status, now
    state.save(update_fields=["status", "revision_number", "revision", "headline", "computed_at"])
    request_refreshed.send(Request, state=state, standing=standing, now=now)
    return state


def _decide_status(
    revision: Revision, answers: Sequence[Approval], rules: Sequence[Mapping[str, Any]], *, lapsed: bool, looks_back: bool
) -> RequestState.Status:
    decisions = {answer.decision for answer in answers}
    # One rejection stops what is to come. It does not spare the others from looking at what was done.
    if Approval.Decision.REJECT in decisions and (not looks_back or all(rule["outcome"] == "pass" for rule in rules)):
        return Status.REJECTED
    # Nobody changes what was done: an old answer that asked for it holds no review up.
    if Approval.Decision.REQUEST_CHANGES in decisions and not looks_back:
        return Status.CHANGES_REQUESTED
    if revision.result != "pass":
        return Status.COLLECTING if _is_only_waiting(revision) else Status.BLOCKED
    if all(rule["outcome"] == "pass" for rule in rules):
        return Status.PROMOTED if _was_promoted(revision) else Status.APPROVED
    if _was_revoked(answers):
        return Status.REVOKED
    if lapsed:
        return Status.PROMOTED if _was_promoted(revision) else Status.EXPIRED
    if not answers and _was_approved_before(revision):
        return Status.STALE
    return Status.IN_REVIEW if answers else Status.READY


def _was_promoted(revision: Revision) -> bool:
    return Promotion.objects.filter(request=revision.request_id).exists()


def _was_revoked(answers: Sequence[Approval]) -> bool:
    ends: list[ApprovalEnd] = [answer.end for answer in answers if hasattr(answer, "end")]
    return any(end.code.startswith(REVOKED) for end in ends)


def _is_only_waiting(revision: Revision) -> bool:
    """Say whether nothing is wrong and evidence just has not come yet."""
    result = parse_canonical(bytes_of(revision.policy_result))
    failed = [rule["code"] for rule in result["rules"] if rule["outcome"] == "fail"]
    return all(code == MISSING for code in failed)


def _was_approved_before(revision: Revision) -> bool:
    if revision.number == 1:
        return False
    earlier = Approval.objects.filter(revision__request=revision.request_id, decision=Approval.Decision.APPROVE)
    return earlier.exclude(revision=revision).exists()
