"""The pages of recovery: the person who lost every key asks, and officers answer."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from identities.keys.enrol import FIRST, INTRODUCED, way_to_enrol
from identities.keys.recoveries import find_live_recovery, list_recoveries, standing_of
from identities.models import KeyRecovery
from identities.people.officers import list_officers
from identities.people.recovery.consent_to_recovery import consent_to_recovery
from identities.people.recovery.end_recovery import end_recovery
from identities.people.recovery.forms import InputAnswer, InputRecovery
from identities.people.recovery.open_recovery import open_recovery
from identities.permissions import person_of, requires
from identities.sign_in.recently import proved_recently
from proofs.errors import Malformed, NotFound, Refusal

ROWS = 20


@never_cache
@require_http_methods(["GET", "POST"])
@requires("keys.own")
@proved_recently
def recovery(request: HttpRequest) -> HttpResponse:
    """Ask for a recovery of one's own keys, and show how far it has come."""
    person, now = person_of(request), timezone.now()
    form = InputRecovery(request.POST or None)
    refusal: Refusal | None = None
    if request.method == "POST" and form.is_valid():
        try:
            open_recovery(reason=form.cleaned_data["reason"], by=person, now=now)
        except Refusal as error:
            refusal = error
        else:
            messages.success(request, "You asked for a recovery. Tell two officers, by a way they know you by.")
            return redirect("identities:recovery")
    way = way_to_enrol(person, now=now)
    context = {
        "form": form,
        "refusal": refusal,
        "standing": find_live_recovery(person, now=now),
        "has_key": way == INTRODUCED,
        "never_had_one": way == FIRST,
        "officers": list_officers().exclude(pk=person.pk).order_by("name"),
    }
    return render(request, "identities/recovery.html", context, status=409 if refusal else 200)


@never_cache
@require_POST
@requires("keys.own")
@proved_recently
def recovery_end(request: HttpRequest) -> HttpResponse:
    """Take one's own recovery back."""
    person, now = person_of(request), timezone.now()
    standing = find_live_recovery(person, now=now)
    if standing is not None:
        end_recovery(recovery=standing.recovery, by=person, now=now)
        messages.success(request, "You took the recovery back. Nothing changed.")
    return redirect("identities:keys")


@never_cache
@require_safe
@requires("recoveries.decide")
@proved_recently
def recoveries(request: HttpRequest) -> HttpResponse:
    """Show officers who asks for a recovery, and what became of earlier ones."""
    person, now = person_of(request), timezone.now()
    page = Paginator(list_recoveries(), ROWS).get_page(request.GET.get("page"))
    standings = [standing_of(row, now=now) for row in page]
    asked = [
        {
            "standing": standing,
            "is_mine": standing.recovery.identity_id == person.pk,
            "answered": any(consent.officer_id == person.pk for consent in standing.consents),
        }
        for standing in standings
    ]
    return render(request, "identities/recoveries.html", {"page": page, "asked": asked})


@never_cache
@require_POST
@requires("recoveries.decide")
@proved_recently
def recovery_answer(request: HttpRequest, recovery_id: str) -> HttpResponse:
    """Take an officer's answer."""
    row = KeyRecovery.objects.select_related("identity").filter(pk=recovery_id).first()
    if row is None:
        raise NotFound("recovery.unknown", "There is no such recovery.")
    form = InputAnswer(request.POST)
    if not form.is_valid():
        raise Malformed("recovery.answer", "got no answer, expected consent or refuse")
    person, now = person_of(request), timezone.now()
    if form.cleaned_data["answer"] == InputAnswer.REFUSE:
        end_recovery(recovery=row, by=person, now=now)
        messages.success(request, f"You refused the recovery of {row.identity.name}. Nothing changes.")
    else:
        standing = consent_to_recovery(recovery=row, by=person, now=now)
        follows = "One more officer must agree." if standing.missing else f"{row.identity.name} can add a new key now."
        messages.success(request, f"You agreed. {follows}")
    return redirect("identities:recoveries")
