"""Pages of one identity, and of one's own approval keys. The list of all is `reports.register`, because it reads what they did."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.core.exceptions import ReauthenticationRequired
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from identities.enrol import begin_enrolment, complete_enrolment, revoke_signing_key
from identities.forms import InputNewKey, InputRevocation
from identities.grants.views import rights_shown
from identities.lifecycle.change_status import may_steward
from identities.lifecycle.rotate_views import rotatable_signers
from identities.lifecycle.views import offered_changes
from identities.models import SigningKey
from identities.permissions import may, person_of, requires
from identities.queries import (
    describe_identity,
    get_identity,
    list_exchanges,
    list_signing_keys,
)
from identities.review.views import reviews_shown
from identities.sign_in import signed_in_recently
from proofs.errors import NotFound, Refusal

OFFER = "identities.enrolment"


def proved_recently(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Ask for a fresh proof of the person before a page that changes keys: an unlocked screen must not be enough."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not signed_in_recently(request):
            raise ReauthenticationRequired
        return view(request, *args, **kwargs)

    return guarded


@require_safe
@requires("identities.read")
def identity(request: HttpRequest, identity_id: str) -> HttpResponse:
    """Show one identity: what it is, who answers for it, how it proves itself, what it may do, and when somebody last looked at that."""
    shown, person, now = get_identity(identity_id), person_of(request), timezone.now()
    # Which credentials a program has and when it last called is its own team's affair.
    own_team = shown.owner_id == person.pk or may(person, "identities.read", team=shown.team).allowed
    context = {
        "shown": shown,
        "sentence": describe_identity(shown),
        "own_team": own_team,
        "exchanges": list_exchanges(shown) if own_team else [],
        "changes": offered_changes(shown, person),
        "may_mark": not shown.is_person and may_steward(shown, person),
        "rotatable": rotatable_signers(shown, person, now=now),
        "now": now,
        **rights_shown(shown, person, now=now),
        **reviews_shown(shown, person, now=now),
    }
    return render(request, "identities/identity.html", context)


@never_cache
@require_safe
@requires("keys.own")
def keys(request: HttpRequest) -> HttpResponse:
    """Show one's own approval keys."""
    person = person_of(request)
    context = {"keys": list_signing_keys(person), "deciding": may(person, "requests.decide")}
    return render(request, "identities/keys.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("keys.own")
@proved_recently
def add_key(request: HttpRequest) -> HttpResponse:
    """Offer a challenge for a new approval key, and take the answer."""
    person = person_of(request)
    refusal: Refusal | None = None
    form = InputNewKey(request.POST or None)
    if request.method == "POST":
        # Dropped first, whatever comes of it: an offer is good for one answer.
        offered = request.session.pop(OFFER, None)
        if form.is_valid():
            try:
                key = complete_enrolment(
                    identity=person,
                    state=offered,
                    response=form.cleaned_data["credential"],
                    label=form.cleaned_data["label"],
                    by=person,
                    now=timezone.now(),
                )
                messages.success(request, f"“{key.label}” is enrolled. You can approve with it from now on.")
                return redirect("identities:keys")
            except Refusal as error:
                refusal = error
    offer = begin_enrolment(identity=person, now=timezone.now())
    request.session[OFFER] = offer.state
    context = {"form": form, "options": offer.options, "refusal": refusal}
    return render(request, "identities/add_key.html", context, status=422 if refusal else 200)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("keys.own")
@proved_recently
def revoke_key(request: HttpRequest, key_id: str) -> HttpResponse:
    """Ask why, and revoke one of one's own keys."""
    person = person_of(request)
    key = SigningKey.objects.filter(pk=key_id, identity=person).first()
    if key is None:
        raise NotFound("signer.unknown", "There is no such key, or it is not yours.")
    form = InputRevocation(request.POST or None)
    if request.method == "POST" and form.is_valid():
        revoke_signing_key(key=key, by=person, reason=form.cleaned_data["reason"], now=timezone.now())
        messages.success(request, f"“{key.label}” is revoked. Nothing can be approved with it any more.")
        return redirect("identities:keys")
    return render(request, "identities/revoke_key.html", {"key": key, "form": form})
