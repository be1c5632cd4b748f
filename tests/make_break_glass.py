"""Plain makers for breaking the glass."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from approvals.declaration.declare_break_glass import begin_break_glass
from approvals.models import BreakGlass, StatementCeremony
from identities.models import Identity, SigningKey
from identities.people.roles import grant_role
from tests import cast, make_bound_keys, make_statements
from tests import make_approvals as make
from tests.retell import retold

NOW = make.NOW
BOUNDS = """\
breakGlass:
  roles: ["approver:owner"]
  validityHours: 2
  maxUses: 3
  reviewHours: 24
  reviewers: {role: "approver:security", count: 2}
"""
POLICY = make.POLICY + BOUNDS.replace("{", "{{").replace("}", "}}")


@retold
def declarer(*, now: datetime = NOW) -> Identity:
    """Owns the product, may break the glass, and has a key of level H3."""
    anna = make_bound_keys.anna(now=now)
    if not anna.roles.filter(role="approver:owner").exists():
        grant_role(identity=anna, role="approver:owner", team=cast.payments(), project=None, by=None, now=now)
    return anna


@retold
def key_of(person: Identity, *, now: datetime = NOW) -> SigningKey:
    """Their key of level H3, enrolled when there is none."""
    known = next((key for key in SigningKey.objects.filter(identity=person, revoked_at=None) if key.pk in make._PASSKEYS), None)
    if known is not None:
        return known
    passkey, key = make_bound_keys.enrol(person, now=now)
    make._PASSKEYS[key.pk] = passkey
    return key


@retold
def begin(by: Identity | None = None, *, now: datetime = NOW, **changes: Any) -> StatementCeremony:
    """Begin to break the glass for the image in production."""
    person = by or declarer(now=now)
    given: dict[str, Any] = {
        "project": cast.payments_api(),
        "environment": cast.production(),
        "digest": make.image(),
        "incident": "INC-7",
        "justification": "Payments are down.",
        "hours": 2,
        "max_uses": 2,
        "key": changes["key"] if "key" in changes else key_of(person, now=now),
        "session": make.session(now=now),
        **changes,
    }
    return begin_break_glass(**given, by=person, now=now)


@retold
def declare(by: Identity | None = None, *, now: datetime = NOW, **changes: Any) -> BreakGlass:
    """Break the glass."""
    signed = make_statements.complete(begin(by, now=now, **changes), now=now)
    return BreakGlass.objects.get(pk=signed.pk)
