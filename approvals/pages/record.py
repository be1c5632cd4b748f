"""What the page of one record shows: who answered what, how sure that is, where it stands in the log, and how to check it.

Reads only. The page's word is no proof; the commands on it, and the pack, are the way to one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from shlex import quote

from approvals.models import Approval, ApprovalRevocation, Record
from approvals.pages.level_words import describe_answer
from approvals.pages.statement import StatementWords, describe_statement
from approvals.requests.verdicts import judge_answers
from approvals.revocation.may_revoke import refuse_if_not_revocable
from identities.models import Identity
from ledger.models import Checkpoint
from ledger.prove import checkpoint_covering
from proofs.approval.human_approval import parse_human_approval
from proofs.approval.portal_revocation import parse_portal_revocation
from proofs.approval.sshsig import NAMESPACE, principal_of
from proofs.approval.verdict import WeighedAnswer
from proofs.dsse import parse_envelope
from proofs.errors import Refusal
from proofs.pack.layout import HUMAN_SSHSIG, SIGNED_BYTES, approval_folder

VERBS = {"approve": "approved", "reject": "rejected", "request_changes": "requested changes"}


@dataclass(frozen=True)
class RecordPage:
    """Everything the record page shows."""

    record: Record
    approval: Approval
    statement: StatementWords
    verb: str
    level_words: str
    level_reason: str
    downgrade: str
    checkpoint: Checkpoint | None
    ssh_command: str
    verify_command: str
    is_newest: bool
    weighed: WeighedAnswer
    revocations: tuple[ApprovalRevocation, ...]
    # What the portal found, where it revoked the approval by itself.
    found: str
    may_be_revoked: bool


def read_record(record: Record, *, reader: Identity, now: datetime) -> RecordPage:
    """Return what the page of `record` shows to `reader` at `now`. Refuses when the stored statement cannot be read."""
    approval = record.approval
    request = approval.revision.request
    statement = describe_statement(bytes(approval.payload))
    words = describe_answer(approval)
    newest = request.revisions.order_by("-number").values_list("pk", flat=True).first()
    earlier = Approval.objects.filter(
        revision=approval.revision_id, decision="approve", end=None, record__entry_id__lt=record.entry_id
    ).count()
    folder = approval_folder(earlier + 1)
    principal = principal_of(approval.identity.issuer, approval.identity.subject)
    return RecordPage(
        record=record,
        approval=approval,
        statement=statement,
        verb=VERBS[approval.decision],
        level_words=words.how[:1].upper() + words.how[1:],
        level_reason=words.reason,
        downgrade=words.downgrade,
        checkpoint=checkpoint_covering(record.entry_id),
        ssh_command=(
            f"ssh-keygen -Y verify -f allowed_signers -I {principal} -n {NAMESPACE} -s {folder}{HUMAN_SSHSIG} < {folder}{SIGNED_BYTES}"
        )
        if approval.sshsig and not hasattr(approval, "end")
        else "",
        verify_command=(
            f"python -m countersign verify {request.pk}.pack.zip --trust trust.json --digest {statement.digests[0][1]} "
            f"--environment {quote(statement.environment)} --policy sha256:{parse_human_approval(bytes(approval.payload)).policy.digest}"
        ),
        is_newest=newest == approval.revision_id,
        weighed=judge_answers(request, now=now, answers=[approval])[0].weighed,
        revocations=tuple(approval.revocations.select_related("signed__identity").order_by("signed__entry_id")),
        found=_found(approval),
        may_be_revoked=_may_revoke(approval, reader),
    )


def _found(approval: Approval) -> str:
    if not hasattr(approval, "automatic_revocation"):
        return ""
    return parse_portal_revocation(parse_envelope(bytes(approval.automatic_revocation.envelope)).payload).because


def _may_revoke(approval: Approval, reader: Identity) -> bool:
    try:
        refuse_if_not_revocable(approval=approval, by=reader)
    except Refusal:
        return False
    return True
