"""May this person answer this revision, and with this key? Each question refuses with its reason, for acts and pages alike.

Reads only. Not asked here: whether the revision is the newest that evidence and policy allow (`approvals.requests.refresh.is_outdated`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.conf import settings
from django.db.models import Q

from approvals.models import Approval, Delegation, Request, RequestState, Revision
from approvals.requests.people import barred_today
from approvals.requests.standing_in import refuse_if_not_usable
from approvals.requests.status import refuse_if_shut
from attestations.blobs import bytes_of
from identities.models import Identity, SigningKey
from identities.permissions import demand, roles_of
from proofs.approval.reason_codes import DECISIONS_WITH_CODES, REASON_CODES
from proofs.canonical import parse_canonical
from proofs.errors import Conflict, Malformed, NotAllowed
from proofs.pack.check_signer import HIGHEST_TIER
from proofs.policy.evaluate import Policy, exclusions

Decision = Approval.Decision
Status = RequestState.Status
CLOSED = frozenset({Status.REJECTED, Status.CHANGES_REQUESTED, Status.EXPIRED})
# Requests about the portal's own rules are answered by whom those are for.
ANSWERED_BY: dict[str, str] = {
    Request.Kind.POLICY_CHANGE: "policies.decide",
    Request.Kind.EXCEPTION: "exceptions.decide",
    Request.Kind.BREAK_GLASS_REVIEW: "requests.answer",
}
BECAUSE = {
    "requester": "you asked for it",
    "on-behalf-of": "it was asked for in your name",
    "owner": "you answer for the program that asks",
    "commit-author": "you wrote a commit of it",
    "co-author": "you wrote a commit of it together with somebody",
    "committer": "you committed it",
    "build-trigger": "you set off its build",
    "agent-operator": "you answer for the agent whose action it is",
    "key-owner": "you answer for a key that signed its evidence",
    "runner-owner": "you answer for a runner that signed its evidence",
    "policy-editor": "you put the policy into force that it is decided under",
}


def get_current_revision(request: Request) -> Revision:
    """Return the newest revision of a request. Refuses with `request.not_frozen` where there is none."""
    newest = request.revisions.select_related("policy__document", "policy_input", "snapshot").order_by("-number").first()
    if newest is None:
        raise Conflict("request.not_frozen", "this request was never frozen for review")
    return newest


def refuse_if_not_entitled(
    *, request: Request, revision: Revision, policy: Policy, by: Identity, now: datetime, in_stead: Delegation | None = None
) -> None:
    """Return when `by` may answer: permission, a role the policy counts, not excluded. Refuses with the codes of 1 and 2.

    With `in_stead` it is that person's role that counts, and neither of the two may be excluded; refuses as `refuse_if_not_usable` does too,
    and with `delegation.not_yours`.
    """
    demand(by, ANSWERED_BY.get(request.kind, "requests.decide"), project=request.project)  # 1
    wanted = {rule.role for rule in policy.approvals_rules}
    if in_stead is not None:
        if in_stead.delegate_id != by.pk:
            raise NotAllowed("delegation.not_yours", f"{in_stead.delegator} lets {in_stead.delegate} answer for them, not you")
        refuse_if_not_usable(in_stead, request=request, revision=revision, policy=policy, now=now)
    elif not wanted & {str(role.role) for role in roles_of(by, project=request.project)}:
        raise NotAllowed(
            "approval.wrong_role", f"the policy counts answers of {' and '.join(sorted(wanted))}; you do not hold that role here"
        )
    policy_input = parse_canonical(bytes_of(revision.policy_input))
    barred = exclusions(policy, policy_input)  # 2
    owner = request.requester.owner
    if owner is not None:
        # Whoever took the program over since the revision was frozen is barred like the owner who stands in it.
        barred += exclusions(policy, {**policy_input, "owner": {"issuer": owner.issuer, "subject": owner.subject}})
    # Nor may whoever is known only since then to have made it.
    barred += barred_today(revision, policy, policy_input)
    for item in barred:
        if (item["issuer"], item["subject"]) == (by.issuer, by.subject):
            raise NotAllowed("sod.violation", f"you may not decide this, because {_words(item['because'])}; another approver has to")


def refuse_if_answered(revision: Revision, by: Identity) -> None:
    """Refuse with `approval.already_answered` when the person has answered this revision, or somebody in their stead."""
    answers = revision.approvals.filter(Q(identity=by) | Q(in_stead__person=by))
    refuse_answered(list(answers.select_related("identity", "end", "in_stead")), by)  # 5


def refuse_answered(answers: Iterable[Approval], by: Identity) -> None:
    """Refuse as `refuse_if_answered` does, given the answers to the revision."""
    given = next((answer for answer in answers if answer.identity_id == by.pk), None)
    if given is not None and hasattr(given, "end"):
        raise Conflict("approval.already_answered", "your approval of this revision ended; another approver has to answer it")
    if given is not None:
        raise Conflict("approval.already_answered", "you have answered this revision already; an answer is given once")
    instead = next((answer for answer in answers if hasattr(answer, "in_stead") and answer.in_stead.person_id == by.pk), None)
    if instead is not None:
        words = f"{instead.identity} has answered this revision in your stead; an answer is given once"
        raise Conflict("approval.already_answered", words)


def refuse_if_key_unusable(key: SigningKey, by: Identity) -> None:
    """Refuse with the codes of 7 unless `key` is a live approval key of `by`, enrolled for this portal's host."""
    if key.identity_id != by.pk:
        raise NotAllowed("signer.unknown", "this approval key is not yours")
    if key.revoked_at is not None:
        raise Conflict("signer.revoked", f"the key {key.label!r} was revoked; enrol another one under your approval keys")
    if key.rp_id != settings.RP_ID:
        raise Conflict("signer.other_portal", f"the key {key.label!r} was enrolled for {key.rp_id}, expected {settings.RP_ID}")


def refuse_if_cooling_off(key: SigningKey, *, tier: int, now: datetime) -> None:
    """Refuse with `signer.cooling_off` while `key` is too new for an environment of the highest tier, saying from when on it counts."""
    if tier >= HIGHEST_TIER and key.matures_at is not None and now < key.matures_at:
        raise Conflict(
            "signer.cooling_off",
            f"the key {key.label!r} is new and counts for this environment from {key.matures_at:%Y-%m-%d %H:%M} UTC on; sign with an older one or wait",
        )


def refuse_if_closed(state: RequestState) -> None:
    """Refuse with `request.closed` when somebody rejected the newest revision or asked for changes, or its approvals ran out.

    What happened to the request itself has codes of its own: `request.withdrawn`, `request.superseded`, `request.expired`, `request.draft`.
    """
    refuse_if_shut(state.request)
    if state.status in CLOSED:
        raise Conflict("request.closed", f"this request is closed: {state.get_status_display().lower()}")


def refuse_if_not_possible(state: RequestState, revision: Revision, decision: str, reason: str) -> None:
    """Return when the decision can be given in this state. Refuses with the codes of 6, and `break_glass.no_changes`."""
    refuse_if_closed(state)
    if decision not in Decision.values:
        raise Malformed("approval.decision", f"got {decision[:40]!r}, expected one of {', '.join(Decision.values)}")
    if decision == Decision.REQUEST_CHANGES and state.request.kind == Request.Kind.BREAK_GLASS_REVIEW:
        # It would close the review for everybody else, and nobody can freeze anew what was done.
        raise Conflict("break_glass.no_changes", "what was done cannot be changed any more; approve that it was right, or reject it")
    if decision == Decision.APPROVE and revision.result != "pass":
        raise Conflict("request.blocked", "the policy is not met, so this cannot be approved; the page says which rule and why")
    if decision != Decision.APPROVE and not reason.strip():
        raise Malformed("approval.reason_missing", "say why in a sentence, so that the requester knows what to do")


def refuse_if_no_codes(decision: str, codes: Sequence[str]) -> None:
    """Refuse with `approval.reason_code` for what is no code of the closed list, and for any code in an approval."""
    unknown = [code for code in codes if code not in REASON_CODES]
    if unknown:
        raise Malformed("approval.reason_code", f"got the reason {unknown[0][:40]!r}, expected some of {', '.join(REASON_CODES)}")
    if codes and decision not in DECISIONS_WITH_CODES:
        raise Malformed("approval.reason_code", "got a reason against it with an approval, expected none")


def _words(because: list[str]) -> str:
    return " and ".join(BECAUSE.get(reason, reason) for reason in because)
