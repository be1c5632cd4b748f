"""Say whose an account elsewhere is, and take that back: so that one human behind two accounts counts as one.

Not checked here: that it is true. A steward looked, and the log holds their word. Nobody says it of themselves: whoever could end a link of
their own could approve what they made.
"""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from identities.chronicle import append_identity_event
from identities.lifecycle.change_status import demand_stewardship
from identities.models import Identity, LinkedAccount
from identities.people.accounts.known_accounts import clean_account
from identities.plain_text import plain_text
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Conflict, NotAllowed

MAX_LABEL = 120


@transaction.atomic
def link_account(*, identity: Identity, provider: str, account: str, label: str = "", by: Identity | None, now: datetime) -> LinkedAccount:
    """Link an account at `provider` to `identity` from now on.

    Refuses with `account.provider`, `account.malformed`, `account.own`, `account.already_linked`, `account.taken`, `identity.not_active` or
    `permission.missing`.
    """
    provider, account = clean_account(provider, account)
    called = plain_text(label, what="account.label", code="account.malformed", limit=MAX_LABEL, empty=True)
    _demand(identity, by)
    if identity.status != Identity.Status.ACTIVE:
        raise Conflict("identity.not_active", f"{identity.name} is {identity.status}, expected active")
    held = LinkedAccount.objects.filter(provider=provider, account=account, ended_at__isnull=True).select_related("identity").first()
    if held is not None and held.identity_id == identity.pk:
        raise Conflict("account.already_linked", f"{held} is linked to {identity.name} already")
    try:
        with transaction.atomic():
            row = LinkedAccount.objects.create(
                identity=identity,
                provider=provider,
                account=account,
                label=called,
                linked_by=by,
                linked_at=now,
            )
            append_identity_event(event="account.linked", document=_document(row), by=by, now=now)
    except IntegrityError as error:
        # To whom is not said: it may be somebody of another team.
        raise Conflict(
            "account.taken", f"{provider}:{account} is linked to somebody else; that is ended first, by a steward there"
        ) from error
    return row


@transaction.atomic
def end_account(*, account: LinkedAccount, by: Identity | None, now: datetime) -> LinkedAccount:
    """End a link from now on. Refuses with `account.own`, `account.ended` or `permission.missing`."""
    row = LinkedAccount.objects.select_for_update(no_key=True, of=("self",)).select_related("identity__team").get(pk=account.pk)
    _demand(row.identity, by)
    if row.ended_at is not None:
        raise Conflict("account.ended", f"{row} is no longer linked to {row.identity.name}")
    row.ended_at = now
    row.save(update_fields=["ended_at"])
    append_identity_event(event="account.unlinked", document=_document(row), by=by, now=now)
    return row


def _demand(identity: Identity, by: Identity | None) -> None:
    if by is None:
        return
    if by.pk in (identity.pk, identity.owner_id):
        raise NotAllowed(
            "account.own", "nobody says of themselves, or of their own program, which accounts are theirs; another steward does"
        )
    demand_stewardship(identity, by)


def _document(row: LinkedAccount) -> dict[str, object]:
    # Not the account itself: the log is kept for ever, and its digests can be tried against a list of addresses.
    salt = bytes(row.identity.actor_salt).hex()
    committed = sha256_hex(canonical_bytes({"salt": salt, "provider": row.provider, "account": row.account}))
    return {"identity": row.identity_id, "link": row.pk, "account": {"sha256": committed}}
