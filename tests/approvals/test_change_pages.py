"""The pages of policies in force, proposals and exceptions, as people use them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from approvals.models import PolicyActivation, Request, Waiver, WaiverEnd
from tests import cast
from tests import make_approvals as make
from tests import make_changes as changes

pytestmark = pytest.mark.django_db
# The doors read the real clock, so these stories happen now.
NOW = datetime.now(UTC).replace(microsecond=0)


def let_in(person: object) -> Client:
    return cast.let_in(Client(), person)  # type: ignore[arg-type]


def read(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


class TestPolicies:
    def test_says_what_is_in_force_since_when_by_whom_and_how(self) -> None:
        stage = make.set_stage(now=NOW)
        assert "By one person" in read(let_in(cast.carol(now=NOW)), "/policies")
        changes.frank(now=NOW)
        changes.change(stage.policy, mode="warn", now=NOW)
        page = read(let_in(cast.carol(now=NOW)), "/policies")
        assert "Warned of" in page
        assert "<bdi>Erin Okafor</bdi> and <bdi>Frank Osei</bdi>" in page
        assert "By one person" not in page
        assert "Propose a change" not in page
        assert "Propose a change" in read(let_in(make.erin(now=NOW)), "/policies")

    def test_a_place_without_a_policy_says_what_to_do(self) -> None:
        make.set_stage(now=NOW)
        cast.Environment.objects.create(slug="staging", name="Staging", tier=2, team=cast.payments())
        assert "until policy owners put one into force" in read(let_in(cast.carol(now=NOW)), "/policies")

    def test_who_holds_no_role_is_told_of_no_place(self) -> None:
        make.set_stage(now=NOW)
        assert let_in(cast.mallory(now=NOW)).get("/policies").status_code == 403


class TestPropose:
    def test_shows_the_differences_and_opens_the_request(self) -> None:
        stage = make.set_stage(now=NOW)
        policy = changes.version(2, count=2)
        client = let_in(make.erin(now=NOW))
        where = {"project": cast.payments_api().pk, "environment": cast.production().pk, "mode": "warn"}
        page = client.get(f"/policies/{policy.pk}/propose", where).content.decode()
        assert "mode enforce → warn: loosened" in page
        assert "how many approve 1 → 2: tightened" in page
        assert page.index("loosened") < page.index("tightened")
        assert "0 open requests would be frozen anew" in page and "Of 0 approved and in use" in page
        make.send_provenance(stage, now=NOW)
        make.approve(make.ask(now=NOW), cast.alice(now=NOW), now=NOW)
        make.ask(tag="1.4.3", now=NOW)
        page = client.get(f"/policies/{policy.pk}/propose", where).content.decode()
        assert "1 open request would be frozen anew" in page
        assert "Of 1 approved and in use, the policy itself would deny 1;" in page
        answer = client.post(f"/policies/{policy.pk}/propose", {**where, "note": "More eyes."})
        request = Request.objects.get(kind="policy-change")
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/requests/{request.pk}")
        review = read(client, f"/requests/{request.pk}")
        assert "What changes" in review
        assert "mode enforce → warn: loosened" in review
        assert "More eyes." in review
        assert "You asked for this, so somebody else" not in review
        assert not PolicyActivation.objects.filter(request=request).exists()

    def test_refuses_on_the_page(self) -> None:
        stage = make.set_stage(now=NOW)
        client = let_in(make.erin(now=NOW))
        where = {"project": cast.payments_api().pk, "environment": cast.production().pk, "mode": "enforce"}
        answer = client.post(f"/policies/{stage.policy.pk}/propose", where)
        assert answer.status_code == 400
        assert "is in force for" in answer.content.decode()

    def test_is_for_policy_owners(self) -> None:
        stage = make.set_stage(now=NOW)
        for person in (cast.alice(now=NOW), cast.dave(now=NOW)):
            assert let_in(person).get(f"/policies/{stage.policy.pk}/propose").status_code == 403

    def test_it_waits_in_the_queue_of_both_owners(self) -> None:
        make.set_stage(now=NOW)
        frank = changes.frank(now=NOW)
        request = changes.propose(changes.version(2), now=NOW)
        for person in (make.erin(now=NOW), frank):
            assert f"/requests/{request.pk}" in read(let_in(person), "/queue?show=mine")
        assert "Nothing waits for you" in read(let_in(cast.alice(now=NOW)), "/queue?show=mine")


class TestExceptions:
    @pytest.fixture
    def blocked(self) -> Request:
        make.set_stage(source=changes.WAIVABLE, now=NOW)
        return make.ask(now=NOW)

    def test_a_blocked_request_offers_one_for_each_rule_that_may_be_waived(self, blocked: Request) -> None:
        page = read(let_in(cast.bob(now=NOW)), f"/requests/{blocked.pk}")
        assert f"/requests/{blocked.pk}/exception?rule=provenance" in page
        assert f"/requests/{blocked.pk}/exception" not in read(let_in(cast.alice(now=NOW)), f"/requests/{blocked.pk}")

    def test_asking_opens_a_request_that_says_all_of_it(self, blocked: Request) -> None:
        client = let_in(cast.bob(now=NOW))
        path = f"/requests/{blocked.pk}/exception?rule=provenance"
        assert "At most" not in read(client, path)
        until = (NOW + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
        given = {"reason": "The <b>runner</b> is broken.", "owner": cast.bob(now=NOW).pk, "until": until, "scope": "artifacts"}
        answer = client.post(path, given)
        request = Request.objects.get(kind="exception")
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/requests/{request.pk}")
        page = read(client, f"/requests/{request.pk}")
        assert "The &lt;b&gt;runner&lt;/b&gt; is broken." in page
        assert make.image()[7:19] in page

    def test_what_the_policy_does_not_allow_is_said_at_its_field(self, blocked: Request) -> None:
        until = (NOW + timedelta(days=60)).strftime("%Y-%m-%dT%H:%M")
        given = {"reason": "Broken.", "owner": cast.bob(now=NOW).pk, "until": until, "scope": "place"}
        answer = let_in(cast.bob(now=NOW)).post(f"/requests/{blocked.pk}/exception?rule=provenance", given)
        assert answer.status_code == 400
        assert "within 14 days" in answer.content.decode()

    def test_a_rule_about_people_is_not_offered(self, blocked: Request) -> None:
        for rule in ("approval", "nothing", ""):
            assert let_in(cast.bob(now=NOW)).get(f"/requests/{blocked.pk}/exception?rule={rule}").status_code == 404

    def test_the_list_shows_live_ending_and_ended_ones(self, blocked: Request) -> None:
        client = let_in(cast.bob(now=NOW))
        assert "No rule is waived" in read(client, "/exceptions")
        waiver = changes.waive(blocked, days=7, now=NOW)
        page = read(client, "/exceptions")
        assert ("The runner is broken until Friday." in page, "Ending soon" in page, "Sam Lindqvist" in page) == (True, False, True)
        assert f"/exceptions/{waiver.pk}/withdraw" in page
        assert f"/exceptions/{waiver.pk}/withdraw" not in read(let_in(cast.alice(now=NOW)), "/exceptions")
        changes.waive(blocked, days=1, now=NOW)
        assert "Ending soon" in read(client, "/exceptions")

    def test_withdrawing_asks_why_and_shows_who(self, blocked: Request) -> None:
        waiver = changes.waive(blocked, now=NOW)
        client = let_in(cast.bob(now=NOW))
        path = f"/exceptions/{waiver.pk}/withdraw"
        assert "The rule is asked again" in read(client, path)
        assert client.post(path, {"reason": ""}).status_code == 400
        assert not WaiverEnd.objects.exists()
        assert client.post(path, {"reason": "Mended."}).status_code == 302
        page = read(client, "/exceptions")
        assert "Mended." in page
        assert "Withdrawn" in page

    def test_another_team_sees_nothing_of_it(self, blocked: Request) -> None:
        waiver = changes.waive(blocked, now=NOW)
        make.other_teams_bot(now=NOW)
        zoe = cast.person("zoe", "Zoe Park", "requester", now=NOW)
        client = let_in(zoe)
        assert "No rule is waived" in read(client, "/exceptions")
        assert client.get(f"/exceptions/{waiver.pk}/withdraw").status_code == 404
        assert Waiver.objects.count() == 1
