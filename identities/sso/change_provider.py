"""Change how an identity provider is spoken to, or what is believed of it. Its protocol and short name stay."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from identities.chronicle import append_identity_event
from identities.models import Identity, IdentityProvider
from identities.providers import is_local_sign_in_allowed
from identities.seal import client_secret_of, seal
from identities.sso.add_provider import Source, provider_document
from identities.sso.described import Described, check_described
from identities.sso.local_guard import guard_local_sign_in
from identities.sso.reach import demand_reach
from proofs.errors import Conflict, NotAllowed, Refusal

# What decides who its people are and which groups they are in. Its name, and what it knows the portal by, do not.
SPEAKS_FOR_PEOPLE = frozenset({"issuer", "config", "groups_claim"})


@transaction.atomic
def change_provider(
    *, provider: IdentityProvider, said: Described, by: Identity | None, now: datetime, source: str = Source.PAGE
) -> IdentityProvider:
    """Change a provider; saying what it is already changes nothing. `by=None` is the operator.

    Refuses with `sso.provider_removed`, `sso.from_file`, `sso.protocol`, `sso.issuer_in_use`, `sso.already_added`, `sso.last_provider`,
    `sso.reach`, `permission.missing` or as `check_described` does.
    """
    demand_reach(by, provider.issuer, provider)
    row = locked_provider(provider, source)
    said = check_described(said, is_operator=by is None or bool(row.config.get("may_be_private")))
    if by is not None and list(said.second_factor) != row.config.get("second_factor", []):
        raise NotAllowed("sso.operator_only", "got another second_factor, which only the operator's file says: approvals are weighed by it")
    if said.protocol != row.protocol:
        raise Conflict("sso.protocol", f"{row} speaks {row.get_protocol_display()}; add another provider for the other protocol")
    if said.issuer != row.issuer:
        if Identity.objects.filter(issuer=row.issuer, kind=Identity.Kind.PERSON).exists():
            raise Conflict("sso.issuer_in_use", f"people here are known by {row.issuer}; under another issuer nobody would be found again")
        if by is not None and said.may_be_private:
            raise NotAllowed(
                "sso.operator_only", "got another issuer where a private address is allowed; the operator allowed it for the one there is"
            )
        demand_reach(by, said.issuer)
    secret_changes = said.client_secret is not None and said.client_secret != _readable_secret(row)
    wanted = {
        "name": said.name,
        "issuer": said.issuer,
        "client_id": said.client_id,
        "config": said.config(),
        "groups_claim": said.groups_claim,
        "admits_unregistered": said.admits_unregistered,
    }
    differing = [name for name, value in wanted.items() if getattr(row, name) != value]
    if not differing and not secret_changes:
        return row
    refuse_to_lock_out(row, now=now)
    for name in differing:
        setattr(row, name, wanted[name])
    if secret_changes:
        row.sealed_secret = seal(said.client_secret, owner=row.pk) if said.client_secret else None
    row.changed_at = now
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise Conflict("sso.already_added", f"{said.issuer} is an identity provider here already") from error
    if by is not None and SPEAKS_FOR_PEOPLE & set(differing):
        row.set_up_by.add(by)
    document = {**provider_document(row), "changed": sorted(differing), "secretChanged": secret_changes}
    append_identity_event(event="identity_provider.changed", document=document, by=by, now=now)
    return row


def locked_provider(provider: IdentityProvider, source: str) -> IdentityProvider:
    """Return the row, locked. Refuses with `sso.provider_removed`, or `sso.from_file` for one that the operator's file alone changes."""
    row = IdentityProvider.objects.select_for_update(no_key=True, of=("self",)).get(pk=provider.pk)
    if row.removed_at is not None:
        raise Conflict("sso.provider_removed", f"{row} was removed already")
    if row.source == Source.FILE and source != Source.FILE:
        raise Conflict("sso.from_file", f"{row} is set by the operator's file, and changed there")
    return row


def refuse_to_lock_out(provider: IdentityProvider, *, now: datetime) -> None:
    """Refuse with `sso.last_provider` while local sign-in is off and no other provider is proved to let an administrator in."""
    if not is_local_sign_in_allowed() and not guard_local_sign_in(now=now, without=provider).allowed:
        words = f"local sign-in is off, and no other provider than {provider} is proved to work; allow local sign-in first"
        raise Conflict("sso.last_provider", words)


def _readable_secret(row: IdentityProvider) -> str | None:
    try:
        return client_secret_of(row)
    except Refusal:
        # Sealed under another SECRET_KEY: whatever is said now is new.
        return None
