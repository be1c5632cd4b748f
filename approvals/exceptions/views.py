"""The pages of exceptions: which are live, asking for one, and withdrawing one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from approvals.exceptions.ask_exception import ask_exception
from approvals.exceptions.forms import InputException, InputWithdrawal
from approvals.exceptions.list_waivers import list_waivable, list_waivers
from approvals.exceptions.withdraw_waiver import withdraw_waiver
from approvals.models import Request, Waiver
from approvals.policies.versions import active_policy
from approvals.policies.waivers import terms_of
from attestations.blobs import bytes_of
from identities.permissions import person_of, readable_projects, requires
from identities.sign_in.recently import proved_recently
from proofs.canonical import parse_canonical
from proofs.errors import Conflict, Malformed, NotFound, Refusal, TooLarge

# At which field a refusal of the act is shown; any other stands on top.
FIELDS = {"waiver.owner": "owner", "waiver.until": "until", "waiver.malformed": "reason", "request.text": "reason"}


@require_safe
@requires("requests.read")
def exceptions(request: HttpRequest) -> HttpResponse:
    """Show the waivers of the reader's projects."""
    return render(request, "approvals/exceptions.html", {"shown": list_waivers(person_of(request), now=timezone.now())})


@never_cache
@require_http_methods(["GET", "POST"])
@requires("exceptions.ask")
def exception_ask(request: HttpRequest, request_id: str) -> HttpResponse:
    """Ask that a rule which stands against a request, named as `rule` in the address, be waived for a while."""
    person, now, rule_id = person_of(request), timezone.now(), request.GET.get("rule", "")
    rows = Request.objects.select_related("project__team", "environment").filter(project__in=readable_projects(person, "exceptions.ask"))
    about = get_object_or_404(rows, pk=request_id)
    if rule_id not in list_waivable(request=about, reader=person):
        raise NotFound("waiver.rule_unknown", "this request has no rule of that name that may be waived")
    policy = active_policy(project=about.project, environment=about.environment)
    assert policy is not None
    document = parse_canonical(bytes_of(policy.document))
    form = InputException(request.POST or None, team=about.project.team, initial={"owner": person.pk})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        artifacts = list(about.artifacts.values_list("artifact_id", flat=True)) if given["scope"] == "artifacts" else None
        try:
            opened = ask_exception(
                about=about,
                rule_id=rule_id,
                reason=given["reason"],
                owner=given["owner"],
                until=given["until"],
                artifacts=artifacts,
                by=person,
                now=now,
            )
        except (Malformed, TooLarge, Conflict) as refusal:
            form.add_error(FIELDS.get(refusal.code), _sentence(refusal))
        else:
            messages.success(request, "You asked for an exception. It counts when those whom the policy names have signed it.")
            return redirect("approvals:request", opened.pk)
    rule = next(rule for rule in document["rules"] if rule["id"] == rule_id)
    context = {"about": about, "rule": rule, "bounds": document["waivers"], "form": form}
    return render(request, "approvals/exception_ask.html", context, status=400 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("requests.read")
@proved_recently
def exception_end(request: HttpRequest, digest: str) -> HttpResponse:
    """Ask why a waiver ends, and end it."""
    person = person_of(request)
    rows = Waiver.objects.select_related("project__team", "environment", "owner", "request", "document")
    waiver = get_object_or_404(rows, pk=digest, project__in=readable_projects(person, "requests.read"))
    form = InputWithdrawal(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            withdraw_waiver(waiver=waiver, reason=form.cleaned_data["reason"], by=person, now=timezone.now())
        except (Malformed, TooLarge) as refusal:
            form.add_error("reason", _sentence(refusal))
        else:
            messages.success(request, "Withdrawn. The rule is asked again from now on.")
            return redirect("approvals:exceptions")
    context = {"waiver": waiver, "terms": terms_of(waiver), "form": form}
    return render(request, "approvals/exception_end.html", context, status=400 if form.errors else 200)


def _sentence(refusal: Refusal) -> str:
    return f"{refusal.reason[:1].upper()}{refusal.reason[1:]}."
