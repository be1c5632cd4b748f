"""The account of a session, brought along with all that every page asks about its person: one statement where there were four.

Who may sign in, and whether a session is still good, is the sign-in library's and the framework's to say, as before.
"""

from __future__ import annotations

import json
from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.db.models import Case, Expression, OuterRef, Subquery, TextField, Value, When
from django.db.models.functions import Concat

from identities.models import RoleAssignment, User
from identities.permissions import KINDS_ALONG

# What rooms above have asked together with the account, by the name it has there.
_ALONG: dict[str, Expression] = {}


def ask_along(name: str, expression: Expression) -> None:
    """Have `expression`, over rows of accounts, asked with the account of every session; it is then the attribute `name` of the account."""
    _ALONG[name] = expression


class _Listed(Subquery):
    """The values of a subquery as one list; SQLite gives its text."""

    output_field = TextField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="ARRAY(%(subquery)s)", **extra)

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template='(SELECT JSON_GROUP_ARRAY("kind") FROM (%(subquery)s))', **extra)


class AccountBackend(AuthenticationBackend):
    """The library's own way to sign in, and another to find the account of a session."""

    def get_user(self, user_id: Any) -> User | None:
        """Return the account with its person, their preferences, the kinds of roles they hold (`identities.permissions.held_kinds`), and what
        was asked along; None where it is gone or was switched off."""
        held = RoleAssignment.objects.held().filter(identity=OuterRef("identity"))
        whole = Case(When(project__isnull=True, then=Value(" whole")), default=Value(" single"))
        kinds = held.annotate(kind=Concat("role", whole, output_field=TextField())).order_by().values("kind").distinct()
        rows = User.objects.select_related("identity__preferences").annotate(**{KINDS_ALONG: _Listed(kinds)}, **_ALONG)
        account = rows.filter(pk=user_id).first()
        if account is None or not self.user_can_authenticate(account):
            return None
        if account.identity is not None:
            found = getattr(account, KINDS_ALONG)
            setattr(account.identity, KINDS_ALONG, json.loads(found) if isinstance(found, str) else found)
        return account
