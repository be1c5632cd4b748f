"""The page that says how an identity used its rights in a window."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from identities.permissions import person_of, requires
from proofs.errors import Malformed
from reports.identity_use.report import build_report, find_reported
from reports.identity_use.timeline import HEIGHT, WIDTH, draw_timeline
from reports.identity_use.window import PRESETS, read_window

DEEDS_SHOWN = 50


@require_safe
@requires("identities.read")
def identity_use(request: HttpRequest, identity_id: str) -> HttpResponse:
    """Show what a program may do beside what it did, and answer whether it was overprivileged or misused."""
    shown, now = find_reported(identity_id, reader=person_of(request)), timezone.now()
    asked_from, asked_to = request.GET.get("from", ""), request.GET.get("to", "")
    refusal: Malformed | None = None
    try:
        window = read_window(unverified_from=asked_from, unverified_to=asked_to, now=now)
    except Malformed as error:
        refusal, window = error, read_window(unverified_from="", unverified_to="", now=now)
    report = None if refusal else build_report(shown, window)
    deeds = report.use.deeds if report else ()
    context = {
        "shown": shown,
        "report": report,
        "refusal": refusal,
        "window": window,
        # The day that the window's last moment belongs to.
        "last_day": window.until - timedelta(microseconds=1),
        "presets": [(days, (now - timedelta(days=days)).date().isoformat(), now.date().isoformat()) for days in PRESETS],
        "asked": (asked_from, asked_to),
        "bars": draw_timeline(deeds, window),
        "picture": (WIDTH, HEIGHT),
        "deeds": deeds[: -DEEDS_SHOWN - 1 : -1],
        "deeds_left": max(0, len(deeds) - DEEDS_SHOWN),
    }
    return render(request, "reports/identity_use.html", context, status=400 if refusal else 200)
