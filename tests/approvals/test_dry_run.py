"""A draft is tried on requests of the past: what would change is told, what cannot be told is no yes, and the work survives its workers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.dry_run.ask import ask_dry_run, cancel_dry_run
from approvals.dry_run.population import load_revisions
from approvals.dry_run.read_run import read_run
from approvals.dry_run.stranded import count_stranded
from approvals.dry_run.work import claim_dry_run, work_dry_runs
from approvals.models import DryRun, PolicyDraft, Request
from approvals.policies.drafts import begin_draft, save_draft
from approvals.policies.versions import store_policy
from approvals.policies.waivers import live_waivers
from identities.models import Environment
from proofs.errors import Conflict, Malformed, NotAllowed, Refusal
from tests import cast
from tests import make_approvals as make
from tests import make_changes as changes

pytestmark = pytest.mark.django_db
SOURCE = make.POLICY.format(version=2, count=1)
FIRST = "  - {{id: elsewhere, kind: approved-in, title: Elsewhere first, environment: {place}}}\n"
SOON, LATER = make.NOW + timedelta(minutes=5), make.NOW + timedelta(hours=1)


@pytest.fixture
def approved() -> Request:
    """One approved release."""
    stage = make.set_stage()
    make.send_provenance(stage)
    request = make.ask()
    make.approve(request, cast.alice())
    return request


def draft_of(source: str) -> PolicyDraft:
    return begin_draft(project=cast.payments_api(), source=source, by=make.erin(), now=make.NOW)


def ask(source: str = SOURCE, *, days: int = 30) -> DryRun:
    return ask_dry_run(draft=draft_of(source), environment=cast.production(), days=days, by=make.erin(), now=LATER)


def tried(source: str = SOURCE) -> dict[str, dict[str, Any]]:
    run = ask(source)
    while work_dry_runs(clock=lambda: LATER):
        pass
    run.refresh_from_db()
    assert run.state == DryRun.State.DONE
    return {row["request"]: row for row in run.outcomes}


class TestOutcomes:
    def test_the_same_policy_changes_nothing(self, approved: Request) -> None:
        assert tried()[approved.pk]["outcome"] == "still_allowed"

    def test_more_people_deny_and_the_rule_is_named(self, approved: Request) -> None:
        row = tried(SOURCE.replace("count: 1", "count: 2"))[approved.pk]
        assert (row["outcome"], row["inUse"], row["then"], row["after"]) == ("newly_denied", True, 1, 2)
        assert [(rule["id"], rule["code"]) for rule in row["rules"]] == [("approval", "approval.insufficient")]

    def test_what_lacks_evidence_stays_denied(self) -> None:
        make.set_stage()
        request = make.ask()
        assert tried()[request.pk]["outcome"] == "still_denied"

    def test_newly_allowed_names_what_stood_in_the_way(self) -> None:
        stage = make.set_stage(count=2)
        make.send_provenance(stage)
        request = make.ask()
        make.approve(request, cast.alice())
        row = tried()[request.pk]
        assert row["outcome"] == "newly_allowed"
        assert [rule["id"] for rule in row["rules"]] == ["approval"]

    def test_what_was_not_recorded_cannot_be_told(self, approved: Request) -> None:
        row = tried(SOURCE.replace("requesterMayApprove: false", "exclude: [commit-authors]"))[approved.pk]
        assert row["outcome"] == "cannot_tell"
        assert [rule["id"] for rule in row["rules"]] == ["four-eyes"]

    def test_whether_it_was_approved_elsewhere_cannot_be_told_where_nobody_asked_then(self, approved: Request) -> None:
        row = tried(SOURCE + FIRST.format(place="staging"))[approved.pk]
        assert (row["outcome"], row["rules"][0]["id"]) == ("cannot_tell", "elsewhere")

    def test_a_sure_no_is_a_no_whatever_else_cannot_be_told(self, approved: Request) -> None:
        source = SOURCE.replace("requesterMayApprove: false", "exclude: [commit-authors]").replace("count: 1", "count: 2")
        assert tried(source)[approved.pk]["outcome"] == "newly_denied"

    def test_a_kind_without_approvals_is_denied(self, approved: Request) -> None:
        row = tried(SOURCE.replace("count: 1", "count: 1\n    kinds: [rotation]"))[approved.pk]
        assert row["outcome"] == "newly_denied"
        assert "policy.no_approvals" in [rule["code"] for rule in row["rules"]]

    @pytest.mark.parametrize(
        ("old", "new", "expected"),
        [
            ("count: 1\n", "count: 1\n", "still_allowed"),
            ("registeredSigner: true", "registeredSigner: true\n    signers: 2", "newly_denied"),
            ("title: Built by", "title: Surely built by", "newly_denied"),
            ('"approver:security"', '"approver:owner"', "newly_denied"),
            ("maxDays: 14", "maxDays: 3", "still_allowed"),
            ("minimumAssurance: H2", "minimumAssurance: H1", "newly_denied"),
        ],
    )
    def test_a_waiver_covers_what_people_waived_and_no_other_rule(self, old: str, new: str, expected: str) -> None:
        make.set_stage(source=changes.WAIVABLE)
        request = make.ask()
        changes.waive(request)
        make.refresh(now=SOON)
        make.approve(request, cast.alice(), now=SOON)
        source = changes.WAIVABLE.format(version=2, count=1)
        assert old in source
        row = tried(source.replace(old, new, 1))[request.pk]
        assert row["outcome"] == expected
        if expected == "newly_denied":
            assert [(rule["id"], rule["code"]) for rule in row["rules"]] == [("provenance", "policy.evidence_missing")]
        # What the dry run says is what the portal makes of the waiver once the draft is in force.
        stored = store_policy(source=source.replace(old, new, 1), by=make.erin(), now=LATER)
        where = {"project": request.project, "environment": request.environment}
        alive = live_waivers(policy=stored, artifacts={make.image()}, now=LATER, **where)
        assert len(alive) == (expected == "still_allowed")


class TestAsk:
    def test_refuses(self, approved: Request) -> None:
        draft, elsewhere = draft_of(SOURCE), make.other_teams_bot().team
        place = Environment.objects.create(slug="theirs", name="Theirs", team=elsewhere, tier=3)
        good: dict[str, Any] = {"draft": draft, "environment": cast.production(), "days": 30, "by": make.erin()}
        for change, kind, code in (
            ({"days": 0}, Malformed, "dry_run.days"),
            ({"days": 91}, Malformed, "dry_run.days"),
            ({"environment": place}, Malformed, "dry_run.environment"),
            ({"by": cast.alice()}, NotAllowed, "permission.missing"),
            ({"draft": draft_of("just text")}, Malformed, "policy.malformed"),
        ):
            with pytest.raises(Refusal) as refused:
                ask_dry_run(**{**good, **change}, now=LATER)
            assert isinstance(refused.value, kind) and refused.value.code == code

    def test_takes_the_requests_of_those_days_and_what_is_in_use(self, approved: Request) -> None:
        much_later = make.NOW + timedelta(days=80)
        run = ask_dry_run(draft=draft_of(SOURCE), environment=cast.production(), days=1, by=make.erin(), now=much_later)
        assert run.request_ids == [approved.pk]


class TestWork:
    def test_a_claim_that_was_lost_keeps_nothing(self, approved: Request) -> None:
        run = ask()
        claim = claim_dry_run()
        assert claim is not None and claim_dry_run() is None
        DryRun.objects.update(lease_until=make.NOW - timedelta(days=9999))
        assert work_dry_runs(clock=lambda: LATER) == 1
        run.refresh_from_db()
        assert (run.state, run.attempts, len(run.outcomes)) == (DryRun.State.DONE, 2, 1)

    def test_what_was_called_off_is_not_weighed(self, approved: Request) -> None:
        run = ask()
        cancel_dry_run(run=run, by=make.erin(), now=LATER)
        assert work_dry_runs(clock=lambda: LATER) == 0
        with pytest.raises(Conflict) as refused:
            cancel_dry_run(run=run, by=make.erin(), now=LATER)
        assert refused.value.code == "dry_run.ended"
        with pytest.raises(NotAllowed):
            cancel_dry_run(run=ask(), by=cast.alice(), now=LATER)

    def test_many_requests_need_no_more_queries(self, approved: Request) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as caught:
                load_revisions(list(Request.objects.values_list("pk", flat=True)))
            return len(caught)

        few = queries()
        for _ in range(3):
            make.ask()
        assert queries() == few

    def test_a_run_of_nothing_ends(self) -> None:
        make.set_stage()
        run = ask()
        work_dry_runs(clock=lambda: LATER)
        run.refresh_from_db()
        assert run.state == DryRun.State.DONE


class TestRead:
    def test_says_when_the_draft_was_changed_since(self, approved: Request) -> None:
        run = ask()
        assert not read_run(run, show="", page=1).is_outdated
        save_draft(draft=run.draft, source=SOURCE + "# more\n", base=SOURCE, number=1, by=make.erin(), now=LATER)
        assert read_run(DryRun.objects.get(pk=run.pk), show="", page=1).is_outdated

    def test_counts_what_would_be_stranded(self, approved: Request) -> None:
        source = SOURCE.replace("count: 1", "count: 2")
        tried(source)
        shown = read_run(DryRun.objects.get(), show="", page=1)
        assert (shown.in_use, shown.stranded, shown.unsure, shown.chosen) == (1, 1, 0, "newly_denied")
        stored = store_policy(source=source, by=make.erin(), now=make.NOW)
        where = {"project": cast.payments_api(), "environment": cast.production()}
        stranded = count_stranded(policy=stored, **where, now=LATER)
        assert (stranded.in_use, stranded.denied, stranded.unknown, stranded.is_all) == (1, 1, 0, True)
        assert count_stranded(policy=stored, **where, now=make.NOW + timedelta(days=30)).in_use == 0
