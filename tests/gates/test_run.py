"""What was promoted may start again at its place after the approvals ran out, until something speaks against it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from approvals.models import Approval, Promotion, Request, Supersession
from approvals.policies.versions import activate_policy, store_policy
from gates.decide import decide
from gates.models import Decision
from identities.keys.enrol import revoke_signing_key
from identities.models import Identity, RoleAssignment
from identities.people.roles import end_role
from ledger.publish import publish_checkpoint
from proofs.canonical import parse_canonical
from proofs.errors import Malformed
from proofs.moment import rfc3339
from tests import cast, make_statements
from tests import make_approvals as make
from tests import make_changes as changes

pytestmark = pytest.mark.django_db

SOON = make.NOW + timedelta(minutes=1)
LATE = make.NOW + timedelta(days=9)


def ask(purpose: str, *, tag: str = "1.4.2", now: object = LATE) -> Decision:
    return decide(digest=make.image(tag), environment_slug="production", by=cast.runner(), now=now, purpose=purpose)  # type: ignore[arg-type]


def codes(decision: Decision) -> list[str]:
    return [reason["code"] for reason in decision.reasons]


@pytest.fixture
def stage() -> make.Stage:
    return make.set_stage()


@pytest.fixture
def approved(stage: make.Stage) -> Request:
    make.send_provenance(stage)
    request = make.ask()
    make.approve(request, cast.alice())
    return request


@pytest.fixture
def promoted(approved: Request) -> Request:
    assert ask("promote", now=SOON).outcome == "allow"
    return approved


class TestItRuns:
    def test_after_the_approval_ran_out_it_runs_and_is_not_promoted_again(self, promoted: Request) -> None:
        run, promote = ask("run"), ask("promote")
        assert (run.outcome, run.request, codes(promote)) == ("allow", promoted, ["validity.window"])
        until = SOON + timedelta(days=180)
        document = parse_canonical(bytes(run.document))
        assert (run.valid_until, document["validUntil"], document["purpose"]) == (until, rfc3339(until), "run")
        assert (promote.valid_until, promote.purpose, "validUntil" in parse_canonical(bytes(promote.document))) == (None, "promote", False)
        assert Promotion.objects.count() == 1

    def test_a_promotion_is_valid_until_its_approval_runs_out(self, approved: Request) -> None:
        assert ask("promote", now=SOON).valid_until == approved.revisions.get().approvals.get().not_after

    def test_what_bounds_a_start_alone_does_not_stop_it(self, promoted: Request, stage: make.Stage) -> None:
        later = make.NOW + timedelta(minutes=5)
        end_role(assignment=RoleAssignment.objects.get(identity=cast.alice()), by=None, now=later)
        key = cast.alice().signing_keys.get()
        revoke_signing_key(key=key, reason="not needed any more", by=cast.alice(), now=later)
        stricter = store_policy(source=make.POLICY.format(version=2, count=2), by=make.erin(), now=later)
        activate_policy(policy=stricter, project=cast.payments_api(), environment=cast.production(), by=make.erin(), now=later)
        make.send_lie(stage, now=later)
        make.refresh(now=later)
        assert promoted.revisions.count() > 1
        assert (ask("run").outcome, codes(ask("promote")) != []) == ("allow", True)

    def test_a_newer_request_that_nobody_approved_overtakes_nothing(self, promoted: Request, stage: make.Stage) -> None:
        """Evidence came in after the promotion, so the request waits again, and whoever opens a newer one takes its place."""
        later = SOON + timedelta(minutes=1)
        make.send_lie(stage, now=later)
        make.refresh(now=later)
        make.ask(tag="1.4.3", now=later)
        assert Supersession.objects.get().request == promoted
        assert (codes(ask("promote")), codes(ask("run"))) == (["request.superseded"], [])

    def test_a_revision_frozen_in_the_second_of_the_promotion_takes_nothing_from_it(self, approved: Request, stage: make.Stage) -> None:
        assert ask("promote", now=SOON + timedelta(milliseconds=400)).outcome == "allow"
        make.send_lie(stage, now=SOON)
        make.refresh(now=SOON + timedelta(milliseconds=500))
        assert approved.revisions.count() == 2
        assert ask("run").outcome == "allow"


class TestItDoesNotRun:
    def test_what_was_never_promoted(self, approved: Request) -> None:
        decision = ask("run", now=SOON)
        assert (codes(decision), decision.request, decision.valid_until) == (["promotion.missing"], approved, None)
        assert codes(ask("run", tag="never built")) == ["scope.artifact"]
        # Asking whether it runs promotes nothing.
        assert not Promotion.objects.exists()

    def test_what_was_let_through_only_because_nothing_was_enforced(self, stage: make.Stage) -> None:
        place = {"project": cast.payments_api(), "environment": cast.production(), "by": make.erin()}
        activate_policy(policy=stage.policy, mode="observe", now=make.NOW, **place)  # type: ignore[arg-type]
        make.ask()
        assert (ask("promote", now=SOON).outcome, Promotion.objects.count()) == ("allow", 0)
        activate_policy(policy=stage.policy, mode="enforce", now=SOON, **place)  # type: ignore[arg-type]
        assert codes(ask("run")) == ["promotion.missing"]

    def test_after_the_longest_time(self, promoted: Request) -> None:
        last = SOON + timedelta(days=180)
        assert ask("run", now=last - timedelta(seconds=1)).outcome == "allow"
        assert codes(ask("run", now=last)) == ["promotion.too_old"]

    def test_once_a_newer_one_was_promoted_until_it_is_promoted_again(self, promoted: Request, stage: make.Stage) -> None:
        make.send_provenance(stage, tag="1.4.3")
        newer = make.ask(tag="1.4.3")
        make.approve(newer, cast.person("kim", "Kim Osei", "approver:release"))
        publish_checkpoint(now=SOON)
        # Approving another one overtakes nothing.
        assert ask("run").outcome == "allow"
        assert ask("promote", tag="1.4.3", now=SOON).outcome == "allow"
        assert (codes(ask("run")), ask("run", tag="1.4.3").outcome) == (["promotion.superseded"], "allow")
        assert ask("promote", now=SOON).outcome == "allow"
        assert (ask("run").outcome, codes(ask("run", tag="1.4.3"))) == ("allow", ["promotion.superseded"])

    def test_after_its_approval_was_revoked(self, promoted: Request) -> None:
        make_statements.revoke(promoted.revisions.get().approvals.get(), cast.alice(), now=SOON)
        assert codes(ask("run")) == ["approval.revoked"]

    @pytest.mark.parametrize(("how", "code"), [("revoked", "approval.ended"), ("stolen", "signer.compromised")])
    def test_after_an_agreement_to_a_waiver_it_rests_on_fell_and_not_after_its_end(self, how: str, code: str) -> None:
        make.set_stage(source=changes.WAIVABLE)
        request = make.ask()
        agreed = Approval.objects.get(revision__request=changes.waive(request).request)
        make.refresh(now=SOON)
        make.approve(request, cast.alice(), now=SOON)
        assert ask("promote", now=SOON).outcome == "allow"
        # The waiver is over by then, which bounds a start alone.
        assert ask("run").outcome == "allow"
        if how == "revoked":
            make_statements.revoke(agreed, changes.sam(), now=SOON)
        else:
            assert agreed.signing_key is not None
            revoke_signing_key(key=agreed.signing_key, reason="Lost", by=changes.sam(), now=SOON, compromised_from=make.NOW)
        assert codes(ask("run")) == [code]

    def test_after_somebody_objected(self, promoted: Request) -> None:
        again = make.ask(now=SOON)
        kim = cast.person("kim", "Kim Osei", "approver:release")
        passkey, key = make.enrol(kim)
        publish_checkpoint(now=SOON)
        make.complete(make.begin(again, kim, key, decision="reject", reason="It loses data.", now=SOON), passkey, now=SOON)
        publish_checkpoint(now=SOON)
        assert codes(ask("run")) == ["approval.decision"]

    @pytest.mark.parametrize(
        ("whose", "code"),
        [("approver", "signer.inactive"), ("requester", "requester.suspended"), ("builder", "evidence.signer_suspended")],
    )
    def test_after_who_it_rests_on_was_suspended(self, promoted: Request, whose: str, code: str) -> None:
        identity = {"approver": cast.alice, "requester": cast.bob, "builder": cast.runner}[whose]()
        Identity.objects.filter(pk=identity.pk).update(status=Identity.Status.SUSPENDED)
        assert code in codes(ask("run"))

    def test_after_the_key_was_reported_compromised(self, promoted: Request) -> None:
        key = cast.alice().signing_keys.get()
        revoke_signing_key(key=key, reason="lost", by=cast.alice(), now=SOON, compromised_from=make.NOW)
        assert codes(ask("run")) == ["signer.compromised"]


def test_another_purpose_is_refused() -> None:
    with pytest.raises(Malformed) as refused:
        ask("destroy")
    assert refused.value.code == "purpose.unknown"
