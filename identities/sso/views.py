"""The doors of sign-in by identity provider: to the provider, and back from it. What is refused is written down with the provider's name."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from allauth.account.internal.decorators import login_not_required
from allauth.account.utils import get_next_redirect_url
from allauth.socialaccount.helpers import complete_social_login
from allauth.socialaccount.sessions import LoginSession
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from identities.models import Identity, IdentityProvider
from identities.permissions import person_of, requires
from identities.sign_in.adapter import ClosedAdapter
from identities.sign_in.events import FAILED, REFUSED
from identities.sign_in.recently import note_told_at
from identities.sso.adapter import ProviderAdapter
from identities.sso.oidc_provider import StrictOIDCProvider
from identities.sso.provider_login import ProviderLogin
from identities.sso.saml_answer import SamlAnswer, read_saml_answer, saml_settings
from identities.sso.saml_provider import StrictSAMLProvider
from proofs.errors import Malformed, NotFound, Refusal

# Between the provider's form and the next address, a redirect away.
ANSWER_SECONDS = 120
ANSWER_COOKIE = "saml-answer"


@never_cache
@require_http_methods(["GET", "POST"])
@login_not_required
def begin(request: HttpRequest, slug: str) -> HttpResponse:
    """Send the browser to a provider. By a form alone: a link somewhere else must not sign people in."""
    if request.method != "POST":
        return redirect("account_login")
    response: HttpResponse = ProviderAdapter(request).get_provider(request, slug).redirect_from_request(request)
    return response


@never_cache
@require_safe
@login_not_required
def oidc_callback(request: HttpRequest, slug: str) -> HttpResponse:
    """Take an OpenID provider's answer, and sign the person in."""
    provider = _oidc(request, slug)
    login: ProviderLogin | None = None
    try:
        login = provider.take_answer(request, now=timezone.now())
        return _complete(request, login, login.told.told_at)
    except Refusal:
        _record(request, provider.row, login)
        raise


@csrf_exempt
@never_cache
@require_POST
@login_not_required
def saml_acs(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a SAML provider's response and verify it; the next address, with the session, sees whose question it answers."""
    provider = _saml(request, slug)
    try:
        answer = read_saml_answer(provider.row, request.POST.get("SAMLResponse", ""), now=timezone.now())
    except Refusal:
        _record(request, provider.row, None)
        raise
    response = redirect("saml_finish_acs", slug)
    held = LoginSession(request, "saml_answer", ANSWER_COOKIE)
    held.store.flush()
    held.store.update({"answer": asdict(answer), "slug": slug})
    held.store.set_expiry(ANSWER_SECONDS)
    held.save(response)
    response.cookies[ANSWER_COOKIE]["httponly"] = True
    return response


@never_cache
@require_safe
@login_not_required
def saml_finish_acs(request: HttpRequest, slug: str) -> HttpResponse:
    """Hold a verified SAML response against this session's question, and sign the person in."""
    provider = _saml(request, slug)
    held = LoginSession(request, "saml_answer", ANSWER_COOKIE)
    kept, of_slug = held.store.get("answer"), held.store.get("slug")
    held.delete()
    login: ProviderLogin | None = None
    try:
        if not isinstance(kept, dict) or of_slug != slug:
            raise Malformed("saml.no_answer", f"got no answer of {provider.row.name} with this browser; sign in again")
        login = provider.take_answer(request, SamlAnswer(**kept))
        return _complete(request, login, login.told.told_at)
    except Refusal:
        _record(request, provider.row, login)
        raise


@require_safe
@login_not_required
def saml_metadata(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what an identity provider has to know of this portal (SAML 2.0 Metadata)."""
    content = saml_settings(_saml(request, slug).row).get_sp_metadata()
    return HttpResponse(content, content_type="application/samlmetadata+xml")


@never_cache
@require_safe
@requires("keys.own")
def again(request: HttpRequest) -> HttpResponse:
    """Ask somebody without a password here to prove at their provider that it is still them, before keys, roles or settings change."""
    row = IdentityProvider.objects.filter(issuer=person_of(request).issuer, removed_at__isnull=True).first()
    provider = ProviderAdapter(request).get_provider(request, row.slug) if row is not None else None
    return render(request, "identities/sign_in_again.html", {"provider": provider, "next": get_next_redirect_url(request) or "/"})


def _complete(request: HttpRequest, login: ProviderLogin, told_at: datetime | None) -> HttpResponse:
    response: HttpResponse = complete_social_login(request, login)
    note_told_at(request, told_at.timestamp() if told_at is not None else None)
    return response


def _oidc(request: HttpRequest, slug: str) -> StrictOIDCProvider:
    provider = ProviderAdapter(request).get_provider(request, slug)
    if not isinstance(provider, StrictOIDCProvider):
        raise NotFound("sso.provider_unknown", f"there is no OpenID provider {slug}")
    return provider


def _saml(request: HttpRequest, slug: str) -> StrictSAMLProvider:
    provider = ProviderAdapter(request).get_provider(request, slug)
    if not isinstance(provider, StrictSAMLProvider):
        raise NotFound("sso.provider_unknown", f"there is no SAML provider {slug}")
    return provider


def _record(request: HttpRequest, row: IdentityProvider, login: ProviderLogin | None) -> None:
    """Without a verified sign-in nobody is named; with one, somebody proved who they are and was not let in."""
    subject = login.account.uid if login is not None else ""
    identity = Identity.objects.filter(issuer=row.issuer, subject=subject).first() if subject else None
    username = getattr(getattr(identity, "user", None), "username", "")
    outcome = REFUSED if login is not None else FAILED
    ClosedAdapter(request).record(request, username, outcome, identity, via=row.slug)
