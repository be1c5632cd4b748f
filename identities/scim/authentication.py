"""Who calls `/scim/v2`: an identity provider, by a provisioning token. Nothing else gets in, and the token opens nothing else."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from identities.models import IdentityProvider, ProvisioningToken
from identities.scim.make_provisioning_token import ID_PREFIX, TOKEN_PREFIX, hash_secret

if TYPE_CHECKING:
    # The library imports this module while its own views are still loading.
    from rest_framework.views import APIView

USE_IS_NOTED_EVERY = timedelta(minutes=1)
# Compared with when there is no such token, so that both ways take the same time.
_NO_SECRET = "0" * 64


class Provisioner:
    """The user of a request that a provisioning token proved: an identity provider, and no account."""

    is_authenticated = True
    is_anonymous = False
    is_active = True

    def __init__(self, provider: IdentityProvider) -> None:
        self.provider = provider
        self.pk = provider.pk

    def __str__(self) -> str:
        return self.provider.name


class ProvisioningAuthentication(BaseAuthentication):
    """`Authorization: Bearer csp_<id>_<secret>`: right secret, not expired, not revoked, of a provider that was not removed."""

    def authenticate(self, request: Request) -> tuple[Provisioner, ProvisioningToken] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        now = timezone.now()
        found = _find(token.strip(), now) if scheme.lower() == "bearer" else None
        if found is None:
            raise AuthenticationFailed("The provisioning token is unknown, wrong, expired or revoked.", code="credential.invalid")
        if found.last_used_at is None or now - found.last_used_at >= USE_IS_NOTED_EVERY:
            ProvisioningToken.objects.filter(pk=found.pk).update(last_used_at=now)
        return Provisioner(found.provider), found

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="countersign-scim"'


class IsProvisioner(BasePermission):
    """Only an identity provider."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, ProvisioningToken)


def _find(unverified_token: str, now: datetime) -> ProvisioningToken | None:
    """Return the live token that a secret proves, or None."""
    prefix, _, rest = unverified_token.partition("_")
    short_id, _, secret = rest.partition("_")
    known = ProvisioningToken.objects.select_related("provider")
    found = known.filter(pk=f"{ID_PREFIX}{short_id}").first() if short_id.isalnum() and len(short_id) == 26 else None
    stored = found.secret_sha256 if found else _NO_SECRET
    proved = hmac.compare_digest(stored, hash_secret(secret)) and prefix == TOKEN_PREFIX
    if found is None or not proved or found.revoked_at is not None or now >= found.expires_at or found.provider.removed_at is not None:
        return None
    return found
