"""End the approvals of a person who is deactivated, as far as nothing has been let through on them, and the ceremonies they have begun.

What a gate acted on was somebody's to give, and stays: it is written down with the roles that counted for it, because those end with the
person. An approval that has run out by itself is left as it is, and so is every no.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from approvals.models import Approval, ApprovalEnd, Ceremony, KeptApproval, Request
from approvals.policies.effects import has_taken_effect
from approvals.requests.revise import lock_state
from approvals.requests.status import refresh_state
from approvals.signals import approval_use_asked
from attestations.blobs import store_blob
from identities.actors import actor_of, portal_actor
from identities.models import Identity, SigningKey
from identities.permissions import roles_of
from ledger.append import append_event
from proofs.approval.human_approval import parse_human_approval
from proofs.canonical import canonical_bytes
from proofs.moment import rfc3339

DEACTIVATED = "approver.deactivated"


def end_unused_approvals(sender: Any, *, identity: Identity, by: Identity | None, now: datetime, **_: Any) -> None:
    """End or keep each live approval of `identity`, and use up the ceremonies they have begun; hears `person_deactivated`.

    Runs in the transaction of the act, before the roles end. Each request is locked first, as answering it does: an answer that is being
    given waits, and then meets a person who is not active.
    """
    given = Q(revisions__approvals__identity=identity, revisions__approvals__not_after__gt=now)
    begun = Q(revisions__ceremonies__identity=identity, revisions__ceremonies__consumed_at__isnull=True)
    requests = list(Request.objects.filter(given | begun).select_related("project").distinct().order_by("pk"))
    states = [lock_state(request, now=now) for request in requests]
    for ceremony in Ceremony.objects.select_for_update(no_key=True).filter(identity=identity, consumed_at__isnull=True).order_by("pk"):
        ceremony.consumed_at, ceremony.refused_code = now, DEACTIVATED
        ceremony.save(update_fields=["consumed_at", "refused_code"])
    # The keys end next; they are held after requests, as signing holds them, and before the ledger.
    list(SigningKey.objects.select_for_update(no_key=True).filter(identity=identity, revoked_at__isnull=True).order_by("pk"))
    live = Approval.objects.filter(
        identity=identity, decision=Approval.Decision.APPROVE, not_after__gt=now, end__isnull=True, kept__isnull=True
    )
    rows = list(live.select_related("revision__request__project__team", "identity").order_by("signed_at", "pk"))
    used = _ask_used(rows)
    for approval in rows:
        # A policy in force, or a granted waiver, rests on an approval as much as what a gate let through.
        if approval.pk in used or has_taken_effect(approval.revision.request):
            _keep(approval, now=now)
        else:
            _end(approval, by=by, now=now)
    for state in states:
        refresh_state(state, now=now)


def _ask_used(approvals: Sequence[Approval]) -> frozenset[str]:
    answers = approval_use_asked.send(Approval, approvals=approvals) if approvals else []
    return frozenset(pk for _, found in answers for pk in found or ())


def _keep(approval: Approval, *, now: datetime) -> None:
    signed = {role.name for role in parse_human_approval(bytes(approval.payload)).approver.roles}
    held = {str(role.role) for role in roles_of(approval.identity, project=approval.revision.request.project)}
    KeptApproval.objects.create(approval=approval, roles=sorted(signed & held), kept_at=now)


def _end(approval: Approval, *, by: Identity | None, now: datetime) -> None:
    words = f"{approval.identity} approved, and was deactivated at {now:%Y-%m-%d %H:%M} UTC before any gate acted on it"
    document = canonical_bytes(
        {
            "schema": "countersign-approval-ended/v1",
            "approval": approval.pk,
            "payload": {"sha256": approval.payload_digest},
            "code": DEACTIVATED,
            "at": rfc3339(now),
        }
    )
    actor = actor_of(by) if by is not None else portal_actor()
    entry = append_event(event="approval.ended", ref_digest=store_blob(document, now).digest, actor=actor, now=now)
    ApprovalEnd.objects.create(approval=approval, code=DEACTIVATED, sentence=words[:400], entry=entry, ended_at=now)
