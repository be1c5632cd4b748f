"""Put an approved policy, or approved expectations, into force, in the transaction of the answer that completed it.

The portal signs that it did, and names the records of those who approved: the statement claims nothing that they did not sign. Called by the act
that keeps an answer, which holds the request's row; nobody else decides that a policy comes into force.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings

from approvals.changes.replaced import change_of, refuse_if_overtaken
from approvals.models import Approval, ExpectationsActivation, ExpectationsVersion, PolicyActivation, PolicyVersion, Request
from ledger.append import append_dsse, hold_ledger
from ledger.recorder import recorder_key
from proofs.approval.expectations_change import ExpectationsChange, build_expectations_change
from proofs.approval.policy_change import PolicyChange, build_policy_change
from proofs.approval.portal_statement import ACTIVATION_TYPE, EXPECTATIONS_TYPE, build_portal_statement
from proofs.canonical import canonical_bytes


def activate_approved(*, request: Request, approvals: Sequence[Approval], now: datetime) -> PolicyActivation | ExpectationsActivation:
    """Write the activation that `approvals` of a policy-change request call for, and its entry in the ledger.

    One person's answer suffices only where there is one policy owner (`derive_policy_for_change`), and is marked so. Refuses with
    `policy_change.overtaken` when other rules came into force meanwhile.
    """
    # Two changes of one place may be completed at once: whoever writes into the ledger first comes into force, the other was made for what is gone.
    hold_ledger()
    change = change_of(request)
    refuse_if_overtaken(request, change)
    said = _sign(request, change, approvals, now)
    if isinstance(change, ExpectationsChange):
        expected = ExpectationsVersion.objects.get(pk=change.digest, project=request.project)
        return ExpectationsActivation.objects.create(expectations=expected, request=request, activated_at=now, **said)
    return PolicyActivation.objects.create(
        project=request.project,
        environment=request.environment,
        policy=PolicyVersion.objects.get(pk=change.digest),
        mode=change.mode,
        request=request,
        activated_at=now,
        **said,
    )


def _sign(request: Request, change: PolicyChange | ExpectationsChange, approvals: Sequence[Approval], now: datetime) -> dict[str, Any]:
    """Return the statement that the portal signs, and the entry in the ledger that holds it."""
    is_policy = isinstance(change, PolicyChange)
    payload = build_portal_statement(
        predicate_type=ACTIVATION_TYPE if is_policy else EXPECTATIONS_TYPE,
        document=build_policy_change(change) if isinstance(change, PolicyChange) else build_expectations_change(change),
        request=request.pk,
        records=[approval.record.digest for approval in approvals],
        at=now,
        portal=settings.ORIGIN,
    )
    envelope = recorder_key().sign(payload)
    what = "policy.activated" if is_policy else "expectations.activated"
    event = what if len({approval.identity_id for approval in approvals}) > 1 else f"{what}_by_one_person"
    return {"statement": canonical_bytes(envelope), "entry": append_dsse(event=event, envelope=envelope, now=now)}
