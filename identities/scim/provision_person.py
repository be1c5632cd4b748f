"""Take in a person whom an identity provider provisions: an identity, and an account nobody can use a password on.

Whoever came in through the same provider before, under the same subject, is that person. An account that was made here otherwise is never taken
over, whatever it is called. Roles come from groups alone (`identities.scim.membership`).
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction

from identities.chronicle import append_identity_event
from identities.models import Identity, IdentityProvider, ProvisionedPerson, User
from identities.people.deactivate import deactivate_person, reactivate_person
from identities.scim.described_person import DescribedPerson
from proofs.errors import Conflict


def provision_person(*, provider: IdentityProvider, person: DescribedPerson, now: datetime) -> ProvisionedPerson:
    """Provision a person; return the row. Refuses with `scim.uniqueness`, `sso.issuer`, `identity.retired` or `identity.under_suspicion`."""
    if provider.issuer.rstrip("/") == settings.ORIGIN.rstrip("/"):
        raise Conflict("sso.issuer", f"{provider} calls itself as this portal does; its people would be taken for others")
    try:
        with transaction.atomic():
            return _provision(provider, person, now)
    except IntegrityError as error:
        raise _taken(person.user_name) from error


def refuse_taken(person: DescribedPerson, *, provider: IdentityProvider, identity: Identity | None, but: str = "") -> None:
    """Refuse with `scim.uniqueness` a name or id that another person of the provider has, or a name that another account here has.

    `identity` and `but` (the key of the row) are the person's own, where they are known.
    """
    others = ProvisionedPerson.objects.filter(provider=provider, removed_at__isnull=True).exclude(pk=but)
    accounts = User.objects.filter(username__iexact=person.username)
    if identity is not None:
        accounts = accounts.exclude(identity=identity)
    if others.filter(user_name__iexact=person.user_name).exists() or accounts.exists():
        raise _taken(person.user_name)
    if person.external_id and others.filter(external_id=person.external_id).exists():
        raise Conflict("scim.uniqueness", f"got the externalId {person.external_id!r}, which another user has already")


def _provision(provider: IdentityProvider, person: DescribedPerson, now: datetime) -> ProvisionedPerson:
    identity = Identity.objects.filter(issuer=provider.issuer, subject=person.subject).first()
    if identity is not None and (not identity.is_person or identity.provisioned.filter(removed_at__isnull=True).exists()):
        raise Conflict("scim.uniqueness", f"got {person.subject!r}, which names somebody else at {provider} already")
    if identity is not None and identity.status == Identity.Status.RETIRED:
        raise Conflict("identity.retired", f"{identity} is retired, and that stays")
    refuse_taken(person, provider=provider, identity=identity)
    if identity is None:
        identity = _register(provider, person, now)
    row = ProvisionedPerson.objects.create(
        provider=provider,
        identity=identity,
        user_name=person.user_name,
        external_id=person.external_id,
        attributes=person.attributes,
        active=person.active is not False,
        created_at=now,
        changed_at=now,
    )
    change = reactivate_person if row.active else deactivate_person
    change(identity=identity, reason=f"{provider} says so."[:200], by=None, now=now, provider=provider)
    document = {"resource": row.pk, "identity": identity.pk, "version": row.version}
    append_identity_event(event="provisioned_person.added", document=document, by=None, now=now, provider=provider)
    return row


def _register(provider: IdentityProvider, person: DescribedPerson, now: datetime) -> Identity:
    identity = Identity.objects.create(
        kind=Identity.Kind.PERSON, issuer=provider.issuer, subject=person.subject, name=person.name, created_at=now
    )
    account = User(username=person.username, email=person.email, first_name=person.name[:150], identity=identity)
    account.set_unusable_password()
    account.save()
    document = {
        "identity": identity.pk,
        "kind": str(identity.kind),
        "owner": None,
        "team": None,
        "issuer": identity.issuer,
        "subject": identity.subject,
    }
    append_identity_event(event="identity.registered", document=document, by=None, now=now, provider=provider)
    return identity


def _taken(user_name: str) -> Conflict:
    return Conflict("scim.uniqueness", f"got the userName {user_name!r}, which another account here has; nobody is taken over")
