"""Pages of what was done here: of one's teams for those who audit or administer them, and of oneself."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from identities.audit.forms import InputAuditFilter
from identities.audit.read import KINDS, list_people, name_lines, read_lines
from identities.audit.write_csv import write_csv
from identities.models import Identity
from identities.permissions import may, person_of, readable_whole_teams, requires
from proofs.errors import NotAllowed, NotFound, TooLarge

ROWS = 50
MOST_EXPORTED = 50_000


@never_cache
@require_safe
@requires("audit.read")
def audit(request: HttpRequest) -> HttpResponse:
    """Show what the people and programs of one's teams did, the newest first."""
    people, form, rows = _asked(request)
    page = Paginator(rows, ROWS).get_page(form.cleaned_data.get("page") or 1)
    page.object_list = name_lines(page.object_list)
    chosen = form.cleaned_data
    is_narrowed = any(chosen.get(name) for name in ("person", "kind", "since", "until"))
    query = request.GET.copy()
    query.pop("page", None)
    context = {"page": page, "people": people, "kinds": KINDS, "chosen": chosen, "is_narrowed": is_narrowed, "query": query.urlencode()}
    return render(request, "identities/audit.html", context)


@never_cache
@require_safe
@requires("audit.read")
def audit_export(request: HttpRequest) -> HttpResponse:
    """Give the same as a CSV file. Refuses with `audit.too_many` what no file should hold; narrow it by time then."""
    rows = _asked(request)[2]
    total = rows.count()
    if total > MOST_EXPORTED:
        raise TooLarge("audit.too_many", f"got {total} events to export, expected at most {MOST_EXPORTED}; choose a shorter time")
    response = HttpResponse(write_csv(name_lines(rows)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="audit-{timezone.now():%Y-%m-%d}.csv"'
    return response


@never_cache
@require_safe
@requires("settings.own")
def activity(request: HttpRequest) -> HttpResponse:
    """Show people what was done with their own account."""
    person = person_of(request)
    form = InputAuditFilter(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    page = Paginator(read_lines(Identity.objects.filter(pk=person.pk)), ROWS).get_page(asked.get("page") or 1)
    page.object_list = name_lines(page.object_list)
    return render(request, "identities/activity.html", {"page": page})


def _asked(request: HttpRequest) -> tuple[QuerySet[Identity], InputAuditFilter, QuerySet[Any, Any]]:
    """Return whom the reader may see, the filter, and its rows. Refuses with `permission.missing` and `identity.unknown`."""
    reader = person_of(request)
    if not readable_whole_teams(reader, "audit.read").exists():
        raise NotAllowed("permission.missing", "Your role reaches one project only; this needs a whole team's auditor or administrator.")
    people, form = list_people(reader), InputAuditFilter(request.GET)
    # A field that is not valid narrows nothing.
    form.is_valid()
    given = form.cleaned_data
    whose = people.filter(pk=given["person"]) if given.get("person") else people
    if given.get("person") and not whose.exists():
        raise NotFound("identity.unknown", "There is no such identity in your teams.")
    since, until = given.get("since"), given.get("until")
    # Nothing was done near the ends of the calendar, and a zone would lead beyond them.
    begins = _midnight(since) if since and since.year > 1 else None
    ends = _midnight(until + timedelta(days=1)) if until and 1 < until.year < 9999 else None
    # Provisioning is the whole portal's; those who may change how people sign in are told of it.
    with_nobodys = not given.get("person") and may(reader, "sign_in.change").allowed
    return people, form, read_lines(whose, kind=given.get("kind") or "", since=begins, until=ends, with_nobodys=with_nobodys)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
