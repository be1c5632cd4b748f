"""The pages of letting somebody answer for you: who does for whom, where it is given, and where it is taken back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from approvals.delegation.give import begin_delegation
from approvals.delegation.take_back import take_back
from approvals.models import Delegation, Request
from approvals.pages.ceremony_offer import session_of
from approvals.pages.delegations.forms import InputDelegation, InputEnd
from identities.models import Identity
from identities.permissions import APPROVERS, may, person_of, readable_projects, requires, roles_of
from identities.sign_in.recently import proved_recently
from proofs.errors import Conflict, Malformed, NotAllowed, Refusal, TooLarge

SHOWN = 100
FIELDS = {
    "delegation.delegate": "delegate",
    "delegation.roles": "roles",
    "delegation.self": "delegate",
    "delegation.window": "last",
    "request.other_team": "environments",
    "statement.reason_missing": "justification",
}


@require_safe
@requires("delegations.read")
def delegations(request: HttpRequest) -> HttpResponse:
    """Show who answers for whom, in the projects whose requests the reader may read: what is theirs first."""
    person, now = person_of(request), timezone.now()
    rows = Delegation.objects.filter(Q(project__in=readable_projects(person, "requests.read")) | Q(delegator=person) | Q(delegate=person))
    rows = rows.select_related("delegator", "delegate", "project", "end", "signed").order_by("-until", "-pk")
    live = rows.filter(end__isnull=True, until__gt=now)
    own = Q(delegator=person) | Q(delegate=person)
    context = {
        "own": list(live.filter(own)[:SHOWN]),
        "others": list(live.exclude(own)[:SHOWN]),
        "over": list(rows.exclude(end__isnull=True, until__gt=now)[:SHOWN]),
        "may_give": may(person, "delegations.give").allowed,
    }
    return render(request, "approvals/delegations.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("delegations.give")
@proved_recently
def delegation_new(request: HttpRequest) -> HttpResponse:
    """Say who answers for you, where and until when, and begin the ceremony that signs it."""
    person, now = person_of(request), timezone.now()
    about = _asked_about(request)
    form = InputDelegation(request.POST or None, person=person, now=now, initial=_scope_of(about, person) if about else None)
    if request.method == "POST" and form.is_valid():
        try:
            ceremony = begin_delegation(**form.cleaned_data, session=session_of(request), by=person, now=now)
        except (Conflict, Malformed, NotAllowed, TooLarge) as refusal:
            form.add_error(FIELDS.get(refusal.code), _sentence(refusal))
        else:
            return redirect("approvals:statement", ceremony.pk)
    return render(request, "approvals/delegation_new.html", {"form": form, "about": about}, status=400 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("delegations.end")
@proved_recently
def delegation_end(request: HttpRequest, delegation_id: str) -> HttpResponse:
    """Ask why it ends before its time, and end it."""
    person = person_of(request)
    rows = Delegation.objects.select_related("delegator", "delegate", "project", "signed")
    row = get_object_or_404(rows, Q(delegator=person) | Q(delegate=person), pk=delegation_id)
    form = InputEnd(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            take_back(delegation=row, reason=form.cleaned_data["reason"], by=person, now=timezone.now())
        except (Conflict, Malformed, TooLarge) as refusal:
            form.add_error("reason", _sentence(refusal))
        else:
            messages.success(request, "Taken back. What was approved under it and not used yet has ended.")
            return redirect("approvals:delegations")
    return render(request, "approvals/delegation_end.html", {"row": row, "form": form}, status=400 if form.errors else 200)


def _asked_about(request: HttpRequest) -> Request | None:
    """Return the request that somebody comes from, where the address names one. Absent for whoever may not read it, like one that is not there."""
    asked = request.GET.get("request", "")[:40]
    if not asked:
        return None
    rows = Request.objects.select_related("project__team", "environment")
    return get_object_or_404(rows, pk=asked, project__in=readable_projects(person_of(request), "requests.read"))


def _scope_of(asked: Request, person: Identity) -> dict[str, Any]:
    """Return what the form begins with: the request's project and environment, and what its reader holds there. They may change all of it."""
    held = {str(role.role) for role in roles_of(person, project=asked.project)}
    return {"project": asked.project_id, "environments": [asked.environment_id], "roles": sorted(held & APPROVERS)}


def _sentence(refusal: Refusal) -> str:
    return f"{refusal.reason[:1].upper()}{refusal.reason[1:]}."
