"""The pages on which policies come into force: what is in force where, and a proposal with what it would change."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from approvals.changes.forms import InputProposal
from approvals.changes.in_force import list_expected, list_in_force
from approvals.changes.propose_policy import compare_with_force, propose_policy
from approvals.dry_run.stranded import count_stranded, count_waiting
from approvals.models import PolicyVersion
from approvals.policies.readable import readable_policies
from approvals.policies.versions import activation_in_force
from identities.models import Environment
from identities.permissions import may, person_of, readable_projects, requires
from identities.sign_in.recently import proved_recently
from proofs.errors import Conflict, Malformed, TooLarge


@require_safe
@requires("policies.read")
def policies(request: HttpRequest) -> HttpResponse:
    """Show which policy is in force where."""
    person = person_of(request)
    places = list_in_force(person)
    context = {"places": places, "expected": list_expected(places), "may_write": may(person, "policies.edit").allowed}
    return render(request, "approvals/policies.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("policies.decide")
@proved_recently
def policy_propose(request: HttpRequest, digest: str) -> HttpResponse:
    """Show what a policy would change where, and propose it."""
    person = person_of(request)
    policy = get_object_or_404(readable_policies(person).select_related("document"), digest=digest)
    form = InputProposal(request.POST or None, person=person, initial=_initial(request))
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            opened = propose_policy(policy=policy, by=person, now=timezone.now(), **given)
        except (Malformed, TooLarge, Conflict) as refusal:
            form.add_error(None, refusal.reason)
        else:
            messages.success(request, "Proposed. It comes into force when the policy owners have signed it; you may be one of them.")
            return redirect("approvals:request", opened.pk)
    context = {"policy": policy, "form": form, **_compared(request, policy, form)}
    return render(request, "approvals/policy_propose.html", context, status=400 if form.errors else 200)


def _initial(request: HttpRequest) -> dict[str, Any]:
    """Take the place and mode to look at from the address."""
    return {name: request.GET[name][:64] for name in ("project", "environment", "mode") if name in request.GET}


def _compared(request: HttpRequest, policy: PolicyVersion, form: InputProposal) -> dict[str, Any]:
    """Return how the policy differs from what is in force at the place that was asked for, where one was."""
    asked = request.POST if request.method == "POST" else request.GET
    projects = readable_projects(person_of(request), "policies.decide")
    project = projects.filter(pk=asked.get("project", "")[:64]).first()
    environment = Environment.objects.filter(pk=asked.get("environment", "")[:64], team__in=projects.values("team")).first()
    mode = asked.get("mode", "enforce")
    if project is None or environment is None or mode not in dict(form.fields["mode"].choices):  # type: ignore[attr-defined]
        return {"differences": None}
    before = activation_in_force(project=project, environment=environment)
    found = compare_with_force(policy=policy, mode=mode, before=before)
    return {
        "differences": [item.as_dict() for item in found],
        "before": before,
        "place": {"project": project, "environment": environment},
        "stranded": count_stranded(policy=policy, project=project, environment=environment, now=timezone.now()),
        "waiting": count_waiting(project=project, environment=environment),
    }
