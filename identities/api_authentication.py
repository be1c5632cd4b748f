"""Who calls the API: a program by its bearer credential, or a signed-in person who only reads.

Every failure reads the same from outside, so that a caller cannot learn which credentials exist. Limits of how often a
caller may try are set where the API is mounted.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from identities.issue import TOKEN_PREFIX, hash_secret, note_use
from identities.models import ApiCredential, Identity, TokenExchange
from identities.permissions import demand
from proofs.errors import NotAllowed

if TYPE_CHECKING:
    # The library imports this module while its own views are still loading.
    from rest_framework.views import APIView

# Compared with when there is no such credential, so that both ways take the same time.
_NO_SECRET = "0" * 64


class Caller:
    """The user of an API request that was proved by a credential: an identity, and no account."""

    is_authenticated = True
    is_anonymous = False
    is_active = True

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.pk = identity.pk

    def __str__(self) -> str:
        return self.identity.name


class CredentialAuthentication(BaseAuthentication):
    """`Authorization: Bearer csk_<id>_<secret>`: active identity and owner, right secret, not expired, not revoked."""

    def authenticate(self, request: Request) -> tuple[Caller, ApiCredential] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        credential = _find_credential(token.strip()) if scheme.lower() == "bearer" else None
        if credential is None:
            raise AuthenticationFailed("The credential is unknown, wrong, expired or revoked.", code="credential.invalid")
        note_use(credential=credential, now=timezone.now())
        return Caller(credential.identity), credential

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="countersign"'


class PersonAuthentication(SessionAuthentication):
    """A signed-in person, with the session cookie and, for anything that is not a read, the CSRF token."""

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="countersign"'


class HasScope(BasePermission):
    """The view's `required_scope` for a credential; its `required_action` for a person, who may only read here."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Refuses with `permission.scope`, `credential.required` or `permission.missing`."""
        if isinstance(request.auth, ApiCredential):
            wanted = str(getattr(view, "required_scope", ""))
            if not wanted or wanted not in request.auth.scopes:
                held = ", ".join(request.auth.scopes)
                raise NotAllowed("permission.scope", f"this credential has the scopes {held}; this needs {wanted or 'a person'}")
            return True
        if not request.user.is_authenticated:
            return False
        if request.method not in SAFE_METHODS:
            raise NotAllowed("credential.required", "a browser session only reads here; expected an API credential")
        demand(getattr(request.user, "identity", None), str(getattr(view, "required_action", "portal.home")))
        return True


class IsPerson(BasePermission):
    """Only a person at a browser: an API credential is refused with `approval.human_required`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if isinstance(request.auth, ApiCredential):
            raise NotAllowed("approval.human_required", "got an API credential, expected a person signed in with a browser")
        return bool(request.user.is_authenticated)


def caller_of(request: Request) -> Identity:
    """Return who calls: the program of the credential, or the signed-in person. Refuses with `identity.unregistered`."""
    identity: Identity | None = getattr(request.user, "identity", None)
    if identity is None:
        raise NotAllowed("identity.unregistered", "This sign-in account belongs to no registered person; ask an administrator.")
    return identity


def _find_credential(unverified_token: str) -> ApiCredential | None:
    """Return the live credential that a token proves, or None."""
    prefix, _, rest = unverified_token.partition("_")
    short_id, _, secret = rest.partition("_")
    query = ApiCredential.objects.select_related("identity__owner", "identity__team", "exchange__binding__issuer")
    credential = query.filter(pk=f"crd_{short_id}").first() if short_id.isalnum() and len(short_id) == 26 else None
    stored = credential.secret_sha256 if credential else _NO_SECRET
    proved = hmac.compare_digest(stored, hash_secret(secret)) and prefix == TOKEN_PREFIX
    if credential is None or not proved or not _is_live(credential):
        return None
    return credential


def _is_live(credential: ApiCredential) -> bool:
    owner: Any = credential.identity.owner
    return (
        credential.revoked_at is None
        and timezone.now() < credential.expires_at
        and credential.identity.status == Identity.Status.ACTIVE
        and not credential.identity.is_person
        # A program whose owner has left or is barred answers to nobody: it stops until somebody takes it over.
        and owner is not None
        and owner.status == Identity.Status.ACTIVE
        and _still_vouched_for(credential)
    )


def _still_vouched_for(credential: ApiCredential) -> bool:
    """What was had for a workload token ends with the binding, and with the issuer."""
    exchange: TokenExchange | None = getattr(credential, "exchange", None)
    return exchange is None or (exchange.binding.revoked_at is None and exchange.binding.issuer.removed_at is None)
