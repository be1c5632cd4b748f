"""What observers saw, by API: kept once, held against the approvals at once, each answered for itself, nobody else's business."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test import Client

from approvals.models import Approval, PathFinding
from approvals.path.receive_observations import receive_observations
from attestations.models import Artifact, Observation, Place
from identities.models import Environment, Identity
from ledger.append_only import AppendOnlyError
from ledger.models import Entry
from ledger.publish import publish_checkpoint
from proofs.errors import NotAllowed
from tests import cast
from tests import make_approvals as make
from tests.make_observations import NOW, codes, observe, runs, said, watcher

pytestmark = pytest.mark.django_db
SEND = "/api/v1/observations"
LATER = NOW + timedelta(minutes=10)
OTHER = make.image("something else")


def send(body: object, *, token: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {token or cast.token_of(watcher(), 'observations:write')}"}
    return Client().post(SEND, data=body, content_type="application/json", headers=headers)


def now_text(ago: timedelta = timedelta()) -> datetime:
    return (datetime.now(UTC) - ago).replace(microsecond=0)


@pytest.fixture
def approved() -> Approval:
    stage = make.set_stage()
    make.send_provenance(stage)
    return make.approve(make.ask(), cast.alice())


class TestSend:
    def test_one_observation_is_kept_with_what_was_found(self) -> None:
        at = now_text()
        answer = send(said(at=at))
        (item,) = answer.json()["items"]
        assert (answer.status_code, item["answer"], item["code"]) == (201, "new", None)
        kept = Observation.objects.select_related("place", "identity").get(pk=item["id"])
        assert (kept.digest, kept.reference, kept.observed_at, kept.identity) == (make.image(), "1.4.2", at, watcher())
        assert (kept.place.kind, kept.place.location, kept.place.team) == ("registry", "registry.example/payments/api", cast.payments())
        assert [finding["code"] for finding in item["findings"]] == ["path.not_compared"]
        assert item["findings"][0]["notLookedAt"]

    def test_the_same_again_is_the_same_row(self) -> None:
        body = said(at=now_text())
        first, second = send(body), send(body)
        assert (first.status_code, second.status_code) == (201, 200)
        assert (second.json()["items"][0]["answer"], second.json()["counts"]) == ("known", {"known": 1})
        assert first.json()["items"][0] == second.json()["items"][0] | {"answer": "new"}
        assert (Observation.objects.count(), PathFinding.objects.count(), Place.objects.count()) == (1, 1, 1)

    def test_of_another_moment_or_another_observer_it_is_another_row(self) -> None:
        at = now_text()
        send([said(at=at), said(at=at - timedelta(minutes=1))])
        send(said(at=at), token=cast.token_of(watcher(name="second"), "observations:write"))
        assert (Observation.objects.count(), Place.objects.count()) == (3, 1)

    def test_each_of_a_list_answers_for_itself(self) -> None:
        cast.production()
        at = now_text()
        good = said(at=at)
        answer = send([good, said(at=at, digest="latest"), said(at=at, environment="mars"), good, said(at=now_text(timedelta(days=8)))])
        body = answer.json()
        assert answer.status_code == 207
        assert body["counts"] == {"new": 1, "refused": 3, "known": 1}
        assert [(item["position"], item["code"]) for item in body["items"]] == [
            (1, None),
            (2, "digest.malformed"),
            (3, "environment.unknown"),
            (4, None),
            (5, "observation.too_old"),
        ]
        assert all(item["sentence"] for item in body["items"] if item["answer"] == "refused")
        assert (Observation.objects.count(), PathFinding.objects.count(), Place.objects.count()) == (1, 1, 1)

    def test_five_hundred_and_no_more(self) -> None:
        at = now_text()
        many = [said(tag=str(number), at=at) for number in range(501)]
        answer = send(many)
        assert (answer.status_code, answer.json()["code"]) == (413, "observation.too_many")
        assert not Observation.objects.exists()
        assert send(many[:500]).json()["counts"] == {"new": 500}

    def test_it_makes_no_artifact_that_every_team_would_see(self) -> None:
        send(said(at=now_text()))
        assert not Artifact.objects.exists()

    def test_where_the_digest_is_the_name_each_is_a_place_of_its_own(self) -> None:
        at = now_text()
        send([said(at=at, reference=""), said(at=at, reference="", digest=OTHER)])
        assert Place.objects.count() == 2


class TestRefuses:
    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ([], 400, "observation.malformed"),
            ('"text"', 400, "observation.malformed"),
            ({}, 400, "observation.malformed"),
            (said(kind="cloud"), 400, "observation.malformed"),
            (said(location=""), 400, "observation.malformed"),
            (said(location="registry.example/payments/api:1.4.2"), 400, "observation.name_in_location"),
            (said(digest="latest"), 400, "digest.malformed"),
            (said(surprise="x"), 400, "observation.malformed"),
            (said(at=datetime(2026, 3, 2, tzinfo=UTC) + timedelta(days=36500)), 400, "observation.from_future"),
            (said(at=datetime(2020, 3, 2, tzinfo=UTC)), 400, "observation.too_old"),
        ],
    )
    def test_with_its_code_and_keeps_nothing(self, body: object, status: int, code: str) -> None:
        answer = send(body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer["Content-Type"] == "application/problem+json"
        assert not any(model.objects.exists() for model in (Observation, Place, PathFinding))

    @pytest.mark.parametrize("content", [b"{", b'{"kind":"registry","kind":"cluster"}', b"\xff"])
    def test_what_is_no_strict_json(self, content: bytes) -> None:
        headers = {"Authorization": f"Bearer {cast.token_of(watcher(), 'observations:write')}"}
        assert Client().post(SEND, data=content, content_type="application/json", headers=headers).status_code == 400
        assert Client().post(SEND, data=content, content_type="text/plain", headers=headers).status_code == 415

    def test_another_teams_environment_is_unknown(self) -> None:
        Environment.objects.create(slug="theirs", name="Theirs", team=make.other_teams_bot().team)
        answer = send(said(at=now_text(), environment="theirs"))
        assert (answer.status_code, answer.json()["code"]) == (404, "environment.unknown")
        assert answer.json() == send(said(at=now_text(), environment="theirs")).json()
        unknown = send(said(at=now_text(), environment="mars"))
        assert unknown.json()["detail"] == answer.json()["detail"].replace("theirs", "mars")

    def test_whoever_has_no_credential_or_not_the_scope(self) -> None:
        body = said(at=now_text())
        assert Client().post(SEND, data=body, content_type="application/json").status_code == 401
        answer = send(body, token=cast.token_of(watcher(), "read", "attestations:write"))
        assert (answer.status_code, answer.json()["code"]) == (403, "permission.scope")
        assert not Observation.objects.exists()

    def test_people(self) -> None:
        for person in (cast.alice(), cast.bob(), cast.carol(), cast.dave()):
            client = Client()
            client.force_login(cast.account_of(person))
            answer = client.post(SEND, data=said(at=now_text()), content_type="application/json")
            assert (answer.status_code, answer.json()["code"]) == (403, "credential.required")
            with pytest.raises(NotAllowed, match=r"permission\.missing"):
                receive_observations(unverified=said(), by=person, now=NOW)

    @pytest.mark.parametrize("status", [Identity.Status.SUSPENDED, Identity.Status.RETIRED])
    def test_a_program_that_is_not_active_or_whose_owner_is_not(self, status: str) -> None:
        token = cast.token_of(watcher(), "observations:write")
        for who in (watcher(), cast.bob()):
            Identity.objects.filter(pk=who.pk).update(status=status)
            assert send(said(at=now_text()), token=token).status_code == 401
            with pytest.raises(NotAllowed, match=r"permission\.missing"):
                receive_observations(unverified=said(), by=Identity.objects.get(pk=watcher().pk), now=NOW)
            Identity.objects.filter(pk=who.pk).update(status=Identity.Status.ACTIVE)
        assert not Observation.objects.exists()


class TestFindsAtOnce:
    def test_what_was_approved_is_as_approved(self, approved: Approval) -> None:
        (answer,) = observe(runs(at=LATER))
        (finding,) = answer.findings
        assert (finding.code, finding.outcome, finding.approval, finding.entry) == ("path.as_approved", "pass", approved, None)
        assert finding.expected_digest == make.image()

    def test_another_digest_is_a_finding_with_both_and_a_line_in_the_ledger(self, approved: Approval) -> None:
        (answer,) = observe(said(digest=OTHER, at=LATER))
        (finding,) = answer.findings
        assert (finding.code, finding.outcome, finding.approval) == ("path.digest_differs", "fail", approved)
        assert OTHER in finding.sentence and make.image() in finding.sentence
        assert finding.entry is not None and finding.document is not None
        assert (finding.entry.event, finding.entry.ref_digest) == ("path.contradiction", finding.document.digest)
        assert OTHER.encode() in bytes(finding.document.content)

    def test_what_only_repeats_it_is_found_again_and_fills_no_ledger(self, approved: Approval) -> None:
        for minute in range(3):
            assert codes(observe(said(digest=OTHER, at=LATER + timedelta(minutes=minute)))[0]) == ["path.digest_differs"]
        assert Entry.objects.filter(event="path.contradiction").count() == 1

    def test_a_tag_that_moves_is_found_beside_it(self, approved: Approval) -> None:
        answers = observe(said(at=LATER), said(digest=OTHER, at=LATER + timedelta(minutes=1)))
        assert [codes(answer) for answer in answers] == [["path.as_approved"], ["path.digest_differs", "path.tag_moved"]]

    def test_what_nobody_approved_must_not_run(self, approved: Approval) -> None:
        (answer,) = observe(runs(at=LATER, reference="registry.example/payments/web:9", digest=OTHER))
        assert codes(answer) == ["path.unapproved"]

    def test_another_version_than_the_approved_one(self, approved: Approval) -> None:
        (answer,) = observe(runs(tag="1.4.3", at=LATER))
        assert codes(answer) == ["path.digest_differs"]

    def test_what_ran_before_it_was_approved(self, approved: Approval) -> None:
        assert codes(observe(runs(at=NOW - timedelta(minutes=10)))[0]) == ["path.unapproved"]

    def test_a_request_that_is_not_fully_approved_approves_nothing(self) -> None:
        stage = make.set_stage(count=2)
        make.send_provenance(stage)
        make.approve(make.ask(), cast.alice())
        assert codes(observe(runs(at=LATER))[0]) == ["path.unapproved"]

    def test_a_later_no_ends_it_wherever_it_was_said(self, approved: Approval) -> None:
        at = NOW + timedelta(seconds=30)
        kim = cast.person("kim", "Kim Osei", "approver:release")
        passkey, key = make.enrol(kim)
        again = make.ask(now=at)
        publish_checkpoint(now=at)
        make.complete(make.begin(again, kim, key, decision="reject", reason="It is malware.", now=at), passkey, now=at)
        assert codes(observe(runs(at=LATER))[0]) == ["path.unapproved"]

    def test_an_approval_that_has_lapsed_still_says_what_may_run(self, approved: Approval) -> None:
        at = NOW + timedelta(days=30)
        assert approved.not_after < at
        assert codes(observe(runs(at=at))[0]) == ["path.as_approved"]

    def test_another_teams_approvals_are_not_ours(self, approved: Approval) -> None:
        bot = make.other_teams_bot()
        (answer,) = observe(said(at=LATER, digest=OTHER), by=bot)
        assert codes(answer) == ["path.not_compared"]
        assert make.image() not in answer.findings[0].sentence

    def test_two_teams_looking_at_one_registry_have_places_of_their_own(self, approved: Approval) -> None:
        observe(said(at=LATER))
        (answer,) = observe(said(at=LATER + timedelta(minutes=1), digest=OTHER), by=make.other_teams_bot())
        assert codes(answer) == ["path.not_compared"]
        assert Place.objects.count() == 2


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="the trigger that breaks the second one is written for SQLite")
class TestBreaksInBetween:
    def test_an_observation_and_its_finding_are_there_together_or_not_at_all(self, approved: Approval) -> None:
        both = said(at=LATER), said(digest=OTHER, at=LATER + timedelta(minutes=1))
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TRIGGER breaks BEFORE INSERT ON approvals_pathfinding WHEN NEW.code = 'path.digest_differs' "
                "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
            )
            with pytest.raises(IntegrityError, match="the disk is full"):
                observe(*both)
            assert (Observation.objects.count(), PathFinding.objects.count()) == (1, 1)
            assert not Entry.objects.filter(event="path.contradiction").exists()
            cursor.execute("DROP TRIGGER breaks")
        assert [answer.answer for answer in observe(*both)] == ["known", "new"]
        assert PathFinding.objects.filter(code="path.digest_differs").count() == 1


class TestStays:
    def test_observations_places_and_findings_never_change(self, approved: Approval) -> None:
        (answer,) = observe(said(at=LATER))
        assert answer.observation is not None
        for row in (answer.observation, answer.observation.place, answer.findings[0]):
            for change in (row.save, row.delete):
                with pytest.raises(AppendOnlyError):
                    change()
