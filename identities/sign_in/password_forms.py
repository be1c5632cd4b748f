"""The sign-in library's forms about passwords: they change nothing for somebody who may not sign in with one."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import ChangePasswordForm, ResetPasswordForm, ResetPasswordKeyForm, SetPasswordForm
from django.core.exceptions import ValidationError

from identities.sign_in.adapter import identity_of
from identities.sign_in.local_accounts import provider_of, why_not_here


def _refuse(user: object) -> None:
    why = why_not_here(identity_of(user))
    if why:
        raise ValidationError(why, code="local_off")


class OwnPasswordForm(ChangePasswordForm):
    """Another password, for whoever signs in with one."""

    def clean(self) -> dict[str, Any]:
        _refuse(self.user)
        return dict(super().clean() or {})  # type: ignore[no-untyped-call]


class FirstPasswordForm(SetPasswordForm):
    """A password for whoever has none yet and may sign in with one."""

    def clean(self) -> dict[str, Any]:
        _refuse(self.user)
        return dict(super().clean() or {})  # type: ignore[no-untyped-call]


class ForgottenPasswordForm(ResetPasswordForm):
    """A link for whoever forgot their password; people of an identity provider get none, and nobody is told whose address it is."""

    def clean_email(self) -> str:
        _refuse(None)
        email = str(super().clean_email())
        self.users = [user for user in self.users if provider_of(identity_of(user)) is None]
        return email


class NewPasswordForm(ResetPasswordKeyForm):
    """A new password by way of such a link, which may be older than the switch."""

    def clean(self) -> dict[str, Any]:
        _refuse(self.user)
        return dict(super().clean() or {})  # type: ignore[no-untyped-call]
