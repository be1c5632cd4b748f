"""How the review of an artifact stands in each place it was asked for, as facts for the fourth question.

Reads only. For each project and environment one request counts: the one that opens the gate, else the newest; older ones are superseded. What the gate
says is the gate's own code. It decides nothing: `proofs.answers.altered_since` answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from approvals.models import Approval, Request, Revision
from approvals.policies.expectations import active_expectations
from approvals.policies.named_signers import named_signers
from approvals.requests.status import Standing, Status, compute_standing
from attestations.admission import is_own
from attestations.blobs import bytes_of
from attestations.models import Verdict
from attestations.queries import verdict_document
from attestations.statement_words import list_claims
from gates.decide import weigh_requests
from gates.reasons import Reason
from identities.models import Team
from proofs.answers.told import Cited, GateReason, ReviewFacts, short_type
from proofs.errors import Refusal
from proofs.policy.evaluate import parse_policy

_WHOLE = (Status.APPROVED, Status.EXPIRED, Status.PROMOTED)


@dataclass(frozen=True)
class _News:
    """What is otherwise now than in a revision that people answered."""

    changed: tuple[Cited, ...] = ()
    newer: tuple[Cited, ...] = ()
    of_others: tuple[Cited, ...] = ()
    replaced: tuple[str, ...] = ()


def read_reviews(digest: str, *, requests: Sequence[Request], verdicts: Sequence[Verdict], now: datetime) -> list[ReviewFacts]:
    """Return how the review stands for each project and environment of these requests, newest first, given the newest verdicts about `digest`."""
    targets = {(request.project_id, request.environment_id): request for request in reversed(requests)}
    has_several = len({request.project_id for request in requests}) > 1
    return [_read(digest, newest, verdicts, has_several=has_several, now=now) for newest in reversed(targets.values())]


def _read(digest: str, newest: Request, verdicts: Sequence[Verdict], *, has_several: bool, now: datetime) -> ReviewFacts:
    try:
        weighed, against = weigh_requests(digest, project=newest.project, environment=newest.environment, now=now)
    except Refusal as refusal:
        weighed, against = newest, [Reason(refusal.code, refusal.reason)]
    opens = weighed is not None and not against
    request = weighed if weighed is not None and opens else newest
    standing = compute_standing(request, now=now)
    answered = _answered(request, standing)
    approving = [answer for answer in _answers(answered) if answer.decision == Approval.Decision.APPROVE]
    news = _compare(answered, standing, verdicts, request.project.team) if answered and approving else _News()
    environment = request.environment.name
    return ReviewFacts(
        target=f"{environment} ({request.project.name})" if has_several else environment,
        opens=opens,
        given=standing.approvals,
        needed=standing.required,
        is_whole=standing.status in _WHOLE,
        approved_by=tuple(str(answer.identity) for answer in approving),
        refused_by=() if opens else _noes(digest, standing, request),
        is_of_earlier=answered is not None and answered != standing.revision,
        has_lapsed=standing.status == Status.EXPIRED,
        changed=news.changed,
        replaced=news.replaced,
        newer=news.newer,
        of_others=news.of_others,
        gate=tuple(GateReason(reason.code, reason.sentence) for reason in against),
    )


def _answered(request: Request, standing: Standing) -> Revision | None:
    """Return the revision people approved: the newest one, or where nobody has answered that, the one before it that somebody approved."""
    if standing.answers:
        return standing.revision
    approved = request.revisions.filter(approvals__decision=Approval.Decision.APPROVE).distinct()
    return approved.select_related("policy__document").order_by("-number").first()


def _answers(revision: Revision | None) -> list[Approval]:
    return list(revision.approvals.filter(end__isnull=True).select_related("identity").order_by("signed_at", "pk")) if revision else []


def _noes(digest: str, standing: Standing, request: Request) -> tuple[str, ...]:
    """Say who answered no to the newest revision, or later, on whichever request, to the same question; nobody where that has no answer yet."""
    if standing.revision is None or not standing.answers:
        return ()
    asked = Request.objects.filter(artifacts__artifact=digest, project=request.project_id, environment=request.environment_id)
    noes = Approval.objects.filter(revision__request__in=asked).exclude(decision=Approval.Decision.APPROVE).select_related("identity")
    last = max(answer.signed_at for answer in standing.answers)
    found = noes.filter(Q(revision=standing.revision) | Q(signed_at__gte=last)).order_by("-signed_at")
    return tuple(f"{answer.identity} answered: {answer.get_decision_display().lower()}" for answer in found[:3])


def _compare(answered: Revision, standing: Standing, verdicts: Sequence[Verdict], team: Team) -> _News:
    """Hold the evidence about the artifact as it is now, and the documents of the newest revision, against the revision people approved."""
    held = {item.attestation_id: item.verdict for item in answered.evidence.select_related("verdict")}
    ours = _own(answered, [verdict for verdict in verdicts if verdict.attestation_id not in held], team)
    changed: list[Cited] = []
    newer: list[Cited] = []
    of_others: list[Cited] = []
    for verdict in verdicts:
        shown = held.get(verdict.attestation_id)
        if shown is not None:
            if (shown.result, shown.signer_id) != (verdict.result, verdict.signer_id):
                changed.append(_cite(verdict))
        elif verdict.pk in ours:
            newer.append(_cite(verdict))
        elif verdict.result == Verdict.Result.VERIFIED and verdict.signer_id is not None:
            # What proves nothing and comes from another team alone is in no review, so it is no news of one.
            of_others.append(_cite(verdict))
    return _News(tuple(changed), tuple(newer), tuple(of_others), _replaced(answered, standing))


def _own(answered: Revision, verdicts: Sequence[Verdict], team: Team) -> set[int]:
    """Return those that the team sent or signed, or a signer whom the policy or the expectations name."""
    expected = active_expectations(answered.request.project) if answered.expectations_digest is not None else None
    named = named_signers(parse_policy(bytes_of(answered.policy.document)), expected)
    found = Verdict.objects.filter(is_own(team, named), pk__in=[verdict.pk for verdict in verdicts])
    return set(found.values_list("pk", flat=True))


def _replaced(answered: Revision, standing: Standing) -> tuple[str, ...]:
    newest = standing.revision
    if newest is None:
        return ()
    words = []
    if newest.policy_id != answered.policy_id:
        words.append(f"The policy was replaced: {answered.policy} when it was approved, {newest.policy} now.")
    if newest.expectations_digest != answered.expectations_digest:
        words.append(f"The expectations of {answered.request.project} were replaced.")
    return tuple(words)


def _cite(verdict: Verdict) -> Cited:
    """Name one newer verdict: what it claims and says, who signed, and what came of verifying it."""
    document = verdict_document(verdict)
    said = dict(list_claims(document["facts"] or {})).get("Result", "")
    claim = f"{short_type(verdict.predicate_type)}{f', result {said}' if said else ''}"
    if verdict.result != Verdict.Result.VERIFIED:
        return Cited(verdict.attestation_id, f"{claim}: {verdict.get_result_display().lower()}, {verdict.reason}")
    if verdict.signer is not None:
        return Cited(verdict.attestation_id, f"{claim}, signed by {verdict.signer}.")
    why = next((item["sentence"] for item in document["findings"] if item["check"] == "signer"), "Nobody answers for its signer.")
    return Cited(verdict.attestation_id, f"{claim}. {why}")
