"""When a program is looked at again and who did, on its page; and the page on which somebody does."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from identities.grants.held import in_force, list_grants
from identities.lifecycle.change_status import may_steward
from identities.models import REVIEW_EVERY_DAYS, Identity, Recertification
from identities.permissions import person_of, requires
from identities.queries import get_identity_of_own_team
from identities.review.forms import InputRecertification
from identities.review.recertify import demand_review, recertify_identity
from proofs.errors import Refusal

LATEST_REVIEWS = 20


def reviews_shown(identity: Identity, person: Identity, *, now: datetime) -> dict[str, Any]:
    """Return what the page of an identity says about its reviews, and whether this person may look at it again."""
    if identity.is_person:
        return {}
    rows = Recertification.objects.filter(identity=identity).select_related("by").order_by("-pk")
    return {
        "reviews": list(rows[:LATEST_REVIEWS]),
        "review_every_days": identity.review_every_days or REVIEW_EVERY_DAYS,
        "review_is_overdue": identity.next_review_at <= now,
        "review_words": _due_words(identity.next_review_at - now),
        "may_review": identity.status != Identity.Status.RETIRED and _may_review(identity, person),
    }


@never_cache
@require_http_methods(["GET", "POST"])
@requires("identities.recertify")
def recertify(request: HttpRequest, identity_id: str) -> HttpResponse:
    """Show what a program is for and may do; take which grants are still needed, and end the others once that is confirmed."""
    person, shown, now = person_of(request), get_identity_of_own_team(identity_id, reader=person_of(request)), timezone.now()
    demand_review(shown, person)
    if shown.is_person or shown.status == Identity.Status.RETIRED:
        messages.error(request, f"{shown} is {'a person' if shown.is_person else 'retired'}; only programs that may act are recertified.")
        return redirect("identities:identity", shown.pk)
    refusal: Refusal | None = None
    form = InputRecertification(request.POST or None)
    asked = form.cleaned_data if request.method == "POST" and form.is_valid() else {}
    ending = sorted({*asked.get("looked_at", ())} - {*asked.get("needed", ())})
    # Ended is only what was named as ending before the button was pressed.
    is_confirmed = ending == sorted({*asked.get("ending", ())})
    if asked and (is_confirmed or not may_steward(shown, person)):
        try:
            recertify_identity(identity=shown, note=asked["note"], end_grants=ending, looked_at=asked["looked_at"], by=person, now=now)
        except Refusal as error:
            refusal = error
        else:
            messages.success(request, f"{shown} is recertified.{_ended_words(len(ending))}")
            return redirect("identities:identity", shown.pk)
    held = list(list_grants(shown).filter(in_force(now)))
    context = {
        **reviews_shown(shown, person, now=now),
        "shown": shown,
        "form": form,
        "held": held,
        "needed": set(request.POST.getlist("needed")),
        "ending": [grant for grant in held if grant.pk in ending] if asked and not refusal else [],
        "ends_grants": may_steward(shown, person),
        "refusal": refusal,
    }
    status = 422 if refusal or form.errors else 200
    return render(request, "identities/recertify.html", context, status=status)


def _may_review(identity: Identity, person: Identity) -> bool:
    try:
        demand_review(identity, person)
    except Refusal:
        return False
    return True


def _due_words(left: timedelta) -> str:
    if left > timedelta():
        days = max(1, round(left / timedelta(days=1)))
        return f"in {days} day{'' if days == 1 else 's'}"
    days = -left // timedelta(days=1)
    return f"overdue since {days} day{'' if days == 1 else 's'}" if days else "due today"


def _ended_words(count: int) -> str:
    return f" {count} grant{'' if count == 1 else 's'} ended." if count else ""
