"""The doors of how reviews are read: what a page tells, one's own times, and a team's indicators."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from approvals.models import Reading, Request
from approvals.reading.forms import InputReading
from approvals.reading.indicators import FEWEST, FEWEST_PEOPLE, read_indicators
from approvals.reading.note_reading import KEPT, find_read_revision, note_reading
from identities.permissions import person_of, readable_projects, readable_whole_teams, requires
from identities.read_once import reads_once
from proofs.errors import Malformed

SHOWN = 100


@require_POST
@requires("requests.read")
def reading(request: HttpRequest, request_id: str) -> HttpResponse:
    """Take what a page says of how long it was in front of its reader."""
    asked = get_object_or_404(Request, pk=request_id, project__in=readable_projects(person_of(request), "requests.read"))
    form = InputReading(request.POST)
    if not form.is_valid():
        raise Malformed("reading.malformed", "got no snapshot, seconds and count of what was opened, expected all three")
    said = form.cleaned_data
    revision = find_read_revision(asked.pk, said["snapshot"])
    note_reading(revision=revision, seconds=said["seconds"], opened=said["opened"], by=person_of(request), now=timezone.now())
    return HttpResponse(status=204)


@require_safe
@requires("settings.own")
def own_readings(request: HttpRequest) -> HttpResponse:
    """Show somebody how long they looked at reviews: theirs alone, nobody else has a page for it."""
    person = person_of(request)
    rows = Reading.objects.filter(identity=person, revision__request__project__in=readable_projects(person, "requests.read"))
    readings = rows.select_related("revision__request").order_by("-read_at")[:SHOWN]
    return render(request, "approvals/own_readings.html", {"readings": readings, "days": KEPT.days})


@require_safe
@reads_once
@requires("indicators.read")
def indicators(request: HttpRequest) -> HttpResponse:
    """Show how the answers of one's whole teams look, without anybody's name."""
    teams = readable_whole_teams(person_of(request), "indicators.read").order_by("name")
    read = [read_indicators(team, now=timezone.now()) for team in teams[:20]]
    return render(request, "approvals/indicators.html", {"teams": read, "fewest": FEWEST, "people": FEWEST_PEOPLE})
