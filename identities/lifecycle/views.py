"""The pages on which an identity is suspended, resumed, retired, or given another owner or review interval: what would happen, why, and the button."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from identities.forms import InputChange, InputOwner
from identities.lifecycle.change_owner import change_owner
from identities.lifecycle.change_review_interval import change_review_interval
from identities.lifecycle.change_status import demand_stewardship, may_steward, resume_identity, retire_identity, suspend_identity
from identities.lifecycle.forms import InputReviewInterval
from identities.models import REVIEW_EVERY_DAYS, Identity
from identities.permissions import person_of, requires
from identities.queries import get_identity_of_own_team
from identities.sign_in.recently import proved_recently
from proofs.errors import NotFound, Refusal


@dataclass(frozen=True, slots=True)
class Change:
    """One change as pages offer it: the button, the question, what follows from it, and from which standings it leads."""

    button: str
    question: str
    follows: str
    act: Callable[..., Identity]
    offered_when: tuple[str, ...]
    tone: str = ""
    done: str = "Evidence that this touches is being verified again."


CHANGES = {
    "suspend": Change(
        "Suspend",
        "Suspend {name}?",
        "From this moment {name} can do nothing here, and gates deny what rests on a signature of theirs, also what was approved already. "
        "It can be taken back.",
        suspend_identity,
        ("active", "orphaned"),
        "bad",
    ),
    "resume": Change(
        "Resume",
        "Let {name} act again?",
        "It was a false alarm: what {name} signed counts as before, also what was signed while suspended, and all rights are back.",
        resume_identity,
        ("suspended",),
    ),
    "owner": Change(
        "Change owner",
        "Who answers for {name}?",
        "The new owner answers for all that {name} signs and sends. The old one no longer does.",
        change_owner,
        ("active", "orphaned", "suspended"),
    ),
    "interval": Change(
        "Change review interval",
        "How often is {name} looked at again?",
        "Its page says when the next review is due, counted from the last one, and says so when it is overdue. Nothing ends by itself.",
        change_review_interval,
        ("active", "orphaned", "suspended"),
        done="Its page says when the next review is due.",
    ),
    "retire": Change(
        "Retire",
        "Retire {name} for ever?",
        "This cannot be taken back. {name} can do nothing here any more. Evidence signed before stays what it is; what is signed from now on, or was signed "
        "while suspended, never counts.",
        retire_identity,
        ("active", "orphaned", "suspended"),
        "bad",
    ),
}

# People answer for themselves, and their roles are looked at elsewhere.
OF_PROGRAMS = ("owner", "interval")


def offered_changes(identity: Identity, person: Identity) -> list[tuple[str, str, str]]:
    """Return what this person may change about an identity as it stands: name, words and tone of each button."""
    if not may_steward(identity, person):
        return []
    return [(name, change.button, change.tone) for name, change in CHANGES.items() if _fits(name, change, identity)]


@never_cache
@require_http_methods(["GET", "POST"])
@requires("identities.steward")
@proved_recently
def change(request: HttpRequest, identity_id: str, change: str) -> HttpResponse:
    """Say what a change does, ask why, and do it."""
    person, shown, chosen = person_of(request), get_identity_of_own_team(identity_id, reader=person_of(request)), CHANGES.get(change)
    if chosen is None:
        raise NotFound("page.unknown", f"Nothing of the name {change[:40]} can be done with an identity.")
    demand_stewardship(shown, person)
    if not _fits(change, chosen, shown):
        messages.error(request, f"{shown} is {shown.standing}; there is nothing of this kind to change.")
        return redirect("identities:identity", shown.pk)
    form = _form(request, change, shown)
    refusal: Refusal | None = None
    if request.method == "POST" and form.is_valid():
        try:
            chosen.act(identity=shown, by=person, now=timezone.now(), **form.cleaned_data)
        except Refusal as error:
            refusal = error
        else:
            messages.success(request, f"{shown}: done. {chosen.done}")
            return redirect("identities:identity", shown.pk)
    question, follows = (words.format(name=shown.name) for words in (chosen.question, chosen.follows))
    context = {"shown": shown, "change": chosen, "question": question, "follows": follows, "form": form, "refusal": refusal}
    return render(request, "identities/change.html", context, status=422 if refusal or form.errors else 200)


def _form(request: HttpRequest, change: str, identity: Identity) -> InputChange:
    if change == "interval":
        return InputReviewInterval(request.POST or None, initial={"days": identity.review_every_days or REVIEW_EVERY_DAYS})
    if change != "owner":
        return InputChange(request.POST or None)
    people = Identity.objects.filter(kind=Identity.Kind.PERSON, status=Identity.Status.ACTIVE).order_by("name", "pk")
    return InputOwner(request.POST or None, people=people)


def _fits(name: str, change: Change, identity: Identity) -> bool:
    return identity.standing in change.offered_when and not (name in OF_PROGRAMS and identity.is_person)
