"""The pages of a project's expectations: a version whole, and a proposal with what it would change."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from approvals.changes.expectations.forms import InputExpectations
from approvals.changes.propose_expectations import compare_with_expected, propose_expectations
from approvals.models import ExpectationsVersion
from approvals.policies.expectations import active_expectations, expectations_document
from attestations.blobs import bytes_of
from identities.models import Project
from identities.permissions import person_of, readable_projects, requires
from identities.sign_in.recently import proved_recently
from proofs.canonical import parse_canonical
from proofs.errors import Refusal
from proofs.policy.compare_expectations import describe_entry

# What somebody begins with where a project expects nothing yet; every word in it has to be replaced.
BEGINNING = """\
schema: countersign-expectations/v1
project: {slug}
version: "1"
title: What counts as evidence of {slug}
accept:
  - predicateTypes: ["https://slsa.dev/provenance/v1"]
    builders:
      - issuer: https://token.actions.githubusercontent.com
        workflow: https://github.com/…/.github/workflows/release.yml
    sources:
      - repository: https://github.com/…
        refs: ["^refs/tags/v[0-9]+[.][0-9]+[.][0-9]+$"]
"""


@require_safe
@requires("policies.read")
def expectations(request: HttpRequest, digest: str) -> HttpResponse:
    """Show a version of a project's expectations as it counts, and since when it was in force."""
    projects = readable_projects(person_of(request), "policies.read")
    rows = ExpectationsVersion.objects.filter(project__in=projects).select_related("document", "project")
    version = get_object_or_404(rows, digest=digest)
    document = parse_canonical(bytes_of(version.document))
    current = active_expectations(version.project)
    context = {
        "version": version,
        "title": document["title"],
        "accepted": [describe_entry(entry) for entry in document["accept"]],
        "activations": version.activations.select_related("entry").order_by("-entry_id"),
        "is_in_force": current is not None and current.pk == version.pk,
        "may_propose": _owned(request).filter(pk=version.project_id).exists(),
    }
    return render(request, "approvals/expectations.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("policies.decide")
@proved_recently
def expectations_propose(request: HttpRequest, project_id: str) -> HttpResponse:
    """Show what other expectations would change, and propose them."""
    project = get_object_or_404(_owned(request), pk=project_id)
    before = active_expectations(project)
    begun = ExpectationsVersion.objects.filter(project=project, pk=request.GET.get("from", "")[:64]).first() or before
    form = InputExpectations(request.POST or None, initial={"source": begun.source if begun else BEGINNING.format(slug=project.slug)})
    context: dict[str, Any] = {"project": project, "before": before, "form": form, "differences": None}
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            if request.POST.get("act") == "propose":
                opened = propose_expectations(
                    source=given["source"], project=project, by=person_of(request), now=timezone.now(), note=given["note"]
                )
                messages.success(request, "Proposed. They come into force when the policy owners have signed; you may be one of them.")
                return redirect("approvals:request", opened.pk)
            found = compare_with_expected(expectations_document(given["source"]), before)
            context["differences"] = [item.as_dict() for item in found]
        except Refusal as refusal:
            form.add_error("source", f"{refusal.reason[:1].upper()}{refusal.reason[1:]}.")
    return render(request, "approvals/expectations_propose.html", context, status=400 if form.errors else 200)


def _owned(request: HttpRequest) -> Any:
    person = person_of(request)
    return readable_projects(person, "policies.decide") if person.is_person else Project.objects.none()
