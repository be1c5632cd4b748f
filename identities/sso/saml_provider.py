"""Sign-in at a SAML 2.0 identity provider: the sign-in library's provider, made strict (`identities.sso.saml_answer`).

What the provider answers is verified where it arrives, and before anything of it is kept; whether it answers a question of this session is seen
in the step after, because browsers send no session along with a form of another site.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from allauth.account.utils import get_next_redirect_url
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.saml.provider import SAMLProvider
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from onelogin.saml2.auth import OneLogin_Saml2_Auth

from identities.models import IdentityProvider
from identities.oidc.leave_for import leave_for
from identities.sso.provider_login import ProviderLogin, make_login, name_of, take_state
from identities.sso.saml_answer import SKEW, SamlAnswer, request_data_of, saml_settings
from identities.sso.told import told_by_attributes
from proofs.errors import Unproven


class StrictSAMLProvider(SAMLProvider):
    """One SAML identity provider, as the library knows it, with the row it stands for."""

    def __init__(self, request: HttpRequest, *, app: Any, row: IdentityProvider) -> None:
        super().__init__(request, app=app)
        self.row = row

    def redirect(self, request: HttpRequest, process: str, next_url: str | None = None, data: Any = None, **kwargs: Any) -> HttpResponse:
        """Answer with the way to the provider; the question's id stays in the session. Refuses as `saml_settings` does."""
        auth = OneLogin_Saml2_Auth(request_data_of(self.row), saml_settings(self.row))
        again = {"again": timezone.now().timestamp()} if request.POST.get("again") else {}
        url = auth.login(return_to="", force_authn=bool(again) or self.row.config.get("force_authn") is True)
        self.stash_redirect_state(request, AuthProcess.LOGIN, next_url, state_id=auth.get_last_request_id(), **again)
        return leave_for(request, url=url, provider=self.row)

    def redirect_from_request(self, request: HttpRequest) -> HttpResponse:
        return self.redirect(request, AuthProcess.LOGIN, get_next_redirect_url(request))

    def get_login_url(self, request: HttpRequest, **kwargs: Any) -> str:
        return reverse("saml_login", args=[self.row.slug])

    def serialize(self) -> dict[str, Any]:
        return name_of(self.row)

    def take_answer(self, request: HttpRequest, answer: SamlAnswer) -> ProviderLogin:
        """Return the sign-in that a verified answer is about.

        Refuses with `sso.state` when this session did not ask or was answered, and with `saml.not_asked`.
        """
        state = take_state(request, slug=self.row.slug, state_id=answer.in_response_to)
        asked_at = datetime.fromtimestamp(answer.authenticated_at, UTC)
        if "again" in state and asked_at + SKEW < datetime.fromtimestamp(state["again"], UTC):
            raise Unproven("saml.not_asked", f"{self.row.name} did not ask you again, expected that it does (ForceAuthn); sign in again")
        told = told_by_attributes(
            answer.subject, answer.attributes, config=self.row.config, groups_claim=self.row.groups_claim, told_at=asked_at
        )
        return make_login(self, state, told)
