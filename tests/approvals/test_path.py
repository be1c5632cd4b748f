"""How places stand now: contradictions that last, those that a later observation ended, and whose they are."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from approvals.models import Approval
from approvals.path.approved import ApprovedReleases
from approvals.path.contradictions import findings_about, places_about, standing_contradictions
from approvals.requests.open_request import AskedArtifact, open_request
from identities.lifecycle.change_owner import change_owner
from identities.lifecycle.change_status import resume_identity, suspend_identity
from identities.models import Environment, Identity, Project, Team
from tests import cast
from tests import make_approvals as make
from tests.make_observations import CLUSTER, NOW, codes, observe, runs, said, watcher

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=10)
MINUTE = timedelta(minutes=1)
OTHER = make.image("something else")
LONG = "sha512:" + "a" * 128


def now(digest: str | None = None) -> list[str]:
    return [place.check.code for place in places_about(digest or make.image(), teams=[cast.payments()])]


def against(digest: str | None = None, project: Project | None = None) -> list[str]:
    found = standing_contradictions(digest or make.image(), environment=cast.production(), project=project or cast.payments_api())
    return [place.check.code for place in found]


@pytest.fixture
def stage() -> make.Stage:
    return make.set_stage()


@pytest.fixture
def approved(stage: make.Stage) -> Approval:
    make.send_provenance(stage)
    return make.approve(make.ask(), cast.alice())


class TestPlacesAbout:
    def test_the_newest_observation_of_each_place_and_who_made_it(self, approved: Approval) -> None:
        observe(said(at=LATER), said(at=LATER + MINUTE), runs(at=LATER + 2 * MINUTE))
        first, second = places_about(make.image(), teams=[cast.payments()])
        assert (first.place.location, first.check.code) == (CLUSTER, "path.as_approved")
        assert (second.observation.observed_at, second.observation.identity) == (LATER + MINUTE, watcher())

    def test_where_another_digest_stands_in_its_stead(self, approved: Approval) -> None:
        observe(said(digest=OTHER, at=LATER))
        assert now() == now(OTHER) == ["path.digest_differs"]

    def test_a_contradiction_stands_until_the_place_shows_the_approved_digest(self, approved: Approval) -> None:
        observe(said(at=LATER))
        for minute, digest in ((1, OTHER), (2, make.image("a third")), (3, LONG)):
            observe(said(digest=digest, at=LATER + minute * MINUTE))
            assert now() == ["path.digest_differs"]
        observe(said(at=LATER + 4 * MINUTE))
        assert now() == ["path.as_approved"]
        codes = [finding.code for finding in findings_about(make.image(), teams=[cast.payments()])]
        assert codes.count("path.digest_differs") == 2
        assert codes.count("path.tag_moved") == 3

    def test_what_came_in_late_does_not_end_it(self, approved: Approval) -> None:
        observe(said(digest=OTHER, at=LATER))
        observe(said(at=LATER - MINUTE), now=LATER + MINUTE)
        assert now() == ["path.digest_differs"]

    def test_a_date_ahead_of_its_arrival_hides_nothing_seen_after_that(self, approved: Approval) -> None:
        observe(said(at=LATER + 2 * MINUTE), now=LATER)
        observe(said(digest=OTHER, at=LATER + MINUTE), now=LATER + MINUTE)
        assert now() == ["path.digest_differs"]
        assert against() == ["path.digest_differs"]
        observe(said(at=LATER + MINUTE * 2), by=watcher(name="second"), now=LATER + 2 * MINUTE)
        assert now() == ["path.as_approved"]

    def test_a_contradiction_that_came_in_later_and_is_dated_a_little_earlier_stands(self, approved: Approval) -> None:
        observe(said(at=LATER), now=LATER)
        observe(said(digest=OTHER, at=LATER - MINUTE), now=LATER + MINUTE)
        assert now() == ["path.digest_differs"]

    def test_an_observer_that_is_suspended_later_no_longer_says_yes(self, approved: Approval) -> None:
        observe(said(at=LATER))
        Identity.objects.filter(pk=watcher().pk).update(status=Identity.Status.SUSPENDED)
        assert now() == ["path.observer_suspended"]
        observe(said(at=LATER), by=watcher(name="second"), now=LATER + MINUTE)
        assert now() == ["path.as_approved"]

    def test_what_ends_a_contradiction_is_seen_by_somebody_who_is_answered_for(self, approved: Approval) -> None:
        first, second, carol = watcher(), watcher(name="second"), cast.carol()
        change_owner(identity=second, owner=carol, reason="moved", by=None, now=NOW)
        observe(said(digest=OTHER, at=LATER), by=first)
        observe(said(at=LATER + 2 * MINUTE), by=second)
        assert against() == []
        for act in (suspend_identity, resume_identity):
            act(identity=carol, reason="looked into", by=None, now=LATER + 3 * MINUTE)
            assert against() == (["path.digest_differs"] if act is suspend_identity else [])

    def test_one_who_is_gone_hides_nothing_that_others_saw(self, approved: Approval) -> None:
        first, second = watcher(), watcher(name="second")
        observe(said(digest=OTHER, at=LATER), by=first)
        observe(said(at=LATER + MINUTE), by=first)
        observe(said(at=LATER + 5 * MINUTE), by=second)
        suspend_identity(identity=second, reason="stolen", by=None, now=LATER + 6 * MINUTE)
        assert (now(), against()) == (["path.as_approved"], [])
        # What it found wrong stands, though.
        Identity.objects.filter(pk=first.pk).update(status=Identity.Status.SUSPENDED)
        assert against() == ["path.digest_differs"]

    @pytest.mark.parametrize(("change", "counts"), [({"status": "retired", "retired_at": LATER + 2 * MINUTE}, True), ({}, False)])
    def test_what_it_told_before_it_was_retired_counts_and_nothing_once_it_was_compromised(
        self, approved: Approval, change: dict[str, Any], counts: bool
    ) -> None:
        observe(said(digest=OTHER, at=LATER))
        # Dated before it was taken over, and sent afterwards.
        observe(said(at=LATER + MINUTE), now=LATER + MINUTE + timedelta(seconds=30))
        taken_over = {"compromised_from": LATER + MINUTE + timedelta(seconds=20)}
        Identity.objects.filter(pk=watcher().pk).update(**(change or taken_over))
        assert now() == (["path.as_approved"] if counts else ["path.digest_differs"])

    def test_another_place_does_not_end_it(self, approved: Approval) -> None:
        observe(said(digest=OTHER, at=LATER))
        observe(said(location="mirror.example/payments/api", at=LATER + MINUTE))
        assert sorted(now()) == ["path.as_approved", "path.digest_differs"]

    def test_two_observers_who_disagree_at_one_moment_are_a_contradiction(self, approved: Approval) -> None:
        observe(said(at=LATER))
        observe(said(digest=OTHER, at=LATER), by=watcher(name="second"))
        assert now() == ["path.digest_differs"]

    def test_an_approval_given_after_the_tag_was_seen_is_held_against_it(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        observe(said(digest=OTHER, at=NOW - timedelta(hours=1)))
        assert now() == []
        make.approve(make.ask(), cast.alice())
        assert now() == ["path.digest_differs"]

    def test_teams_keep_to_themselves(self, approved: Approval) -> None:
        observe(said(at=LATER))
        bot = make.other_teams_bot()
        observe(said(at=LATER, location="secret.example/theirs"), by=bot)
        assert [place.place.team for place in places_about(make.image(), teams=[cast.payments()])] == [cast.payments()]
        assert bot.team is not None
        (theirs,) = places_about(make.image(), teams=[bot.team])
        assert (theirs.place.location, theirs.check.code) == ("secret.example/theirs", "path.not_compared")
        assert places_about(make.image(), teams=[]) == []

    def test_asks_the_database_as_often_for_many_places_as_for_one(self, approved: Approval, django_assert_max_num_queries: Any) -> None:
        observe(*(said(location=f"mirror-{number}.example/payments/api", at=LATER) for number in range(40)))
        with django_assert_max_num_queries(20):
            assert now() == ["path.as_approved"] * 40


class TestStandingContradictions:
    def test_none_where_all_is_as_approved_or_nothing_was_seen(self, approved: Approval) -> None:
        assert against() == []
        observe(said(at=LATER), runs(at=LATER))
        assert against() == []

    def test_another_digest_under_its_name(self, approved: Approval) -> None:
        observe(said(digest=OTHER, at=LATER))
        assert against() == against(OTHER) == ["path.digest_differs"]

    def test_of_several_approved_under_one_name_none_is_promoted_while_it_leads_elsewhere(
        self, stage: make.Stage, approved: Approval
    ) -> None:
        rebuilt = make.image("1.4.2 built again")
        make.send_provenance(stage, tag="1.4.2 built again")
        again = open_request(
            project=cast.payments_api(),
            environment=cast.production(),
            title="again",
            artifacts=[AskedArtifact(rebuilt, "payments/api:1.4.2")],
            by=cast.bob(),
            now=NOW + MINUTE,
        )
        make.approve(again, cast.person("kim", "Kim Osei", "approver:release"), now=NOW + MINUTE)
        observe(said(digest=rebuilt, at=LATER))
        assert against() == against(rebuilt) == []
        observe(said(digest=OTHER, at=LATER + MINUTE))
        assert against() == against(rebuilt) == ["path.digest_differs"]

    def test_what_an_environment_runs_without_approval_does_not_keep_the_approved_out(self, approved: Approval) -> None:
        observe(runs(tag="1.4.3", at=LATER))
        assert now() == ["path.digest_differs"]
        assert against() == []

    def test_a_name_in_the_environment_that_went_over_to_another_digest(self, approved: Approval) -> None:
        stable = {"reference": "stable", "environment": "production"}
        observe(said(digest=make.image(), at=LATER, **stable), said(digest=OTHER, at=LATER + MINUTE, **stable))
        assert against() == ["path.digest_differs"]

    def test_a_moving_tag_outside_the_environment_is_shown_and_shuts_nothing(self, approved: Approval) -> None:
        observe(said(digest=make.image(), at=LATER, reference="latest"), said(digest=OTHER, at=LATER + MINUTE, reference="latest"))
        assert now() == ["path.digest_differs"]
        assert against() == []

    def test_another_environments_places_do_not_matter(self, approved: Approval) -> None:
        Environment.objects.create(slug="staging", name="Staging", tier=1, team=cast.payments())
        observe(said(digest=OTHER, at=LATER, environment="staging"))
        assert against() == []

    def test_another_teams_word_shuts_nothing(self, approved: Approval) -> None:
        observe(said(digest=OTHER, at=LATER), by=make.other_teams_bot())
        assert Team.objects.count() == 2
        assert against() == []


class TestTwoProjects:
    """Another project of the team approves another digest under a name that payments-api approved."""

    @pytest.fixture
    def toy(self) -> Project:
        return make.toy()

    def approve(self, project: Project, digest: str = OTHER, *, at: datetime = NOW + MINUTE, name: str = "payments/api:1.4.2") -> None:
        artifacts = [AskedArtifact(digest, name)]
        request = open_request(project=project, environment=cast.production(), title="x", artifacts=artifacts, by=cast.bob(now=at), now=at)
        make.approve(request, cast.person("tim", "Tim Lang", "approver:release", project=project, now=at), now=at)

    def test_settles_nothing_and_is_said(self, approved: Approval, toy: Project) -> None:
        observe(said(digest=OTHER, at=LATER))
        self.approve(toy)
        assert now() == now(OTHER) == against() == ["path.digest_differs"]
        (place,) = places_about(OTHER, teams=[cast.payments()])
        assert f"{make.image()} was approved as payments/api:1.4.2 for production by payments-api. " in place.check.sentence
        assert f"toy approved {OTHER} under the same name, which settles nothing." in place.check.sentence

    def test_takes_nothing_away_from_what_was_approved_first(self, approved: Approval, toy: Project) -> None:
        observe(said(at=LATER))
        self.approve(toy)
        assert (now(), against()) == (["path.as_approved"], [])
        (place,) = places_about(make.image(), teams=[cast.payments()])
        assert f"toy approved {OTHER} under the same name" in place.check.sentence
        # Where toy's own artifact should be there is something else.
        assert now(OTHER) == against(OTHER, toy) == ["path.digest_differs"]

    def test_hides_nothing_by_approving_it_sooner(self, toy: Project) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        self.approve(toy, at=NOW)
        observe(said(digest=OTHER, at=LATER))
        make.approve(make.ask(now=LATER), cast.alice(now=LATER), now=LATER)
        assert now() == against() == ["path.digest_differs"]

    def test_and_its_no_ends_none_of_ours(self, approved: Approval, toy: Project) -> None:
        self.approve(toy, make.image(), name="x")
        approved.refresh_from_db()
        mine, theirs = (
            {item.project: item for item in ApprovedReleases([cast.payments()]).of(make.image(), team=cast.payments())}[slug]
            for slug in ("payments-api", "toy")
        )
        assert (mine.ended_at, theirs.ended_at) == (None, None)
        tim = cast.person("tim", "Tim Lang", "approver:release", project=toy)
        request = open_request(
            project=toy,
            environment=cast.production(),
            title="x",
            artifacts=[AskedArtifact(make.image(), "y")],
            by=cast.bob(),
            now=LATER,
        )
        passkey, key = make.enrol(tim, now=LATER)
        make.complete(make.begin(request, tim, key, decision="reject", reason="no", now=LATER), passkey, now=LATER)
        found = {item.project: item.ended_at for item in ApprovedReleases([cast.payments()]).of(make.image(), team=cast.payments())}
        assert found == {"payments-api": None, "toy": LATER}

    def test_asks_the_database_no_more_often(self, approved: Approval, toy: Project, django_assert_max_num_queries: Any) -> None:
        self.approve(toy)
        observe(*(said(location=f"mirror-{number}.example/payments/api", at=LATER) for number in range(40)))
        with django_assert_max_num_queries(24):
            assert now() == ["path.as_approved"] * 40


class TestPackageUrls:
    """An approved package URL and the ways an observer writes the same package."""

    SCOPED = {"kind": "package-index", "location": "npm.example/@acme/app", "reference": "1.2.0"}

    def approve(self, name: str) -> None:
        make.send_provenance(make.set_stage())
        request = open_request(
            project=cast.payments_api(),
            environment=cast.production(),
            title="app",
            artifacts=[AskedArtifact(make.image(), name)],
            by=cast.bob(),
            now=NOW,
        )
        make.approve(request, cast.alice())

    def test_another_digest_of_a_scoped_package_shuts_the_gate(self) -> None:
        self.approve("pkg:npm/%40acme/app@1.2.0")
        (answer,) = observe(said(digest=OTHER, at=LATER, **self.SCOPED))
        assert codes(answer) == ["path.digest_differs"]
        assert now() == against() == against(OTHER) == ["path.digest_differs"]

    def test_another_scope_shuts_nothing(self) -> None:
        self.approve("pkg:npm/%40other/app@1.2.0")
        (answer,) = observe(said(digest=OTHER, at=LATER, **self.SCOPED))
        assert codes(answer) == ["path.not_compared"]
        assert now() == against() == []

    @pytest.mark.parametrize(
        ("name", "place"),
        [
            ("pkg:npm/%40acme/app@1.2.0", SCOPED),
            ("pkg:npm/%40acme/app@1.2.0", {**SCOPED, "location": "npm.example/@acme%2fapp"}),
            ("pkg:npm/%40acme/app@1%2Bb", {**SCOPED, "location": "npm.example", "reference": "pkg:npm/@acme/app@1%2Bb"}),
            ("pkg:pypi/demo-app@1.2", {**SCOPED, "location": "pypi.example/Demo_App", "reference": "1.2"}),
            ("pkg:oci/api@sha256%3A11?repository_url=registry.example/payments/api&tag=1.4.2", {}),
            ("pkg:oci/api?repository_url=Registry.Example/payments/api&tag=1.4.2", {"location": "REGISTRY.example/payments/api"}),
        ],
    )
    def test_what_was_seen_before_it_was_approved_is_found(self, name: str, place: dict[str, str]) -> None:
        observe(said(digest=OTHER, at=NOW - timedelta(hours=1), **place))
        self.approve(name)
        assert now() == against() == ["path.digest_differs"]
