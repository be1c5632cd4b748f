"""The sign-in library's forms whose refusals pass through none of its hooks: what they refuse is recorded here.

They check nothing of their own.
"""

from __future__ import annotations

from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import LoginWebAuthnForm
from django.core.exceptions import ValidationError

from identities.models import Identity
from identities.sign_in import ClosedAdapter, identity_of


class PasskeySignInForm(LoginWebAuthnForm):
    """Sign-in with a passkey; a refused one is recorded without a name, as its claim to be somebody is not proved."""

    def clean_credential(self) -> Authenticator:
        try:
            return super().clean_credential()
        except ValidationError:
            _record_failure("", None)
            raise


class SecondFactorForm(AuthenticateForm):
    """A code after the password; a wrong one is recorded."""

    def clean_code(self) -> str:
        try:
            return str(super().clean_code())
        except ValidationError:
            _record_failure(self.user.get_username(), identity_of(self.user))
            raise


def _record_failure(username: str, identity: Identity | None) -> None:
    ClosedAdapter(context.request).record_failure(context.request, username, identity)
