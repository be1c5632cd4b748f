"""Was the path intact: each step of the argument in both directions, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from proofs.observation import TOLERATED_SKEW
from proofs.path import (
    FRESH_FOR,
    Approved,
    Seen,
    check_freshness,
    check_path,
    check_place,
    check_tag_moved,
    names_alike,
    names_exactly,
)

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ONE, TWO, THREE = (f"sha256:{digit * 64}" for digit in "123")
LONG = "sha512:" + "1" * 128
YES = Approved(ONE, "payments/api:1.4.2", "production", AT - timedelta(hours=1), approval_id="apr_1")
TAG = Seen("registry", "registry.example/payments/api", "1.4.2", ONE, AT)
RUNS = Seen("cluster", "cluster-1/payments/api", "registry.example/payments/api:1.4.2", ONE, AT, "production")


def code(seen: Seen, *approved: Approved, before: tuple[str, ...] = ()) -> tuple[str, str]:
    found = check_path(seen, before=before, approved=approved)
    return found.code, found.basis


class TestStep1WhichApprovalsStood:
    def test_one_that_somebody_ended_does_not(self) -> None:
        ended = replace(YES, ended_at=AT)
        assert code(RUNS, ended) == ("path.unapproved", "")
        assert code(RUNS, replace(YES, ended_at=AT + timedelta(seconds=1))) == ("path.as_approved", "")

    def test_for_an_environment_it_must_have_been_given_before(self) -> None:
        assert code(RUNS, replace(YES, approved_at=AT + TOLERATED_SKEW)) == ("path.as_approved", "")
        assert code(RUNS, replace(YES, approved_at=AT + TOLERATED_SKEW + timedelta(seconds=1))) == ("path.unapproved", "")

    def test_a_registry_may_keep_what_is_approved_later(self) -> None:
        assert code(TAG, replace(YES, approved_at=AT + timedelta(days=1))) == ("path.as_approved", "")

    def test_of_another_environment_it_does_not_count(self) -> None:
        assert code(RUNS, replace(YES, environment="staging")) == ("path.unapproved", "")
        assert code(TAG, replace(YES, environment="staging")) == ("path.as_approved", "")

    def test_another_algorithm_is_not_compared_and_never_a_yes(self) -> None:
        for seen in (replace(TAG, digest=LONG), replace(RUNS, digest=LONG)):
            found = check_path(seen, before=(), approved=[YES])
            assert (found.code, found.outcome) == ("path.not_compared", "unknown")
            assert any("another algorithm" in left_out for left_out in found.not_looked_at)


class TestStep2TheName:
    def test_another_digest_under_the_approved_name_differs(self) -> None:
        for seen in (replace(TAG, digest=TWO), replace(RUNS, digest=TWO)):
            found = check_path(seen, before=(), approved=[YES])
            assert (found.code, found.outcome, found.basis, found.expected) == ("path.digest_differs", "fail", "name", YES)
            assert ONE in found.sentence and TWO in found.sentence and "approved as payments/api:1.4.2 for production" in found.sentence

    def test_it_differs_even_if_that_digest_was_approved_under_another_name(self) -> None:
        assert code(replace(TAG, digest=TWO), YES, replace(YES, digest=TWO, name="payments/api:1.4.1")) == ("path.digest_differs", "name")

    def test_a_digest_approved_under_the_same_name_is_as_approved(self) -> None:
        again = replace(YES, digest=TWO, approved_at=AT - timedelta(minutes=1))
        assert code(TAG, YES, again) == code(replace(TAG, digest=TWO), YES, again) == ("path.as_approved", "")

    def test_the_newest_approval_is_the_one_that_is_named(self) -> None:
        newest = replace(YES, digest=TWO, approved_at=AT - timedelta(minutes=1))
        found = check_path(replace(TAG, digest=THREE), before=(), approved=[newest, YES])
        assert found.expected == newest

    def test_a_package_url_names_what_an_index_keeps(self) -> None:
        scoped = replace(YES, name="pkg:npm/%40acme/app@1.2.0")
        seen = Seen("package-index", "npm.example/@acme/app", "1.2.0", TWO, AT)
        assert code(seen, scoped) == ("path.digest_differs", "name")
        assert code(replace(seen, digest=ONE), scoped) == ("path.as_approved", "")
        assert code(replace(seen, reference="1.2.1"), scoped) == ("path.not_compared", "")
        assert code(replace(seen, location="npm.example/@other/app"), scoped) == ("path.not_compared", "")


class TestStep3TheDigest:
    def test_seen_and_equal_is_as_approved(self) -> None:
        found = check_path(RUNS, before=(), approved=[YES])
        assert (found.code, found.outcome, found.expected) == ("path.as_approved", "pass", YES)

    def test_under_a_name_nobody_approved(self) -> None:
        assert code(replace(TAG, reference="latest"), YES) == ("path.as_approved", "")


class TestStep4ThePlace:
    def test_another_digest_than_the_approved_one_it_had(self) -> None:
        moved = replace(TAG, reference="stable", digest=TWO)
        assert code(moved, YES, before=(ONE,)) == ("path.digest_differs", "place")
        assert code(moved, YES, before=(THREE,)) == ("path.not_compared", "")


class TestStep5TheEnvironment:
    def test_another_version_that_nobody_approved(self) -> None:
        newer = replace(RUNS, reference="registry.example/payments/api:1.4.3", digest=TWO)
        assert code(newer, YES) == ("path.digest_differs", "environment")

    def test_nothing_of_this_name_was_approved(self) -> None:
        found = check_path(replace(RUNS, reference="registry.example/payments/web:9", digest=TWO), before=(), approved=[YES])
        assert (found.code, found.outcome, found.expected) == ("path.unapproved", "fail", None)


class TestStep6NothingToCompareWith:
    def test_a_registry_may_hold_what_nobody_approved(self) -> None:
        found = check_path(replace(TAG, reference="1.4.3", digest=TWO), before=(), approved=[YES])
        assert (found.code, found.outcome) == ("path.not_compared", "unknown")
        assert any("names no environment" in left_out for left_out in found.not_looked_at)

    def test_everything_found_says_what_was_not_looked_at(self) -> None:
        for seen in (TAG, RUNS, replace(RUNS, digest=TWO), replace(RUNS, digest=TWO, reference="")):
            assert len(check_path(seen, before=(), approved=[YES]).not_looked_at) >= 2


class TestStep7TheTagMoved:
    def test_the_same_reference_named_another_digest(self) -> None:
        found = check_tag_moved(replace(TAG, digest=TWO), TAG)
        assert found is not None and (found.code, found.outcome) == ("path.tag_moved", "review")
        assert ONE in found.sentence and TWO in found.sentence

    def test_it_did_not(self) -> None:
        assert check_tag_moved(TAG, None) is None
        assert check_tag_moved(replace(TAG, observed_at=AT + timedelta(minutes=1)), TAG) is None
        assert check_tag_moved(replace(TAG, digest=TWO, reference=""), replace(TAG, reference="")) is None
        assert check_tag_moved(replace(RUNS, digest=TWO, reference="payments/api:1.4.3"), RUNS) is None


class TestStep8HowOld:
    def test_fresh_stale_and_never(self) -> None:
        assert check_freshness(AT, at=AT + FRESH_FOR).code == "path.fresh"
        assert check_freshness(AT, at=AT + FRESH_FOR + timedelta(seconds=1)).code == "path.stale"
        assert check_freshness(None, at=AT).code == "path.not_observed"
        assert {check_freshness(None, at=AT).outcome, check_freshness(AT, at=AT + timedelta(days=9)).outcome} == {"unknown"}


class TestAPlaceNow:
    def test_the_newest_observation_counts(self) -> None:
        later = replace(TAG, digest=TWO, observed_at=AT + timedelta(minutes=1))
        assert check_place([later, TAG], approved=[YES]).code == "path.digest_differs"
        assert check_place([replace(TAG, observed_at=AT + timedelta(minutes=2)), later], approved=[YES]).code == "path.as_approved"

    def test_of_two_at_one_moment_the_worse_counts(self) -> None:
        other = replace(TAG, digest=TWO)
        assert check_place([TAG, other], approved=[YES]).code == check_place([other, TAG], approved=[YES]).code == "path.digest_differs"

    def test_a_date_ahead_of_its_arrival_hides_no_contradiction_seen_after_that(self) -> None:
        ahead = replace(TAG, observed_at=AT + TOLERATED_SKEW, received_at=AT)
        minute = timedelta(minutes=1)
        other = replace(TAG, digest=TWO, observed_at=AT + minute, received_at=AT + minute)
        assert check_place([other, ahead], approved=[YES]).code == "path.digest_differs"
        seen_again = replace(TAG, observed_at=AT + TOLERATED_SKEW, received_at=AT + TOLERATED_SKEW)
        assert check_place([seen_again, other], approved=[YES]).code == "path.as_approved"

    def test_a_contradiction_that_came_in_later_wins_where_clocks_may_be_apart(self) -> None:
        late = replace(TAG, digest=TWO, observed_at=AT - TOLERATED_SKEW, received_at=AT + timedelta(seconds=1))
        assert check_place([TAG, late], approved=[YES]).code == "path.digest_differs"
        much_earlier = replace(late, observed_at=AT - TOLERATED_SKEW - timedelta(seconds=1))
        came_before = replace(late, received_at=AT)
        for older in (much_earlier, came_before):
            assert check_place([TAG, older], approved=[YES]).code == "path.as_approved"

    def test_what_cannot_be_compared_does_not_end_a_contradiction(self) -> None:
        later = replace(TAG, digest=LONG, observed_at=AT + timedelta(minutes=1))
        assert check_place([later, replace(TAG, digest=TWO)], approved=[YES]).code == "path.digest_differs"
        assert check_place([later], approved=[YES]).code == "path.not_compared"

    def test_an_observer_that_is_suspended_now_raises_contradictions_and_ends_none(self) -> None:
        gone = replace(TAG, observer_counts=False)
        found = check_place([gone], approved=[YES])
        assert (found.code, found.outcome) == ("path.observer_suspended", "unknown")
        later = replace(gone, observed_at=AT + timedelta(minutes=1))
        assert check_place([later, replace(TAG, digest=TWO)], approved=[YES]).code == "path.digest_differs"
        assert check_place([replace(later, digest=TWO), TAG], approved=[YES]).code == "path.digest_differs"

    def test_nothing_seen(self) -> None:
        assert check_place([], approved=[YES]).code == "path.not_observed"


class TestNames:
    def test_whole_segments_only(self) -> None:
        assert names_exactly("api:1.4.2", TAG) and names_exactly("registry.example/payments/api:1.4.2", TAG)
        assert not names_exactly("pi:1.4.2", TAG)
        assert not names_exactly("other/api:1.4.2", TAG)
        assert not names_exactly("payments/api:1.4.3", TAG)

    def test_without_a_version_only_what_is_kept_has_a_name(self) -> None:
        wheel = Seen("package-index", "pypi.example/simple/app", "app-1.2-py3-none-any.whl", ONE, AT)
        assert names_exactly("app-1.2-py3-none-any.whl", wheel)
        assert not names_exactly("payments/api", RUNS) and names_alike("payments/api", RUNS)
        assert not names_exactly("app", replace(RUNS, reference="app")) and names_alike("app", replace(RUNS, reference="app"))

    @pytest.mark.parametrize(
        ("name", "kind", "location", "reference"),
        [
            ("pkg:npm/%40acme/app@1.2.0", "package-index", "npm.example/@acme/app", "1.2.0"),
            ("pkg:npm/%40acme/app@1.2.0", "package-index", "https://npm.example/@acme%2fapp", "1.2.0"),
            ("pkg:npm/@acme/app@1.2.0", "package-index", "npm.example/@acme/app", "1.2.0"),
            ("pkg:npm/%40acme%2Fapp@1.2.0", "package-index", "npm.example", "pkg:npm/%40acme/app@1.2.0"),
            ("@shared/app@1.2.0", "package-index", "npm.example/@shared/app", "1.2.0"),
            ("pkg:npm/app@1.2?repository_url=https://npm.example", "package-index", "npm.example", "app@1.2"),
            ("pkg:pypi/demo-app@1.2", "package-index", "pypi.example/simple/Demo_App", "1.2"),
            ("pkg:pypi/demo-app@1.2", "host", "web-1", "demo.app@1.2"),
            ("demo_app@1.2", "host", "web-1", "pkg:pypi/demo-app@1.2"),
            ("pkg:pypi/demo@1.2#sub", "package-index", "pypi.example/demo", "1.2"),
            ("PKG:PyPI/demo@1.2?file_name=demo.whl&x=1#a/b", "package-index", "pypi.example/demo", "1.2"),
            ("pkg:maven/org.acme/app@1", "package-index", "repo.example/maven2/org/acme/app", "1"),
            ("pkg:maven/org.acme/app@1", "package-index", "repo.example/maven2/org.acme/app", "1"),
            ("pkg:maven/org.acme/app@1", "host", "web-1", "org.acme:app@1"),
            ("pkg:docker/payments/api@1.4.2", "registry", "registry.example/payments/api", "1.4.2"),
            ("pkg:docker/payments/api@1.4.2?repository_url=registry.example", "registry", "registry.example/payments/api", "1.4.2"),
            ("pkg:oci/api@sha256%3A11?tag=1.4.2", "registry", "registry.example/payments/api", "1.4.2"),
            ("pkg:oci/api@sha256%3A11?repository_url=registry.example/team/api&tag=1", "registry", "registry.example/team/api", "1"),
            ("pkg:oci/api@sha256:11?tag=1&repository_url=registry.example%2Fteam/", "cluster", "c", "registry.example/team/api:1"),
            ("pkg:oci/api?tag=1", "cluster", "c", "pkg:docker/team/api@1"),
            ("Registry.Example:5000/api:1", "registry", "registry.example:5000/api", "1"),
            ("registry.example/api:1", "cluster", "c", "REGISTRY.example/api:1"),
            ("registry.example/payments/api:1", "registry", "registry.example", "payments/api:1"),
            ("pkg:generic/app@1%2Bb", "package-index", "files.example/app", "1+b"),
            ("pkg:nuget/Acme.App@1", "package-index", "nuget.example/acme.app", "1"),
            ("pkg:npm/%ff@1", "package-index", "x", "pkg:npm/%ff@1"),
        ],
    )
    def test_the_same_however_it_is_written(self, name: str, kind: str, location: str, reference: str) -> None:
        seen = Seen(kind, location, reference, ONE, AT)
        assert names_exactly(name, seen) and names_alike(name, seen)

    @pytest.mark.parametrize(
        ("name", "kind", "location", "reference"),
        [
            ("pkg:npm/%40acme/app@1.2", "package-index", "npm.example/@other/app", "1.2"),
            ("pkg:npm/%40acme/app@1.2", "package-index", "npm.example/app", "1.2"),
            ("pkg:npm/app@1.2", "package-index", "npm.example/@acme/app", "1.2"),
            ("pkg:npm/app@1.2", "host", "web-1", "pkg:npm/%40acme/app@1.2"),
            ("pkg:npm/app@1.2", "host", "web-1", "pkg:pypi/app@1.2"),
            ("pkg:npm/demo-app@1.2", "package-index", "npm.example/demo_app", "1.2"),
            ("pkg:npm/app@1.2?repository_url=https://npm.example", "package-index", "other.example/app", "1.2"),
            ("pkg:pypi/demo-app@1.2", "package-index", "pypi.example/demoapp", "1.2"),
            ("pkg:maven/org.acme/app@1", "package-index", "repo.example/org.other/app", "1"),
            ("pkg:maven/org.acme/app@1", "host", "web-1", "pkg:maven/net.org.acme/app@1"),
            ("pkg:golang/app@1", "host", "web-1", "pkg:golang/code.example/app@1"),
            ("pkg:oci/api?repository_url=registry.example/team/api&tag=1", "registry", "registry.example/other/api", "1"),
            ("pkg:oci/api?repository_url=registry.example/team/api&tag=1", "registry", "other.example/team/api", "1"),
            ("registry.example/api:1", "registry", "registry.example/API", "1"),
            ("payments/api:1", "registry", "registry.example/Payments/api", "1"),
            ("pkg:npm/%ff@1", "package-index", "npm.example/%ff", "1"),
            ("pkg:npm/app@1?tag=2&tag=1", "package-index", "npm.example/app", "1"),
        ],
    )
    def test_what_differs_stays_different(self, name: str, kind: str, location: str, reference: str) -> None:
        seen = Seen(kind, location, reference, ONE, AT)
        assert not names_exactly(name, seen) and not names_alike(name, seen)

    @pytest.mark.parametrize(
        ("name", "reference"),
        [("pkg:npm/app@1.2", "1.3"), ("pkg:oci/app@sha256%3A11", "sha256:11"), ("pkg:oci/app?tag=1", "2"), ("pkg:npm/app", "1.2")],
    )
    def test_another_version_is_alike_and_not_the_same(self, name: str, reference: str) -> None:
        seen = Seen("package-index", "registry.example/app", reference, ONE, AT)
        assert names_alike(name, seen) and not names_exactly(name, seen)
