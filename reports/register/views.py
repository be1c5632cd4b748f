"""The page that lists people and programs."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from identities.models import Identity
from identities.permissions import may, person_of, requires
from identities.preferences.current import list_away
from reports.register.forms import InputRegisterFilter
from reports.register.list_register import SORTS, count_kinds, count_saved_views, list_register
from reports.register.saved_views import SAVED_VIEWS
from reports.signers.seen import WEEK, count_unknown

ROWS = 50


@require_safe
@requires("identities.read")
def register(request: HttpRequest) -> HttpResponse:
    """List people and programs."""
    form = InputRegisterFilter(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    kind, words, saved, now = str(asked.get("kind", "")), str(asked.get("q", "")), str(asked.get("view", "")), timezone.now()
    sort = str(asked.get("sort") or "name")
    reader = person_of(request)
    rows = list_register(reader=reader, now=now, kind=kind, words=words, saved=saved, sort=sort)
    page = Paginator(rows, ROWS).get_page(asked.get("page") or 1)
    counts, views = count_kinds(), count_saved_views(reader=reader, now=now)
    kinds = [(value, label, counts.get(value, 0)) for value, label in Identity.Kind.choices if counts.get(value)]
    context = {
        "page": page,
        "kind": kind,
        "query": words,
        "kinds": kinds,
        "total": sum(counts.values()),
        "saved": saved,
        "saved_words": SAVED_VIEWS[saved].words if saved else "",
        "views": [(name, view.label, views[name], view.asks_for_work) for name, view in SAVED_VIEWS.items()],
        "unknown": count_unknown(since=now - WEEK),
        "sort": sort,
        "sorts": [(name, label) for name, (label, _) in SORTS.items()],
        "may_steward": may(reader, "identities.steward").allowed,
        "now": now,
        "away": list_away([row.pk for row in page.object_list if row.is_person], now=now),
    }
    return render(request, "reports/register.html", context)
