"""Breaking the glass: one person opens one gate for one artifact, for a while, so many times; others look at it afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from approvals.attention.remind import remind_requests
from approvals.emergency.live import list_unreviewed
from approvals.emergency.withdraw_break_glass import withdraw_break_glass
from approvals.models import (
    Approval,
    Attention,
    BreakGlass,
    BreakGlassEnd,
    BreakGlassReview,
    BreakGlassUse,
    OutcomeStatement,
    PolicyActivation,
    Reminder,
    Request,
)
from approvals.policies.versions import activate_policy, store_policy
from approvals.requests.expire import expire_unanswered
from approvals.requests.status import compute_standing
from approvals.requests.withdraw import withdraw_request
from gates.decide import decide
from gates.models import Decision
from identities.keys.enrol import revoke_signing_key
from identities.models import Identity, Project
from identities.people.roles import grant_role
from ledger.models import Entry
from ledger.publish import publish_checkpoint
from proofs.canonical import parse_canonical, parse_json
from proofs.dsse import parse_envelope
from proofs.errors import Refusal
from tests import cast, make_break_glass, make_statements
from tests import make_approvals as make

pytestmark = pytest.mark.django_db
NOW = make.NOW


@pytest.fixture
def asked() -> Request:
    """A request that the policy does not let through: there is no evidence at all."""
    make.set_stage(source=make_break_glass.POLICY)
    return make.ask()


def gate(*, digest: str = "", environment: str = "production", now: Any = NOW) -> Decision:
    return decide(digest=digest or make.image(), environment_slug=environment, by=cast.runner(), now=now)


def sally() -> Identity:
    return cast.person("sally", "Sally Wu", "approver:security")


def sven() -> Identity:
    return cast.person("sven", "Sven Berg", "approver:security")


def answer(request: Request, person: Identity, *, decision: str = "approve", reason: str = "") -> None:
    passkey, key = make_statements.passkey_of(person)
    make.complete(make.begin(request, person, key, decision=decision, reason=reason), passkey)
    publish_checkpoint(now=NOW)


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(Refusal) as caught:
        call()
    return caught.value.code


class TestTheGate:
    def test_it_opens_past_a_policy_that_is_not_met_and_says_so(self, asked: Request) -> None:
        assert gate().outcome == "deny"
        row = make_break_glass.declare()
        decision = gate()
        assert (decision.outcome, decision.break_glass, decision.enforced) == ("break_glass", row, None)
        assert decision.reasons
        document = parse_canonical(bytes(decision.document))
        assert document["outcome"] == "break_glass"
        assert document["breakGlass"] == {"statement": {"sha256": row.signed.payload_digest}, "incident": "INC-7", "use": 1, "of": 2}
        assert Entry.objects.filter(event__in=["break_glass.declared", "break_glass.used"]).count() == 2

    def test_one_use_more_than_signed_is_a_deny(self, asked: Request) -> None:
        make_break_glass.declare(max_uses=2)
        assert [gate().outcome for _ in range(3)] == ["break_glass", "break_glass", "deny"]
        assert list(BreakGlassUse.objects.order_by("n").values_list("n", flat=True)) == [1, 2]

    def test_it_is_over_when_its_time_is(self, asked: Request) -> None:
        make_break_glass.declare(hours=1)
        assert gate(now=NOW + timedelta(minutes=59)).outcome == "break_glass"
        assert gate(now=NOW + timedelta(hours=1)).outcome == "deny"

    def test_another_digest_or_environment_stays_shut(self, asked: Request) -> None:
        make.ask(tag="1.4.3")
        make_break_glass.declare()
        assert gate(digest=make.image("1.4.3")).outcome == "deny"
        assert gate(environment="staging").outcome == "deny"
        assert not BreakGlassUse.objects.exists()

    def test_what_is_allowed_anyway_uses_none(self) -> None:
        stage = make.set_stage(source=make_break_glass.POLICY)
        make.send_provenance(stage)
        make.approve(make.ask(), cast.alice())
        make_break_glass.declare()
        assert gate().outcome == "allow"
        assert not BreakGlassUse.objects.exists()

    def test_a_policy_that_is_only_observed_uses_none(self, asked: Request) -> None:
        make_break_glass.declare()
        policy = store_policy(source=make_break_glass.POLICY.format(version=2, count=1), by=make.erin(), now=NOW)
        place = {"project": cast.payments_api(), "environment": cast.production()}
        activate_policy(policy=policy, **place, by=make.erin(), now=NOW, mode=PolicyActivation.Mode.OBSERVE)
        decision = gate()
        assert (decision.outcome, decision.enforced) == ("allow", False)
        assert not BreakGlassUse.objects.exists()

    def test_a_policy_that_allows_none_any_more_shuts_it(self, asked: Request) -> None:
        make_break_glass.declare()
        policy = store_policy(source=make.POLICY.format(version=2, count=1), by=make.erin(), now=NOW)
        activate_policy(policy=policy, project=cast.payments_api(), environment=cast.production(), by=make.erin(), now=NOW)
        assert gate().outcome == "deny"

    def test_a_key_that_was_lost_before_shuts_it(self, asked: Request) -> None:
        row = make_break_glass.declare()
        key = row.signed.signing_key
        revoke_signing_key(key=key, by=row.signed.identity, reason="Lost", now=NOW, compromised_from=NOW)
        assert gate().outcome == "deny"


class TestDeclaring:
    def test_it_tells_other_tools_and_never_says_that_people_approved(self, asked: Request) -> None:
        row = make_break_glass.declare()
        said = OutcomeStatement.objects.get()
        assert said.about == row.signed.payload_digest
        payload = parse_canonical(parse_envelope(parse_json(bytes(said.envelope))).payload)
        assert payload["predicate"]["properties"] == ["COUNTERSIGN_BREAK_GLASS", "COUNTERSIGN_ENVIRONMENT_PRODUCTION"]

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"hours": 3}, "break_glass.hours"),
            ({"hours": 0}, "break_glass.hours"),
            ({"max_uses": 4}, "break_glass.uses"),
            ({"max_uses": 0}, "break_glass.uses"),
            ({"incident": " "}, "request.text"),
            ({"justification": " "}, "statement.reason_missing"),
            ({"digest": "sha256:" + "9" * 64}, "break_glass.unknown_artifact"),
            ({"digest": "latest"}, "digest.malformed"),
        ],
    )
    def test_outside_the_bounds(self, asked: Request, changes: dict[str, Any], code: str) -> None:
        assert code_of(lambda: make_break_glass.begin(**changes)) == code

    def test_whoever_holds_no_such_role(self, asked: Request) -> None:
        key = make_statements.passkey_of(cast.alice())[1]
        assert code_of(lambda: make_break_glass.begin(cast.alice(), key=key)) == "break_glass.role"

    def test_programs_never(self, asked: Request) -> None:
        key = make_break_glass.key_of(make_break_glass.declarer())
        assert code_of(lambda: make_break_glass.begin(cast.runner(), key=key)) == "permission.missing"

    def test_a_key_below_h3(self, asked: Request) -> None:
        grant_role(identity=cast.alice(), role="approver:owner", team=cast.payments(), project=None, by=None, now=NOW)
        ceremony = make_break_glass.begin(cast.alice(), key=make_statements.passkey_of(cast.alice())[1])
        assert code_of(lambda: make_statements.complete(ceremony)) == "assurance.too_low"
        assert not BreakGlass.objects.exists()

    def test_a_policy_that_says_nothing_of_it(self) -> None:
        make.set_stage()
        make.ask()
        assert code_of(make_break_glass.begin) == "break_glass.not_possible"

    def test_where_uses_are_left(self, asked: Request) -> None:
        second = make_break_glass.begin()
        make_break_glass.declare()
        assert code_of(make_break_glass.begin) == "break_glass.live"
        assert code_of(lambda: make_statements.complete(second)) == "break_glass.live"
        assert BreakGlass.objects.count() == 1

    def test_a_policy_that_allows_less_by_now(self, asked: Request) -> None:
        ceremony = make_break_glass.begin(max_uses=3)
        source = make_break_glass.POLICY.replace("maxUses: 3", "maxUses: 1").format(version=2, count=1)
        policy = store_policy(source=source, by=make.erin(), now=NOW)
        activate_policy(policy=policy, project=cast.payments_api(), environment=cast.production(), by=make.erin(), now=NOW)
        assert code_of(lambda: make_statements.complete(ceremony)) == "break_glass.bounds_changed"


class TestReview:
    def test_two_others_clear_it_and_the_gate_shuts(self, asked: Request) -> None:
        row = make_break_glass.declare()
        assert (row.review.kind, row.about, row.review_due_at) == ("break-glass-review", asked, NOW + timedelta(hours=24))
        answer(row.review, sally())
        assert not BreakGlassReview.objects.exists()
        assert gate().outcome == "break_glass"
        answer(row.review, sven())
        assert BreakGlassReview.objects.get().verdict == "right"
        assert gate().outcome == "deny"

    def test_the_declarer_does_not_review_whatever_roles_they_hold(self, asked: Request) -> None:
        declarer = make_break_glass.declarer()
        grant_role(identity=declarer, role="approver:security", team=cast.payments(), project=None, by=None, now=NOW)
        row = make_break_glass.declare()
        assert code_of(lambda: answer(row.review, declarer)) == "sod.violation"

    def test_another_role_does_not_review(self, asked: Request) -> None:
        row = make_break_glass.declare()
        assert code_of(lambda: answer(row.review, cast.alice())) == "approval.wrong_role"

    @pytest.mark.parametrize("first", ["reject", "approve"])
    def test_a_rejection_shuts_the_gate_at_once_and_the_other_still_has_to_look(self, asked: Request, first: str) -> None:
        row = make_break_glass.declare()
        second = "approve" if first == "reject" else "reject"
        answer(row.review, sally(), decision=first, reason="There was no outage.")
        waiting = list_unreviewed(projects=Project.objects.all())
        assert [(item.pk, bool(item.found_wrong)) for item in waiting] == [(row.pk, first == "reject")]
        assert gate().outcome == ("deny" if first == "reject" else "break_glass")
        assert compute_standing(row.review, now=NOW + timedelta(days=30)).status == "in_review"
        assert not BreakGlassReview.objects.exists()
        answer(row.review, sven(), decision=second, reason="It was.")
        assert BreakGlassReview.objects.get().verdict == "wrong"
        assert compute_standing(row.review, now=NOW + timedelta(days=30)).status == "rejected"
        assert gate().outcome == "deny"

    def test_nobody_asks_for_changes_to_what_was_done(self, asked: Request) -> None:
        """It would close the review for everybody else, for ever."""
        row = make_break_glass.declare()
        code = code_of(lambda: answer(row.review, sally(), decision="request_changes", reason="Undo it."))
        assert (code, compute_standing(row.review, now=NOW).status) == ("break_glass.no_changes", "ready")

    def test_nobody_holds_it_up_with_evidence_about_it(self) -> None:
        """What was done does not change: whoever has looked has looked, whatever the team's programs send about the review itself."""
        stage = make.set_stage(source=make_break_glass.POLICY)
        make.ask()
        row = make_break_glass.declare()
        answer(row.review, sally())
        make.send_lie(stage, digest=row.review.artifacts.get().artifact_id)
        make.refresh(now=NOW + timedelta(minutes=1))
        assert (row.review.revisions.count(), compute_standing(row.review, now=NOW).approvals) == (1, 1)
        answer(row.review, sven())
        assert BreakGlassReview.objects.get().verdict == "right"

    def test_once_concluded_it_waits_for_nobody_whatever_becomes_of_an_answer(self, asked: Request) -> None:
        """Nobody can answer it any more, so nobody is told that it is their turn, or reminded."""
        cast.person("sam", "Sam Lindqvist", "approver:security")
        row = make_break_glass.declare()
        answer(row.review, sally())
        answer(row.review, sven())
        make_statements.revoke(Approval.objects.get(identity=sally()), sally())
        assert (compute_standing(row.review, now=NOW).status, BreakGlassReview.objects.get().verdict) == ("approved", "right")
        assert not Attention.objects.filter(request=row.review).exists()
        remind_requests(now=NOW + timedelta(days=2))
        assert not Reminder.objects.filter(request=row.review).exists()

    def test_nobody_takes_the_review_back_or_waits_it_out(self, asked: Request) -> None:
        row = make_break_glass.declare()
        by = make_break_glass.declarer()
        assert code_of(lambda: withdraw_request(request=row.review, reason="Done.", by=by, now=NOW)) == "break_glass.review_stays"
        expire_unanswered(now=NOW + timedelta(days=400))
        assert not hasattr(Request.objects.get(pk=row.review_id), "expiry")
        assert not BreakGlassReview.objects.exists()


class TestTakingBack:
    def test_its_declarer_does_and_the_review_stays(self, asked: Request) -> None:
        row = make_break_glass.declare()
        withdraw_break_glass(break_glass=row, reason="It came up again.", by=make_break_glass.declarer(), now=NOW)
        assert BreakGlassEnd.objects.get().reason == "It came up again."
        assert gate().outcome == "deny"
        assert row.review.revisions.exists()
        again = {"break_glass": row, "reason": "Again.", "by": make_break_glass.declarer(), "now": NOW}
        assert code_of(lambda: withdraw_break_glass(**again)) == "break_glass.over"

    def test_nobody_else(self, asked: Request) -> None:
        row = make_break_glass.declare()
        assert code_of(lambda: withdraw_break_glass(break_glass=row, reason="No.", by=sally(), now=NOW)) == "break_glass.not_yours"
