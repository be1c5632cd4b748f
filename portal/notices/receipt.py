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
from proofs.approval.human_approval import parse_human_approval
from proofs.digest import sha256_hex

WORDS = """You {did}:

{summary}

Artifacts:
{artifacts}
Environment: {environment}, tier {tier}
Valid until: {until} UTC
Acknowledged: {acknowledged}
Your reason: {reason}
Statement: sha256:{digest}
The page you saw: sha256:{snapshot}

{changes}
The record: {record}
If this was not you, or not what you meant, revoke it now: {revoke}
and report your approval key as lost: {keys}
"""
DID = {"approve": "approved and signed", "reject": "rejected and signed", "request_changes": "asked for changes and signed"}
# Whether something was asked is told of an approval alone: any other answer takes no tick.
NOTHING = {True: "nothing was asked", False: "nothing; only an approval asks for it"}
KIND = "approval.signed"


def write_receipt(entry: Entry) -> str | None:
    """Return the receipt of the answer that this entry records; None where it records none. Refuses when the statement cannot be read."""
    rows = Approval.objects.filter(record__entry=entry).select_related("record", "revision__snapshot")
    answer = rows.first()
    if answer is None:
        return None
    payload = bytes(answer.payload)
    statement = parse_human_approval(payload)
    return WORDS.format(
        did=DID[statement.decision],
        summary=statement.review.summary,
        artifacts="\n".join(f"  {item.name or 'artifact'}: {digest}" for item in statement.artifacts for digest in item.digests),
        environment=statement.environment.name,
        tier=statement.environment.tier,
        until=f"{statement.validity.not_after:%Y-%m-%d %H:%M}",
        acknowledged=", ".join(name for name, _ in statement.review.acknowledged) or NOTHING[statement.decision == "approve"],
        # What somebody wrote stays on one line: the lines of ours are the lines.
        reason=" ".join(statement.justification.split()) or "none given",
        digest=sha256_hex(payload),
        snapshot=statement.review.snapshot_digest,
        changes=write_changes(bytes_of(answer.revision.snapshot)),
        record=settings.ORIGIN + reverse("approvals:record", args=[answer.record.digest]),
        revoke=settings.ORIGIN + reverse("approvals:revoke", args=[answer.pk]),
        keys=f"{settings.ORIGIN}/settings/keys",
    )
