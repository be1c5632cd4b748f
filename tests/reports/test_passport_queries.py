"""The passport asks the database as often for a hundred pieces of evidence, requests and approvals as for one, and at most 15 times from the session to
the footer.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from identities.models import RoleAssignment, Team
from identities.read_once import reading_once
from reports.chain_picture.drawing import draw
from reports.passport.build import build_passport
from reports.passport.chain_graph import tell_graph
from reports.passport.rows import list_banners, list_entries, list_environments, list_names
from tests import cast
from tests import make_approvals as make
from tests.make_observations import observe, runs, said

pytestmark = pytest.mark.django_db

AT_MOST, WHOLE_PAGE = 10, 15
LATER = make.NOW + timedelta(minutes=30)


def tell_story(number: int) -> None:
    stage = make.set_stage()
    sent = make.send_provenance(stage)
    make.expect()
    passkey, key = make.enrol(cast.alice())
    for _ in range(number):
        ceremony = make.begin(make.ask(), cast.alice(), key)
        make.complete(ceremony, passkey)
    if number > 1:
        make.copy_evidence(sent, count=number - 1)
    places = range(min(number, 40))
    observe(*(runs(at=LATER, location=f"cluster-{place}/payments/api") for place in places), now=LATER)
    observe(*(said(at=LATER, location=f"registry-{place}.example/payments/api") for place in places), now=LATER)
    cast.carol()


def asked_by_passport() -> list[str]:
    """The queries of everything that the page shows, apart from its frame."""
    reader = cast.carol()
    with reading_once(), CaptureQueriesContext(connection) as asked:
        passport = build_passport(make.image(), reader=reader, now=LATER)
        draw(tell_graph(passport))
        list_environments(passport), list_names(passport), list_entries(passport), list_banners(passport)
        assert passport.sentence
    return [query["sql"] for query in asked.captured_queries]


def asked_by_page(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert client.get(path).status_code == 200
    return len(asked)


# Many take long to sign, and ask the same on every backend.
MANY = [pytest.param(50, marks=pytest.mark.once), pytest.param(100, marks=[pytest.mark.slow, pytest.mark.once])]


@pytest.mark.parametrize("number", [1, *MANY])
def test_it_asks_as_often_for_a_hundred_as_for_one(number: int, client: Client) -> None:
    tell_story(number)
    queries = asked_by_passport()
    assert len(queries) <= AT_MOST, "\n".join(query[:40] + query[query.find("FROM") :][:60] for query in queries)
    client.force_login(cast.account_of(cast.carol()))
    # The first page of a session notes that it is in use.
    client.get("/log")
    # With the frame of every page: session, account, identity, roles, notices.
    assert asked_by_page(client, f"/artifacts/{make.image()}") <= WHOLE_PAGE


def test_it_asks_as_often_for_a_reader_of_many_teams(client: Client) -> None:
    tell_story(1)
    few = asked_by_passport()
    teams = Team.objects.bulk_create([Team(slug=f"team-{number}", name=f"Team {number}") for number in range(300)])
    RoleAssignment.objects.bulk_create(
        [RoleAssignment(identity=cast.carol(), role="auditor", team=team, granted_at=make.NOW) for team in teams]
    )
    many = asked_by_passport()
    # Nor are the teams read one by one, or named in what is asked.
    assert [len(query) for query in many] == [len(query) for query in few]
