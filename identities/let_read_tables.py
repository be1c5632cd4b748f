"""Let a person look at the tables in the Django admin, and end that.

Only the operator at the console does this: the tables show every team's rows, and no role in one team reaches so far. It lets nobody
change anything. Not checked here: second factors; the admin's sign-in is the portal's own.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import Permission
from django.db import transaction

from identities.chronicle import append_identity_event
from identities.models import Identity, User
from proofs.errors import Conflict, NotAllowed


@transaction.atomic
def let_read_tables(*, identity: Identity, now: datetime) -> User:
    """Let `identity` look at every table from now on.

    Refuses with `tables.people_only`, `identity.not_active` or `tables.already`.
    """
    account = _account_of(identity)
    if identity.status != Identity.Status.ACTIVE:
        raise Conflict("identity.not_active", f"{identity.name} is {identity.status}, expected active")
    if account.is_staff:
        raise Conflict("tables.already", f"{identity.name} may look at the tables already")
    account.is_staff = True
    account.save(update_fields=["is_staff"])
    account.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    append_identity_event(event="tables.opened", document={"identity": identity.pk}, by=None, now=now)
    return account


@transaction.atomic
def end_reading_tables(*, identity: Identity, now: datetime) -> User:
    """End it from now on. Refuses with `tables.people_only` or `tables.not_open`."""
    account = _account_of(identity)
    if not account.is_staff:
        raise Conflict("tables.not_open", f"{identity.name} may not look at the tables")
    account.is_staff = False
    account.save(update_fields=["is_staff"])
    account.user_permissions.clear()
    append_identity_event(event="tables.closed", document={"identity": identity.pk}, by=None, now=now)
    return account


def _account_of(identity: Identity) -> User:
    account = User.objects.select_for_update(no_key=True).filter(identity=identity).first()
    if account is None or not identity.is_person:
        raise NotAllowed("tables.people_only", f"{identity.name} does not sign in; only people look at the tables")
    return account
