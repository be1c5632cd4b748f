"""Where the sign-in library's sign-in by identity provider meets our rules.

Which providers there are is said by our own rows, whose account it is by `come_in`, and nobody registers or links an account on the way. The
library's own tables of apps, accounts and tokens stay empty. Second factors, session rotation and sign-in stages are the library's.
"""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.base.provider import Provider
from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest
from django.utils import timezone

from identities.models import IdentityProvider
from identities.providers import active_providers, find_provider
from identities.sso.come_in import come_in
from identities.sso.oidc_provider import StrictOIDCProvider
from identities.sso.provider_login import ProviderLogin
from identities.sso.saml_provider import StrictSAMLProvider
from proofs.errors import NotAllowed

LIBRARY_NAME = {IdentityProvider.Protocol.OIDC: "openid_connect", IdentityProvider.Protocol.SAML: "saml"}


class ProviderAdapter(DefaultSocialAccountAdapter):
    """Providers from our rows, accounts from `come_in`; no sign-up, no linking, nothing by e-mail address."""

    def list_apps(self, request: HttpRequest, provider: str | None = None, client_id: str | None = None) -> list[SocialApp]:
        apps = [app_of(row) for row in active_providers()]
        named = [app for app in apps if provider in (None, app.provider, app.provider_id)]
        return [app for app in named if client_id in (None, app.client_id)]

    def list_providers(self, request: HttpRequest) -> list[Provider]:
        return [self.get_provider(request, app.provider_id) for app in self.list_apps(request)]

    def get_provider(self, request: HttpRequest, provider: str, client_id: str | None = None) -> Provider:
        """Return one provider by its slug, as the class that is strict about its protocol. Refuses with `sso.provider_unknown`."""
        row = find_provider(provider)
        kind = StrictOIDCProvider if row.protocol == IdentityProvider.Protocol.OIDC else StrictSAMLProvider
        return kind(request, app=app_of(row), row=row)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def authenticate_by_email(self, sociallogin: SocialLogin) -> tuple[AbstractUser, str] | None:
        return None

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find whose account it is. Refuses as `come_in` does; without what a strict provider told, with `sso.unverified`."""
        plain = sociallogin.state.get("process") == AuthProcess.LOGIN
        if not isinstance(sociallogin, ProviderLogin) or not plain:
            raise NotAllowed("sso.unverified", "got a sign-in that no provider of this portal vouches for; sign in again")
        told = sociallogin.told
        sociallogin.user = come_in(
            provider=sociallogin.provider.row,
            subject=told.subject,
            username=told.username,
            name=told.name,
            email=told.email,
            groups=told.groups,
            now=timezone.now(),
        )


def app_of(row: IdentityProvider) -> SocialApp:
    """Return the library's form of a provider; never saved, and without its secret."""
    client_id = row.client_id if row.protocol == IdentityProvider.Protocol.OIDC else row.slug
    name = LIBRARY_NAME[IdentityProvider.Protocol(row.protocol)]
    settings: dict[str, Any] = {}
    return SocialApp(provider=name, provider_id=row.slug, name=row.name, client_id=client_id, settings=settings)
