"""Let an identity provider go: nobody comes in through it, what its groups gave ends, and so do the sessions begun there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from identities.chronicle import append_identity_event
from identities.models import Identity, IdentityProvider, ProvisioningToken, RoleAssignment
from identities.sign_in.begun_where import end_sessions_begun_at
from identities.sso.add_provider import Source, provider_document
from identities.sso.change_provider import locked_provider, refuse_to_lock_out
from identities.sso.group_roles import end_group_roles
from identities.sso.reach import demand_reach


@dataclass(frozen=True, slots=True)
class Removal:
    """What ended with a provider, and the last administrators whose role stays."""

    roles: int
    sessions: int
    stays: tuple[RoleAssignment, ...]


@transaction.atomic
def remove_provider(*, provider: IdentityProvider, by: Identity | None, now: datetime, source: str = Source.PAGE) -> Removal:
    """Remove a provider for good; its people stay registered, and its provisioning tokens end. `by=None` is the operator.

    Refuses with `sso.provider_removed`, `sso.from_file`, `sso.last_provider`, `sso.reach` or `permission.missing`.
    """
    demand_reach(by, provider.issuer, provider)
    row = locked_provider(provider, source)
    refuse_to_lock_out(row, now=now)
    ended, stays = end_group_roles(provider=row, now=now)
    ProvisioningToken.objects.filter(provider=row, revoked_at__isnull=True).update(revoked_at=now)
    sessions = end_sessions_begun_at(row.slug)
    row.removed_at, row.sealed_secret, row.changed_at = now, None, now
    row.save(update_fields=["removed_at", "sealed_secret", "changed_at"])
    document = {**provider_document(row), "rolesEnded": ended, "rolesKept": [role.pk for role in stays], "sessionsEnded": sessions}
    append_identity_event(event="identity_provider.removed", document=document, by=by, now=now)
    return Removal(ended, sessions, tuple(stays))
