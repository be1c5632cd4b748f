"""Gather the pack of a request: every file with which somebody checks its newest revision's answers offline.

Reads only. The layout is `proofs.pack.build`; whether the pack shows an approval is for `proofs.pack.verify` to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from approvals.models import Approval, ApprovalEnd, OutcomeStatement, Request, Revision, SignedStatement, Waiver
from approvals.outcome.read_outcome import outcome_resting_on
from approvals.trust import current_trust
from attestations.blobs import bytes_of, read_blob
from identities.models import BoundSignIn, SigningKey
from ledger.prove import checkpoint_covering, prove_consistency, prove_inclusion
from proofs.approval.enrollment import parse_enrollment
from proofs.approval.human_approval import parse_human_approval
from proofs.canonical import parse_canonical, parse_json
from proofs.dsse import parse_envelope
from proofs.errors import Conflict
from proofs.pack.build import (
    PackedApproval,
    PackedAttestation,
    PackedDelegation,
    PackedIntroduction,
    PackedToken,
    PackedWaiver,
    assemble_pack,
)
from proofs.pack.layout import OUTCOME_SIMPLE, OUTCOME_SUMMARY
from proofs.tlog_proof import InclusionProof


def build_pack(*, request: Request, now: datetime, with_private: bool = False, number: int | None = None) -> dict[str, bytes]:
    """Return the files of the pack by path, with the keys' revocations as they are known at `now`.

    `number` names an earlier revision than the newest. `with_private` adds what only the portal itself and auditors may see: the identity providers' tokens, and what authenticators attest.
    Refuses with `approval.missing` when nobody has approved the newest revision, with `approval.decision` when somebody rejected it or
    asked for changes (a pack shows an approval, and must not leave a no out), and with `log.pending` until a published checkpoint
    covers every answer. An approval that ended before any gate acted on it is left out; where no other is left, that is `approval.ended`.
    """
    revision = request.revisions.select_related("document", "policy__document", "policy_input", "policy_result", "snapshot")
    revision = revision.filter(number=number) if number is not None else revision
    newest = revision.order_by("-number").first()
    answers = _answers(newest.pk) if newest else []
    if newest is not None and not answers:
        ended = ApprovalEnd.objects.filter(approval__revision=newest).order_by("pk").first()
        if ended is not None:
            raise Conflict("approval.ended", f"{ended.sentence}; another approver has to answer")
    if newest is None or not answers:
        raise Conflict("approval.missing", "nobody has approved the newest revision of this request, so there is nothing to check")
    against = next((answer for answer in answers if answer.decision != Approval.Decision.APPROVE), None)
    if against is not None:
        raise Conflict(
            "approval.decision", f"{against.identity} answered: {against.get_decision_display().lower()}; expected approvals alone"
        )
    evidence = list(newest.evidence.select_related("attestation__blob", "verdict__document").order_by("pk"))
    used = SigningKey.objects.filter(approvals__in=answers).select_related("bound_by", "introduced_by")
    keys = list(used.distinct().order_by("key_id"))
    return assemble_pack(
        approvals=[_packed(answer) for answer in answers],
        enrollments=[bytes(key.enrollment) for key in keys],
        revocations=_revocations(keys, now),
        evidence=[bytes_of(item.attestation.blob) for item in evidence],
        verdicts=[bytes_of(item.verdict.document) for item in evidence],
        snapshot=bytes_of(newest.snapshot),
        request=bytes_of(newest.document),
        policy_document=bytes_of(newest.policy.document),
        policy_input=bytes_of(newest.policy_input),
        policy_result=bytes_of(newest.policy_result),
        trust=current_trust(),
        tokens=_tokens([*(key.bound_by for key in keys), *(answer.bound_by for answer in answers)]) if with_private else (),
        introductions=[
            PackedIntroduction(key.key_id, bytes(key.introduction), bytes(key.introduced_by.enrollment))
            for key in keys
            if key.introduced_by and key.introduction
        ],
        attestations=_attestations(keys) if with_private else (),
        waivers=_waivers(newest, now, with_private),
        delegations=_delegations(answers),
        outcome=_outcome(request, answers),
        baseline=_baseline(newest),
    )


def _baseline(revision: Revision) -> bytes | None:
    """Return the picture of the release that the revision's page compared with."""
    named = (parse_canonical(bytes_of(revision.snapshot)).get("comparison") or {}).get("baseline")
    return read_blob(named["picture"]["sha256"]) if named else None


def _waivers(revision: Revision, now: datetime, with_private: bool) -> list[PackedWaiver]:
    """Return the waivers that the policy was weighed with, each with the pack of its exception."""
    digests = [item["digest"] for item in parse_canonical(bytes_of(revision.policy_input)).get("waivers", ())]
    rows = Waiver.objects.filter(pk__in=digests).select_related("request").order_by("pk")
    return [PackedWaiver(row.pk, bytes(row.statement), build_pack(request=row.request, now=now, with_private=with_private)) for row in rows]


def _delegations(answers: Sequence[Approval]) -> list[PackedDelegation]:
    """Return what the answers in another's stead rest on, each delegation once."""
    rows = SignedStatement.objects.filter(delegation__answers__approval__in=answers).select_related("signing_key", "entry")
    return [_packed_delegation(row) for row in rows.distinct().order_by("pk")]


def _packed_delegation(row: SignedStatement) -> PackedDelegation:
    checkpoint = checkpoint_covering(row.entry_id)
    if checkpoint is None:
        raise Conflict("log.pending", "the ledger has not published a head that covers this delegation yet; try again in a few seconds")
    proof = InclusionProof(row.entry_id, tuple(prove_inclusion(row.entry_id, checkpoint.size)), checkpoint.note)
    return PackedDelegation(row.payload_digest, bytes(row.envelope), proof, bytes(row.signing_key.enrollment))


def _outcome(request: Request, answers: Sequence[Approval]) -> dict[str, bytes]:
    """Return what the portal said for other tools, by path, where it rests on exactly these answers."""
    paths = {OutcomeStatement.Type.SIMPLE_RESULT: OUTCOME_SIMPLE, OutcomeStatement.Type.SUMMARY: OUTCOME_SUMMARY}
    said = outcome_resting_on(request, [answer.record.digest for answer in answers])
    return {paths[OutcomeStatement.Type(row.type)]: bytes(row.envelope) for row in said}


def _answers(revision_id: int) -> list[Approval]:
    rows = Approval.objects.filter(revision_id=revision_id, end__isnull=True)
    return list(rows.select_related("record__entry", "signing_key", "bound_by", "identity").order_by("record__entry_id"))


def _packed(answer: Approval) -> PackedApproval:
    index = answer.record.entry_id
    checkpoint = checkpoint_covering(index)
    if checkpoint is None:
        raise Conflict("log.pending", "the ledger has not published a head that covers this answer yet; try again in a few seconds")
    head = parse_human_approval(bytes(answer.payload)).ceremony.log_head
    return PackedApproval(
        record_envelope=parse_json(bytes(answer.record.envelope)),
        leaf_index=index,
        inclusion_path=tuple(prove_inclusion(index, checkpoint.size)),
        head_path=tuple(prove_consistency(head.size, checkpoint.size)),
        checkpoint_note=checkpoint.note,
    )


def _tokens(rows: Sequence[BoundSignIn | None]) -> list[PackedToken]:
    return [PackedToken(row.id_token.encode(), bytes(row.issuer_keys)) for row in rows if row is not None and row.issuer_keys]


def _attestations(keys: Sequence[SigningKey]) -> list[PackedAttestation]:
    """Return what authenticators attest, of the keys whose enrolments name it."""
    named = [(key, parse_enrollment(parse_envelope(bytes(key.enrollment)).payload).attestation) for key in keys if key.attestation]
    return [PackedAttestation(key.key_id, bytes(key.attestation or b"")) for key, attestation in named if attestation]


def _revocations(keys: Sequence[SigningKey], now: datetime) -> list[bytes]:
    return [bytes(key.revocation) for key in keys if key.revocation and key.revoked_at is not None and key.revoked_at <= now]
