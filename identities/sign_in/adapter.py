"""Where the sign-in library meets our rules: nobody registers themselves, only active people come in, and it is written down.

Passwords, passkeys, second factors, session rotation and rate limits are the library's; approvals never rest on any of them.
"""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.reauthentication import get_reauthentication_flows
from allauth.account.models import EmailAddress
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from identities.models import Identity, User
from identities.sign_in.events import FAILED, REFUSED, SIGNED_IN, SIGNED_OUT, record_sign_in
from identities.sign_in.local_accounts import why_not_here
from identities.sign_in.recently import ask_at_provider, signed_in_recently
from proofs.errors import NotAllowed

# None is a way the library did not note, so none that a provider vouched for.
LOCAL_WAYS = ("password", "passkey", None)


class ClosedAdapter(DefaultAccountAdapter):
    """No sign-up; a suspended or retired person does not come in; every sign-in, failure and sign-out is recorded."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse | None:
        identity = identity_of(user)
        if identity is not None and identity.status != Identity.Status.ACTIVE:
            self.record(request, user.get_username(), REFUSED, identity, via=_how(request, user))
            return self.respond_user_inactive(request, user)
        self._refuse_local(request, user)
        return super().pre_login(request, user, **kwargs)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        why = why_not_here()
        if why:
            # Before the password is looked at: whether it is the right one is nobody's to learn here.
            raise ValidationError(why, code="local_off")
        super().pre_authenticate(request, **credentials)

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        # Once more: between the first and the second factor it may have been switched off, or the person deactivated.
        fresh = Identity.objects.filter(user__pk=user.pk).first()
        if fresh is not None and fresh.status != Identity.Status.ACTIVE:
            self.record(request, user.get_username(), REFUSED, fresh, via=_how(request, user))
            raise ImmediateHttpResponse(self.respond_user_inactive(request, user))
        self._refuse_local(request, user)
        super().login(request, user)
        self.record(request, user.get_username(), SIGNED_IN, identity_of(user), via=_how(request, user))

    def _refuse_local(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """Refuse with `sso.local_off` somebody who came with a password or passkey and may not."""
        identity, how = identity_of(user), _how(request, user)
        why = why_not_here(identity) if how in LOCAL_WAYS else ""
        if why:
            self.record(request, user.get_username(), REFUSED, identity, via=how)
            raise NotAllowed("sso.local_off", why)

    def logout(self, request: HttpRequest) -> None:
        user = request.user
        username, identity = user.get_username(), identity_of(user)
        super().logout(request)
        self.record(request, username, SIGNED_OUT, identity)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        self.record(request, str(credentials.get("username", "")), FAILED, None, via="password")

    def record_failure(self, request: HttpRequest, username: str, identity: Identity | None, *, via: str | None = None) -> None:
        """Record a failed proof that does not pass through the library's password check: a passkey or a second factor."""
        self.record(request, username, FAILED, identity, via=via)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """The library lets people without a password or second factor here change them unasked; their provider asks them instead."""
        request = context.request
        if isinstance(request.user, User) and not get_reauthentication_flows(request.user) and not signed_in_recently(request):
            raise ImmediateHttpResponse(ask_at_provider(request))
        return bool(super().is_reauthentication_required(app=app))

    def can_delete_email(self, email_address: EmailAddress) -> bool:
        return False

    def record(self, request: HttpRequest, username: str, outcome: str, identity: Identity | None, *, via: str | None = None) -> None:
        """Record a sign-in, with the address it came from where that is known."""
        try:
            address = self.get_client_ip(request)
        except PermissionDenied:
            address = ""
        record_sign_in(username=username, outcome=outcome, address=address, identity=identity, now=timezone.now(), via=via)


class PasskeyAdapter(DefaultMFAAdapter):
    """Passkeys for sign-in belong to the configured relying party, whatever Host header a request carries."""

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {"id": settings.RP_ID, "name": "Countersign"}

    def get_public_key_credential_user_entity(self, user: AbstractBaseUser) -> dict[str, Any]:
        entity: dict[str, Any] = super().get_public_key_credential_user_entity(user)
        return {**entity, "name": f"{user.get_username()} (sign-in)", "display_name": user.get_username()}


def _how(request: HttpRequest, user: AbstractBaseUser) -> str | None:
    """How the person came in, by the newest proof that is no second factor; where there are only those, one was the passkey they came with."""
    records = get_authentication_records(request, user)
    for record in reversed(records):
        if record["method"] != "mfa":
            return str(record["provider"] if record["method"] == "socialaccount" else record["method"])
    return "passkey" if records else None


def identity_of(user: object) -> Identity | None:
    """Return the identity of a sign-in account, if it has one."""
    return user.identity if isinstance(user, User) else None
