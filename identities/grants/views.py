"""What a program may do, on its page; and the pages on which a right is given and ended."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.text import capfirst
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from identities.forms import InputChange
from identities.grants.forms import OBJECTS, InputGrant, InputGrantEnd
from identities.grants.grant_right import ANYTHING, end_grant, grant_right
from identities.grants.held import list_grants
from identities.grants.known_objects import list_known_types
from identities.lifecycle.change_status import demand_stewardship, may_steward
from identities.models import Grant, Identity
from identities.permissions import person_of, requires
from identities.queries import get_identity_of_own_team
from identities.sign_in.recently import proved_recently
from proofs.errors import NotFound, Refusal

# At which field a refusal of the act is shown; any other stands on top.
FIELDS = {
    "grant.right": "right",
    "grant.object": "object",
    "grant.expiry": "valid_until",
    "identity.reason": "reason",
}


def rights_shown(identity: Identity, person: Identity, *, now: datetime) -> dict[str, Any]:
    """Return what the page of an identity says about its rights, and whether this person may change them."""
    grants = [] if identity.is_person else list(list_grants(identity))
    held = [grant for grant in grants if grant.ends_at is None or grant.ends_at > now]
    return {
        "held_grants": held,
        "ended_grants": [grant for grant in grants if grant not in held],
        "may_attest": any(grant.right == Grant.Right.ATTEST for grant in held),
        "changes_rights": may_steward(identity, person) and identity.status != Identity.Status.RETIRED and not identity.is_person,
    }


@never_cache
@require_http_methods(["GET", "POST"])
@requires("identities.steward")
@proved_recently
def grant_add(request: HttpRequest, identity_id: str) -> HttpResponse:
    """Ask which right a program is given, where and why, and give it."""
    person, shown = person_of(request), get_identity_of_own_team(identity_id, reader=person_of(request))
    demand_stewardship(shown, person)
    if shown.is_person or shown.status == Identity.Status.RETIRED:
        words = "people hold roles, and grants are for programs" if shown.is_person else "it is retired, and needs no right any more"
        messages.error(request, f"{shown}: {words}.")
        return redirect("identities:identity", shown.pk)
    refusal: Refusal | None = None
    form = InputGrant(request.POST or None, team=shown.team, initial={"object": request.GET.get("object", "")[:300]})
    if request.method == "POST" and form.is_valid():
        try:
            grant = grant_right(identity=shown, by=person, now=timezone.now(), **form.cleaned_data)
        except Refusal as error:
            refusal = _at_its_field(form, error)
        else:
            messages.success(request, f"{shown} may: {grant}.{_follows(grant)}")
            return redirect("identities:identity", shown.pk)
    context = {"shown": shown, "form": form, "refusal": refusal, "objects_id": OBJECTS, "known_types": list_known_types()}
    return render(request, "identities/grant_add.html", context, status=422 if refusal or form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("identities.steward")
@proved_recently
def grant_end(request: HttpRequest, identity_id: str, grant_id: str) -> HttpResponse:
    """Say what a right is and what its end means, ask why, and end it."""
    person, shown = person_of(request), get_identity_of_own_team(identity_id, reader=person_of(request))
    demand_stewardship(shown, person)
    grant = list_grants(shown).filter(pk=grant_id).first()
    if grant is None:
        raise NotFound("grant.unknown", f"{shown} has no such grant.")
    now = timezone.now()
    if grant.ends_at is not None and grant.ends_at <= now:
        messages.error(request, f"“{grant}” has ended already.")
        return redirect("identities:identity", shown.pk)
    refusal: Refusal | None = None
    form = InputGrantEnd(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            end_grant(grant=grant, reason=form.cleaned_data["reason"], by=person, now=now)
        except Refusal as error:
            refusal = _at_its_field(form, error)
        else:
            messages.success(request, f"“{grant}” has ended. What {shown} signed under it before stays.")
            return redirect("identities:identity", shown.pk)
    others = [other for other in rights_shown(shown, person, now=now)["held_grants"] if other.pk != grant.pk and other.right == grant.right]
    covered = any(other.object in (grant.object, ANYTHING) for other in others)
    context = {"shown": shown, "grant": grant, "form": form, "refusal": refusal, "covered": covered}
    return render(request, "identities/grant_end.html", context, status=422 if refusal or form.errors else 200)


def _at_its_field(form: InputChange, refusal: Refusal) -> Refusal | None:
    """Show a refusal at the field it is about and return None; return one that is about no field."""
    field = FIELDS.get(refusal.code)
    if field is None or field not in form.fields:
        return refusal
    form.add_error(field, capfirst(refusal.reason))
    return None


def _follows(grant: Grant) -> str:
    wide = " That is any of them, also those nobody knows yet." if grant.object == ANYTHING else ""
    return wide + (" Evidence that this touches is being verified again." if grant.right == Grant.Right.ATTEST else "")
