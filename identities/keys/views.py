"""Pages of one's own approval keys."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from identities.keys.bind import SignInToUse, begin_binding
from identities.keys.describe import describe_keys
from identities.keys.enrol import (
    CLOSED,
    INTRODUCED,
    RECOVERED,
    begin_enrolment,
    enrol_new_key,
    rename_signing_key,
    revoke_signing_key,
    take_new_key,
    way_to_enrol,
)
from identities.keys.forms import InputIntroduction, InputLabel, InputNewKey, InputRevocation
from identities.keys.introduce import begin_introduction, list_introducers, read_introduction
from identities.keys.pending import PendingKey, drop_pending, keep_pending, read_pending
from identities.keys.recoveries import find_live_recovery
from identities.models import Identity, SigningKey
from identities.oidc.bound_sign_in import oidc_provider_of
from identities.oidc.leave_for import leave_for, session_hash_of
from identities.permissions import may, person_of, requires
from identities.sign_in.recently import proved_recently
from proofs.errors import NotFound, Refusal

OFFER = "identities.enrolment"
QUESTION = "identities.introduction"


@never_cache
@require_safe
@requires("keys.own")
def keys(request: HttpRequest) -> HttpResponse:
    """Show one's own approval keys."""
    person, now = person_of(request), timezone.now()
    context = {
        "keys": describe_keys(person, now=now),
        "deciding": may(person, "requests.decide"),
        "officer": may(person, "recoveries.decide"),
        "provider": oidc_provider_of(person),
        "recovery": find_live_recovery(person, now=now),
        "way": way_to_enrol(person, now=now),
    }
    return render(request, "identities/keys.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("keys.own")
@proved_recently
def add_key(request: HttpRequest) -> HttpResponse:
    """Offer a challenge for a new approval key, and take the answer: steps 1 and 2."""
    person, now = person_of(request), timezone.now()
    if way_to_enrol(person, now=now) == CLOSED:
        return redirect("identities:recovery")
    refusal: Refusal | None = None
    form = InputNewKey(request.POST or None)
    if request.method == "POST":
        # Dropped first, whatever comes of it: an offer is good for one answer.
        offered = request.session.pop(OFFER, None)
        if form.is_valid():
            try:
                new = take_new_key(
                    identity=person,
                    state=offered,
                    response=form.cleaned_data["credential"],
                    label=form.cleaned_data["label"],
                    by=person,
                    now=now,
                )
                keep_pending(request.session, identity=person, new=new, now=now)
                return _go_on(request, person, now)
            except Refusal as error:
                refusal = error
    offer = begin_enrolment(identity=person, now=now)
    request.session[OFFER] = offer.state
    context = {"form": form, "options": offer.options, "refusal": refusal, **_steps(person, now)}
    return render(request, "identities/add_key.html", context, status=422 if refusal else 200)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("keys.own")
@proved_recently
def introduce_key(request: HttpRequest) -> HttpResponse:
    """Let an older key sign for the new one: step 3."""
    person, now = person_of(request), timezone.now()
    pending = read_pending(request.session, identity=person, now=now)
    older = list_introducers(person)
    refusal: Refusal | None = None
    form = InputIntroduction(request.POST or None)
    if request.method == "POST":
        question = request.session.pop(QUESTION, None)
        if form.is_valid():
            try:
                introduced = read_introduction(identity=person, state=question, response=form.cleaned_data["credential"], now=now)
                keep_pending(request.session, identity=person, new=pending.new, now=now, introduced=introduced)
                return _go_on(request, person, now)
            except Refusal as error:
                refusal = error
    if not older:
        return redirect("identities:recovery")
    chosen = next((key for key in older if key.pk == request.GET.get("key")), older[0])
    asked = begin_introduction(identity=person, introducer_id=chosen.pk, new=pending.new, now=now)
    request.session[QUESTION] = asked.state
    context = {
        "new": pending.new,
        "chosen": chosen,
        "others": [key for key in older if key.pk != chosen.pk],
        "options": asked.options,
        "refusal": refusal,
        **_steps(person, now),
    }
    return render(request, "identities/introduce_key.html", context, status=422 if refusal else 200)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("keys.own")
@proved_recently
def confirm_key(request: HttpRequest) -> HttpResponse:
    """Send the person to their identity provider, with a sign-in that is bound to the new key."""
    person, now = person_of(request), timezone.now()
    pending = read_pending(request.session, identity=person, now=now)
    provider = oidc_provider_of(person)
    if provider is None:
        raise NotFound("bound.no_provider", "You sign in with an account of this portal; there is no provider to confirm the key at.")
    if request.method == "POST":
        bound, url, salt = begin_binding(identity=person, new=pending.new, session_hash=session_hash_of(request), now=now)
        keep_pending(
            request.session, identity=person, new=pending.new, now=now, introduced=pending.introduced, salt=salt, bound_id=bound.pk
        )
        return leave_for(request, url=url, provider=provider)
    return render(request, "identities/confirm_key.html", {"new": pending.new, **_steps(person, now)})


@never_cache
@require_safe
@requires("keys.own")
def bound_key(request: HttpRequest, bound_id: str) -> HttpResponse:
    """Enrol the key that waits, after the identity provider confirmed it."""
    person, now = person_of(request), timezone.now()
    pending = read_pending(request.session, identity=person, now=now)
    if pending.bound_id != bound_id:
        raise NotFound("bound.unknown", "This sign-in belongs to no key that waits; start again and make one.")
    return _enrol(request, person, pending, SignInToUse(bound_id, pending.salt, session_hash_of(request)), now)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("keys.own")
@proved_recently
def rename_key(request: HttpRequest, key_id: str) -> HttpResponse:
    """Give one of one's own keys another name."""
    person = person_of(request)
    key = _own_key(person, key_id)
    form = InputLabel(request.POST or None, initial={"label": key.label})
    if request.method == "POST" and form.is_valid():
        renamed = rename_signing_key(key=key, label=form.cleaned_data["label"], by=person, now=timezone.now())
        messages.success(request, f"The key is called “{renamed.label}” now.")
        return redirect("identities:keys")
    return render(request, "identities/rename_key.html", {"key": key, "form": form})


@never_cache
@require_http_methods(["GET", "POST"])
@requires("keys.own")
@proved_recently
def revoke_key(request: HttpRequest, key_id: str) -> HttpResponse:
    """Ask what happened, and revoke one of one's own keys."""
    person, now = person_of(request), timezone.now()
    key = _own_key(person, key_id)
    refusal: Refusal | None = None
    form = InputRevocation(request.POST or None)
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        lost_since = (asked["since"] or now) if asked["cause"] == InputRevocation.LOST else None
        try:
            revoke_signing_key(key=key, by=person, reason=asked["reason"], now=now, compromised_from=lost_since)
        except Refusal as error:
            if error.code == "signer.revoked":
                raise
            refusal = error
        else:
            messages.success(request, f"“{key.label}” is revoked. Nothing can be approved with it any more.{_taken_along(key, now)}")
            return redirect("identities:keys")
    context = {"key": key, "form": form, "refusal": refusal, "is_last": len(list_introducers(person)) == 1}
    return render(request, "identities/revoke_key.html", context, status=422 if refusal else 200)


def _go_on(request: HttpRequest, person: Identity, now: datetime) -> HttpResponse:
    """Lead to the next step that the waiting key still needs, or enrol it."""
    pending = read_pending(request.session, identity=person, now=now)
    if pending.introduced is None and way_to_enrol(person, now=now) == INTRODUCED:
        return redirect("identities:introduce_key")
    if oidc_provider_of(person) is not None:
        return redirect("identities:confirm_key")
    return _enrol(request, person, pending, None, now)


def _enrol(request: HttpRequest, person: Identity, pending: PendingKey, sign_in: SignInToUse | None, now: datetime) -> HttpResponse:
    key = enrol_new_key(identity=person, new=pending.new, by=person, now=now, introduced=pending.introduced, sign_in=sign_in)
    drop_pending(request.session)
    waits = key.matures_at is not None and key.matures_at > now
    counts = "It counts everywhere but in environments of tier 3 until it has waited" if waits else "You can approve with it from now on"
    messages.success(request, f"“{key.label}” is enrolled. {counts}.")
    return redirect("identities:keys")


def _taken_along(key: SigningKey, now: datetime) -> str:
    labels = SigningKey.objects.filter(identity=key.identity_id, revoked_at=now).exclude(pk=key.pk).values_list("label", flat=True)
    named = " and ".join(f"“{label}”" for label in labels)
    return f" So {'are' if len(labels) > 1 else 'is'} {named}, which it introduced since." if labels else ""


def _steps(person: Identity, now: datetime) -> dict[str, object]:
    way = way_to_enrol(person, now=now)
    return {"provider": oidc_provider_of(person), "is_introduced": way == INTRODUCED, "is_recovered": way == RECOVERED}


def _own_key(person: Identity, key_id: str) -> SigningKey:
    key = SigningKey.objects.filter(pk=key_id, identity=person).first()
    if key is None:
        raise NotFound("signer.unknown", "There is no such key, or it is not yours.")
    return key
