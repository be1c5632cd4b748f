"""The queue's pages and forms. Each form calls one act and goes back to the tab it came from; none of them answers a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from approvals.desk.comment_many import comment_many
from approvals.desk.filters import KINDS, SORTS, clean_query, read_filters, shown_tab
from approvals.desk.forms import InputRemark, InputSnooze, InputView, InputWithdrawal
from approvals.desk.keyset import SHOWN
from approvals.desk.read_queue import TABS_WITH_NEWS, count_new, read_all_rows, read_queue
from approvals.desk.snooze import snooze_requests, unsnooze_requests, until_of
from approvals.desk.withdraw_many import withdraw_many
from approvals.desk.write_csv import write_csv
from approvals.models import Request
from approvals.pages.emergency.register import read_banner
from approvals.pages.novelty import arrange
from approvals.pages.review import read_review
from approvals.seen.signals_seen import read_seen, seen_by
from approvals.signing.entitlement import get_current_revision
from attestations.blobs import bytes_of
from identities.permissions import may, person_of, readable_projects, requires
from identities.preferences.current import preferences_of
from identities.preferences.queue_views import drop_queue_view, find_queue_view, keep_queue_view
from identities.read_once import reads_once
from proofs.errors import Malformed

TOLD_REFUSALS = 5


@reads_once
@requires("requests.read")
def queue(request: HttpRequest) -> HttpResponse:
    """Show what waits for the reader."""
    person, now, filters = person_of(request), timezone.now(), read_filters(request.GET)
    shown = read_queue(person, show=shown_tab(request.GET), filters=filters, cursor=request.GET.get("cursor", ""), now=now)
    here = clean_query(request.GET)
    views = [{**view, "is_shown": view["query"] == here} for view in request.preferences.queue_views]  # type: ignore[attr-defined]
    context = {
        "queue": shown,
        "tabs": [(tab, filters.as_query(show=tab.key)) for tab in shown.tabs],
        "here": here,
        "plain": filters.as_query(show=shown.shown.key),
        "without_filters": f"?show={shown.shown.key}",
        "kinds": KINDS,
        "sorts": SORTS,
        "views": views,
        "asks_for_news": shown.shown.key in TABS_WITH_NEWS,
        "person": person,
        "glass": read_banner(person, now=now, projects=shown.reach) if shown.has_glass else [],
    }
    return render(request, "approvals/queue.html", context)


@never_cache
@require_safe
@reads_once
@requires("requests.read")
def queue_new(request: HttpRequest) -> JsonResponse:
    """Say how many came into a tab since a page was drawn."""
    mark, tab = request.GET.get("mark", "")[:80], shown_tab(request.GET)
    count = count_new(person_of(request), show=tab, filters=read_filters(request.GET), mark=mark, now=timezone.now())
    return JsonResponse({"new": count})


@require_safe
@reads_once
@requires("requests.read")
def queue_beside(request: HttpRequest, request_id: str) -> HttpResponse:
    """Show a frozen review beside the list, to be read: nothing on it decides. As a page of its own it is the review's page."""
    person, now = person_of(request), timezone.now()
    rows = Request.objects.select_related("project__team", "environment", "state").annotate(seen_words=seen_by(person))
    asked: Any = get_object_or_404(rows, pk=request_id, project__in=readable_projects(person, "requests.read"))
    if "part" not in request.GET:
        return redirect("approvals:request", asked.pk)
    revision = get_current_revision(asked)
    review = read_review(bytes_of(revision.snapshot))
    compared = review["comparison"]
    if compared is not None and may(person, "requests.answer", project=asked.project).allowed:
        review["comparison"] = arrange(compared, read_seen(asked.seen_words, signals=compared["signals"], now=now))
    context = {"asked": asked, "review": review, "status": asked.state.status, "waivable": frozenset[str]()}
    return render(request, "approvals/_beside.html", context)


@never_cache
@require_safe
@requires("requests.read")
def queue_export(request: HttpRequest) -> HttpResponse:
    """Give the lines of a tab as a CSV file."""
    rows = read_all_rows(person_of(request), show=shown_tab(request.GET), filters=read_filters(request.GET), now=timezone.now())
    response = HttpResponse(write_csv(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="queue-{timezone.now():%Y-%m-%d}.csv"'
    return response


@require_POST
@requires("requests.snooze")
def queue_snooze(request: HttpRequest) -> HttpResponse:
    """Put what is selected off until a day."""
    form, now = InputSnooze(request.POST), timezone.now()
    if not form.is_valid():
        raise Malformed("snooze.day", "got no day, or none that can be read, expected tomorrow, next week or a date")
    given = form.cleaned_data
    until = until_of(given["until"], given["day"], zone=timezone.get_current_timezone(), now=now)
    count = snooze_requests(requests=_selected(request), until=until, by=person_of(request), now=now)
    messages.success(request, f"{_so_many(count)} put off. It stays your turn, and comes back by itself under Your turn.")
    return _back(request)


@require_POST
@requires("requests.snooze")
def queue_unsnooze(request: HttpRequest) -> HttpResponse:
    """Let what is selected be seen again."""
    count = unsnooze_requests(requests=_selected(request), by=person_of(request))
    messages.success(request, f"{_so_many(count)} back under Your turn.")
    return _back(request)


@require_POST
@requires("requests.withdraw")
def queue_withdraw(request: HttpRequest) -> HttpResponse:
    """Take back those of the selected requests that are one's own."""
    form = InputWithdrawal(request.POST)
    if not form.is_valid():
        raise Malformed("request.text", "got no reason, or a very long one, expected a few words")
    done = withdraw_many(requests=_selected(request), reason=form.cleaned_data["reason"], by=person_of(request), now=timezone.now())
    if done.count:
        messages.success(request, f"{_so_many(done.count)} taken back.")
    _warn(request, [f"Not taken back: {words}." for words in done.refused], "And {more} more were not taken back.")
    return _back(request)


@require_POST
@requires("requests.comment")
def queue_comment(request: HttpRequest) -> HttpResponse:
    """Say the same on what is selected. It answers none of them."""
    form = InputRemark(request.POST)
    if not form.is_valid():
        raise Malformed("request.text", "got nothing for the comment, or more than 2000 characters, expected a few words")
    done = comment_many(requests=_selected(request), text=form.cleaned_data["text"], by=person_of(request), now=timezone.now())
    if done.count:
        messages.success(
            request, f"Your comment stands on {'1 request' if done.count == 1 else f'{done.count} requests'}. It is no answer."
        )
    _warn(request, [f"No comment stands on {title}: {why}." for title, why in done.refused], "And on {more} more no comment stands.")
    if done.unknown:
        names = ", ".join(f"@{name}" for name in done.unknown)
        messages.warning(request, f"Nobody who may read all of these requests is called {names}, so nobody was told of that.")
    return _back(request)


@require_safe
@requires("requests.read")
def queue_view(request: HttpRequest, slug: str) -> HttpResponse:
    """Lead to a view that the reader keeps."""
    return redirect(f"{reverse('approvals:queue')}?{find_queue_view(preferences_of(person_of(request)), slug)['query']}")


@require_POST
@requires("settings.own")
def queue_view_keep(request: HttpRequest) -> HttpResponse:
    """Keep the present filters under a name."""
    form = InputView(request.POST)
    if not form.is_valid():
        raise Malformed("queue.view_name", "got no name, or more than 60 characters, expected a few words")
    keep_queue_view(name=form.cleaned_data["name"], query=_here(request), by=person_of(request), now=timezone.now())
    messages.success(request, f"Kept as “{form.cleaned_data['name']}”.")
    return _back(request)


@require_POST
@requires("settings.own")
def queue_view_drop(request: HttpRequest, slug: str) -> HttpResponse:
    """Delete a view."""
    name = drop_queue_view(slug=slug, by=person_of(request), now=timezone.now())
    messages.success(request, f"The view “{name}” is deleted.")
    return _back(request)


def _selected(request: HttpRequest) -> list[str]:
    """Return the ids that were ticked, as they were sent. Refuses with `queue.selection` for none, more than a page holds, or what no id can be."""
    chosen = request.POST.getlist("requests")
    if not 0 < len(chosen) <= SHOWN:
        raise Malformed("queue.selection", f"got {len(chosen)} requests, expected between one and {SHOWN}; tick some first")
    if any("\0" in request_id for request_id in chosen):
        raise Malformed("queue.selection", "got a NUL character in the id of a request, expected the ids that the page sends")
    return [request_id[:40] for request_id in chosen]


def _here(request: HttpRequest) -> str:
    """Return the query of the page a form stands on, made of nothing but filters."""
    given: Mapping[str, str] = QueryDict(request.POST.get("here", "")[:2000])
    return clean_query(given)


def _warn(request: HttpRequest, sentences: list[str], rest: str) -> None:
    """Say what was refused, one by one up to a screenful; `rest` counts the others as {more}."""
    for sentence in sentences[:TOLD_REFUSALS]:
        messages.warning(request, sentence)
    if len(sentences) > TOLD_REFUSALS:
        messages.warning(request, rest.format(more=len(sentences) - TOLD_REFUSALS))


def _back(request: HttpRequest) -> HttpResponse:
    query = _here(request)
    return redirect(f"{reverse('approvals:queue')}?{query}" if query else reverse("approvals:queue"))


def _so_many(count: int) -> str:
    return "One request is" if count == 1 else f"{count} requests are"
