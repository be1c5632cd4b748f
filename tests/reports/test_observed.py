"""What pages and API say of where an artifact was seen, and to whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from proofs.path import FRESH_FOR
from reports.passport.build import build_passport
from reports.passport.now import Now, ask_now
from tests import cast
from tests import make_approvals as make
from tests.make_observations import CLUSTER, NOW, observe, runs, said, watcher

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=10)
OTHER = make.image("something else")


@pytest.fixture(autouse=True)
def approved() -> None:
    stage = make.set_stage()
    make.send_provenance(stage)
    make.approve(make.ask(), cast.alice())


def passport(digest: str | None = None, *, now: datetime = LATER + timedelta(minutes=5)) -> Now:
    return ask_now(digest or make.image(), reader=cast.carol(), now=now)


def page(client: Client, digest: str | None = None, *, person: Any = None) -> Any:
    client.force_login(cast.account_of(person or cast.carol()))
    return client.get(f"/artifacts/{digest or make.image()}")


def read(digest: str | None = None, *, token: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {token or cast.token_of(cast.runner(), 'read')}"}
    return Client().get(f"/api/v1/artifacts/{digest or make.image()}/observations", headers=headers)


def stranger() -> Any:
    team = make.other_teams_bot().team
    return cast.person("olga", "Olga Berg", "auditor", team=team)


class TestPassport:
    def test_nothing_seen_is_unknown_and_the_last_link_is_missing(self) -> None:
        told = passport()
        assert (told.questions[2].answer, [link.state for link in told.passport.chain]) == ("unknown", ["proved"] * 3 + ["missing"])

    def test_seen_as_approved_is_a_yes_and_proves_the_last_link(self) -> None:
        observe(runs(at=LATER))
        told = passport()
        link = told.passport.chain[3]
        assert (told.questions[2].answer, told.questions[2].tone) == ("yes", "ok")
        assert (link.kind, link.state, link.digest) == ("downstream", "proved", make.image())
        assert "registry watcher, owned by Bob Ruiz" in link.by

    def test_seen_too_long_ago_is_unknown(self) -> None:
        observe(runs(at=LATER))
        told = passport(now=LATER + FRESH_FOR + timedelta(seconds=1))
        assert told.questions[2].answer == "unknown"
        assert "nobody has looked lately" in told.questions[2].words

    def test_another_in_its_stead_is_a_no_and_settled_by_a_later_look(self) -> None:
        observe(said(digest=OTHER, at=LATER))
        told = passport()
        assert (told.questions[2].answer, told.questions[2].tone, told.passport.chain[3].state) == ("no", "bad", "missing")
        assert OTHER in told.passport.chain[3].words
        # What was altered after review is a question of its own.
        assert told.questions[3].answer == "no"
        observe(said(at=LATER + timedelta(minutes=1)))
        told = passport()
        assert told.questions[2].answer == "yes"
        assert any(reason.startswith("Settled since: ") and OTHER[:19] in reason for reason in told.questions[2].reasons)
        assert [finding.code for finding in told.passport.path.findings] == ["path.tag_moved", "path.digest_differs"]

    def test_what_only_repeats_a_contradiction_is_listed_once(self) -> None:
        for minute in range(3):
            observe(said(digest=OTHER, at=LATER + timedelta(minutes=minute)))
        assert [finding.code for finding in passport().passport.path.findings] == ["path.digest_differs"]
        assert len(read().json()["observations"]) == 3

    def test_what_only_an_observer_knows_has_a_page_for_its_team(self) -> None:
        observe(runs(tag="9", digest=OTHER, at=LATER))
        told = passport(OTHER)
        assert (told.passport.artifact, told.passport.is_known, told.questions[2].answer) == (None, True, "no")
        assert not build_passport(OTHER, reader=stranger(), now=LATER).is_known


class TestPage:
    def test_lists_places_with_time_observer_owner_and_digest(self, client: Client) -> None:
        observe(runs(at=LATER), said(digest=OTHER, at=LATER))
        html = page(client).content.decode()
        for words in (CLUSTER, "registry.example/payments/api:1.4.2", "registry watcher", "owned by Bob Ruiz", make.image(), OTHER):
            assert words in html
        for label in ("As approved", "Another digest", "Registry or runtime", "Not looked at"):
            assert label in html

    def test_says_when_nobody_has_looked(self, client: Client) -> None:
        observe(runs(at=LATER))
        assert "Not looked at lately" in page(client).content.decode()

    def test_of_what_was_only_observed(self, client: Client) -> None:
        observe(runs(tag="9", digest=OTHER, at=LATER))
        answer = page(client, OTHER)
        assert (answer.status_code, "Where it was seen" in answer.content.decode()) == (200, True)
        assert page(Client(), OTHER, person=stranger()).status_code == 404

    def test_says_nothing_of_another_teams_places(self, client: Client) -> None:
        observe(runs(at=LATER), said(digest=OTHER, at=LATER))
        html = page(client, person=stranger()).content.decode()
        assert CLUSTER not in html and OTHER not in html and "registry watcher" not in html
        assert "No program of your teams" in html

    def test_a_role_in_one_project_shows_no_places_of_the_team(self, client: Client) -> None:
        observe(runs(at=LATER))
        narrow = cast.person("nia", "Nia Roth", "auditor", project=cast.payments_api())
        assert CLUSTER not in page(client, person=narrow).content.decode()


class TestApi:
    def test_reads_places_and_observations(self) -> None:
        observe(said(at=LATER), said(digest=OTHER, at=LATER + timedelta(minutes=1)))
        body = read().json()
        assert (body["answer"], body["code"]) == ("no", "path.digest_differs")
        (place,) = body["places"]
        assert (place["digest"], place["expected"], place["code"], place["isStale"]) == (OTHER, make.image(), "path.digest_differs", True)
        assert (place["observer"], place["owner"], place["environment"]) == ("registry watcher", "Bob Ruiz", None)
        assert place["notLookedAt"]
        assert [item["digest"] for item in body["observations"]] == [OTHER, make.image()]
        assert [found["code"] for found in body["observations"][0]["findings"]] == ["path.digest_differs", "path.tag_moved"]

    def test_a_fresh_one_is_a_yes(self) -> None:
        at = datetime.now(UTC).replace(microsecond=0)
        observe(runs(at=at), now=at)
        assert (read().json()["answer"], read().json()["places"][0]["environment"]) == ("yes", "production")

    def test_another_team_reads_nothing_and_cannot_tell_whether_there_is_something(self) -> None:
        observe(said(digest=OTHER, at=LATER))
        token = cast.token_of(make.other_teams_bot(), "read")
        seen, unseen = read(OTHER, token=token), read(make.image("never"), token=token)
        assert (seen.status_code, unseen.status_code) == (200, 200)
        assert seen.json() | {"digest": ""} == unseen.json() | {"digest": ""}
        assert (seen.json()["places"], seen.json()["observations"]) == ([], [])

    def test_needs_the_scope_and_a_digest(self) -> None:
        assert read(token=cast.token_of(watcher(), "observations:write")).json()["code"] == "permission.scope"
        assert Client().get(f"/api/v1/artifacts/{make.image()}/observations").status_code == 401
        assert read("latest").json()["code"] == "digest.malformed"

    def test_people_read_it_by_role(self, client: Client) -> None:
        client.force_login(cast.account_of(cast.carol()))
        assert client.get(f"/api/v1/artifacts/{make.image()}/observations").status_code == 200
        client.force_login(cast.account_of(cast.mallory()))
        assert client.get(f"/api/v1/artifacts/{make.image()}/observations").status_code == 403

    def test_the_json_twin_of_the_page_tells_the_path(self) -> None:
        observe(runs(tag="9", digest=OTHER, at=LATER))
        headers = {"Authorization": f"Bearer {cast.token_of(cast.runner(), 'read')}"}
        body = Client().get(f"/api/v1/artifacts/{OTHER}", headers=headers).json()
        assert (body["questions"][2]["answer"], body["chain"][3]["kind"]) == ("no", "downstream")
