"""Plain makers for letting somebody answer in one's stead."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from approvals.delegation.give import begin_delegation
from approvals.models import Approval, Delegation, Request, StatementCeremony
from identities.models import Identity
from ledger.publish import publish_checkpoint
from tests import cast, make_statements
from tests import make_approvals as make
from tests.retell import retold

NOW = make.NOW
ALLOWED = make.POLICY + "delegation: allowed\n"


@retold
def dana(*, now: datetime = NOW) -> Identity:
    """Owns the product, has a key, and holds no release role of her own."""
    found = cast.person("dana", "Dana Okafor", "approver:owner", now=now)
    make_statements.passkey_of(found, now=now)
    return found


@retold
def begin(by: Identity, delegate: Identity, *, now: datetime = NOW, **changes: Any) -> StatementCeremony:
    """Begin to let `delegate` approve releases of payments-api for `by`, for two days."""
    given: dict[str, Any] = {
        "project": cast.payments_api(),
        "roles": ["approver:release"],
        "environments": [],
        "starts_at": now,
        "until": now + timedelta(days=2),
        "justification": "I am away.",
        "key": make_statements.passkey_of(by, now=now)[1],
        "session": make.session(now=now),
        **changes,
    }
    return begin_delegation(**given, delegate=delegate, by=by, now=now)


@retold
def give(by: Identity, delegate: Identity, *, now: datetime = NOW, **changes: Any) -> Delegation:
    """Sign it."""
    signed = make_statements.complete(begin(by, delegate, now=now, **changes), now=now)
    publish_checkpoint(now=now)
    return Delegation.objects.get(pk=signed.pk)


@retold
def answer(request: Request, row: Delegation, *, now: datetime = NOW, **changes: Any) -> Approval:
    """The delegate approves in the delegator's stead."""
    passkey, key = make_statements.passkey_of(row.delegate, now=now)
    approval = make.complete(make.begin(request, row.delegate, key, in_stead=row, now=now, **changes), passkey, now=now)
    publish_checkpoint(now=now)
    return approval
