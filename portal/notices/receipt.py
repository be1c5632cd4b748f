"""The receipt of an answer: what was signed, from the payload itself, for whoever is said to have signed it.

It is how somebody finds out that a page, a portal or a stranger at their desk had them sign something else than they meant.
"""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from approvals.models import Approval
from approvals.pages.review_text import write_changes
from attestations.blobs import bytes_of
from ledger.models import Entry
from proofs.approval.approval_parts import HumanApproval, SignerReference
from proofs.approval.human_approval import parse_human_approval
from proofs.approval.reason_codes import REASON_CODES
from proofs.digest import sha256_hex

WORDS = """You {did}:

{summary}

Artifacts:
{artifacts}
Environment: {environment}, tier {tier}
Valid until: {until} UTC
Acknowledged: {acknowledged}
{codes}Your reason: {reason}
Statement: sha256:{digest}
The page you saw: sha256:{snapshot}

{changes}
The record: {record}
{undo}
"""
DID = {"approve": "approved", "reject": "rejected", "request_changes": "asked for changes"}
REVOKE = "If this was not you, or not what you meant, revoke it now: {revoke}\nand {secure}"
# The page that revokes refuses a no, so nobody is sent there.
REVISE = "If this was not you, {secure}\nA no is not revoked: the next revision of the request is answered anew."
LOST_KEY = "report your approval key as lost: {keys}"
STOLEN_SIGN_IN = "end your sessions, and tell whoever runs your sign-in: {sessions}"
KIND = "approval.signed"


def write_receipt(entry: Entry) -> str | None:
    """Return the receipt of the answer that this entry records; None where it records none. Refuses when the statement cannot be read."""
    rows = Approval.objects.filter(record__entry=entry).select_related("record", "revision__snapshot")
    answer = rows.first()
    if answer is None:
        return None
    payload = bytes(answer.payload)
    statement = parse_human_approval(payload)
    by_key = isinstance(statement.signer, SignerReference)
    return WORDS.format(
        did=f"{DID[statement.decision]} and {'signed' if by_key else 'confirmed by signing in'}",
        summary=statement.review.summary,
        artifacts="\n".join(f"  {item.name or 'artifact'}: {digest}" for item in statement.artifacts for digest in item.digests),
        environment=statement.environment.name,
        tier=statement.environment.tier,
        until=f"{statement.validity.not_after:%Y-%m-%d %H:%M}",
        acknowledged=_acknowledged(statement),
        codes=f"Why not: {'; '.join(REASON_CODES[code] for code in statement.reason_codes)}\n" if statement.reason_codes else "",
        # What somebody wrote stays on one line: the lines of ours are the lines.
        reason=" ".join(statement.justification.split()) or "none given",
        digest=sha256_hex(payload),
        snapshot=statement.review.snapshot_digest,
        changes=write_changes(bytes_of(answer.revision.snapshot)),
        record=settings.ORIGIN + reverse("approvals:record", args=[answer.record.digest]),
        undo=_undo(answer, by_key=by_key),
    )


def _acknowledged(statement: HumanApproval) -> str:
    if statement.decision != Approval.Decision.APPROVE:
        return "nothing; only an approval asks for it"
    return ", ".join(name for name, _ in statement.review.acknowledged) or "nothing was asked"


def _undo(answer: Approval, *, by_key: bool) -> str:
    """Say what somebody does who did not do this, or did not mean it."""
    keys, sessions = (settings.ORIGIN + reverse(f"identities:{name}") for name in ("keys", "sessions"))
    secure = LOST_KEY.format(keys=keys) if by_key else STOLEN_SIGN_IN.format(sessions=sessions)
    if answer.decision != Approval.Decision.APPROVE:
        return REVISE.format(secure=secure)
    return REVOKE.format(revoke=settings.ORIGIN + reverse("approvals:revoke", args=[answer.pk]), secure=secure)
