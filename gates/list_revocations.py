"""List every approval that would still be in its time and counts no more, signed, for gates elsewhere that ask nobody.

Digests alone, of the whole portal: a gate must not take an approval for good because its team's programs may not read it. Writes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q

from approvals.models import Approval, Revision
from approvals.signing.begin_signing import get_head
from ledger.recorder import recorder_key
from proofs.approval.revocation_list import MAX_LISTED, RevocationList, build_revocation_list
from proofs.errors import Unavailable

GOOD_FOR = timedelta(hours=24)
_REQUEST = "revision__request"


def list_revocations(*, now: datetime) -> dict[str, Any]:
    """Return the signed envelope. Refuses with `log.pending` before the first tree head, and with `revocations.too_many`.

    Not in it: what fails for another reason than that somebody took it back, such as evidence or a policy that changed a moment ago.
    """
    now = now.replace(microsecond=0)
    # Before the rows are read, so that everything the head holds is in the list.
    head = get_head()
    revoked = _list_revoked(now)
    if len(revoked) > MAX_LISTED:
        raise Unavailable("revocations.too_many", f"got more than {MAX_LISTED} approvals to list; ask for the status of a request instead")
    listed = RevocationList(revoked, settings.LOG_ORIGIN, head.size, bytes(head.root).hex(), now, now + GOOD_FOR)
    return recorder_key().sign(build_revocation_list(listed))


def _list_revoked(now: datetime) -> dict[str, str]:
    since = F("signed_at")
    newer = Revision.objects.filter(request=OuterRef(_REQUEST), number__gt=OuterRef("revision__number"))
    rejected = Approval.objects.filter(revision=OuterRef("revision"), decision=Approval.Decision.REJECT)
    # The first that is so is told.
    reasons = (
        ("revoked", Q(end__isnull=False)),
        ("revoked_key", Q(signing_key__compromised_from__lte=since) | Q(identity__compromised_from__lte=since)),
        ("withdrawn", Q(**{f"{_REQUEST}__withdrawal__isnull": False})),
        ("superseded", Q(**{f"{_REQUEST}__supersession__isnull": False})),
        ("rejected", Q(Exists(rejected))),
        ("stale", Q(Exists(newer))),
    )
    live = Approval.objects.filter(decision=Approval.Decision.APPROVE, not_after__gt=now)
    found: dict[str, str] = {}
    for because, condition in reasons:
        for payload in live.filter(condition).values_list("payload_digest", flat=True)[: MAX_LISTED + 1]:
            found.setdefault(payload, because)
    return found
