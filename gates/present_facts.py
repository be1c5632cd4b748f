"""What must still be true when a gate is asked, beyond what was true when people signed.

Reads only. Each check answers with a reason or with nothing. Not checked: anything the signed material already shows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from approvals.models import Approval, ApprovalEnd, Request, RequestState, Revision
from approvals.path.contradictions import standing_contradictions
from approvals.policies.expectations import active_expectations
from approvals.policies.named_signers import named_in
from approvals.policies.waivers import without_ended
from approvals.requests.approved_elsewhere import lost_elsewhere
from approvals.requests.people import barred_today, unknown_today
from approvals.requests.policy_for import policy_for
from approvals.requests.refresh import is_outdated
from approvals.requests.standing_in import count_answer, people_of_answer, why_not_standing
from approvals.requests.status import SHUT, stood_approved, why_shut
from attestations.blobs import bytes_of
from attestations.queries import pending_about
from attestations.reverify import unsettled_about
from gates.evidence_today import check_evidence_today
from gates.models import Decision
from gates.reasons import Reason
from identities.models import Identity
from identities.permissions import APPROVERS, roles_of
from identities.standing import COMPROMISED, SUSPENDED, in_words, is_only_deactivated, why_not_answering
from proofs.canonical import parse_canonical
from proofs.errors import Refusal
from proofs.policy.evaluate import CountedApproval, count_approvals, evaluate_policy, evaluate_times, exclusions, parse_policy


def check_present_facts(request: Request, *, digest: str, now: datetime) -> list[Reason]:
    """Return the reasons why a request that verifies on paper must not open the gate for `digest` today.

    Refuses as evaluating the policy does.
    """
    revision = request.revisions.select_related("policy__document", "policy_input", "request").order_by("-number").first()
    if revision is None:
        return [Reason("approval.missing", "This request was never frozen for review.", request_id=request.pk)]
    reasons = [
        *_check_policy(request, revision),
        *_check_requester(request),
        *_check_approvers(request, revision),
        *check_evidence_today(revision, now=now),
        *_check_waivers(revision, now=now),
        *_check_elsewhere(revision, now=now),
        *_check_clock(request, revision, now),
        *_check_pending(request, revision, digest),
    ]
    if not reasons and is_outdated(revision, now=now):
        reasons = [Reason("evidence.changed", "Evidence that came in after the approval changes a rule or a finding; it needs a new look.")]
    return [Reason(reason.code, reason.sentence, request_id=request.pk) for reason in reasons]


def check_open(request: Request) -> list[Reason]:
    """Return the reason that nothing opens a gate on this request any more, or yet: withdrawn, superseded, expired, a draft."""
    shut = why_shut(request)
    return [Reason(shut[0], f"{shut[1][:1].upper()}{shut[1][1:]}.", request_id=request.pk)] if shut else []


def check_open_for_run(request: Request) -> list[Reason]:
    """Return the same for what was promoted before. A newer request that takes the place of its newest revision stops the question, not
    what runs: that is overtaken by a promotion alone."""
    return [reason for reason in check_open(request) if reason.code != SHUT[RequestState.Status.SUPERSEDED][0]]


def check_ended(request: Request, revision: Revision | None = None) -> list[Reason]:
    """Return the reasons that approvals ended, unused or revoked, where what is left of the revision, else of the newest, is not enough."""
    revision = revision or request.revisions.select_related("policy__document", "policy_input").order_by("-number").first()
    if revision is None or revision.approvals.exclude(decision=Approval.Decision.APPROVE).exists():
        return []
    ended = list(ApprovalEnd.objects.filter(approval__revision=revision).order_by("ended_at", "pk"))
    if not ended and not revision.approvals.exists():
        # Nobody has answered since: what was revoked before says more than that approvals are missing.
        ended = list(ApprovalEnd.objects.filter(approval__revision__request=request, code="approval.revoked").order_by("ended_at", "pk"))
    if not ended or stood_approved(revision) is not None:
        return []
    return [Reason(_code_of(end), f"{end.sentence}; another approver has to answer.", request_id=request.pk) for end in ended]


def _code_of(end: ApprovalEnd) -> str:
    return end.code if end.code.startswith("approval.revoked") else "approval.ended"


def check_people(request: Request) -> list[Reason]:
    """Return the reasons why those who asked and approved no longer answer for a request; for one that was weighed a moment ago.

    Refuses as evaluating the policy does.
    """
    # Read again: the row that was weighed knows its people as they were then.
    request = Request.objects.select_related("requester__owner", "project").get(pk=request.pk)
    revision = request.revisions.select_related("policy__document", "policy_input").order_by("-number").first()
    if revision is None:
        return [Reason("approval.missing", "This request was never frozen for review.", request_id=request.pk)]
    reasons = [*_check_requester(request), *_check_approvers(request, revision)]
    return [Reason(reason.code, reason.sentence, request_id=request.pk) for reason in reasons]


def check_run_facts(request: Request, revision: Revision, *, digest: str, promoted_at: datetime, now: datetime) -> list[Reason]:
    """Return the reasons why what was let through at `promoted_at`, as `revision`, must not run today: what is known now of who asked, who
    approved and what they were shown.

    What bounds the start of a promotion is not asked again: validity, clock, policy in force, roles held, and evidence that came in since.
    Refuses as evaluating the policy does.
    """
    approvals = _counting(revision)
    reasons = [
        *_check_requester(request, fatal=(SUSPENDED, COMPROMISED)),
        *[reason for approval in approvals for reason in (*_check_approver(approval), *_check_delegator(approval))],
        *_check_makers(revision, approvals),
        *check_evidence_today(revision, now=now, weighed_at=promoted_at),
        *_check_unsettled(request, revision, digest),
    ]
    return [Reason(reason.code, reason.sentence, request_id=request.pk) for reason in reasons]


def check_later_no(asked: QuerySet[Request], *, since: datetime | None) -> list[Reason]:
    """Say who answered no to the same question, on whichever request, after the last approval that would open the gate; at any time where
    there is none."""
    answers = Approval.objects.filter(revision__request__in=asked.values("pk"))
    later = answers.filter(signed_at__gte=since) if since is not None else answers
    no = later.exclude(decision=Approval.Decision.APPROVE).select_related("identity", "revision").order_by("-signed_at").first()
    if no is None:
        return []
    words = f"{no.identity} answered later, on a request for this artifact: {no.get_decision_display().lower()}."
    return [Reason("approval.decision", words, request_id=no.revision.request_id)]


def check_path_stands(request: Request, *, digest: str) -> list[Reason]:
    """Return the reasons that observers gave against promoting `digest`: another digest under its name, or it under another's."""
    standing = standing_contradictions(digest, environment=request.environment, project=request.project)
    return [Reason(now.check.code, f"{now.check.sentence} Seen by {now.observation.identity}.", request_id=request.pk) for now in standing]


def _check_policy(request: Request, revision: Revision) -> list[Reason]:
    try:
        policy = policy_for(request)
    except Refusal as refusal:
        return [Reason(refusal.code, f"{refusal.reason[:1].upper()}{refusal.reason[1:]}.")]
    if policy.digest != revision.policy_id:
        return [Reason("policy.mismatch", f"The request was approved under {revision.policy}; {policy} is in force now.")]
    if revision.expectations_digest is not None:
        expected = active_expectations(request.project)
        if (expected.digest if expected else "") != revision.expectations_digest:
            words = f"The request was approved under other expectations of {request.project} than are in force now."
            return [Reason("expectations.mismatch", words)]
    return []


def _check_waivers(revision: Revision, *, now: datetime) -> list[Reason]:
    """A waiver counts while it is alive: what rests on one that was withdrawn or is over needs the rule again."""
    policy_input = parse_canonical(bytes_of(revision.policy_input))
    today = without_ended(policy_input, now=now)
    if today["waivers"] == policy_input.get("waivers", []):
        return []
    weighed = evaluate_policy(parse_policy(bytes_of(revision.policy.document)), today, at=now)
    return [_no_longer_waived(rule) for rule in weighed["rules"] if rule["outcome"] == "fail"]


def _check_elsewhere(revision: Revision, *, now: datetime) -> list[Reason]:
    """An approval in another environment counts while it stands: where it was taken back, what rests on it needs another look."""
    return [Reason(rule["code"], rule["sentence"]) for rule in lost_elsewhere(revision, now=now)]


def _check_clock(request: Request, revision: Revision, now: datetime) -> list[Reason]:
    """Judge what people could not sign, because it is about the moment of promotion: a freeze, and the hours in which something may go."""
    policy, policy_input = parse_policy(bytes_of(revision.policy.document)), parse_canonical(bytes_of(revision.policy_input))
    today = without_ended(policy_input, now=now)
    were_waived = {item["rule"] for item in policy_input.get("waivers", ()) if item not in today["waivers"]}
    judged = evaluate_times(policy, request.kind, now, policy_input=today)
    against = [rule for rule in judged if rule["outcome"] not in ("pass", "waived")]
    return [_no_longer_waived(rule) if rule["id"] in were_waived else Reason(rule["code"], rule["sentence"]) for rule in against]


def _no_longer_waived(rule: Mapping[str, Any]) -> Reason:
    return Reason("waiver.ended", f"The rule {rule['title']!r} was waived, and the waiver is over or withdrawn. {rule['sentence']}")


def _check_requester(request: Request, *, fatal: Collection[str] = ()) -> list[Reason]:
    """Who asked must still answer for it: what a stolen agent asked for was not asked for by whom people thought.

    Somebody who has left answers for what a gate let through while they were there. `fatal` names what alone speaks against them.
    """
    why = why_not_answering(request.requester, signed_at=request.opened_at)
    if fatal and why not in fatal:
        return []
    if not why or (why == SUSPENDED and is_only_deactivated(request.requester) and _was_let_through(request, request.requester)):
        return []
    return [Reason(f"requester.{why}", f"The request was opened by {request.requester}, and {in_words(request.requester, why)}.")]


def _was_let_through(request: Request, person: Identity) -> bool:
    allowed = Decision.objects.filter(request=request, outcome=Decision.Outcome.ALLOW, enforced=None)
    return allowed.filter(decided_at__lte=person.deactivated_at).exists()


def _check_approvers(request: Request, revision: Revision) -> list[Reason]:
    approvals = _counting(revision)
    reasons = [reason for approval in approvals for reason in (*_check_approver(approval), *_check_delegator(approval))]
    return reasons or _check_makers(revision, approvals) or _check_roles(request, revision, approvals)


def _counting(revision: Revision) -> list[Approval]:
    """Return the approvals of a revision that have not ended, with all that is asked about who gave them."""
    rows = revision.approvals.select_related(
        "identity", "signing_key", "kept", "in_stead__person", "in_stead__delegation__signed__signing_key"
    )
    return list(rows.filter(decision=Approval.Decision.APPROVE, end__isnull=True))


def _check_makers(revision: Revision, approvals: list[Approval]) -> list[Reason]:
    """Ask again who made it, as far as it is known today: somebody may have approved under one name what they made under another."""
    policy = parse_policy(bytes_of(revision.policy.document))
    policy_input = parse_canonical(bytes_of(revision.policy_input))
    barred = {(item["issuer"], item["subject"]): item["because"] for item in barred_today(revision, policy, policy_input)}
    people = [person for approval in approvals for person in people_of_answer(approval)]
    given = [(person, barred.get((person.issuer, person.subject))) for person in people]
    reasons = [
        Reason("sod.violation", f"{person} approved, and is known now as {' and '.join(because)} of it; another approver has to answer.")
        for person, because in given
        if because is not None
    ]
    return reasons or [Reason(code, sentence) for code, sentence in unknown_today(revision, policy, policy_input)]


def _check_delegator(approval: Approval) -> list[Reason]:
    """Weigh what became of whoever let somebody approve in their stead, as of the approver."""
    if not hasattr(approval, "in_stead"):
        return []
    row = approval.in_stead.delegation
    why = "" if _has_left(approval, approval.in_stead.person) else why_not_standing(row)
    return [Reason("delegation.delegator", f"{approval.identity} approved in another's stead: {why}.")] if why else []


def _check_approver(approval: Approval) -> list[Reason]:
    """Weigh what became of the person and the key since: what ended later takes nothing back, what somebody else may have signed does."""
    person, key, reasons = approval.identity, approval.signing_key, []
    if key is not None and key.revoked_at is not None and key.revoked_at <= approval.signed_at:
        reasons.append(Reason("signer.revoked", f"{person} signed with a key that was revoked at {key.revoked_at:%Y-%m-%d %H:%M} UTC."))
    stolen = [
        since
        for since in (key.compromised_from if key else None, person.compromised_from)
        if since is not None and since <= approval.signed_at
    ]
    if stolen:
        words = f"{person} signed at {approval.signed_at:%Y-%m-%d %H:%M} UTC, and from {min(stolen):%Y-%m-%d %H:%M} UTC on it may have been somebody else."
        reasons.append(Reason("signer.compromised", words))
    if person.status != Identity.Status.ACTIVE and not _has_left(approval, person):
        reasons.append(Reason("signer.inactive", f"{person} signed, and is {person.get_status_display().lower()} now."))
    return reasons


def _check_roles(request: Request, revision: Revision, approvals: list[Approval]) -> list[Reason]:
    """Count the approvals again with the roles that were signed for and are still held: a role counts only while it lasts.

    Where a gate had acted on it when the person left, the roles count that did then.
    """
    policy = parse_policy(bytes_of(revision.policy.document)).for_kind(revision.request.kind)
    policy_input = parse_canonical(bytes_of(revision.policy_input))
    counted: list[CountedApproval] = []
    lost: list[str] = []
    for approval in approvals:
        count = count_answer(approval, policy, policy_input)
        held, why = _held_today(approval, set(count.roles), request)
        lost += [why] if why else []
        counted.append(replace(count, roles=tuple(sorted(held))))
    rules = count_approvals(policy, counted, excluded=exclusions(policy, policy_input))
    if all(rule["outcome"] == "pass" for rule in rules):
        return []
    return [Reason("signer.role_lost", "; ".join(lost) + "." if lost else "The approvals no longer fill every role the policy asks for.")]


def _held_today(approval: Approval, signed: set[str], request: Request) -> tuple[set[str], str]:
    """Return which of the roles that were signed for still count, and in words why not all of them do."""
    stands_in, holder = hasattr(approval, "in_stead"), people_of_answer(approval)[-1]
    # Whoever stands in for somebody has to be able to answer there by themselves, until it counts.
    own = {role.role for role in roles_of(approval.identity, project=request.project)}
    if stands_in and not own & APPROVERS and not _has_left(approval, approval.identity):
        return set(), f"{approval.identity} approved in another's stead, and is no approver here any more"
    held = signed & {str(assignment.role) for assignment in roles_of(holder, project=request.project)}
    # An approval is kept as well when its delegation was taken back; then both are here, and their roles count as ever.
    if _has_left(approval, holder) if stands_in else hasattr(approval, "kept"):
        held |= signed & set(approval.kept.roles)
    return held, f"{holder} no longer holds {', '.join(sorted(signed - held))}" if held != signed else ""


def _has_left(approval: Approval, person: Identity) -> bool:
    """Say whether one of those who gave an approval was deactivated after a gate had acted on it."""
    return hasattr(approval, "kept") and is_only_deactivated(person)


def _check_pending(request: Request, revision: Revision, digest: str) -> list[Reason]:
    """Evidence about this artifact that the team has sent and nobody has verified yet, or that is to be verified again because something
    changed, may be what contradicts the rest: wait for it."""
    team = request.project.team
    pending = pending_about(digest, team=team)
    if pending:
        return [Reason("evidence.pending", f"Evidence {pending[0].pk} about this artifact has come in and is not verified yet; ask again.")]
    return _check_unsettled(request, revision, digest)


def _check_unsettled(request: Request, revision: Revision, digest: str) -> list[Reason]:
    unsettled = unsettled_about(digest, team=request.project.team, named=named_in(revision)).first()
    if unsettled:
        words = f"Evidence {unsettled.attestation_id} about this artifact is to be verified again, because something it rests on changed; ask again."
        return [Reason("evidence.pending", words)]
    return []
