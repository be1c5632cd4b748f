"""End the approvals of a person who is deactivated, as far as nothing has been let through on them, and the ceremonies they have begun.

What a gate acted on was somebody's to give, and stays: it is written down with the roles that counted for it, because those end with the
person. An approval that has run out by itself is left as it is, and so is every no.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from approvals.models import Approval, ApprovalEnd, Ceremony, Delegation, KeptApproval, Request
from approvals.policies.effects import has_taken_effect
from approvals.requests.revise import lock_state
from approvals.requests.standing_in import signed_roles
from approvals.requests.status import refresh_state
from approvals.signals import approval_use_asked
from attestations.blobs import bytes_of, store_blob
from identities.actors import actor_of, portal_actor
from identities.models import Identity, SigningKey
from identities.permissions import roles_of
from ledger.append import append_event
from proofs.approval.human_approval import parse_human_approval
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.moment import rfc3339
from proofs.policy.evaluate import parse_policy

DEACTIVATED = "approver.deactivated"
TAKEN_BACK = "delegation.taken_back"


def end_unused_approvals(sender: Any, *, identity: Identity, by: Identity | None, now: datetime, **_: Any) -> None:
    """End or keep each live approval of `identity`, and use up the ceremonies they have begun; hears `person_deactivated`.

    Runs in the transaction of the act, before the roles end. Each request is locked first, as answering it does: an answer that is being
    given waits, and then meets a person who is not active; so does one that somebody is giving in their stead. The delegations, which end
    next, are held here already: whoever answers under one holds it and waits for the ledger.
    """
    delegations = Delegation.objects.filter(Q(delegator=identity) | Q(delegate=identity), until__gt=now, end__isnull=True)
    delegates = delegations.filter(delegator=identity).values("delegate")
    given = Q(revisions__approvals__identity=identity, revisions__approvals__not_after__gt=now)
    given |= Q(revisions__answers_in_stead__person=identity, revisions__answers_in_stead__approval__not_after__gt=now)
    begun = Q(revisions__ceremonies__identity=identity, revisions__ceremonies__consumed_at__isnull=True)
    begun |= Q(revisions__ceremonies__identity__in=delegates, revisions__ceremonies__consumed_at__isnull=True)
    requests = list(Request.objects.filter(given | begun).select_related("project").distinct().order_by("pk"))
    states = [lock_state(request, now=now) for request in requests]
    for ceremony in Ceremony.objects.select_for_update(no_key=True).filter(identity=identity, consumed_at__isnull=True).order_by("pk"):
        ceremony.consumed_at, ceremony.refused_code = now, DEACTIVATED
        ceremony.save(update_fields=["consumed_at", "refused_code"])
    list(delegations.select_for_update(no_key=True, of=("self",)).order_by("pk"))
    # The keys end next; they are held after requests, as signing holds them, and before the ledger.
    list(SigningKey.objects.select_for_update(no_key=True).filter(identity=identity, revoked_at__isnull=True).order_by("pk"))
    end_or_keep(Q(identity=identity) | Q(in_stead__person=identity), code=DEACTIVATED, by=by, now=now)
    for state in states:
        refresh_state(state, now=now)


def end_or_keep(which: Q, *, code: str, by: Identity | None, now: datetime) -> None:
    """End the live approvals that match, or keep those that something was let through on. The caller holds their requests."""
    live = Approval.objects.filter(which, decision=Approval.Decision.APPROVE, not_after__gt=now, end__isnull=True, kept__isnull=True)
    rows = live.select_related("revision__request__project__team", "identity", "in_stead__person").order_by("signed_at", "pk")
    approvals = list(rows)
    used = _ask_used(approvals)
    for approval in approvals:
        # A policy in force, or a granted waiver, rests on an approval as much as what a gate let through.
        if approval.pk in used or has_taken_effect(approval.revision.request):
            _keep(approval, now=now)
        else:
            _end(approval, code=code, by=by, now=now)


def _ask_used(approvals: Sequence[Approval]) -> frozenset[str]:
    answers = approval_use_asked.send(Approval, approvals=approvals) if approvals else []
    return frozenset(pk for _, found in answers for pk in found or ())


def _keep(approval: Approval, *, now: datetime) -> None:
    revision = approval.revision
    policy = parse_policy(bytes_of(revision.policy.document)).for_kind(revision.request.kind)
    statement = parse_human_approval(bytes(approval.payload))
    signed = set(signed_roles(statement, policy, parse_canonical(bytes_of(revision.policy_input))))
    holder = approval.in_stead.person if hasattr(approval, "in_stead") else approval.identity
    held = {str(role.role) for role in roles_of(holder, project=revision.request.project)}
    KeptApproval.objects.create(approval=approval, roles=sorted(signed & held), kept_at=now)


def _end(approval: Approval, *, code: str, by: Identity | None, now: datetime) -> None:
    words = f"{_what_happened(approval, code)} at {now:%Y-%m-%d %H:%M} UTC before any gate acted on it"
    document = canonical_bytes(
        {
            "schema": "countersign-approval-ended/v1",
            "approval": approval.pk,
            "payload": {"sha256": approval.payload_digest},
            "code": code,
            "at": rfc3339(now),
        }
    )
    actor = actor_of(by) if by is not None else portal_actor()
    entry = append_event(event="approval.ended", ref_digest=store_blob(document, now).digest, actor=actor, now=now)
    ApprovalEnd.objects.create(approval=approval, code=code, sentence=words[:400], entry=entry, ended_at=now)


def _what_happened(approval: Approval, code: str) -> str:
    if not hasattr(approval, "in_stead"):
        return f"{approval.identity} approved, and was deactivated"
    told = f"{approval.identity} approved for {approval.in_stead.person}"
    return f"{told}, and the delegation was taken back" if code == TAKEN_BACK else f"{told}, and one of the two was deactivated"
