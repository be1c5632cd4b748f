"""The page of a provider's provisioning tokens: which there are, a new one shown once, and ending one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from identities.models import ProvisionedGroup, ProvisionedPerson, ProvisioningToken
from identities.permissions import person_of, requires
from identities.providers import find_provider
from identities.scim.describe import base_address
from identities.scim.forms import InputToken
from identities.scim.make_provisioning_token import make_provisioning_token
from identities.scim.revoke_provisioning_token import revoke_provisioning_token
from identities.sign_in.recently import proved_recently
from proofs.errors import NotFound, Refusal

ACTION = "sign_in.change"


@never_cache
@require_http_methods(["GET", "POST"])
@requires(ACTION)
@proved_recently
def provisioning(request: HttpRequest, slug: str) -> HttpResponse:
    """List a provider's tokens, and make one: its secret is on the answer to the form and nowhere else."""
    provider, now = find_provider(slug), timezone.now()
    form = InputToken(request.POST or None)
    secret, refusal = "", None
    if request.method == "POST" and form.is_valid():
        try:
            until = now + timedelta(days=form.cleaned_data["days"])
            _, secret = make_provisioning_token(provider=provider, expires_at=until, by=person_of(request), now=now)
        except Refusal as error:
            refusal = error
    people = ProvisionedPerson.objects.filter(provider=provider, removed_at__isnull=True)
    context: dict[str, Any] = {
        "provider": provider,
        "form": InputToken() if secret else form,
        "secret": secret,
        "refusal": refusal,
        "address": base_address(),
        "tokens": ProvisioningToken.objects.filter(provider=provider).select_related("made_by").order_by("-created_at"),
        "people": people.count(),
        "active": people.filter(active=True).count(),
        "groups": ProvisionedGroup.objects.filter(provider=provider).count(),
        "now": now,
    }
    return render(request, "identities/provisioning.html", context, status=422 if refusal or form.errors else 200)


@never_cache
@require_POST
@requires(ACTION)
@proved_recently
def revoke_token(request: HttpRequest, slug: str, token_id: str) -> HttpResponse:
    """End a token."""
    token = ProvisioningToken.objects.filter(pk=token_id, provider=find_provider(slug)).first()
    if token is None:
        raise NotFound("provisioning_token.unknown", "There is no such token of this provider.")
    revoke_provisioning_token(token=token, by=person_of(request), now=timezone.now())
    messages.success(request, "The token is revoked. Nothing is provisioned with it any more.")
    return redirect("identities:provisioning", slug)
