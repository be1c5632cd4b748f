"""The pages of breaking the glass: the register, where it is done, and where it is taken back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from approvals.declaration.declare_break_glass import begin_break_glass, refuse_if_not_breakable
from approvals.emergency.withdraw_break_glass import withdraw_break_glass
from approvals.models import BreakGlass
from approvals.pages.ceremony_offer import session_of
from approvals.pages.emergency.forms import InputBreakGlass, InputPlace, InputTakenBack
from approvals.pages.emergency.register import read_register
from identities.permissions import person_of, readable_projects, requires
from identities.sign_in.recently import proved_recently
from proofs.digest import parse_digest
from proofs.errors import Malformed, Refusal, TooLarge

FIELDS = {
    "break_glass.hours": "hours",
    "break_glass.uses": "max_uses",
    "request.text": "incident",
    "statement.reason_missing": "justification",
}


@require_safe
@requires("requests.read")
def break_glasses(request: HttpRequest) -> HttpResponse:
    """Show who broke the glass, and what waits for its review."""
    register = read_register(person_of(request), now=timezone.now())
    return render(request, "approvals/break_glasses.html", {"register": register})


@never_cache
@require_http_methods(["GET", "POST"])
@requires("break_glass.declare")
@proved_recently
def break_glass_new(request: HttpRequest, digest: str) -> HttpResponse:
    """Ask where, or say what forces it, and begin the ceremony that signs it."""
    person, now, artifact = person_of(request), timezone.now(), str(parse_digest(digest))
    place = InputPlace(request.GET or None, projects=readable_projects(person, "break_glass.declare"))
    if not place.is_valid():
        return render(request, "approvals/break_glass_place.html", {"form": place, "digest": artifact})
    where = place.cleaned_data
    bounds = refuse_if_not_breakable(**where, digest=artifact, by=person, now=now)
    form = InputBreakGlass(request.POST or None, person=person, bounds=bounds)
    if request.method == "POST" and form.is_valid():
        try:
            ceremony = begin_break_glass(**where, digest=artifact, **form.cleaned_data, session=session_of(request), by=person, now=now)
        except (Malformed, TooLarge) as refusal:
            form.add_error(FIELDS.get(refusal.code), _sentence(refusal))
        else:
            return redirect("approvals:statement", ceremony.pk)
    context = {"form": form, "digest": artifact, "where": where, "bounds": bounds}
    return render(request, "approvals/break_glass.html", context, status=400 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("break_glass.declare")
@proved_recently
def break_glass_end(request: HttpRequest, glass_id: str) -> HttpResponse:
    """Ask why it ends before its time, and end it."""
    person = person_of(request)
    rows = BreakGlass.objects.select_related("signed__identity", "review", "environment", "project")
    row = get_object_or_404(rows, pk=glass_id, project__in=readable_projects(person, "requests.read"), signed__identity=person)
    form = InputTakenBack(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            withdraw_break_glass(break_glass=row, reason=form.cleaned_data["reason"], by=person, now=timezone.now())
        except (Malformed, TooLarge) as refusal:
            form.add_error("reason", _sentence(refusal))
        else:
            messages.success(request, "Taken back. Gates are shut again; the review stays open.")
            return redirect("approvals:break_glasses")
    return render(request, "approvals/break_glass_end.html", {"row": row, "form": form}, status=400 if form.errors else 200)


def _sentence(refusal: Refusal) -> str:
    return f"{refusal.reason[:1].upper()}{refusal.reason[1:]}."
