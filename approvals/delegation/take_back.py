"""End a delegation before its time: one of the two takes it back, or one of them is deactivated.

What was answered under it and no gate acted on ends with it; what a gate acted on stays, as with a person who leaves.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from approvals.models import Delegation, DelegationEnd, Request
from approvals.requests.end_unused import TAKEN_BACK, end_or_keep
from approvals.requests.plain_text import clean_text
from approvals.requests.revise import lock_state
from approvals.requests.status import refresh_state
from attestations.blobs import store_blob
from identities.actors import actor_of, portal_actor
from identities.models import Identity
from ledger.append import append_event
from proofs.canonical import canonical_bytes
from proofs.errors import Conflict, NotAllowed
from proofs.moment import rfc3339

MAX_REASON = 400
DEACTIVATED = "delegation.deactivated"


@transaction.atomic
def take_back(*, delegation: Delegation, reason: str, by: Identity, now: datetime) -> DelegationEnd:
    """End `delegation` now, and the unused approvals given under it.

    Refuses with `delegation.not_yours` for anybody but the two, `delegation.over`, `request.text`, and `delegation.busy` where an answer was
    given under it in the same moment.
    """
    if by.pk not in (delegation.delegator_id, delegation.delegate_id) or by.status != Identity.Status.ACTIVE:
        raise NotAllowed("delegation.not_yours", "whoever delegated takes it back, or the delegate gives it up")
    words = clean_text(reason, "the reason", MAX_REASON, required=True, lines=True)
    requests = list(Request.objects.filter(pk__in=_answered(delegation, now)).select_related("project").order_by("pk"))
    states = [lock_state(request, now=now) for request in requests]
    Delegation.objects.select_for_update(no_key=True, of=("self",)).get(pk=delegation.pk)
    if delegation.until <= now or DelegationEnd.objects.filter(delegation=delegation).exists():
        raise Conflict("delegation.over", "this delegation is over already")
    if set(_answered(delegation, now)) - {request.pk for request in requests}:
        raise Conflict("delegation.busy", "an answer was given under this delegation in this moment; try again")
    end_or_keep(Q(in_stead__delegation=delegation), code=TAKEN_BACK, by=by, now=now)
    end = _end(delegation, code=TAKEN_BACK, words=words, by=by, now=now)
    for state in states:
        refresh_state(state, now=now)
    return end


def end_delegations(sender: Any, *, identity: Identity, by: Identity | None, now: datetime, **_: Any) -> None:
    """End each live delegation to or from a person who is deactivated; hears `person_deactivated`. Their approvals have ended before."""
    rows = Delegation.objects.filter(Q(delegator=identity) | Q(delegate=identity), until__gt=now, end__isnull=True)
    for row in rows.select_for_update(no_key=True, of=("self",)).order_by("pk"):
        _end(row, code=DEACTIVATED, words=f"{identity} was deactivated"[:MAX_REASON], by=by, now=now)


def _answered(delegation: Delegation, now: datetime) -> list[str]:
    """Return the requests with a live approval under the delegation."""
    answers = delegation.answers.filter(approval__not_after__gt=now, approval__end__isnull=True)
    return sorted(set(answers.values_list("revision__request_id", flat=True)))


def _end(delegation: Delegation, *, code: str, words: str, by: Identity | None, now: datetime) -> DelegationEnd:
    document = canonical_bytes(
        {
            "schema": "countersign-delegation-end/v1",
            "statement": {"sha256": delegation.signed.payload_digest},
            "code": code,
            "reason": words,
            "at": rfc3339(now.replace(microsecond=0)),
        }
    )
    actor = actor_of(by) if by is not None else portal_actor()
    entry = append_event(event="delegation.ended", ref_digest=store_blob(document, now).digest, actor=actor, now=now)
    return DelegationEnd.objects.create(delegation=delegation, code=code, by=by, reason=words, entry=entry, ended_at=now)
