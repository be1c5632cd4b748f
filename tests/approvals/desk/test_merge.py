"""A page among several projects is the page of all their rows in order, however it is looked for."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import F

from approvals.desk.filters import Filters
from approvals.desk.merge import EACH, FEW, Among, Reach, first_among
from approvals.desk.tabs import OTHERS, Reader, states_everywhere, states_of
from approvals.models import RequestState
from identities.models import Project, Team
from tests import cast
from tests import make_approvals as make
from tests.make_queue import copy_request

pytestmark = [pytest.mark.django_db, pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite leaves it to the database")]
KEYS = {"key_0": F("opened_at"), "key_1": F("request_id")}
MOST = 6


def make_projects(count: int) -> list[str]:
    """Projects of which each third has no request, and the first has most of the newest."""
    make.send_provenance(make.set_stage())
    request = make.ask()
    team = Team.objects.create(slug="many", name="Many")
    made = [Project.objects.create(slug=f"many-{number}", name=f"Many {number}", team=team) for number in range(count)]
    for number, project in enumerate(made):
        if number % 3:
            copy_request(request, 2 if number > 1 else 9, project=project)
    return [project.pk for project in made]


def pages(reach: Reach, *, walked: int, descending: bool) -> tuple[list[str], list[str]]:
    """The first ids as they are looked for, and as they are where everything is put in order."""
    reader = Reader(cast.carol(), frozenset(), EACH, frozenset(), make.NOW)
    order = [f"{'-' if descending else ''}{field}" for field in ("opened_at", "request_id")]
    each, everywhere = (
        rows.annotate(**KEYS).order_by(*order) for rows in (states_of(OTHERS, reader, Filters()), states_everywhere(OTHERS, reader))
    )
    picked = first_among(each, Among(reach, everywhere, walked), keys=list(KEYS), descending=descending, most=MOST)
    found = RequestState.objects.filter(pk__in=picked).order_by(*order)[:MOST]
    plain = RequestState.objects.filter(project__in=reach, section="open").order_by(*order)[:MOST]
    return [row.pk for row in found], [row.pk for row in plain]


class TestFirstAmong:
    def test_of_few_projects_each_is_looked_at(self) -> None:
        named = make_projects(8)
        for descending in (True, False):
            for reach in ([], named[1:2], named[:5], named):
                found, plain = pages(reach, walked=1, descending=descending)
                assert found == plain

    def test_of_many_it_is_the_same_however_far_was_walked(self) -> None:
        named = make_projects(FEW + 6)
        for walked, descending in ((1, True), (1, False), (7, True), (7, False), (1000, True), (1000, False)):
            for reach in (named, named[2:], Project.objects.filter(pk__in=named[3:]), Project.objects.filter(slug="many-1")):
                found, plain = pages(reach, walked=walked, descending=descending)
                assert found == plain
                assert len(found) == MOST
            assert pages(Project.objects.filter(slug="many-0"), walked=walked, descending=descending) == ([], [])
