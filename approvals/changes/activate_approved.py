"""Put an approved policy into force, in the transaction of the answer that completed it.

The portal signs that it did, and names the records of those who approved: the statement claims nothing that they did not sign. Called by the act
that keeps an answer, which holds the request's row; nobody else decides that a policy comes into force.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings

from approvals.changes.derive_policy import change_of, refuse_if_overtaken
from approvals.models import Approval, PolicyActivation, PolicyVersion, Request
from ledger.append import append_dsse, hold_ledger
from ledger.recorder import recorder_key
from proofs.approval.policy_change import build_policy_change
from proofs.approval.portal_statement import ACTIVATION_TYPE, build_portal_statement
from proofs.canonical import canonical_bytes


def activate_approved(*, request: Request, approvals: Sequence[Approval], now: datetime) -> PolicyActivation:
    """Write the activation that `approvals` of a policy-change request call for, and its entry in the ledger.

    One person's answer suffices only where there is one policy owner (`derive_policy_for_change`), and is marked so. Refuses with
    `policy_change.overtaken` when another policy came into force meanwhile.
    """
    # Two changes of one place may be completed at once: whoever writes into the ledger first comes into force, the other was made for what is gone.
    hold_ledger()
    change = change_of(request)
    refuse_if_overtaken(request, change)
    people = {approval.identity_id for approval in approvals}
    payload = build_portal_statement(
        predicate_type=ACTIVATION_TYPE,
        document=build_policy_change(change),
        request=request.pk,
        records=[approval.record.digest for approval in approvals],
        at=now,
        portal=settings.ORIGIN,
    )
    envelope = recorder_key().sign(payload)
    event = "policy.activated" if len(people) > 1 else "policy.activated_by_one_person"
    entry = append_dsse(event=event, envelope=envelope, now=now)
    return PolicyActivation.objects.create(
        project=request.project,
        environment=request.environment,
        policy=PolicyVersion.objects.get(pk=change.digest),
        mode=change.mode,
        request=request,
        statement=canonical_bytes(envelope),
        entry=entry,
        activated_at=now,
    )
