"""The doors of the editor: a draft as text or as form, stored as a version, and tried on the past.

Each view translates and calls one act. A draft is read by the policy owners of its project alone; to anybody else it is not there.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from approvals.dry_run.ask import ask_dry_run, cancel_dry_run
from approvals.dry_run.read_run import read_run
from approvals.editor.form_of_policy import find_unheld, read_posted, show_bounds, show_rules, show_top
from approvals.editor.forms import InputDraft, InputDryRun, InputNewDraft, InputNumber
from approvals.editor.known_here import list_known
from approvals.editor.language import RULES
from approvals.models import DryRun, PolicyDraft, PolicyVersion
from approvals.policies.drafts import DraftChanged, begin_draft, save_draft, store_draft
from approvals.policies.source import find_troubles, read_source
from approvals.policies.write_source import write_source
from identities.permissions import person_of, readable_projects, requires
from proofs.errors import Refusal
from proofs.policy.schema import schema_bytes

FIRST_SOURCE = """\
schema: countersign-policy/v1
id: release-production
version: "1"
title: Releases to production
minimumAssurance: H2
validityHours: 72
rules:
  - id: approval
    kind: approvals
    title: One release approver
    role: approver:release
    count: 1
"""


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """Give the JSON Schema of policies."""
    return HttpResponse(schema_bytes(), content_type="application/schema+json")


@never_cache
@require_http_methods(["GET", "POST"])
@requires("policies.edit")
def policy_new(request: HttpRequest) -> HttpResponse:
    """Show the drafts one may go on with, and begin one: empty, or from a version that there is."""
    person = person_of(request)
    projects = readable_projects(person, "policies.edit")
    form = InputNewDraft(request.POST or None, person=person)
    readable = PolicyVersion.objects.filter(activations__project__in=projects).distinct()
    begun_from = readable.filter(pk=request.GET.get("from", "")[:64]).first()
    if request.method == "POST" and form.is_valid():
        source = begun_from.source if begun_from else FIRST_SOURCE
        draft = begin_draft(project=form.cleaned_data["project"], source=source, by=person, now=timezone.now())
        return redirect("approvals:policy_edit", draft.pk)
    drafts = PolicyDraft.objects.filter(project__in=projects).select_related("project", "edited_by").order_by("-edited_at")[:50]
    return render(
        request, "approvals/policy_new.html", {"form": form, "drafts": drafts, "begun_from": begun_from, "versions": readable[:50]}
    )


@never_cache
@require_http_methods(["GET", "POST"])
@requires("policies.edit")
def policy_edit(request: HttpRequest, draft_id: str) -> HttpResponse:
    """Show a draft as text or as a form, with what is wrong in it, and save it."""
    draft = _get_draft(request, draft_id)
    as_form = request.GET.get("view") == "form"
    if request.method != "POST":
        return _show_editor(request, draft, source=draft.source, base=draft.source, number=draft.number, as_form=as_form)
    post = InputDraft(request.POST)
    if not post.is_valid():
        words = "This text could not be taken: it is too long, or has characters that no text has."
        return _show_editor(request, draft, source=draft.source, base=draft.source, number=draft.number, as_form=as_form, refused=words)
    given = post.cleaned_data
    source = write_source(read_posted(request.POST)) if as_form else given["source"]
    try:
        saved = save_draft(
            draft=draft, source=source, base=given["base"], number=given["number"], by=person_of(request), now=timezone.now()
        )
    except DraftChanged as refusal:
        # Both are shown: what was typed stays in the fields, and saving again is then meant.
        theirs = refusal.draft
        return _show_editor(
            request,
            theirs,
            source=source,
            base=theirs.source,
            number=theirs.number,
            as_form=as_form,
            refused=_sentence(refusal),
            theirs=theirs.source,
        )
    except Refusal as refusal:
        shown = {"source": source, "base": given["base"], "number": given["number"]}
        return _show_editor(request, draft, **shown, as_form=as_form, refused=_sentence(refusal))
    messages.success(request, "Saved, together with what somebody else saved meanwhile." if saved.was_merged else "Saved.")
    return redirect(reverse("approvals:policy_edit", args=[draft.pk]) + ("?view=form" if as_form else ""))


@never_cache
@require_POST
@requires("policies.edit")
def policy_store(request: HttpRequest, draft_id: str) -> HttpResponse:
    """Store a draft as a version of its policy."""
    draft, post = _get_draft(request, draft_id), InputNumber(request.POST)
    try:
        version = store_draft(
            draft=draft, number=post.cleaned_data["number"] if post.is_valid() else 0, by=person_of(request), now=timezone.now()
        )
    except Refusal as refusal:
        messages.error(request, _sentence(refusal))
    else:
        messages.success(request, f"{version} is stored. It is in force once policy owners have approved it.")
    return redirect("approvals:policy_edit", draft.pk)


@never_cache
@require_POST
@requires("policies.edit")
def dry_run_new(request: HttpRequest, draft_id: str) -> HttpResponse:
    """Have a draft tried on the past."""
    draft = _get_draft(request, draft_id)
    form = InputDryRun(request.POST, project=draft.project)
    if not form.is_valid():
        messages.error(request, "Choose an environment, and 1 to 90 days.")
        return redirect("approvals:policy_edit", draft.pk)
    try:
        run = ask_dry_run(draft=draft, **form.cleaned_data, by=person_of(request), now=timezone.now())
    except Refusal as refusal:
        messages.error(request, _sentence(refusal))
        return redirect("approvals:policy_edit", draft.pk)
    return redirect("approvals:dry_run", run.pk)


@never_cache
@require_safe
@requires("policies.edit")
def dry_run(request: HttpRequest, run_id: str) -> HttpResponse:
    """Show how far a dry run came, and what would change."""
    page = request.GET.get("page", "1")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1
    shown = read_run(_get_run(request, run_id), show=request.GET.get("show", ""), page=number)
    return render(request, "approvals/dry_run.html", {"shown": shown, "run": shown.run})


@never_cache
@require_POST
@requires("policies.edit")
def dry_run_cancel(request: HttpRequest, run_id: str) -> HttpResponse:
    """Call a dry run off."""
    run = _get_run(request, run_id)
    try:
        cancel_dry_run(run=run, by=person_of(request), now=timezone.now())
    except Refusal as refusal:
        messages.error(request, _sentence(refusal))
    return redirect("approvals:dry_run", run.pk)


def _show_editor(
    request: HttpRequest, draft: PolicyDraft, *, source: str, base: str, number: int, as_form: bool, refused: str = "", theirs: str = ""
) -> HttpResponse:
    troubles = find_troubles(source)
    value, form = _value_for_form(source), {}
    unheld = find_unheld(value) if as_form and value is not None else []
    if as_form and value is not None and not unheld:
        form = {"top": show_top(value), "rules": show_rules(value), "bounds": show_bounds(value), "known": list_known(draft.project)}
    wrong = {trouble.line for trouble in troubles}
    context: dict[str, Any] = {
        "draft": draft,
        "source": source,
        "base": base,
        "number": number,
        "as_form": as_form,
        "unheld": unheld,
        "form_kinds": [(kind, label) for kind, (label, _) in RULES.items()],
        "refused": refused,
        "theirs": theirs,
        "troubles": troubles,
        "lines": [(count, line, count in wrong) for count, line in enumerate(source.split("\n"), start=1)] if troubles else [],
        "is_unsaved": source != draft.source,
        "runs": draft.dry_runs.select_related("environment").order_by("-asked_at")[:5],
        "run_form": InputDryRun(project=draft.project),
        "propose_url": _propose_url(draft.stored),
        **form,
    }
    return render(request, "approvals/policy_edit.html", context, status=422 if refused else 200)


def _value_for_form(source: str) -> dict[str, Any] | None:
    """Return what the form is filled from, or None where the text cannot be read as a mapping."""
    try:
        value = read_source(source).value
    except Refusal:
        return None
    return value if isinstance(value, dict) else None


def _propose_url(stored: PolicyVersion | None) -> str:
    try:
        return reverse("approvals:policy_propose", args=[stored.pk]) if stored else ""
    except NoReverseMatch:
        return ""


def _get_draft(request: HttpRequest, draft_id: str) -> PolicyDraft:
    rows = PolicyDraft.objects.select_related("project", "edited_by", "stored")
    return get_object_or_404(rows, pk=draft_id, project__in=readable_projects(person_of(request), "policies.edit"))


def _get_run(request: HttpRequest, run_id: str) -> DryRun:
    rows = DryRun.objects.select_related("draft__project", "environment", "asked_by")
    return get_object_or_404(rows, pk=run_id, draft__project__in=readable_projects(person_of(request), "policies.edit"))


def _sentence(refusal: Refusal) -> str:
    return f"{refusal.reason[:1].upper()}{refusal.reason[1:]}."
