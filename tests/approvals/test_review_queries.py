"""How often the review page asks the database: at most so often, however much there is to show."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from approvals.models import Request
from identities.models import Identity, RoleAssignment, Team
from tests import cast
from tests import make_approvals as make
from tests import make_releases as of

pytestmark = pytest.mark.django_db
MOST = 15


def page_of(reader: Identity, request: Request) -> tuple[str, list[str]]:
    """The page as a reader gets it, and every question it asked, from the session to the footer."""
    client = Client()
    client.force_login(cast.account_of(reader))
    address = reverse("approvals:request", args=[request.pk])
    # The first page of a session notes that it is in use.
    client.get(address)
    with CaptureQueriesContext(connection) as captured:
        response = client.get(address)
    assert response.status_code == 200
    asked = [re.sub(r"^SELECT .*? FROM", "SELECT … FROM", query["sql"])[:200] for query in captured.captured_queries]
    return response.content.decode(), asked


@pytest.mark.parametrize("count", [1, 50, 100])
@pytest.mark.parametrize("reader", [cast.alice, cast.bob, cast.carol])
class TestAtMost:
    def test_of_a_first_revision(self, reader: Callable[[], Identity], count: int) -> None:
        stage = make.set_stage()
        of.approved(stage)
        sent = make.send_tests(stage, tag=of.SECOND, now=of.later())
        make.copy_evidence(sent, count=count - 1)
        request = of.release(stage, of.SECOND, now=of.later())
        make.enrol(cast.alice(), now=of.later())
        content, asked = page_of(reader(), request)
        assert f"({count + 1} item" in content
        assert len(asked) <= MOST, "\n".join(asked)

    def test_of_one_that_changed_after_it_was_approved(self, reader: Callable[[], Identity], count: int) -> None:
        stage = make.set_stage(count=2)
        make.send_provenance(stage)
        request = make.ask()
        make.approve(request, cast.alice())
        make.send_lie(stage, now=of.later(40))
        make.copy_evidence(make.send_tests(stage, now=of.later(40)), count=count)
        make.refresh(now=of.later(41))
        assert request.revisions.count() == 2
        _, asked = page_of(reader(), request)
        assert len(asked) <= MOST, "\n".join(asked)


def test_of_a_reader_of_many_teams_what_is_asked_is_no_longer() -> None:
    stage = make.set_stage()
    make.send_provenance(stage)
    request = make.ask()
    page_of(cast.carol(), request)
    _, few = page_of(cast.carol(), request)
    teams = Team.objects.bulk_create([Team(slug=f"team-{number}", name=f"Team {number}") for number in range(300)])
    RoleAssignment.objects.bulk_create(
        [RoleAssignment(identity=cast.carol(), role="auditor", team=team, granted_at=make.NOW) for team in teams]
    )
    with CaptureQueriesContext(connection) as captured:
        _, many = page_of(cast.carol(), request)
    assert len(many) == len(few)
    assert max(len(query["sql"]) for query in captured.captured_queries) < 10_000
    assert not [query for query in captured.captured_queries if "team-299" in query["sql"] or teams[299].pk in query["sql"]]
