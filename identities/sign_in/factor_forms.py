"""The sign-in library's forms: what they refuse outside the library's own hooks is recorded here.

A passkey's answer is read by the strict JSON parser, and one the library's parsers break on is a refused one. Nothing else is checked here.
"""

from __future__ import annotations

from typing import Any

from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import AddWebAuthnForm, AuthenticateWebAuthnForm, LoginWebAuthnForm, ReauthenticateWebAuthnForm
from django import forms
from django.core.exceptions import ValidationError
from django.db import DatabaseError

from identities.json_field import StrictJSONField
from identities.models import Identity
from identities.sign_in.adapter import ClosedAdapter, identity_of


class SecondFactorPasskeyForm(AuthenticateWebAuthnForm):
    """A passkey after the password."""

    credential = StrictJSONField(widget=forms.HiddenInput)

    def clean_credential(self) -> Authenticator:
        try:
            return super().clean_credential()
        except (ValidationError, DatabaseError):
            raise
        except Exception as error:
            # The library's parsers raise whatever they meet (KeyError, struct.error …): unreadable is refused.
            raise get_adapter().validation_error("incorrect_code") from error


class ReauthenticatePasskeyForm(SecondFactorPasskeyForm, ReauthenticateWebAuthnForm):
    """A passkey to prove again who sits there."""


class PasskeySignInForm(SecondFactorPasskeyForm, LoginWebAuthnForm):
    """Sign-in with a passkey; a refused one is recorded without a name, as its claim to be somebody is not proved."""

    def clean_credential(self) -> Authenticator:
        try:
            return super().clean_credential()
        except ValidationError:
            _record_failure("", None, via="passkey")
            raise


class NewPasskeyForm(AddWebAuthnForm):
    """A new passkey for sign-in. Approval keys are enrolled elsewhere."""

    credential = StrictJSONField(widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        try:
            return dict(super().clean())
        except (ValidationError, DatabaseError):
            raise
        except Exception as error:
            # As above.
            raise get_adapter().validation_error("incorrect_code") from error


class SecondFactorForm(AuthenticateForm):
    """A code after the password; a wrong one is recorded."""

    def clean_code(self) -> str:
        try:
            return str(super().clean_code())
        except ValidationError:
            _record_failure(self.user.get_username(), identity_of(self.user))
            raise


def _record_failure(username: str, identity: Identity | None, *, via: str | None = None) -> None:
    ClosedAdapter(context.request).record_failure(context.request, username, identity, via=via)
