"""Pages about people: who there is, the roles they hold and held, giving and ending one, and who may do what."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.text import capfirst
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from identities.forms import InputChange
from identities.lifecycle.change_status import demand_stewardship, may_steward
from identities.models import Identity, Team
from identities.people.deactivate import deactivate_person, reactivate_person
from identities.people.explain_may import askable, explain_may
from identities.people.forms import InputMay, InputPeopleFilter, InputPerson, InputRole
from identities.people.list_people import SHOWN, get_person, list_people, list_roles_ever, teams_of
from identities.people.roles import end_role, grant_role
from identities.permissions import demand, person_of, readable_whole_teams, requires
from identities.register import register_person
from identities.sign_in.recently import proved_recently
from identities.standing import is_only_deactivated
from proofs.errors import NotFound, Refusal

PAGE_SIZE = 50
# What can become of a person on a page: the act, and what is said when it is done.
CHANGES = {
    "deactivate": (
        deactivate_person,
        "is deactivated: roles, approval keys and sessions have ended, and so have approvals that no gate acted on",
    ),
    "reactivate": (reactivate_person, "may act again. Roles are granted and approval keys enrolled anew"),
}
# At which field a refusal of an act is shown; any other stands on top.
FIELDS = {
    "role.needs_an_end": "valid_until",
    "role.expiry": "valid_until",
    "role.already_held": "role",
    "person.username": "username",
    "person.username_taken": "username",
}


@require_safe
@requires("identities.read")
def people(request: HttpRequest) -> HttpResponse:
    """List the people of one's teams with their roles, keys and last sign-in."""
    person = person_of(request)
    form = InputPeopleFilter(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    rows = list_people(reader=person, shown=asked.get("show", ""), words=asked.get("q", ""), role=asked.get("role", ""))
    context = {
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "form": form,
        "query": asked.get("q", ""),
        "show": asked.get("show", ""),
        "role": asked.get("role", ""),
        "filters": [(name, label) for name, (label, _) in SHOWN.items()],
        "may_steward": _stewarded(person).exists(),
    }
    return render(request, "identities/people.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("identities.steward")
@proved_recently
def person_add(request: HttpRequest) -> HttpResponse:
    """Register a person of one's team, without a role and without a password."""
    person, refusal = person_of(request), None
    teams = _demand_stewarded(person)
    form = InputPerson(request.POST or None, teams=teams)
    if request.method == "POST" and form.is_valid():
        try:
            new = register_person(**form.cleaned_data, by=person, now=timezone.now())
        except Refusal as error:
            refusal = _at_its_field(form, error)
        else:
            messages.success(request, f"{new} is registered, without a role. They choose a password by “Forgot your password?”.")
            return redirect("identities:roles", new.pk)
    context = {"form": form, "refusal": refusal}
    return render(request, "identities/person_add.html", context, status=422 if refusal or form.errors else 200)


@require_safe
@requires("identities.read")
def roles(request: HttpRequest, identity_id: str) -> HttpResponse:
    """Show which roles a person holds and held, who gave each, and how it ended."""
    person = person_of(request)
    shown = get_person(identity_id, reader=person)
    rows, now = list(list_roles_ever(shown, reader=person)), timezone.now()
    held = [row for row in rows if row.ended_at is None and (row.valid_until is None or row.valid_until > now)]
    stewarded = {team.pk for team in _stewarded(person)}
    context = {
        "shown": shown,
        "held": held,
        "past": [row for row in rows if row not in held],
        "endable": {row.pk for row in held if row.team_id in stewarded or shown.pk == person.pk},
        "offered": _offered_change(shown, person),
        "may_grant": bool(stewarded) and shown.pk != person.pk and shown.status == Identity.Status.ACTIVE,
    }
    return render(request, "identities/roles.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("identities.steward")
@proved_recently
def role_add(request: HttpRequest, identity_id: str) -> HttpResponse:
    """Ask which role a person is given, where and until when, and give it."""
    person, refusal = person_of(request), None
    shown = get_person(identity_id, reader=person)
    form = InputRole(request.POST or None, teams=_demand_stewarded(person))
    if request.method == "POST" and form.is_valid():
        team, project = form.place
        asked = {"role": form.cleaned_data["role"], "valid_until": form.cleaned_data["valid_until"]}
        try:
            granted = grant_role(identity=shown, team=team, project=project, **asked, by=person, now=timezone.now())
        except Refusal as error:
            refusal = _at_its_field(form, error)
        else:
            messages.success(request, f"{granted}.")
            return redirect("identities:roles", shown.pk)
    context = {"shown": shown, "form": form, "refusal": refusal}
    return render(request, "identities/role_add.html", context, status=422 if refusal or form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("identities.read")
@proved_recently
def role_end(request: HttpRequest, identity_id: str, role_id: int) -> HttpResponse:
    """Say what the end of a role means, and end it. Everybody may lay down their own."""
    person, refusal = person_of(request), None
    shown = get_person(identity_id, reader=person)
    row = list_roles_ever(shown, reader=person).filter(pk=role_id).first()
    if row is None:
        raise NotFound("role.unknown", f"{shown} never held such a role in your teams.")
    if shown.pk != person.pk:
        demand(person, "identities.steward", team=row.team)
    if request.method == "POST":
        try:
            end_role(assignment=row, by=person, now=timezone.now())
        except Refusal as error:
            refusal = error
        else:
            messages.success(request, f"{shown} is no longer {row.get_role_display().lower()} in {row.project or row.team}.")
            return redirect("identities:people") if shown.pk == person.pk else redirect("identities:roles", shown.pk)
    context = {"shown": shown, "row": row, "is_own": shown.pk == person.pk, "refusal": refusal}
    return render(request, "identities/role_end.html", context, status=422 if refusal else 200)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("identities.steward")
@proved_recently
def person_change(request: HttpRequest, identity_id: str, change: str) -> HttpResponse:
    """Say what it means that a person leaves or comes back, ask why, and do it."""
    person, refusal = person_of(request), None
    shown = get_person(identity_id, reader=person)
    if change not in CHANGES:
        raise NotFound("identity.change", f"There is no such change, expected one of {', '.join(CHANGES)}.")
    demand_stewardship(shown, person)
    act, done = CHANGES[change]
    form = InputChange(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            act(identity=shown, reason=form.cleaned_data["reason"], by=person, now=timezone.now())
        except Refusal as error:
            refusal = error
        else:
            messages.success(request, f"{shown} {done}.")
            return redirect("identities:roles", shown.pk)
    context = {"shown": shown, "form": form, "change": change, "refusal": refusal}
    return render(request, "identities/person_change.html", context, status=422 if refusal or form.errors else 200)


@require_safe
@requires("identities.read")
def may_page(request: HttpRequest) -> HttpResponse:
    """Answer whether somebody may do something here, and why."""
    person = person_of(request)
    form = InputMay(
        request.GET if "action" in request.GET else None, who=askable(person), teams=teams_of(person), initial={"identity": person}
    )
    explained = None
    if form.is_valid():
        project, team = form.place
        explained = explain_may(form.cleaned_data["identity"], form.cleaned_data["action"], reader=person, project=project, team=team)
    elif "identity" in form.errors:
        raise NotFound("identity.unknown", "There is nobody of this name in your teams.")
    return render(request, "identities/may.html", {"form": form, "explained": explained})


def _offered_change(shown: Identity, person: Identity) -> str:
    """Return which of the two changes a page offers this reader; none for oneself, a retired or a suspected person."""
    if shown.pk == person.pk or not may_steward(shown, person):
        return ""
    if is_only_deactivated(shown):
        return "reactivate"
    return "deactivate" if shown.status == Identity.Status.ACTIVE else ""


def _stewarded(person: Identity) -> QuerySet[Team]:
    return readable_whole_teams(person, "identities.steward").order_by("name", "pk")


def _demand_stewarded(person: Identity) -> QuerySet[Team]:
    """Return the teams of whose register this person is a steward; refuses with `permission.missing` for one of a project alone."""
    teams = _stewarded(person)
    if not teams.exists():
        demand(person, "identities.steward", team=teams_of(person).first())
    return teams


def _at_its_field(form: Form, refusal: Refusal) -> Refusal | None:
    """Show a refusal at the field it is about and return None; return one that is about no field."""
    field = FIELDS.get(refusal.code)
    if field is None or field not in form.fields:
        return refusal
    form.add_error(field, capfirst(refusal.reason))
    return None
