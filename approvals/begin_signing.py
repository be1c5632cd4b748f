"""Begin a signing ceremony: check that this person may answer this revision, and offer them one exact statement, once, for minutes.

The checks, in this order; the first that fails refuses:

1. The person may decide in the project and holds a role the policy counts.   permission.missing, approval.wrong_role
2. The person is not excluded by separation of duties.                        sod.violation
3. The revision is the newest and its snapshot is the one that was shown.     request.stale_snapshot
4. No evidence came in since that would change what was shown.                request.stale_snapshot
5. The person has not answered this revision yet.                             approval.already_answered
6. The decision is possible in this state, and says why where it must.        request.blocked, request.closed, approval.reason_missing
7. The key is the person's own, not revoked, and enrolled for this portal.    signer.unknown, signer.revoked, signer.other_portal
8. The ledger has published a head that the statement can name.               log.pending

`approvals.complete_signing` repeats what may have changed meanwhile.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from approvals.approval_statement import SigningSession, build_statement
from approvals.models import Approval, Ceremony, Request, RequestState, Revision, new_ceremony_id
from approvals.refresh import is_outdated
from approvals.revise import lock_state
from attestations.blobs import bytes_of
from identities.models import Identity, SigningKey
from identities.permissions import demand, roles_of
from ledger.prove import latest_checkpoint
from proofs.approval.policy import Policy, exclusions, parse_policy
from proofs.canonical import parse_canonical
from proofs.digest import sha256_hex
from proofs.errors import Conflict, Malformed, NotAllowed, Unavailable

Decision = Approval.Decision
CLOSED = frozenset({RequestState.Status.REJECTED, RequestState.Status.CHANGES_REQUESTED, RequestState.Status.WITHDRAWN})


@transaction.atomic
def begin_signing(
    *,
    request: Request,
    shown_snapshot: str,
    decision: str,
    reason: str,
    key: SigningKey,
    session: SigningSession,
    by: Identity,
    now: datetime,
) -> Ceremony:
    """Return the ceremony that offers `by` one statement to sign. Refuses with the codes above, or `approval.malformed`."""
    now = now.replace(microsecond=0)
    state = lock_state(request, now=now)
    revision = get_current_revision(request)
    policy = parse_policy(bytes_of(revision.policy.document))
    refuse_if_not_entitled(request=request, revision=revision, policy=policy, by=by)
    if revision.snapshot_id != shown_snapshot or is_outdated(revision):
        raise Conflict("request.stale_snapshot", "this request has changed since the page was drawn; read the new page, then decide")
    refuse_if_answered(revision, by)
    _refuse_if_not_possible(state, revision, decision, reason)
    refuse_if_key_unusable(key, by)
    head = latest_checkpoint()
    if head is None:
        raise Unavailable("log.pending", "the ledger has not published a head yet; try again in a few seconds")
    ceremony_id, expires_at = new_ceremony_id(), now + timedelta(seconds=settings.CEREMONY_SECONDS)
    payload = build_statement(
        revision=revision,
        policy=policy,
        decision=decision,
        justification=reason.strip(),
        by=by,
        key=key,
        session=session,
        ceremony_id=ceremony_id,
        log_head=head,
        expires_at=expires_at,
        now=now,
    )
    return Ceremony.objects.create(
        id=ceremony_id,
        revision=revision,
        identity=by,
        signing_key=key,
        decision=decision,
        payload=payload,
        payload_digest=sha256_hex(payload),
        session_hash=session.session_hash,
        begun_at=now,
        expires_at=expires_at,
    )


def get_current_revision(request: Request) -> Revision:
    """Return the newest revision of a request. Refuses with `request.not_frozen` where there is none."""
    newest = request.revisions.select_related("policy__document", "policy_input", "snapshot").order_by("-number").first()
    if newest is None:
        raise Conflict("request.not_frozen", "this request was never frozen for review")
    return newest


def refuse_if_not_entitled(*, request: Request, revision: Revision, policy: Policy, by: Identity) -> None:
    """Return when `by` may answer: permission, a role the policy counts, not excluded. Refuses with the codes of 1 and 2."""
    demand(by, "requests.decide", project=request.project)  # 1
    wanted = {rule.role for rule in policy.approvals_rules}
    if not wanted & {str(role.role) for role in roles_of(by, project=request.project)}:
        raise NotAllowed("approval.wrong_role", f"the policy counts answers of {' and '.join(sorted(wanted))}; you hold neither here")
    for item in exclusions(policy, parse_canonical(bytes_of(revision.policy_input))):  # 2
        if (item["issuer"], item["subject"]) == (by.issuer, by.subject):
            raise NotAllowed("sod.violation", f"you may not decide this: {', '.join(item['because'])}; another approver has to")
    if request.requester.owner_id == by.pk:
        # A program can name anybody as the one it asks for. Its owner, who may hold its credential, must not gain by that.
        raise NotAllowed("sod.violation", "you may not decide this: you answer for the program that asks; another approver has to")


def refuse_if_answered(revision: Revision, by: Identity) -> None:
    """Refuse with `approval.already_answered` when the person has answered this revision."""
    if Approval.objects.filter(revision=revision, identity=by).exists():  # 5
        raise Conflict("approval.already_answered", "you have answered this revision already; an answer is given once")


def refuse_if_key_unusable(key: SigningKey, by: Identity) -> None:
    """Refuse with the codes of 7 unless `key` is a live approval key of `by`, enrolled for this portal's host."""
    if key.identity_id != by.pk:
        raise NotAllowed("signer.unknown", "this approval key is not yours")
    if key.revoked_at is not None:
        raise Conflict("signer.revoked", f"the key {key.label!r} was revoked; enrol another one under your approval keys")
    if key.rp_id != settings.RP_ID:
        raise Conflict("signer.other_portal", f"the key {key.label!r} was enrolled for {key.rp_id}, expected {settings.RP_ID}")


def _refuse_if_not_possible(state: RequestState, revision: Revision, decision: str, reason: str) -> None:  # 6
    if decision not in Decision.values:
        raise Malformed("approval.decision", f"got {decision[:40]!r}, expected one of {', '.join(Decision.values)}")
    if state.status in CLOSED:
        raise Conflict("request.closed", f"this request is closed: {state.get_status_display().lower()}")
    if decision == Decision.APPROVE and revision.result != "pass":
        raise Conflict("request.blocked", "the policy is not met, so this cannot be approved; the page says which rule and why")
    if decision != Decision.APPROVE and not reason.strip():
        raise Malformed("approval.reason_missing", "say why in a sentence, so that the requester knows what to do")
