"""Begin a signing ceremony: check that this person may answer this revision, and offer them one exact statement, once, for minutes.

The checks, in this order; the first that fails refuses:

1. The person may decide in the project and holds a role the policy counts.   permission.missing, approval.wrong_role
2. The person is not excluded by separation of duties.                        sod.violation
3. The revision is the newest and its snapshot is the one that was shown.     request.stale_snapshot
4. No evidence came in since that would change what was shown.                request.stale_snapshot
5. The person has not answered this revision yet.                             approval.already_answered
6. The decision is possible in this state, and says why where it must.        request.blocked, request.closed, request.in_effect,
                                                                                 approval.reason_missing, approval.reason_code
   (A draft, and what was withdrawn, superseded or not answered in time, asks    request.draft, request.withdrawn, request.superseded,
   nobody.)                                                                      request.expired
7. The key is the person's own, not revoked, enrolled for this portal, and    signer.unknown, signer.revoked, signer.other_portal,
   old enough for an environment of the highest tier;                         signer.cooling_off,
   without one, their identity provider can stand in for it.                  sign_in.no_provider, assurance.too_low
8. Every signal that asks for it was acknowledged, and none blocks.           approval.not_acknowledged, approval.signal_blocks
9. At the highest tier, the end of each artifact's digest was typed.           approval.digest_tail
10. The ledger has published a head that the statement can name.               log.pending
11. Everything the statement rests on is older than it.                        time.issued_too_early

`approvals.signing.complete_signing` repeats what may have changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from approvals.models import Ceremony, Delegation, Request, Revision, new_ceremony_id
from approvals.requests.refresh import is_outdated
from approvals.requests.revise import lock_state
from approvals.requests.status import refresh_state
from approvals.signing.acknowledge import take_acknowledged
from approvals.signing.approval_statement import SigningSession, build_statement
from approvals.signing.digest_tail import tail_columns, take_tails
from approvals.signing.entitlement import (
    get_current_revision,
    refuse_if_answered,
    refuse_if_cooling_off,
    refuse_if_key_unusable,
    refuse_if_no_codes,
    refuse_if_not_entitled,
    refuse_if_not_possible,
)
from approvals.signing.sign_in_offer import SignInOffer, refuse_if_not_offered
from approvals.signing.take_effect import refuse_if_in_effect
from attestations.blobs import bytes_of
from identities.models import Identity, SigningKey
from ledger.models import Checkpoint
from ledger.prove import latest_checkpoint
from proofs.approval.approval_parts import SignerReference, SignInReference
from proofs.approval.human_approval import parse_human_approval
from proofs.approval.step_up import step_up_nonce
from proofs.digest import sha256_hex
from proofs.errors import Conflict, Unavailable
from proofs.pack.check_record import check_statement_times
from proofs.policy.evaluate import Policy, parse_policy


@transaction.atomic
def begin_signing(
    *,
    request: Request,
    shown_snapshot: str,
    decision: str,
    reason: str,
    key: SigningKey | None,
    session: SigningSession,
    by: Identity,
    now: datetime,
    reason_codes: Sequence[str] = (),
    in_stead: Delegation | None = None,
    acknowledged: Sequence[str] = (),
    digest_tails: Sequence[str] = (),
) -> Ceremony:
    """Return the ceremony that offers `by` one statement to sign with `key`, or (None) to confirm by signing in at their provider.
    `reason_codes` say why not, beside the reason in words. With `in_stead` they answer for whoever delegated, and with a key alone:
    `delegation.needs_key`. `acknowledged` are the digests of the signals that they ticked, `digest_tails` is what they typed. Refuses with the codes above, or `approval.malformed`.
    """
    now = now.replace(microsecond=0)
    state = refresh_state(lock_state(request, now=now), now=now)
    revision = get_current_revision(request)
    policy = parse_policy(bytes_of(revision.policy.document)).for_kind(revision.request.kind)
    refuse_if_not_entitled(request=request, revision=revision, policy=policy, by=by, now=now, in_stead=in_stead)
    _refuse_if_stale(revision, shown_snapshot, now)
    _refuse_if_decided(request, revision, by)
    refuse_if_not_possible(state, revision, decision, reason)
    refuse_if_no_codes(decision, reason_codes)
    offer = _offer(key, policy, decision, by, tier=request.environment.tier, now=now, in_stead=in_stead)
    ceremony_id, expires_at = new_ceremony_id(), now + timedelta(seconds=settings.CEREMONY_SECONDS)
    payload = build_statement(
        revision=revision,
        policy=policy,
        decision=decision,
        justification=reason.strip(),
        reason_codes=reason_codes,
        acknowledged=take_acknowledged(revision, decision, acknowledged),
        by=by,
        signer=_signer(key, offer, by),
        session=session,
        ceremony_id=ceremony_id,
        log_head=get_head(),
        expires_at=expires_at,
        now=now,
        in_stead=in_stead,
    )
    check_statement_times(parse_human_approval(payload))
    return Ceremony.objects.create(
        id=ceremony_id,
        revision=revision,
        identity=by,
        signing_key=key,
        **_columns(offer, payload),
        decision=decision,
        **tail_columns(take_tails(revision, decision, digest_tails)),
        session_hash=session.session_hash,
        begun_at=now,
        expires_at=expires_at,
    )


def get_head() -> Checkpoint:
    """Return the newest published head. Refuses with `log.pending` where there is none yet."""
    head = latest_checkpoint()
    if head is None:
        raise Unavailable("log.pending", "the ledger has not published a head yet; try again in a few seconds")
    return head


def _refuse_if_stale(revision: Revision, shown_snapshot: str, now: datetime) -> None:
    if revision.snapshot_id != shown_snapshot or is_outdated(revision, now=now):
        raise Conflict("request.stale_snapshot", "this request has changed since the page was drawn; read the new page, then decide")


def _offer(
    key: SigningKey | None, policy: Policy, decision: str, by: Identity, *, tier: int, now: datetime, in_stead: Delegation | None
) -> SignInOffer | None:
    """Return the provider that stands in for a key; None where there is a key, which may be used. Refuses with the codes of 7."""
    if key is None:
        if in_stead is not None:
            raise Conflict("delegation.needs_key", "to answer for somebody else takes an approval key; a sign-in does not stand in for it")
        return refuse_if_not_offered(policy, decision, by)
    refuse_if_key_unusable(key, by)
    refuse_if_cooling_off(key, tier=tier, now=now)
    return None


def _refuse_if_decided(request: Request, revision: Revision, by: Identity) -> None:
    refuse_if_in_effect(request)
    refuse_if_answered(revision, by)


def _columns(offer: SignInOffer | None, payload: bytes) -> dict[str, Any]:
    """Return the columns of a ceremony that hold the statement, and those of one that a sign-in answers."""
    offered = {"payload": payload, "payload_digest": sha256_hex(payload)}
    if offer is None:
        return offered
    provider = offer.provider
    nonce = step_up_nonce(payload)
    return {**offered, "provider": provider, "audience": provider.client_id, "sign_in_nonce": nonce, "is_downgrade": offer.is_downgrade}


def _signer(key: SigningKey | None, offer: SignInOffer | None, by: Identity) -> SignerReference | SignInReference:
    if key is not None:
        return SignerReference(key.key_id, key.algorithm, key.enrollment_digest)
    assert offer is not None
    return SignInReference(by.issuer, offer.provider.client_id, by.subject)
