"""Somebody whom an identity provider just named comes in: find who they are here, or register them, and give them what their groups carry.

A person is known by the provider's issuer and their subject there, never by a name or an address that somebody else may have had before.
Not checked here: that the provider really said so, which the protocol's own code has verified before.
"""

from __future__ import annotations

import re
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction

from identities.chronicle import append_identity_event
from identities.models import HeldGroups, Identity, IdentityProvider, ProvisionedPerson, Team, User
from identities.plain_text import plain_text
from identities.sso.compare_roles import clean_groups, places_given
from identities.sso.group_roles import apply_groups, read_rules
from proofs.errors import Conflict, Malformed, NotAllowed, Refusal

_SPELLINGS = 50


def come_in(
    *,
    provider: IdentityProvider,
    subject: str,
    username: str,
    name: str,
    email: str,
    groups: list[str] | None,
    now: datetime,
) -> User:
    """Return the account of the person whom `provider` calls `subject`, with their groups applied.

    `groups` is None where the provider said nothing of them: then those it provisions by SCIM count, and without such none do. Refuses with
    `sso.provider_removed`, `sso.subject`, `sso.groups`, `sso.not_a_person`, `sso.other_subject`, `sso.inactive` or `sso.unregistered`.
    """
    if provider.removed_at is not None:
        raise Conflict("sso.provider_removed", f"{provider} was removed; sign in elsewhere")
    if not subject or len(subject) > 300 or subject != subject.strip():
        raise Malformed("sso.subject", f"{provider} named nobody; expected a subject of 1 to 300 characters")
    names = clean_groups(groups) if groups is not None else None
    # What a person is refused for is decided before anything is kept of them.
    with transaction.atomic():
        identity = _known(provider, subject, username)
        if identity is None:
            identity = _register(provider, subject, username, name, email, names or (), now)
        account = User.objects.select_related("identity").filter(identity=identity).first()
        if account is None or identity.status != Identity.Status.ACTIVE or not account.is_active:
            raise NotAllowed("sso.inactive", f"{identity.name} is not active here; ask an administrator.")
        wanted, source = _groups_that_count(identity, provider, names)
        apply_groups(identity=identity, provider=provider, groups=wanted, source=source, now=now)
        return account


def _known(provider: IdentityProvider, subject: str, username: str) -> Identity | None:
    identity = Identity.objects.filter(issuer=provider.issuer, subject=subject).first()
    if identity is not None:
        if not identity.is_person:
            raise NotAllowed("sso.not_a_person", f"{provider} names {identity.name}, which is no person; only people sign in.")
        return identity
    rows = ProvisionedPerson.objects.select_for_update(no_key=True, of=("self",)).select_related("identity")
    rows = rows.filter(provider=provider, removed_at__isnull=True)
    row = rows.filter(external_id=subject).first() or (rows.filter(user_name__iexact=username).first() if username else None)
    if row is None:
        return None
    if row.subject not in ("", subject):
        # A name that was given to somebody else since: the account is not.
        words = f"{provider} provisioned {username} as somebody else; ask whoever runs it to provision you again."
        raise NotAllowed("sso.other_subject", words)
    if not row.subject:
        row.subject = subject
        row.save(update_fields=["subject"])
    return row.identity


def _groups_that_count(identity: Identity, provider: IdentityProvider, names: tuple[str, ...] | None) -> tuple[tuple[str, ...], str]:
    if names is not None:
        return names, HeldGroups.Source.SIGN_IN
    # From the groups themselves: what was last held may be an earlier sign-in's.
    row = ProvisionedPerson.objects.filter(identity=identity, provider=provider, removed_at__isnull=True).first()
    provisioned = tuple(row.groups.order_by("display_name").values_list("display_name", flat=True)) if row is not None else ()
    # Many providers leave the claim out for somebody without groups, so saying nothing is saying none.
    return provisioned, HeldGroups.Source.SCIM if provisioned else HeldGroups.Source.SIGN_IN


def _register(
    provider: IdentityProvider, subject: str, username: str, name: str, email: str, groups: tuple[str, ...], now: datetime
) -> Identity:
    """Register somebody nobody registered, where the provider admits them and a group of theirs carries a role."""
    given = places_given(read_rules(provider).rules, groups)
    team = Team.objects.filter(slug__in={place.team for place in given}).order_by("slug").first()
    if not provider.admits_unregistered or team is None:
        why = "no group of yours carries a role here" if provider.admits_unregistered else "nobody registered you here"
        raise NotAllowed("sso.unregistered", f"{provider} knows you, and {why}; ask an administrator of this portal.")
    if provider.issuer.rstrip("/") == settings.ORIGIN.rstrip("/"):
        raise Conflict("sso.issuer", f"{provider} calls itself as this portal does; its people would be taken for others.")
    try:
        shown = plain_text(name or username, what="person.name", code="sso.name", limit=200)
    except Refusal:
        # A name that hides something is not worth keeping anybody out for; what the provider calls them is shown instead.
        shown = _spelled(username or subject)
    try:
        with transaction.atomic():
            identity = Identity.objects.create(
                kind=Identity.Kind.PERSON, issuer=provider.issuer, subject=subject, name=shown, team=team, created_at=now
            )
    except IntegrityError:
        # They came in by another tab in this moment.
        return Identity.objects.get(issuer=provider.issuer, subject=subject)
    account = User(email=email[:254], first_name=shown[:150], identity=identity)
    account.set_unusable_password()
    _save_under_free_name(account, _spelled(username or name or subject))
    document = {
        "identity": identity.pk,
        "kind": str(identity.kind),
        "owner": None,
        "team": team.pk,
        "issuer": identity.issuer,
        "subject": identity.subject,
    }
    append_identity_event(event="identity.registered", document=document, by=None, now=now, provider=provider)
    return identity


def _spelled(username: str) -> str:
    """Return a name to sign in with, made of what a provider calls somebody."""
    return re.sub(r"[^a-z0-9._@+-]+", "-", username.lower()).strip("-")[:140] or "person"


def _save_under_free_name(account: User, wanted: str) -> None:
    """Save under the name, or with a number behind it where it is taken: the same name is not the same person."""
    for number in range(1, _SPELLINGS + 1):
        account.username = wanted if number == 1 else f"{wanted}-{number}"
        try:
            with transaction.atomic():
                account.save()
        except IntegrityError:
            continue
        return
    raise Conflict("sso.username", f"got the username {wanted!r}, which too many accounts have already")
