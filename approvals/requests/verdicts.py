"""How each answer to a request stands now, recomputed from what was signed and recorded; no stored column is believed.

Reads only. Signature, record and ledger entry are verified again with the code an auditor uses offline; then it is asked what happened
since. Whatever goes wrong is UNKNOWN. Not asked: whether the answers together suffice (`approvals.requests.status`, and gates).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from approvals.models import Approval, Request, Revision
from approvals.requests.delta import delta_between
from approvals.requests.status import shut_because
from approvals.trust import current_trust
from attestations.blobs import read_blob
from identities.models import BoundSignIn, SigningKey
from proofs.approval.approval_parts import HumanApproval
from proofs.approval.verdict import AnswerFacts, Verdict, WeighedAnswer, weigh_answer
from proofs.canonical import parse_canonical
from proofs.digest import sha256_hex
from proofs.errors import Refusal, Unproven
from proofs.pack import layout
from proofs.pack.check_answer import VerifiedAnswer, verify_answer
from proofs.pack.trust import Trust
from proofs.policy.evaluate import exclusions, parse_policy

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class JudgedAnswer:
    """An answer and how it stands."""

    answer: Approval
    weighed: WeighedAnswer


def list_answers(request: Request) -> list[Approval]:
    """Return every answer to every revision of a request, oldest first."""
    rows = Approval.objects.filter(revision__request=request).select_related(
        "revision", "identity", "record__entry", "signing_key__bound_by", "bound_by", "end", "in_stead__person"
    )
    return list(rows.order_by("signed_at", "pk"))


def judge_answers(request: Request, *, now: datetime, answers: Sequence[Approval] | None = None) -> list[JudgedAnswer]:
    """Return how each answer to `request` stands at `now`; of the given `answers` alone where there are some."""
    given = list_answers(request) if answers is None else answers
    if not given:
        return []
    try:
        trust = current_trust()
        newest = request.revisions.order_by("-number").first()
    except Refusal as refusal:
        return [JudgedAnswer(answer, _unknown(refusal)) for answer in given]
    return [JudgedAnswer(answer, _judge(answer, request, newest, trust, now=now)) for answer in given]


def _judge(answer: Approval, request: Request, newest: Revision | None, trust: Trust, *, now: datetime) -> WeighedAnswer:
    try:
        facts = _read_facts(answer, request, newest, trust)
        return weigh_answer(facts, at=now)
    except Refusal as refusal:
        return _unknown(refusal)
    except Exception:
        # What cannot be judged must not be taken for valid; our own log has the cause.
        log.exception("verdict_failed", approval=answer.pk)
        return WeighedAnswer(Verdict.UNKNOWN, "The portal could not check this answer; its log has the cause.")


def _unknown(refusal: Refusal) -> WeighedAnswer:
    return WeighedAnswer(Verdict.UNKNOWN, f"{refusal.reason[:1].upper()}{refusal.reason[1:]} ({refusal.code}).")


def _read_facts(answer: Approval, request: Request, newest: Revision | None, trust: Trust) -> AnswerFacts:
    record = answer.record
    try:
        verified = verify_answer(bytes(record.envelope), bytes(record.entry.body), files=_files_of(answer), trust=trust)
    except Refusal as refusal:
        return AnswerFacts("", 0, 0, answer.not_after, refused=(refusal.code, refusal.reason))
    statement = verified.approval
    revision = _signed_revision(verified, request)
    shut = shut_because(request)
    return AnswerFacts(
        decision=statement.decision,
        revision=statement.request.revision,
        newest_revision=newest.number if newest else 0,
        not_after=statement.validity.not_after,
        barred_because=_barred_because(statement, revision, request),
        ended=answer.end.sentence if hasattr(answer, "end") else "",
        over=str(shut) if shut else "",
        delta=tuple(delta_between(revision, newest)) if newest is not None and newest.pk != revision.pk else (),
    )


def _signed_revision(verified: VerifiedAnswer, request: Request) -> Revision:
    """Return the revision that the statement names by its digest. Refuses with `request.mismatch` where it is none of this request."""
    named = verified.approval.request
    revision = Revision.objects.filter(request=request, digest=named.digest, number=named.revision).first()
    if named.id != request.pk or revision is None or verified.approval.review.snapshot_digest != revision.snapshot_id:
        raise Unproven("request.mismatch", "the statement is about another request, or another page, than it is kept with")
    return revision


def _barred_because(statement: HumanApproval, revision: Revision, request: Request) -> tuple[str, ...]:
    """Return why the person had to stay out of it: as it was signed, and with who answers for the program today."""
    policy = parse_policy(read_blob(statement.policy.digest))
    policy_input = parse_canonical(read_blob(statement.policy.input_digest))
    owner, people = request.requester.owner, [(statement.approver.issuer, statement.approver.subject)]
    # Nobody answers in the stead of somebody who may not.
    people += [statement.standing_in_for.person] if statement.standing_in_for else []
    barred = exclusions(policy, policy_input)
    if owner is not None:
        barred += exclusions(policy, {**policy_input, "owner": {"issuer": owner.issuer, "subject": owner.subject}})
    reasons = [reason for item in barred if (item["issuer"], item["subject"]) in people for reason in item["because"]]
    return tuple(dict.fromkeys(reasons))


def _files_of(answer: Approval) -> dict[str, bytes]:
    """Return what a pack would hold about who signed."""
    files: dict[str, bytes] = {}
    key = answer.signing_key
    if key is not None:
        files |= _key_files(key)
    for bound in _bound(answer, key):
        files |= _token_files(bound)
    return files


def _key_files(key: SigningKey) -> dict[str, bytes]:
    files = {layout.signer_path(key.key_id): bytes(key.enrollment)}
    if key.revocation:
        files[layout.signer_path(key.key_id, revoked=True)] = bytes(key.revocation)
    if key.attestation:
        files[layout.attestation_path(key.key_id)] = bytes(key.attestation)
    return files


def _bound(answer: Approval, key: SigningKey | None) -> Iterable[BoundSignIn]:
    return [bound for bound in (answer.bound_by, key.bound_by if key else None) if bound is not None and bound.issuer_keys]


def _token_files(bound: BoundSignIn) -> dict[str, bytes]:
    token, keys = bound.id_token.encode(), bytes(bound.issuer_keys or b"")
    digest = sha256_hex(token)
    return {layout.token_path(digest): token, layout.token_keys_path(digest): keys}
