"""Remove old sign-ins and audit events: they hold people's addresses, and nothing that was signed rests on them. The ledger keeps that it was done.

Not checked here: how long the law where you are wants them kept, or lets you.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from identities.chronicle import append_identity_event
from identities.models import AuditEvent, Identity, SignInEvent
from identities.permissions import demand
from proofs.errors import Malformed
from proofs.moment import rfc3339


@transaction.atomic
def forget_sign_ins(*, before: datetime, by: Identity | None, now: datetime, username: str = "") -> int:
    """Remove the sign-ins and audit events from before a moment, of everybody or of one account, and return how many rows that were.

    Refuses with `sign_ins.future` or `permission.missing`; `by=None` is the operator at the console.
    """
    if by is not None:
        demand(by, "identities.steward", team=by.team)
    if before > now:
        raise Malformed("sign_ins.future", f"got {before:%Y-%m-%d %H:%M}, expected a moment that is over")
    whose = {"username": username} if username else {}
    count = sum(model.objects.filter(happened_at__lt=before, **whose).delete()[0] for model in (SignInEvent, AuditEvent))
    if count:
        # Who sweeps away traces leaves one. The document counts and does not name.
        document: dict[str, object] = {"before": rfc3339(before), "count": count, "ofOneAccount": bool(username)}
        append_identity_event(event="sign_ins.forgotten", document=document, by=by, now=now)
    return count
