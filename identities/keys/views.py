"""Pages of one's own approval keys."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from identities.keys.enrol import begin_enrolment, complete_enrolment, revoke_signing_key
from identities.keys.forms import InputNewKey, InputRevocation
from identities.models import SigningKey
from identities.permissions import may, person_of, requires
from identities.queries import list_signing_keys
from identities.sign_in.recently import proved_recently
from proofs.errors import NotFound, Refusal

OFFER = "identities.enrolment"


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
