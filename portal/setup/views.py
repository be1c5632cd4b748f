"""The pages of setting up: the list of steps, and each step with what it needs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.text import capfirst
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from attestations.tasks import ring_after_commit
from attestations.trust.fetch_root import embedded_trust_root
from attestations.trust.propose_change import propose_trust_root
from attestations.trust.roots import list_trust_roots
from identities.models import Identity
from identities.people.officers import list_officers
from identities.permissions import may, person_of, readable_whole_teams, requires
from identities.places.add_place import add_environment, add_project
from identities.sign_in.recently import proved_recently
from portal.setup.answer_step import answer_step
from portal.setup.forms import InputEnvironment, InputProject, InputSampleTeam
from portal.setup.sample import add_sample, list_samples, retire_sample, sample_digest
from portal.setup.steps import Step, find_step, list_address_problems, list_steps
from proofs.errors import NotFound, Refusal

PUBLIC_GOOD = "Sigstore public good"
FIELDS = {"place.slug": "slug", "place.taken": "slug", "place.name": "name", "place.tier": "tier"}


@never_cache
@require_safe
@requires("portal.set_up")
def set_up(request: HttpRequest) -> HttpResponse:
    """List the steps, how each stands, and the next one."""
    steps = list_steps(person_of(request))
    left = [step for step in steps if not step.is_over]
    return render(request, "portal/setup/steps.html", {"steps": steps, "next": left[0] if left else None, "over": len(steps) - len(left)})


@never_cache
@require_http_methods(["GET", "POST"])
@requires("portal.set_up")
@proved_recently
def step(request: HttpRequest, step: str) -> HttpResponse:
    """Show one step and what it needs, and do what its form asks."""
    person, shown = person_of(request), _get_step(request, step)
    forms_shown = _forms(shown.name, request, person)
    refusal: Refusal | None = None
    if request.method == "POST":
        try:
            said = _act(shown.name, request, person, forms_shown)
        except Refusal as error:
            refusal = _at_its_field(forms_shown.get(request.POST.get("do", "")), error)
        else:
            if said:
                messages.success(request, said)
                return redirect("portal:set_up_step", shown.name)
    context: dict[str, Any] = {"step": shown, "steps": list_steps(person), "refusal": refusal, **forms_shown, **_facts(shown.name, person)}
    return render(request, f"portal/setup/{shown.name.replace('-', '_')}.html", context, status=422 if refusal else 200)


@require_POST
@requires("portal.set_up")
def answer(request: HttpRequest, step: str) -> HttpResponse:
    """Keep that a step is done, skipped, or to be asked again, and go to the next one that is open."""
    person, now = person_of(request), timezone.now()
    answer_step(step=_get_step(request, step).name, answer=request.POST.get("answer", ""), by=person, now=now)
    left = [item for item in list_steps(person) if not item.is_over]
    return redirect("portal:set_up_step", left[0].name) if left and request.POST.get("answer") != "again" else redirect("portal:set_up")


def _get_step(request: HttpRequest, name: str) -> Step:
    found = find_step(name, person_of(request))
    if found is None:
        raise NotFound("set_up.step", "There is no such step.")
    return found


def _forms(name: str, request: HttpRequest, person: Identity) -> dict[str, forms.Form]:
    """Return the forms of a step by what they do; the one that was sent holds what was sent."""
    teams, sent = readable_whole_teams(person, "portal.set_up").order_by("slug"), request.POST.get("do")

    def bound(do: str) -> Any:
        return request.POST if sent == do else None

    if name == "environment":
        return {
            "add_environment": InputEnvironment(bound("add_environment"), teams=teams, prefix="environment"),
            "add_project": InputProject(bound("add_project"), teams=teams, prefix="project"),
        }
    return {"add_sample": InputSampleTeam(bound("add_sample"), teams=teams)} if name == "sample" else {}


def _act(name: str, request: HttpRequest, person: Identity, shown: dict[str, forms.Form]) -> str:
    """Do what was asked and return what to say about it; nothing when the form is not right."""
    do, now = request.POST.get("do", ""), timezone.now()
    form = shown.get(do)
    if form is not None and not form.is_valid():
        return ""
    given = form.cleaned_data if form is not None else {}
    if (name, do) == ("environment", "add_environment"):
        return f"The environment {add_environment(by=person, now=now, **given).slug} is there. A policy has to be put in force for it next."
    if (name, do) == ("environment", "add_project"):
        return f"The project {add_project(by=person, now=now, **given).slug} is there."
    if (name, do) == ("trust", "propose"):
        propose_trust_root(
            name=PUBLIC_GOOD,
            document=embedded_trust_root(),
            profile=None,
            reason="Sigstore’s public root, proposed while setting up",
            by=person,
            now=now,
        )
        return "It is proposed. Another officer confirms it under Trust."
    if (name, do) == ("sample", "add_sample"):
        add_sample(by=person, now=now, **given)
        ring_after_commit()
        return "Sample data is on. Its evidence is being verified."
    if (name, do) == ("sample", "retire"):
        retire_sample(by=person, now=now)
        return "Sample data is off. What it left in the log stays there, and counts for nothing."
    raise NotFound("set_up.step", "There is nothing of that name to do here.")


def _at_its_field(form: forms.Form | None, refusal: Refusal) -> Refusal | None:
    field = FIELDS.get(refusal.code)
    if form is None or field not in form.fields:
        return refusal
    form.add_error(field, capfirst(refusal.reason))
    return None


def _facts(name: str, person: Identity) -> dict[str, Any]:
    """Return what the page of a step shows beside its forms."""
    if name == "address":
        return {"origin": settings.ORIGIN, "rp_id": settings.RP_ID, "problems": list_address_problems()}
    if name == "environment":
        return {"teams": readable_whole_teams(person, "portal.set_up").prefetch_related("projects", "environments").order_by("slug")}
    if name == "trust":
        return {"roots": list(list_trust_roots()), "officers": list(list_officers()), "may_propose": may(person, "trust.change")}
    if name == "sample":
        return {"on": list_samples(person).exists(), "digest": sample_digest()}
    return {}
