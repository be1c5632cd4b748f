"""The live side of the review page: what this reader may do now, what everybody answered, and what has come in since.

Reads only, and stands visibly apart from the frozen snapshot. The act of signing asks all of it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from approvals.comparison.since import moved_since
from approvals.models import Approval, Delegation, Request, RequestState, Revision
from approvals.pages.level_words import LevelWords, describe_answer
from approvals.pages.news import read_since
from approvals.requests.snapshot import read_snapshot
from approvals.requests.standing_in import list_usable
from approvals.requests.status import Standing
from approvals.signing.entitlement import refuse_answered, refuse_if_closed, refuse_if_not_entitled
from approvals.signing.sign_in_offer import SignInOffer, sign_in_offer
from approvals.signing.take_effect import refuse_if_in_effect
from attestations.blobs import bytes_of
from identities.models import Identity, SigningKey
from identities.permissions import may, roles_of
from proofs.comparison.compare import blocking_signals
from proofs.errors import Refusal
from proofs.pack.check_signer import HIGHEST_TIER
from proofs.policy.evaluate import Policy, parse_policy

Status = RequestState.Status
BECAUSE_OVER = {
    Status.APPROVED: "Everybody the policy asks for has approved. You can still object: a rejection closes it.",
    Status.PROMOTED: "Everybody the policy asks for has approved, and a gate let it through. You can still object: a rejection stops the next time.",
    Status.EXPIRED: "The approvals have run out. Open a new request.",
}


@dataclass(frozen=True)
class DecisionPanel:
    """What the page offers. With `why_not`, nothing can be signed, and `remedy` (a link's URL name) is where to mend it.

    `sign_in` is the way to answer without a key, where there is one; `answers` are what everybody answered, and how sure each is.

    `in_stead` are the delegations by which the reader may answer for somebody else. With `may_delegate` it is the reader's own turn, and they may
    let somebody take it.
    """

    keys: list[SigningKey]
    sign_in: SignInOffer | None
    answers: list[LevelWords]
    may_approve: bool
    may_object: bool
    why_not: str
    why_not_approve: str
    remedy: str
    own_answer: Approval | None
    in_stead: list[Delegation]
    may_answer_as_oneself: bool
    may_delegate: bool


def read_panel(
    *, request: Request, revision: Revision, standing: Standing, reader: Identity, now: datetime, looks_since: bool = True
) -> DecisionPanel:
    """Return what `reader` may do about the newest revision of `request` now, and why not where not.

    Without `looks_since` it is not asked whether evidence came in since: `read_news` does, and so does whoever signs.
    """
    policy = parse_policy(bytes_of(revision.policy.document)).for_kind(revision.request.kind)
    own = next((answer for answer in standing.answers if answer.identity_id == reader.pk), None)
    keys = list(SigningKey.objects.filter(identity=reader, revoked_at=None).order_by("-enrolled_at"))
    # One that is too new to count here is no good first choice.
    keys.sort(key=lambda key: request.environment.tier >= HIGHEST_TIER and key.matures_at is not None and key.matures_at > now)
    in_stead = [row for row, _ in list_usable(request=request, revision=revision, policy=policy, by=reader, now=now)]
    why_not, why_not_own = _why_not(request, revision, standing, policy, reader, in_stead, now)
    in_stead = [] if why_not else in_stead
    remedy = ""
    if not why_not and looks_since:
        since, cannot_follow = read_since(revision, now)
        if since.is_outdated:
            why_not = cannot_follow or "This request is being brought up to date. Reload the page in a moment."
    offer = sign_in_offer(policy, reader)
    if not why_not and not keys and offer is None:
        why_not, remedy = "You have no approval key yet. Enrol a passkey to sign with; it is apart from your sign-in.", "identities:keys"
    why_not_approve = why_not or _why_not_approve(standing, looks_since)
    return DecisionPanel(
        keys=keys,
        sign_in=offer,
        answers=[describe_answer(answer) for answer in standing.answers],
        may_approve=not why_not_approve,
        may_object=not why_not,
        why_not=why_not,
        why_not_approve=why_not_approve,
        remedy=remedy,
        own_answer=own,
        in_stead=in_stead,
        may_answer_as_oneself=not why_not_own,
        may_delegate=_may_delegate(reader, request, standing, why_not_own),
    )


def _why_not(
    request: Request,
    revision: Revision,
    standing: Standing,
    policy: Policy,
    reader: Identity,
    in_stead: Sequence[Delegation],
    now: datetime,
) -> tuple[str, str]:
    """Return why the reader may not answer at all, and why not as themselves."""
    why = _why_not_as(request, revision, standing, policy, reader, None, now)
    ways = [_why_not_as(request, revision, standing, policy, reader, row, now) for row in in_stead]
    return "" if "" in ways else why, why


def _why_not_as(
    request: Request, revision: Revision, standing: Standing, policy: Policy, reader: Identity, in_stead: Delegation | None, now: datetime
) -> str:
    # Whoever proposes a policy may be one of those who approve it.
    if reader.pk in (request.requester_id, request.on_behalf_of_id) and request.kind != Request.Kind.POLICY_CHANGE:
        return "You asked for this, so somebody else has to decide."
    try:
        refuse_if_in_effect(request)
        refuse_answered(standing.answers, reader)
        refuse_if_not_entitled(request=request, revision=revision, policy=policy, by=reader, now=now, in_stead=in_stead)
        refuse_if_closed(RequestState(request=request, status=standing.status))
    except Refusal as refusal:
        return _sentence(refusal)
    return BECAUSE_OVER[Status.EXPIRED] if standing.status == Status.EXPIRED else ""


def _may_delegate(reader: Identity, request: Request, standing: Standing, why_not_own: str) -> bool:
    return not why_not_own and standing.status not in BECAUSE_OVER and may(reader, "delegations.give", project=request.project).allowed


def _why_not_approve(standing: Standing, looks_since: bool) -> str:
    if standing.revision is not None and standing.status not in BECAUSE_OVER:
        comparison = read_snapshot(bytes_of(standing.revision.snapshot)).get("comparison")
        if blocking := blocking_signals(comparison):
            return f"Nobody can approve this: {blocking[0]} You can reject it or request changes."
        if looks_since and (moved := moved_since(standing.revision.request, comparison)):
            return f"Nobody can approve this: {moved} You can reject it or request changes."
    if standing.revision is None or standing.revision.result != "pass":
        return "Approving is not possible while a requirement is not met. You can reject it or request changes."
    return BECAUSE_OVER[standing.status] if standing.status in (Status.APPROVED, Status.PROMOTED) else ""


def role_words(reader: Identity, request: Request) -> str:
    """Return the reader's roles in the request's project, in words."""
    return ", ".join(dict.fromkeys(role.get_role_display() for role in roles_of(reader, project=request.project)))


def _sentence(refusal: Refusal) -> str:
    return f"{refusal.reason[:1].upper()}{refusal.reason[1:]}" + ("" if refusal.reason.endswith(".") else ".")
