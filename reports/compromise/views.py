"""The page on which a program is marked as compromised: since when, what that takes back, why, and the button."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from identities.lifecycle.change_status import demand_stewardship
from identities.lifecycle.compromise import mark_compromised
from identities.permissions import person_of, requires
from identities.queries import get_identity_of_own_team
from identities.sign_in.recently import proved_recently
from proofs.errors import Malformed, Refusal
from reports.compromise.forms import InputCompromise, InputSince
from reports.compromise.preview import preview_compromise


@never_cache
@require_http_methods(["GET", "POST"])
@requires("identities.steward")
@proved_recently
def compromised(request: HttpRequest, identity_id: str) -> HttpResponse:
    """Ask since when, show what would no longer count, and do it once a reason is given."""
    person, shown, now = person_of(request), get_identity_of_own_team(identity_id, reader=person_of(request)), timezone.now()
    demand_stewardship(shown, person)
    if shown.is_person:
        raise Malformed("identity.person", f"{shown} is a person: suspend them, and have their approval keys revoked")
    is_act = request.method == "POST"
    asked = InputSince(request.POST if is_act else request.GET if "since" in request.GET else None)
    since = asked.cleaned_data["since"] if asked.is_valid() else None
    form = InputCompromise(request.POST) if is_act else InputCompromise(initial={"since": since})
    refusal: Refusal | None = None
    if is_act and since and form.is_valid():
        try:
            mark_compromised(identity=shown, since=since, reason=form.cleaned_data["reason"], by=person, now=now)
        except Refusal as error:
            refusal = error
        else:
            messages.success(
                request, f"{shown} is compromised from {since:%Y-%m-%d %H:%M} UTC on. What this touches is being verified again."
            )
            return redirect("identities:identity", shown.pk)
    affected = preview_compromise(shown, since=since, reader=person, now=now) if since else None
    context = {"shown": shown, "asked": asked, "form": form, "affected": affected, "refusal": refusal}
    return render(request, "reports/compromised.html", context, status=422 if refusal or asked.errors or form.errors else 200)
