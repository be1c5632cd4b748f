"""Keep requests up with their evidence: freeze a new revision when newer verdicts call for one.

A request nobody has answered follows every new verdict of the team's own evidence. Once somebody has answered, only a changed rule outcome or a changed finding
makes a new revision, because that makes their answer stale; findings about what others sent and nobody names never do. Safe to run twice and by several processes; the worker calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import CharField, DateTimeField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from approvals.models import (
    Approval,
    ExpectationsActivation,
    NamedPerson,
    PolicyActivation,
    Request,
    RequestState,
    Revision,
    RevisionEvidence,
    Waiver,
)
from approvals.policies.named_signers import own_of, troubled_by_signers
from approvals.requests.approved_elsewhere import differs_elsewhere, policies_asking_elsewhere
from approvals.requests.people import accounts_differ
from approvals.requests.policy_for import derived_kinds
from approvals.requests.revise import Evaluation, evaluate_request, lock_state, revise_request
from approvals.requests.standing_in import people_of_answer
from approvals.requests.status import PENDING, refresh_state
from attestations.admission import is_admitted, is_sent_by
from attestations.blobs import bytes_of
from attestations.models import Verdict, VerdictSubject
from attestations.signer import CHECK, CO_SIGNERS_CHECK
from identities.models import LinkedAccount
from proofs.canonical import parse_canonical
from proofs.errors import Refusal
from proofs.policy.document import FreezeRule, HoursRule
from proofs.policy.evaluate import Policy, evaluate_policy, exclusions, parse_policy

Status = RequestState.Status
FOLLOWED = (*sorted(PENDING), Status.APPROVED, Status.PROMOTED)
TROUBLE = ("fail", "review", "error")
ABOUT_SIGNERS = (CHECK, CO_SIGNERS_CHECK)
# Longer than a verdict takes from the time it bears until it is kept.
OVERLAP = timedelta(minutes=15)
BATCH = 50

log = structlog.get_logger(__name__)


def refresh_requests(*, now: datetime, limit: int = BATCH) -> int:
    """Bring up to date at most `limit` requests whose evidence has newer verdicts; return how many revisions were frozen.

    A request that cannot be evaluated is left as it is, which approves nothing, and is tried again after all others had their turn.
    """
    behind = list(list_behind()[:limit])
    behind += _moved_by_waivers(behind, now)[:limit]
    behind += _asking_elsewhere(behind)[:limit]
    frozen = sum(_attempt(_refresh, state, now=now) for state in [*behind, *_derived(behind)[:limit]])
    for state in _lapsed(now)[:limit]:
        _attempt(_lapse, state, now=now)
    return frozen


@dataclass(frozen=True)
class Since:
    """What has happened since a revision was frozen: how many newer verdicts, and whether they call for a new revision."""

    newer_verdicts: int
    is_outdated: bool


def look_since(revision: Revision, *, now: datetime) -> Since:
    """Compare a revision with the evidence, policy and waivers there are at `now`.

    Refuses as `evaluate_request` does; writes nothing."""
    evaluation = evaluate_request(revision.request, now=now)
    held = frozenset(revision.evidence.values_list("verdict_id", flat=True))
    newer = evaluation.verdict_ids - held
    if (evaluation.policy.digest, evaluation.expectations_digest) != (revision.policy_id, revision.expectations_digest):
        return Since(len(newer), True)
    if accounts_differ(evaluation.policy_input.get("people", ()), _people_then(revision)):
        return Since(len(newer), _calls_for_another_look(revision, evaluation))
    # What was shown and counts no longer is a change as well, with nothing new in its place.
    if _lost_waiver(revision, evaluation) or _clock_is_waived_otherwise(revision, evaluation):
        return Since(len(newer), True)
    if differs_elsewhere(revision, evaluation.policy_input, evaluation.result):
        return Since(len(newer), True)
    if evaluation.verdict_ids == held and not _differs_in_waivers(revision, evaluation):
        return Since(0, False)
    # What others send, and nobody names, is taken in with the next revision: each change of theirs would interrupt whoever is about to sign.
    follows = not Approval.objects.filter(revision=revision).exists() and evaluation.own != own_of(revision)
    return Since(len(newer), follows or _substance(evaluation) != _substance_of(revision))


def is_outdated(revision: Revision, *, now: datetime) -> bool:
    """Say whether evidence, policy and waivers as they are now call for a new revision. Refuses as `evaluate_request` does."""
    return look_since(revision, now=now).is_outdated


def _waivers_of(revision: Revision) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = parse_canonical(bytes_of(revision.policy_input)).get("waivers", [])
    return found


def _differs_in_waivers(revision: Revision, evaluation: Evaluation) -> bool:
    return bool(_waivers_of(revision) != evaluation.policy_input.get("waivers", []))


def _lost_waiver(revision: Revision, evaluation: Evaluation) -> bool:
    """Say whether a waiver is gone that a rule's outcome rests on: with another in its place people look at it anew."""
    used = {rule["waiver"] for rule in parse_canonical(bytes_of(revision.policy_result))["rules"] if rule.get("waiver")}
    return not used <= {item["digest"] for item in evaluation.policy_input.get("waivers", ())}


def _clock_is_waived_otherwise(revision: Revision, evaluation: Evaluation) -> bool:
    """Say whether other waivers of rules about the clock are alive: those rules await the gate, so that no outcome tells of them."""
    if not _differs_in_waivers(revision, evaluation):
        return False
    policy = parse_policy(bytes_of(evaluation.policy.document)).for_kind(str(revision.request.kind))
    clock = {rule.id for rule in policy.rules if isinstance(rule, (FreezeRule, HoursRule))}
    now, then = evaluation.policy_input.get("waivers", []), _waivers_of(revision)
    return [item for item in now if item["rule"] in clock] != [item for item in then if item["rule"] in clock]


def _people_then(revision: Revision) -> list[dict[str, Any]]:
    people: list[dict[str, Any]] = parse_canonical(bytes_of(revision.policy_input)).get("people", [])
    return people


def _calls_for_another_look(revision: Revision, evaluation: Evaluation) -> bool:
    """Say whether it matters by whom the change is known to be made now: nobody has answered, a rule comes out otherwise, or one of them approved,
    or somebody in their stead."""
    given = list(Approval.objects.filter(revision=revision, end__isnull=True).select_related("identity", "in_stead__person"))
    if not given or _substance(evaluation) != _substance_of(revision):
        return True
    barred = {
        (item["issuer"], item["subject"])
        for item in exclusions(parse_policy(bytes_of(evaluation.policy.document)), evaluation.policy_input)
    }
    people = {person for answer in given for person in people_of_answer(answer)}
    return any((person.issuer, person.subject) in barred for person in people)


def _attempt(act: Callable[..., bool], state: RequestState, *, now: datetime) -> bool:
    """Do one thing to one request. Whatever goes wrong is logged and holds up no other request, now or at the next call."""
    try:
        return act(state.request, now=now)
    except Refusal as refusal:
        log.warning("refresh_refused", request=state.request_id, code=refusal.code)
    except Exception:
        log.exception("refresh_failed", request=state.request_id)
    # The one looked at longest ago comes first: without this, requests that cannot be evaluated would stay in front for ever.
    RequestState.objects.filter(pk=state.pk).update(computed_at=now)
    return False


def _lapse(request: Request, *, now: datetime) -> bool:
    with transaction.atomic():
        refresh_state(lock_state(request, now=now), now=now)
    return False


def _refresh(request: Request, *, now: datetime) -> bool:
    with transaction.atomic():
        state = lock_state(request, now=now)
        revision = request.revisions.select_related("request", "policy_result").filter(number=state.revision_number).first()
        if revision is None or is_outdated(revision, now=now):
            revise_request(request=request, by=None, now=now)
            return True
        # Looked at and found unchanged: others get their turn before it is looked at again.
        refresh_state(state, now=now)
        return False


def list_behind() -> QuerySet[RequestState]:
    """Return requests whose newest revision lacks a latest verdict that counts, or has another policy or other expectations than are in force.

    For what others sent only where nobody has looked since it was reached: it may well be a copy, or change nothing. The one unseen for
    longest comes first.
    """
    held = RevisionEvidence.objects.filter(
        verdict=OuterRef("verdict"),
        revision__request=OuterRef(OuterRef("request")),
        revision__number=OuterRef(OuterRef("revision_number")),
    )
    later = Verdict.objects.filter(attestation=OuterRef("verdict__attestation"), number__gt=OuterRef("verdict__number"))
    team = OuterRef(OuterRef("request__project__team"))
    unseen = Q(verdict__verified_at__gte=OuterRef("seen_until")) & is_admitted(team, verdict="verdict__")
    newer = VerdictSubject.objects.filter(artifact__requests__request=OuterRef("request")).filter(~Exists(held), ~Exists(later))
    newer = newer.filter(is_sent_by(team, verdict="verdict__") | unseen)
    # An item whose newer verdict does not count leaves the evidence set; `newer` alone would miss it.
    superseded = RevisionEvidence.objects.filter(
        Exists(later.filter(verified_at__gte=OuterRef(OuterRef("seen_until")))),
        revision__request=OuterRef("request"),
        revision__number=OuterRef("revision_number"),
    )
    in_force = PolicyActivation.objects.filter(project=OuterRef("request__project"), environment=OuterRef("request__environment"))
    expected = ExpectationsActivation.objects.filter(expectations__project=OuterRef("request__project"))
    pinned = Revision.objects.filter(request=OuterRef("request"), number=OuterRef("revision_number"))
    # Whose an account is may have changed, for whichever request: links are few, and each is looked at once more.
    relinked = LinkedAccount.objects.filter(Q(linked_at__gte=OuterRef("seen_until")) | Q(ended_at__gte=OuterRef("seen_until")))
    return (
        RequestState.objects.filter(status__in=FOLLOWED)
        # Nobody looks at evidence about it, and its policy is asked for by `_derived`.
        .exclude(request__kind=Request.Kind.BREAK_GLASS_REVIEW)
        .annotate(
            in_force=Subquery(in_force.order_by("-entry_id").values("policy_id")[:1]),
            pinned=Subquery(pinned.values("policy_id")[:1]),
            expected=Coalesce(Subquery(expected.order_by("-entry_id").values("expectations_id")[:1], output_field=CharField()), Value("")),
            expected_then=Subquery(pinned.values("expectations_digest")[:1]),
            seen_until=ExpressionWrapper(F("computed_at") - OVERLAP, output_field=DateTimeField()),
        )
        .filter(
            Exists(newer)
            | Exists(superseded)
            # A policy that a kind derives is no column to compare with: `_derived` asks for it.
            | (~Q(in_force=F("pinned")) & ~Q(request__kind__in=derived_kinds()))
            | Exists(relinked)
            | (Q(expected_then__isnull=False) & ~Q(expected=F("expected_then")))
        )
        .select_related("request__project__team", "request__environment", "request__requester", "request__on_behalf_of")
        .order_by("computed_at", "pk")
    )


def _derived(behind: Sequence[RequestState]) -> QuerySet[RequestState]:
    """Other requests whose kind derives their policy, or that name people: whether it still comes to the same is asked in turn, of the one
    unseen for longest first."""
    names = Exists(NamedPerson.objects.filter(request=OuterRef("request")))
    kinds = RequestState.objects.filter(Q(request__kind__in=derived_kinds()) | names, status__in=FOLLOWED)
    others = kinds.exclude(pk__in=[state.pk for state in behind])
    return others.select_related("request__project__team", "request__environment", "request__requester").order_by("computed_at", "pk")


def _moved_by_waivers(behind: Sequence[RequestState], now: datetime) -> QuerySet[RequestState]:
    """Other requests at whose place a waiver was granted, withdrawn or ran out, or an agreement to one was revoked, since they were looked at last."""
    there = Waiver.objects.filter(project=OuterRef("request__project"), environment=OuterRef("request__environment"))
    moved = there.filter(
        Q(granted_at__gte=OuterRef("seen_until"))
        | Q(end__ended_at__gte=OuterRef("seen_until"))
        | Q(request__revisions__approvals__end__ended_at__gte=OuterRef("seen_until"))
        | Q(until__gte=OuterRef("seen_until"), until__lte=now)
    )
    open_states = RequestState.objects.filter(status__in=FOLLOWED).exclude(pk__in=[state.pk for state in behind])
    seen = open_states.annotate(seen_until=ExpressionWrapper(F("computed_at") - OVERLAP, output_field=DateTimeField()))
    moved_states = seen.filter(Exists(moved)).select_related("request__project__team", "request__environment", "request__requester")
    return moved_states.order_by("computed_at", "pk")


def _asking_elsewhere(behind: Sequence[RequestState]) -> QuerySet[RequestState]:
    """Other requests whose policy asks what was approved in another environment: whether that came, went, or is long enough ago now is
    asked in turn, of the one unseen for longest first."""
    asking = RequestState.objects.filter(revision__policy__in=policies_asking_elsewhere(), status__in=(*PENDING, Status.APPROVED))
    others = asking.exclude(pk__in=[state.pk for state in behind])
    return others.select_related("request__project__team", "request__environment", "request__requester").order_by("computed_at", "pk")


def _lapsed(now: datetime) -> QuerySet[RequestState]:
    """Approved requests with an approval whose validity is over."""
    over = Approval.objects.filter(
        revision__request=OuterRef("request"),
        revision__number=OuterRef("revision_number"),
        decision="approve",
        not_after__lte=now,
        end__isnull=True,
    )
    approved = RequestState.objects.filter(Exists(over), status=Status.APPROVED)
    return approved.select_related("request").order_by("computed_at", "pk")


def _substance(evaluation: Evaluation) -> tuple[Any, ...]:
    own = [
        (item.digest, item.document, item.verdict.pk in evaluation.troubled)
        for item in evaluation.evidence
        if item.verdict.pk in evaluation.own
    ]
    return _weigh(parse_policy(bytes_of(evaluation.policy.document)), evaluation.policy_input, evaluation.result, own)


def _substance_of(revision: Revision) -> tuple[Any, ...]:
    held = revision.evidence.filter(verdict__in=own_of(revision)).select_related("attestation", "verdict__document")
    troubled = troubled_by_signers(revision)
    own = [(item.attestation.blob_id, parse_canonical(bytes_of(item.verdict.document)), item.verdict_id in troubled) for item in held]
    policy_input, result = (parse_canonical(bytes_of(blob)) for blob in (revision.policy_input, revision.policy_result))
    return _weigh(parse_policy(bytes_of(revision.policy.document)), policy_input, result, own)


def _weigh(
    policy: Policy, policy_input: dict[str, Any], result: Mapping[str, Any], own: Sequence[tuple[str, Mapping[str, Any], bool]]
) -> tuple[Any, ...]:
    """Return what an answer rests on: the outcome of each rule, why one fails, and what is wrong with the team's own evidence.

    Why a rule fails is asked of the own evidence alone: what others send would give another reason each time, and undo a rejection with it.
    """
    digests = {digest for digest, _, _ in own}
    evidence = [item for item in policy_input["evidence"] if item["digest"] in digests]
    alone = result if len(evidence) == len(policy_input["evidence"]) else evaluate_policy(policy, {**policy_input, "evidence": evidence})
    codes = {rule["id"]: rule["code"] for rule in alone["rules"]}
    outcomes = [(rule["id"], rule["outcome"], "" if rule["outcome"] == "pass" else codes[rule["id"]]) for rule in result["rules"]]
    troubles = frozenset(
        (digest, *trouble) for digest, document, by_signers in own for trouble in _troubles(document, by_signers=by_signers)
    )
    return tuple(sorted(outcomes)), troubles


def _troubles(verdict: Mapping[str, Any], *, by_signers: bool) -> list[tuple[str, str, str]]:
    found = [item for item in verdict["findings"] if item["outcome"] in TROUBLE and (by_signers or item["check"] not in ABOUT_SIGNERS)]
    troubles = [(item["check"], item["outcome"], item["code"]) for item in found]
    if verdict["result"] != "verified":
        troubles.append(("verification", verdict["result"], verdict["code"]))
    return troubles
