"""A rule "approved in staging first" opens when staging approved, long enough ago, and shuts again when that approval goes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.dry_run.ask import ask_dry_run
from approvals.dry_run.work import work_dry_runs
from approvals.models import Request, RequestState, Revision
from approvals.packs.build import build_pack
from approvals.policies.drafts import begin_draft
from approvals.policies.versions import activate_policy, store_policy
from approvals.requests.open_request import AskedArtifact, open_request
from approvals.requests.withdraw import withdraw_request
from approvals.revocation.revoke_by_portal import revoke_compromised
from approvals.trust import current_trust
from gates.decide import decide, weigh_requests
from identities.keys.enrol import revoke_signing_key
from identities.models import Project
from ledger.publish import publish_checkpoint
from proofs.canonical import parse_canonical
from proofs.pack.verify import verify_pack
from tests import cast, make_statements
from tests import make_approvals as make

pytestmark = pytest.mark.django_db
NOW = make.NOW
HOUR = timedelta(hours=1)
RULE = "  - {{id: staging, kind: approved-in, title: A day in staging, environment: staging, minimumHours: 24}}\n"
FIRST = make.NO_EVIDENCE + RULE


def ask_staging(*, tags: tuple[str, ...] = ("1.4.2",), now: datetime = NOW, project: Project | None = None) -> Request:
    return open_request(
        project=project or cast.payments_api(),
        environment=make.staging(),
        title=f"payments/api {', '.join(tags)} to staging",
        note="First there.",
        artifacts=[AskedArtifact(make.image(tag), f"payments/api:{tag}") for tag in tags],
        by=cast.bob(),
        now=now,
    )


@pytest.fixture
def waiting() -> Request:
    """A release to production that has to be in staging for a day first, and is not."""
    make.set_stage(source=FIRST)
    make.staging()
    return make.ask()


def newest(request: Request) -> Revision:
    return request.revisions.latest("number")


def code(request: Request) -> str:
    rules = parse_canonical(bytes(newest(request).policy_result.content))["rules"]
    return next(rule["code"] for rule in rules if rule["id"] == "staging")


def facts(request: Request) -> list[dict[str, str]]:
    found: list[dict[str, str]] = parse_canonical(bytes(newest(request).policy_input.content)).get("approvedIn", [])
    return found


def status(request: Request) -> str:
    return RequestState.objects.get(request_id=request.pk).status


def against(now: datetime) -> list[str]:
    """The codes with which the gate to production would answer; none where it would open. It promotes nothing."""
    publish_checkpoint(now=now)
    _, reasons = weigh_requests(make.image(), project=cast.payments_api(), environment=cast.production(), now=now)
    return [reason.code for reason in reasons]


def test_it_opens_after_staging_approved_and_a_day_went_by(waiting: Request) -> None:
    assert code(waiting) == "policy.not_approved_before"
    first = ask_staging()
    assert status(waiting) == "blocked"
    make.approve(first, cast.alice(), now=NOW + HOUR)
    make.refresh(now=NOW + HOUR)
    assert (code(waiting), status(waiting)) == ("policy.approved_too_late", "blocked")
    said = {"environment": "staging", "digest": make.image(), "at": "2026-07-22T10:00:00Z", "request": first.pk}
    assert [set(fact) for fact in facts(waiting)] == [set(said)] and facts(waiting)[0]["request"] == first.pk
    make.refresh(now=NOW + 24 * HOUR)
    assert code(waiting) == "policy.approved_too_late"
    make.refresh(now=NOW + 25 * HOUR)
    assert (code(waiting), status(waiting)) == ("", "ready")
    make.approve(waiting, cast.alice(), now=NOW + 26 * HOUR)
    assert decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=NOW + 26 * HOUR).outcome == "allow"


def approved(waiting: Request) -> Request:
    """The release to staging on which the one to production rests, both approved."""
    first = ask_staging()
    make.approve(first, cast.alice(), now=NOW)
    make.refresh(now=NOW + 24 * HOUR)
    make.approve(waiting, cast.alice(), now=NOW + 24 * HOUR)
    assert against(NOW + 25 * HOUR) == []
    return first


def revoke(first: Request) -> None:
    make_statements.revoke(newest(first).approvals.get(), cast.alice(), now=NOW + 26 * HOUR)


def reject_another(first: Request) -> None:
    second = ask_staging(now=NOW + 26 * HOUR)
    passkey, key = make_statements.passkey_of(cast.alice(), now=NOW + 26 * HOUR)
    make.complete(
        make.begin(second, cast.alice(), key, decision="reject", reason="It broke.", now=NOW + 26 * HOUR), passkey, now=NOW + 26 * HOUR
    )


def withdraw(first: Request) -> None:
    withdraw_request(request=first, reason="Not that one.", by=cast.bob(), now=NOW + 26 * HOUR)


TAKEN = {"withdrawn": withdraw, "revoked": revoke, "a no since": reject_another}


@pytest.mark.parametrize("how", TAKEN)
def test_the_gate_shuts_when_the_approval_there_goes_and_the_request_says_why(how: str, waiting: Request) -> None:
    first = approved(waiting)
    TAKEN[how](first)
    assert against(NOW + 27 * HOUR) == ["policy.not_approved_before"]
    make.refresh(now=NOW + 27 * HOUR)
    assert (code(waiting), facts(waiting), status(waiting)) == ("policy.not_approved_before", [], "blocked")
    assert against(NOW + 28 * HOUR) != []


def test_it_was_approved_there_however_long_ago(waiting: Request) -> None:
    first = ask_staging()
    make.approve(first, cast.alice(), now=NOW)
    make.refresh(now=NOW + 80 * HOUR)
    assert status(first) == "expired"
    make.refresh(now=NOW + 81 * HOUR)
    assert (code(waiting), status(waiting)) == ("", "ready")


def test_a_lost_key_takes_its_approval_there_with_it(waiting: Request) -> None:
    first = ask_staging()
    make.approve(first, cast.person("ivan", "Ivan Petrov", "approver:release"), now=NOW)
    make.refresh(now=NOW + 24 * HOUR)
    make.approve(waiting, cast.alice(), now=NOW + 24 * HOUR)
    assert against(NOW + 25 * HOUR) == []
    key = newest(first).approvals.get().signing_key
    assert key is not None
    revoke_signing_key(key=key, by=key.identity, reason="Stolen", compromised_from=key.enrolled_at, now=NOW + 26 * HOUR)
    # Before the worker comes by, too.
    assert against(NOW + 26 * HOUR) == ["policy.not_approved_before"]
    revoke_compromised(now=NOW + 27 * HOUR)
    assert against(NOW + 27 * HOUR) == ["policy.not_approved_before"]


class TestWhatCounts:
    def test_only_all_that_is_needed_there(self) -> None:
        make.set_stage(source=FIRST)
        make.staging(count=2)
        waiting, first = make.ask(), ask_staging()
        make.approve(first, cast.alice(), now=NOW)
        make.refresh(now=NOW + HOUR)
        assert code(waiting) == "policy.not_approved_before"
        make.approve(first, cast.person("ivan", "Ivan Petrov", "approver:release"), now=NOW + HOUR)
        make.refresh(now=NOW + HOUR)
        # The day begins with the last approval that was needed.
        make.refresh(now=NOW + 24 * HOUR)
        assert code(waiting) == "policy.approved_too_late"
        make.refresh(now=NOW + 25 * HOUR)
        assert code(waiting) == ""

    def test_every_artifact(self) -> None:
        make.set_stage(source=FIRST)
        both = [AskedArtifact(make.image(tag), f"payments/api:{tag}") for tag in ("1.4.2", "1.4.3")]
        make.staging()
        waiting = open_request(
            project=cast.payments_api(), environment=cast.production(), title="Both", note="", artifacts=both, by=cast.bob(), now=NOW
        )
        make.approve(ask_staging(tags=("1.4.3",)), cast.alice(), now=NOW)
        make.refresh(now=NOW + 24 * HOUR)
        assert code(waiting) == "policy.not_approved_before"
        make.approve(ask_staging(now=NOW + HOUR), cast.alice(), now=NOW + HOUR)
        make.refresh(now=NOW + 25 * HOUR)
        assert code(waiting) == ""
        assert sorted(fact["digest"] for fact in facts(waiting)) == sorted(item.digest for item in both)

    def test_no_other_artifact_project_or_environment(self, waiting: Request) -> None:
        make.approve(ask_staging(tags=("1.4.3",)), cast.alice(), now=NOW)
        toy = Project.objects.create(slug="toy", name="Toy", team=cast.payments())
        policy = store_policy(source=make.ANYTHING_GOES, by=make.erin(), now=NOW)
        activate_policy(policy=policy, project=toy, environment=make.staging(), by=make.erin(), now=NOW)
        make.approve(ask_staging(project=toy), cast.alice(), now=NOW)
        make.refresh(now=NOW + 30 * HOUR)
        assert code(waiting) == "policy.not_approved_before"

    def test_another_approval_there_takes_the_place_of_one_that_went_and_people_look_anew(self, waiting: Request) -> None:
        first = approved(waiting)
        again = ask_staging(now=NOW + 25 * HOUR)
        make.approve(again, cast.alice(), now=NOW + 25 * HOUR)
        revoke(first)
        make.refresh(now=NOW + 50 * HOUR)
        assert [fact["request"] for fact in facts(waiting)] == [again.pk]
        assert (code(waiting), status(waiting)) == ("", "stale")

    def test_the_first_that_stands_and_nothing_new_for_a_second(self, waiting: Request) -> None:
        first = approved(waiting)
        make.approve(ask_staging(now=NOW + 25 * HOUR), cast.alice(), now=NOW + 25 * HOUR)
        make.refresh(now=NOW + 26 * HOUR)
        assert [fact["request"] for fact in facts(waiting)] == [first.pk]
        assert status(waiting) == "approved"


def test_a_new_policy_there_that_it_was_not_approved_under_takes_it_away(waiting: Request) -> None:
    approved(waiting)
    stricter = make.TO_STAGING.format(version=2, count=2)
    policy = store_policy(source=stricter, by=make.erin(), now=NOW + 25 * HOUR)
    activate_policy(policy=policy, project=cast.payments_api(), environment=make.staging(), by=make.erin(), now=NOW + 25 * HOUR)
    make.refresh(now=NOW + 26 * HOUR)
    make.refresh(now=NOW + 26 * HOUR)
    assert code(waiting) == "policy.not_approved_before"


def test_the_pack_shows_what_was_weighed_and_verifies(waiting: Request) -> None:
    first = approved(waiting)
    files = build_pack(request=waiting, now=NOW + 25 * HOUR)
    report = verify_pack(files, trust=current_trust(), digest=make.image(), environment=waiting.environment_id, at=NOW + 25 * HOUR)
    assert any(first.pk in str(fact) for fact in [parse_canonical(files["policy/input.json"])["approvedIn"]]) and report


def test_how_many_were_asked_for_costs_no_more_questions(waiting: Request) -> None:
    from approvals.requests.revise import evaluate_request

    def questions() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            evaluate_request(
                Request.objects.select_related("project__team", "environment", "requester").get(pk=waiting.pk), now=NOW + 40 * HOUR
            )
        return len(asked)

    few = questions()
    for minute in range(5):
        first = ask_staging(now=NOW + minute * timedelta(minutes=1))
        passkey, key = make_statements.passkey_of(cast.alice(), now=NOW)
        make.complete(
            make.begin(first, cast.alice(), key, now=NOW + minute * timedelta(minutes=1)), passkey, now=NOW + minute * timedelta(minutes=1)
        )
    assert questions() <= few + 10


@pytest.mark.parametrize(
    ("old", "new", "outcome"),
    [
        ("minimumHours: 24", "minimumHours: 1", "still_allowed"),
        ("minimumHours: 24", "minimumHours: 48", "newly_denied"),
        ("environment: staging", "environment: test", "cannot_tell"),
    ],
)
def test_a_draft_is_tried_on_what_was_known_then(old: str, new: str, outcome: str, waiting: Request) -> None:
    approved(waiting)
    source = FIRST.format(version=2, count=1)
    assert old in source
    draft = begin_draft(project=cast.payments_api(), source=source.replace(old, new), by=make.erin(), now=NOW)
    run = ask_dry_run(draft=draft, environment=cast.production(), days=30, by=make.erin(), now=NOW + 25 * HOUR)
    while work_dry_runs(clock=lambda: NOW + 25 * HOUR):
        pass
    run.refresh_from_db()
    assert {row["request"]: row["outcome"] for row in run.outcomes}[waiting.pk] == outcome
