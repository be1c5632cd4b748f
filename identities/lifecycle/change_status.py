"""Suspend an identity, let it act again, or retire it. Each is a ledger entry with its reason, and holds from that moment.

What its signatures are worth changes with it, and with its owner: whatever evidence that touches is ordered to be verified again in the
same transaction. Gates and the API look at the identity itself, so they do not wait for that.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from identities.administrators import refuse_to_lose_administrator
from identities.chronicle import append_identity_event
from identities.models import EvidenceSigner, Identity
from identities.permissions import demand
from identities.signals import evidence_signer_changed
from identities.standing import is_only_deactivated
from proofs.errors import Conflict, Malformed, NotAllowed, Refusal

Status = Identity.Status
MAX_REASON = 200


def suspend_identity(*, identity: Identity, reason: str, by: Identity | None, now: datetime) -> Identity:
    """Suspend an identity: it can do nothing, and nothing it ever signed opens a gate, until it is let act again.

    Refuses with `identity.reason`, `identity.retired`, `identity.oneself`, `role.last_administrator` or `permission.missing`. Suspending twice changes nothing.
    """
    return _change(identity, Status.SUSPENDED, "identity.suspended", reason, by, now)


def resume_identity(*, identity: Identity, reason: str, by: Identity | None, now: datetime) -> Identity:
    """Let a suspended identity act again: it was a false alarm, so what it signed counts as before, and what was signed meanwhile as well.

    Refuses as `suspend_identity` does, and with `identity.deactivated` for somebody who was deactivated and whom nobody suspended. Who was
    deactivated as well stays so.
    """
    return _change(identity, Status.ACTIVE, "identity.resumed", reason, by, now)


def retire_identity(*, identity: Identity, reason: str, by: Identity | None, now: datetime) -> Identity:
    """Retire an identity for ever: it can do nothing any more; what it signed before stays what it is, what is signed later never counts.

    Refuses as `suspend_identity` does. A suspended identity may be retired; then it is retired since it was suspended: what it signed
    before that counts again, and what was signed meanwhile never does.
    """
    return _change(identity, Status.RETIRED, "identity.retired", reason, by, now)


def demand_stewardship(identity: Identity, by: Identity | None) -> None:
    """Return when `by` may change this identity; None is the operator at the console. Refuses with `permission.missing`, `identity.oneself`."""
    if by is None:
        return
    if identity.team is None:
        raise NotAllowed("permission.missing", f"{identity} belongs to no team; only the operator at the console changes it.")
    demand(by, "identities.steward", team=identity.team)
    if by.pk == identity.pk:
        raise NotAllowed("identity.oneself", "got your own identity, expected another: somebody else must change what you may do")


def may_steward(identity: Identity, person: Identity) -> bool:
    """Return whether this person may change this identity; for what a page offers."""
    try:
        demand_stewardship(identity, person)
    except Refusal:
        return False
    return True


def reason_of(text: str) -> str:
    """Return the reason without spaces around it; refuses with `identity.reason` when there is none or it is too long."""
    reason = text.strip()
    if not reason or len(reason) > MAX_REASON:
        raise Malformed(
            "identity.reason", f"got a reason of {len(reason)} characters, expected 1 to {MAX_REASON} that others can understand"
        )
    return reason


def order_another_look(identity: Identity, *, now: datetime) -> None:
    """Say that what this identity signs counts otherwise now, and so does what the programs sign that a person answers for."""
    programs = [identity.pk, *identity.owned.values_list("pk", flat=True)]
    for signer in EvidenceSigner.objects.filter(identity__in=programs).select_related("identity").order_by("pk"):
        evidence_signer_changed.send(EvidenceSigner, signer=signer, now=now)


@transaction.atomic
def _change(identity: Identity, status: str, event: str, reason: str, by: Identity | None, now: datetime) -> Identity:
    demand_stewardship(identity, by)
    said = reason_of(reason)
    if by is not None and status != Status.ACTIVE and identity.is_person:
        # The operator at the console may: an account in the wrong hands must be stopped, and they can grant the role to another.
        refuse_to_lose_administrator(identity)
    row = Identity.objects.select_for_update(no_key=True, of=("self",)).select_related("team", "owner").get(pk=identity.pk)
    # Somebody who left can be suspended as well: that they are gone says nothing against them, this does.
    if row.status == status and not (status == Status.SUSPENDED and is_only_deactivated(row)):
        return row
    if row.status == Status.RETIRED:
        raise Conflict("identity.retired", f"{row} is retired, and that stays; register another identity")
    if status == Status.ACTIVE and is_only_deactivated(row):
        raise Conflict("identity.deactivated", f"{row} is deactivated, expected suspended; reactivate them instead")
    before, row.status = str(row.status), status
    # Whole seconds, as signing times are: what was signed in this very second was signed too late.
    since = now.replace(microsecond=0)
    if since == row.deactivated_at:
        since += timedelta(seconds=1)
    if status == Status.RETIRED:
        row.retired_at = row.suspended_at or since
    else:
        # The suspicion is over; that the person left is not.
        row.suspended_at = since if status == Status.SUSPENDED else row.deactivated_at
        row.status = Status.SUSPENDED if row.suspended_at else status
    row.save(update_fields=["status", "suspended_at", "retired_at"])
    document = {"identity": row.pk, "before": before, "status": str(row.status), "reason": said}
    append_identity_event(event=event, document=document, by=by, now=now)
    order_another_look(row, now=now)
    return row
