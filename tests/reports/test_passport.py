"""The passport of an artifact: what it says, to whom."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime, timedelta

import pytest
from django.test import Client

from approvals.packs.build import build_pack
from approvals.trust import current_trust
from gates.decide import decide
from identities.models import Project, Team
from proofs.pack.verify import verify_pack
from reports.archive import zip_pack
from reports.passport.build import build_passport
from reports.passport.now import ask_now
from tests import cast
from tests import make_approvals as make
from tests import make_observations as seen

pytestmark = pytest.mark.django_db


def signed_in(client: Client, person: object) -> Client:
    client.force_login(cast.account_of(person))
    return client


def tell(now: datetime) -> str:
    """The sentence on top of the passport."""
    return "; ".join(clause.words for clause in build_passport(make.image(), reader=cast.carol(), now=now).sentence)


class TestBuildPassport:
    def test_it_tells_who_approved_and_that_nothing_changed_since(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        make.approve(make.ask(), cast.alice())
        passport = build_passport(make.image(), reader=cast.carol(), now=make.NOW)
        assert [verdict.result for verdict in passport.verdicts] == ["verified"]
        assert [approval.identity for approval in passport.approvals] == [cast.alice()]
        altered = ask_now(make.image(), reader=cast.carol(), now=make.NOW).questions[3]
        assert (altered.answer, altered.tone) == ("no", "ok")

    def test_a_place_that_was_looked_at_today_does_not_speak_for_one_that_was_not(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        make.approve(make.ask(), cast.alice())
        today = make.NOW + timedelta(days=40)
        seen.observe(seen.runs())
        seen.observe(seen.said(at=today))
        words = [clause.words for clause in build_passport(make.image(), reader=cast.carol(), now=today).sentence]
        assert "last seen running in 1 place, where nobody has looked lately" in words
        assert words[-1].startswith("unmodified in 1 of 2 places")

    def test_two_people_of_the_same_name_are_two(self) -> None:
        stage = make.set_stage(count=2)
        make.send_provenance(stage)
        request = make.ask()
        for person in (cast.alice(), cast.person("alice.b", cast.alice().name, "approver:release")):
            make.approve(request, person)
        assert "approved for Production by 2 people" in tell(make.NOW)

    def test_a_no_on_an_older_request_takes_the_approval_back(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        older = make.ask()
        newer = make.ask(note="Again.", now=make.NOW + timedelta(minutes=1))
        make.approve(newer, cast.alice(), now=make.NOW + timedelta(minutes=2))
        assert "approved for Production by 1 person" in tell(make.NOW + timedelta(minutes=3))
        passkey, key = make.enrol(cast.alice(), now=make.NOW + timedelta(minutes=3))
        ceremony = make.begin(older, cast.alice(), key, decision="reject", reason="it leaks", now=make.NOW + timedelta(minutes=4))
        make.complete(ceremony, passkey, now=make.NOW + timedelta(minutes=4))
        denied = decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=make.NOW + timedelta(minutes=5))
        assert denied.outcome == "deny"
        assert "not approved for Production: somebody answered no" in tell(make.NOW + timedelta(minutes=5))

    def test_it_says_what_changed_after_review(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        make.approve(make.ask(), cast.alice())
        make.send_lie(stage)
        altered = ask_now(make.image(), reader=cast.carol(), now=make.NOW).questions[3]
        assert (altered.answer, altered.tone) == ("yes", "bad")

    def test_it_says_what_each_project_accepts_and_why(self, client: Client) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        make.send_tests(stage)
        make.send_lie(stage)
        assert ask_now(make.image(), reader=cast.carol(), now=make.NOW).acceptances == []
        make.expect()
        (acceptance,) = ask_now(make.image(), reader=cast.carol(), now=make.NOW).acceptances
        assert (acceptance.project, acceptance.accepted) == (cast.payments_api(), True)
        answers = sorted((item.accepted, item.words) for item in acceptance.items)
        assert [accepted for accepted, _ in answers] == [False, False, True]
        assert answers[0][1] == "Nobody is expected to sign a statement of this type."
        assert answers[1][1].startswith("What was sent was not verified: ")
        assert answers[2][1].startswith(f"Signed by {cast.WORKFLOW}@refs/tags/v1.4.2 ")
        text = signed_in(client, cast.carol()).get(f"/artifacts/{make.image()}/now").content.decode()
        assert "Accepted for <bdi>Payments API</bdi>" in text and "Nobody is expected to sign a statement of this type." in text
        make.expect(version=2, workflow="other")
        (acceptance,) = ask_now(make.image(), reader=cast.carol(), now=make.NOW).acceptances
        assert not acceptance.accepted

    def test_it_shows_a_rejected_attestation_with_its_sentence(self) -> None:
        stage = make.set_stage()
        make.send_lie(stage)
        (verdict,) = build_passport(make.image(), reader=cast.carol(), now=make.NOW).verdicts
        assert (verdict.result, verdict.signer) == ("rejected", None)
        assert "but the certificate was issued to" in verdict.reason

    def test_it_hides_another_teams_requests(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        make.approve(make.ask(), cast.alice())
        others = Team.objects.create(slug="others", name="Others")
        Project.objects.create(slug="theirs", name="Theirs", team=others)
        make.expect()
        stranger = cast.person("olga", "Olga Berg", "auditor", team=others)
        assert ask_now(make.image(), reader=stranger, now=make.NOW).acceptances == []
        passport = build_passport(make.image(), reader=stranger, now=make.NOW)
        assert (passport.requests, passport.approvals, passport.decisions) == ([], [], [])

    def test_an_unknown_digest_is_an_empty_passport(self) -> None:
        make.set_stage()
        passport = build_passport(make.image("never built"), reader=cast.carol(), now=make.NOW)
        assert (passport.artifact, passport.verdicts) == (None, [])


class TestPages:
    def test_the_page_says_why_the_liars_evidence_was_rejected(self, client: Client) -> None:
        stage = make.set_stage()
        make.send_lie(stage)
        page = signed_in(client, cast.carol()).get(f"/artifacts/{make.image()}").content.decode()
        assert "The statement says it was built by https://github.com/payments/api/" in page
        assert "but the certificate was issued to https://github.com/intern/fork/" in page

    def test_an_unknown_digest_is_a_404_that_says_what_to_do(self, client: Client) -> None:
        make.set_stage()
        answer = signed_in(client, cast.carol()).get(f"/artifacts/{make.image('never built')}")
        assert answer.status_code == 404
        assert "Never seen" in answer.content.decode()

    def test_a_digest_that_is_none_is_refused(self, client: Client) -> None:
        answer = signed_in(client, cast.carol()).get("/artifacts/latest")
        assert (answer.status_code, "digest.malformed" in answer.content.decode()) == (400, True)

    def test_a_whole_digest_in_the_search_leads_to_its_page(self, client: Client) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        answer = signed_in(client, cast.carol()).get("/artifacts", {"q": make.image()})
        assert answer.headers["Location"] == f"/artifacts/{make.image()}"

    def test_the_json_twin_answers_the_four_questions(self, client: Client) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        headers = {"Authorization": f"Bearer {cast.token_of(cast.runner())}"}
        body = client.get(f"/api/v1/artifacts/{make.image()}", headers=headers).json()
        assert len(body["questions"]) == 4
        assert body["attestations"][0]["signer"] == cast.runner().name


class TestPack:
    def test_the_download_is_the_pack_that_verifies(self, client: Client) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        request = make.ask()
        make.approve(request, cast.alice())
        answer = signed_in(client, cast.carol()).get(f"/requests/{request.pk}/pack.zip")
        assert answer.headers["Content-Type"] == "application/zip"
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        report = verify_pack(files, trust=current_trust(), digest=make.image(), environment="production", at=None)
        assert report

    def test_the_same_pack_is_the_same_bytes(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        request = make.ask()
        make.approve(request, cast.alice())
        assert zip_pack(build_pack(request=request, now=make.NOW)) == zip_pack(build_pack(request=request, now=make.NOW))

    def test_another_team_does_not_get_it(self, client: Client) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        request = make.ask()
        make.approve(request, cast.alice())
        stranger = cast.person("olga", "Olga Berg", "auditor", team=Team.objects.create(slug="others", name="Others"))
        assert signed_in(client, stranger).get(f"/requests/{request.pk}/pack.zip").status_code == 404
