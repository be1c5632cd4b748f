"""Issue and revoke the secrets that non-human identities call the API with.

The secret is returned once and only its SHA-256 is kept: 256 random bits need no slow hash. A credential always expires.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from identities.chronicle import append_identity_event
from identities.ids import new_credential_id
from identities.models import ApiCredential, Identity
from identities.permissions import demand
from proofs.errors import Conflict, Malformed, NotAllowed

TOKEN_PREFIX = "csk"  # noqa: S105 - the visible start of every token, so that leaks can be searched for
LONGEST_LIFE = timedelta(days=366)
USE_IS_NOTED_EVERY = timedelta(minutes=1)


def issue_credential(
    *, identity: Identity, scopes: Sequence[str], expires_at: datetime, by: Identity | None, now: datetime
) -> tuple[ApiCredential, str]:
    """Return a new credential and its token `csk_<id>_<secret>`, which cannot be shown again.

    Refuses with `credential.people`, `credential.scope`, `credential.expiry`, `identity.not_active` or `permission.missing`.
    """
    if identity.is_person:
        raise NotAllowed("credential.people", f"{identity.name} is a person; stored secrets are for programs, people sign in")
    if by is not None and by.pk != identity.owner_id:
        demand(by, "identities.steward", team=identity.team)
    if identity.status != Identity.Status.ACTIVE:
        raise Conflict("identity.not_active", f"{identity.name} is {identity.status}, expected active")
    refuse_scopes(scopes)
    if not now < expires_at <= now + LONGEST_LIFE:
        raise Malformed("credential.expiry", f"got {expires_at:%Y-%m-%d}, expected a day within {LONGEST_LIFE.days} days from now")
    with transaction.atomic():
        credential, token = store_credential(identity=identity, scopes=scopes, expires_at=expires_at, now=now)
        append_identity_event(event="credential.issued", document=_document(credential), by=by, now=now)
    return credential, token


def refuse_scopes(scopes: Sequence[str]) -> None:
    """Return when these are scopes, and at least one; refuses with `credential.scope` otherwise."""
    unknown = [scope for scope in scopes if scope not in ApiCredential.Scope.values]
    if unknown or not scopes:
        raise Malformed("credential.scope", f"got the scopes {list(scopes)!r}, expected some of {', '.join(ApiCredential.Scope.values)}")


def store_credential(*, identity: Identity, scopes: Sequence[str], expires_at: datetime, now: datetime) -> tuple[ApiCredential, str]:
    """Store a new credential and return it with its token. Checks nothing and writes no entry: the act that calls this does both."""
    credential_id = new_credential_id()
    secret = secrets.token_urlsafe(32)
    credential = ApiCredential.objects.create(
        id=credential_id,
        identity=identity,
        secret_sha256=hash_secret(secret),
        scopes=sorted({str(scope) for scope in scopes}),
        created_at=now,
        expires_at=expires_at,
    )
    return credential, f"{TOKEN_PREFIX}_{credential_id.removeprefix('crd_')}_{secret}"


@transaction.atomic
def revoke_credential(*, credential: ApiCredential, by: Identity | None, now: datetime) -> ApiCredential:
    """Revoke from now on. Refuses with `credential.revoked` or `permission.missing`."""
    credential = ApiCredential.objects.select_for_update(no_key=True, of=("self",)).select_related("identity__team").get(pk=credential.pk)
    if by is not None and by.pk != credential.identity.owner_id:
        demand(by, "identities.steward", team=credential.identity.team)
    if credential.revoked_at is not None:
        raise Conflict("credential.revoked", f"{credential.pk} is revoked already")
    credential.revoked_at = now
    credential.save(update_fields=["revoked_at"])
    append_identity_event(event="credential.revoked", document=_document(credential), by=by, now=now)
    return credential


def note_use(*, credential: ApiCredential, now: datetime) -> None:
    """Note that a credential was used, at most once a minute so that a busy caller does not write with every call."""
    if credential.last_used_at is None or now - credential.last_used_at >= USE_IS_NOTED_EVERY:
        ApiCredential.objects.filter(pk=credential.pk).update(last_used_at=now)


def hash_secret(secret: str) -> str:
    """Return what is stored of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _document(credential: ApiCredential) -> dict[str, object]:
    return {"credential": credential.pk, "identity": credential.identity_id, "scopes": list(credential.scopes)}
