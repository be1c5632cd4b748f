"""Sign-in at an OpenID provider: the sign-in library's provider, made strict.

The library sends no nonce, takes parameters of the question from whoever asks, and trusts the connection for the ID token. Here every sign-in
has a nonce that stays in the session with its state, nothing is taken from the request but where to go afterwards, and the token is verified.

1. The answer belongs to a question of this session, and is the first.          sso.state
2. It comes from the provider that was asked (RFC 9207), and is no refusal.     sso.other_issuer, sso.provider_refused
3. The provider takes the code.                                                 oidc.code, oidc.client, oidc.answer
4. The ID token, by `proofs.tokens.id_token`.                                   token.*, id_token.*
5. Userinfo, where the token lacks something, speaks of the same person.        oidc.userinfo
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from allauth.account.utils import get_next_redirect_url
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from identities.models import IdentityProvider
from identities.oidc.discovery import keys_of_provider
from identities.oidc.exchange_code import ask_userinfo, exchange_code, sign_in_url
from identities.oidc.leave_for import leave_for
from identities.sso.provider_login import ProviderLogin, make_login, name_of, take_state
from identities.sso.told import Told, told_by_claims
from proofs.errors import NotAllowed, Unproven
from proofs.tokens.id_token import VerifiedIdToken, verify_id_token

WANTED = ("name", "email", "preferred_username")


class StrictOIDCProvider(OpenIDConnectProvider):
    """One OpenID provider, as the library knows it, with the row it stands for."""

    def __init__(self, request: HttpRequest, *, app: Any, row: IdentityProvider) -> None:
        super().__init__(request, app=app)
        self.row = row

    def redirect(self, request: HttpRequest, process: str, next_url: str | None = None, data: Any = None, **kwargs: Any) -> HttpResponse:
        """Answer with the way to the provider; whatever else the request asks for is not passed on. Refuses as `sign_in_url` does."""
        nonce, code_verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
        # Asked again, they have to show up now; only then does `again` stay with the question.
        again = {"again": timezone.now().timestamp()} if request.POST.get("again") else {}
        asked = {"prompt": "login", "max_age": "0"} if again else {} if self.max_age is None else {"max_age": str(self.max_age)}
        state_id = self.stash_redirect_state(
            request, AuthProcess.LOGIN, next_url, state_id=secrets.token_urlsafe(32), nonce=nonce, code_verifier=code_verifier, **again
        )
        url = sign_in_url(
            self.row,
            redirect_uri=self.redirect_uri,
            state=state_id,
            nonce=nonce,
            code_verifier=code_verifier,
            asked=asked,
        )
        return leave_for(request, url=url, provider=self.row)

    def redirect_from_request(self, request: HttpRequest) -> HttpResponse:
        return self.redirect(request, AuthProcess.LOGIN, get_next_redirect_url(request))

    def get_login_url(self, request: HttpRequest, **kwargs: Any) -> str:
        return reverse("openid_connect_login", args=[self.row.slug])

    def serialize(self) -> dict[str, Any]:
        return name_of(self.row)

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends people back to; of the portal's own origin, whatever host a request names."""
        return f"{settings.ORIGIN}{reverse('openid_connect_callback', args=[self.row.slug])}"

    @property
    def max_age(self) -> int | None:
        """How many seconds ago the person may have signed in at the provider; None is any time."""
        value = self.row.config.get("max_age")
        return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None

    def take_answer(self, request: HttpRequest, *, now: datetime) -> ProviderLogin:
        """Return the verified sign-in that a provider's answer is about. Steps 1 to 5, refusing with the codes above."""
        said = request.GET
        state = take_state(request, slug=self.row.slug, state_id=said.get("state", ""))  # 1
        if said.get("iss", self.row.issuer) != self.row.issuer:  # 2
            raise Unproven("sso.other_issuer", f"got an answer of another provider, expected one of {self.row.issuer!r}")
        if "error" in said or "code" not in said:
            raise NotAllowed(
                "sso.provider_refused", f"{self.row.name} did not sign you in ({_code_of(said.get('error', ''))}); try again there"
            )
        tokens = exchange_code(  # 3
            self.row, code=said["code"], code_verifier=state["code_verifier"], redirect_uri=self.redirect_uri
        )
        verified = verify_id_token(  # 4
            tokens.id_token,
            issuer_keys=keys_of_provider(self.row, unverified_token=tokens.id_token),
            expected_issuer=self.row.issuer,
            expected_audience=self.row.client_id,
            expected_nonce=state["nonce"],
            at=now,
            authenticated_after=self._asked_after(state, now),
        )
        return make_login(self, state, self._told(verified, tokens.access_token))

    def _asked_after(self, state: dict[str, Any], now: datetime) -> datetime | None:
        if "again" in state:
            return datetime.fromtimestamp(state["again"], UTC)
        return None if self.max_age is None else now - timedelta(seconds=self.max_age)

    def _told(self, verified: VerifiedIdToken, access_token: str) -> Told:  # 5
        claims = dict(verified.claims)
        if any(name not in claims for name in (self.row.groups_claim, *WANTED)):
            # What the provider signed comes first.
            claims = {**ask_userinfo(self.row, access_token=access_token, subject=verified.subject), **claims}
        return told_by_claims(claims, groups_claim=self.row.groups_claim, told_at=verified.authenticated_at)


def _code_of(error: str) -> str:
    return error if error.isascii() and error.replace("_", "").isalnum() and len(error) <= 40 else "no reason given"
