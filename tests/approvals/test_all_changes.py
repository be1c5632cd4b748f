"""Of many changes the page shows the first sixty, and a page of its own shows all, out of what was frozen."""

from __future__ import annotations

import html

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals.comparison.all_changes import all_changes
from approvals.models import Request
from approvals.requests.revise import revise_request
from proofs.comparison.said import MAX_ITEMS
from tests import cast
from tests import make_approvals as make
from tests import make_releases as of

pytestmark = pytest.mark.django_db
COUNT = 250
MOST = 15


@pytest.fixture
def asked() -> Request:
    stage = make.set_stage()
    of.approved(stage, cyclonedx=of.cyclonedx("pkg:npm/express@4.18.2"))
    new = [f"pkg:npm/part-{number:03}@1.0.0" for number in range(COUNT)]
    return of.release(stage, of.SECOND, now=of.later(), cyclonedx=of.cyclonedx("pkg:npm/express@4.18.2", *new))


@pytest.fixture
def reader(client: Client) -> Client:
    return cast.let_in(client, cast.alice())


def address(request: Request, more: str = "area=packages") -> str:
    return f"/requests/{request.pk}/changes?{more}"


def page(reader: Client, path: str) -> str:
    response = reader.get(path)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def test_they_begin_with_what_is_frozen_and_are_complete(asked: Request) -> None:
    comparison = of.comparison_of(asked)
    row = of.area_of(asked, "packages")
    assert (len(row["changes"]), row["more"]) == (MAX_ITEMS, COUNT - MAX_ITEMS)
    found = all_changes(comparison, "packages")
    assert found is not None and found[:MAX_ITEMS] == row["changes"]
    assert {item["words"] for item in found} >= {f"part-{number:03} 1.0.0" for number in range(COUNT)}


def test_what_does_not_come_out_as_it_was_frozen_is_not_told(asked: Request) -> None:
    for lie in ({"more": 7}, {"changes": [{"change": "added", "words": "nothing much"}]}):
        comparison = of.comparison_of(asked)
        next(row for row in comparison["areas"] if row["area"] == "packages").update(lie)
        assert all_changes(comparison, "packages") is None
    assert all_changes({**of.comparison_of(asked), "version": 1}, "packages") is None
    assert all_changes(of.comparison_of(asked), "nothing") is None


def test_the_review_and_its_text_lead_there(reader: Client, asked: Request) -> None:
    path = address(asked, "area=packages&revision=1")
    assert f'href="{path}"' in page(reader, f"/requests/{asked.pk}")
    text = page(reader, f"/requests/{asked.pk}/review.txt")
    assert path in text.split()
    assert max(map(len, text.splitlines())) <= 88


def test_the_page_shows_all_of_them_on_pages(reader: Client, asked: Request) -> None:
    first, second = page(reader, address(asked)), page(reader, address(asked, "area=packages&page=2"))
    assert f"{COUNT} changes" in first and "Page 1 of 2" in first
    assert sum(f"part-{number:03} 1.0.0" in first + second for number in range(COUNT)) == COUNT
    assert page(reader, address(asked, "area=packages&page=many")).count("<li class=") > 0


def test_without_an_area_it_begins_with_the_first_that_changed(reader: Client, asked: Request) -> None:
    assert "Dependencies: all changes" in page(reader, address(asked, ""))


def test_the_page_costs_no_more_than_the_review(reader: Client, asked: Request) -> None:
    page(reader, address(asked))
    with CaptureQueriesContext(connection) as queries:
        page(reader, address(asked))
    assert len(queries) <= MOST


@pytest.mark.parametrize("more", ["area=nothing", "area=packages&revision=9", "area=packages&revision=99999999999"])
def test_what_is_not_there_is_not_found(reader: Client, asked: Request, more: str) -> None:
    assert reader.get(address(asked, more)).status_code == 404


def test_another_team_is_answered_as_if_it_were_not_there(asked: Request) -> None:
    others = cast.Team.objects.create(slug="others", name="Others")
    reader = cast.let_in(Client(), cast.person("zoe", "Zoe of Elsewhere", "approver:release", team=others))
    known, unknown = (reader.get(path) for path in (address(asked), address(asked).replace(asked.pk, "req_none")))
    assert known.status_code == unknown.status_code == 404
    assert asked.title not in known.content.decode()


def test_a_revision_is_looked_for_in_this_request_alone(reader: Client, asked: Request) -> None:
    first = Request.objects.exclude(pk=asked.pk).get()
    revise_request(request=first, by=None, now=of.later(31))
    assert first.revisions.count() == 2
    assert reader.get(address(asked, "area=packages&revision=2")).status_code == 404
    assert reader.get(address(asked, "area=packages&revision=0")).status_code == 404


@pytest.mark.parametrize("number", ["0", "-1", "9" * 5000, "1e9", "%D9%A3"])
def test_whatever_page_is_asked_for_there_is_one(reader: Client, asked: Request, number: str) -> None:
    assert "changes" in page(reader, address(asked, f"area=packages&page={number}"))


def test_who_may_not_read_the_request_learns_nothing(client: Client, asked: Request) -> None:
    stranger = cast.person("zoe", "Zoe of Elsewhere")
    assert cast.let_in(client, stranger).get(address(asked)).status_code in (403, 404)
