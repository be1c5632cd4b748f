"""What an approval is worth after its person was deactivated or its key revoked: what a gate used stays, what nothing used ends."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client

from approvals.models import Approval, ApprovalEnd, KeptApproval
from approvals.packs.build import build_pack
from approvals.requests.status import compute_standing, stood_approved
from gates.decide import Question, _record, _weigh, decide
from gates.models import Decision
from identities.keys.enrol import revoke_signing_key
from identities.lifecycle.change_status import retire_identity, suspend_identity
from identities.models import Identity, RoleAssignment, SigningKey
from identities.people.deactivate import deactivate_person, reactivate_person
from identities.people.roles import end_role
from ledger.models import Entry
from proofs.errors import Conflict, Refusal
from tests import cast, make_statements
from tests import make_approvals as make

pytestmark = pytest.mark.django_db

LATER = make.NOW + timedelta(seconds=30)
AFTER = make.NOW + timedelta(minutes=1)


def ask_gate(*, now: datetime = AFTER) -> Decision:
    return decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=now)


def codes(decision: Decision) -> list[str]:
    return [reason["code"] for reason in decision.reasons]


def let_go(person: Identity) -> None:
    deactivate_person(identity=person, reason="Left the company.", by=None, now=LATER)


@pytest.fixture
def approval() -> Approval:
    stage = make.set_stage()
    make.send_provenance(stage)
    return make.approve(make.ask(), cast.alice())


@pytest.fixture
def used(approval: Approval) -> Approval:
    assert ask_gate(now=make.NOW + timedelta(seconds=10)).outcome == "allow"
    return approval


class TestUnused:
    def test_ends_with_its_person_and_everything_says_so(self, approval: Approval, client: Client) -> None:
        kim = cast.person("kim", "Kim Osei", "approver:release")
        let_go(approval.identity)
        end = ApprovalEnd.objects.get()
        request = approval.revision.request
        decision = ask_gate()
        assert (end.code, end.entry.event) == ("approver.deactivated", "approval.ended")
        assert (codes(decision), decision.reasons[0]["request"]) == (["approval.ended"], request.pk)
        assert "Alice Chen approved, and was deactivated" in decision.reasons[0]["sentence"]
        standing = compute_standing(request, now=AFTER)
        request.state.refresh_from_db()
        assert (standing.status, standing.approvals, standing.has_pack, request.state.status) == ("in_review", 0, False, "in_review")
        assert stood_approved(approval.revision) is None
        with pytest.raises(Conflict) as refused:
            build_pack(request=request, now=AFTER)
        assert isinstance(refused.value, Refusal)
        assert refused.value.code == "approval.ended"
        client.force_login(cast.account_of(kim))
        for page in (f"/requests/{request.pk}", f"/records/{approval.record.digest}"):
            shown = client.get(page).content.decode()
            assert "Alice Chen" in shown and "before any gate acted on it" in shown, page
        assert "An approval ended; you are release approver" in client.get("/queue").content.decode()

    def test_another_approver_answers_instead(self, approval: Approval) -> None:
        let_go(approval.identity)
        make.approve(approval.revision.request, cast.person("kim", "Kim Osei", "approver:release"), now=LATER)
        assert ask_gate().outcome == "allow"
        assert compute_standing(approval.revision.request, now=AFTER).status == "promoted"

    def test_does_not_come_back_with_its_person(self, approval: Approval) -> None:
        let_go(approval.identity)
        reactivate_person(identity=approval.identity, reason="back", by=None, now=LATER)
        assert codes(ask_gate()) == ["approval.ended"]

    def test_a_ceremony_that_was_begun_is_used_up(self, approval: Approval) -> None:
        kim = cast.person("kim", "Kim Osei", "approver:release")
        passkey, key = make.enrol(kim)
        ceremony = make.begin(make.ask(), kim, key)
        let_go(kim)
        with pytest.raises(Conflict) as refused:
            make.complete(ceremony, passkey, now=LATER)
        ceremony.refresh_from_db()
        assert isinstance(refused.value, Refusal)
        assert (refused.value.code, ceremony.refused_code) == ("ceremony.used", "approver.deactivated")

    def test_what_ran_out_by_itself_and_what_was_a_no_is_left_as_it_was(self, approval: Approval) -> None:
        passkey, key = make.enrol(kim := cast.person("kim", "Kim Osei", "approver:release"))
        make.complete(make.begin(make.ask(), kim, key, decision="reject", reason="No."), passkey)
        let_go(kim)
        deactivate_person(identity=approval.identity, reason="left", by=None, now=approval.not_after)
        assert not ApprovalEnd.objects.exists()


class TestUsed:
    def test_stays_valid_and_keeps_its_name(self, used: Approval, client: Client) -> None:
        let_go(used.identity)
        assert KeptApproval.objects.get().roles == ["approver:release"]
        assert SigningKey.objects.get(identity=used.identity).revoked_at is not None
        assert not Entry.objects.filter(event="approval.ended").exists()
        assert ask_gate().outcome == "allow"
        client.force_login(cast.account_of(cast.carol()))
        assert "Alice Chen" in client.get(f"/requests/{used.revision.request_id}").content.decode()

    @pytest.mark.parametrize("then", ["comes back", "is retired"])
    def test_whatever_becomes_of_the_person_afterwards(self, used: Approval, then: str) -> None:
        let_go(used.identity)
        change = reactivate_person if then == "comes back" else retire_identity
        change(identity=used.identity, reason="So it is.", by=None, now=LATER)
        assert ask_gate().outcome == "allow"

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_is_shut_by_a_suspicion(self, used: Approval, when: str) -> None:
        if when == "before":
            suspend_identity(identity=used.identity, reason="odd", by=None, now=LATER)
        let_go(used.identity)
        if when == "after":
            suspend_identity(identity=used.identity, reason="odd", by=None, now=AFTER)
        assert codes(ask_gate()) == ["signer.inactive"]

    def test_a_role_lost_before_the_person_left_stays_lost(self, used: Approval) -> None:
        end_role(assignment=RoleAssignment.objects.get(identity=used.identity), by=None, now=LATER)
        let_go(used.identity)
        assert codes(ask_gate()) == ["signer.role_lost"]

    def test_so_does_what_the_one_who_left_asked_for(self, used: Approval) -> None:
        runner, olaf = cast.runner(), cast.person("olaf", "Olaf Lund", "auditor")
        Identity.objects.filter(pk=runner.pk).update(owner=cast.carol())
        let_go(cast.bob())
        assert decide(digest=make.image(), environment_slug="production", by=olaf, now=AFTER).outcome == "allow"

    def test_but_not_where_nothing_was_let_through(self, approval: Approval) -> None:
        Identity.objects.filter(pk=cast.runner().pk).update(owner=cast.carol())
        let_go(cast.bob())
        assert codes(ask_gate()) == ["requester.suspended"]


class TestKey:
    def test_that_is_removed_later_breaks_nothing(self, approval: Approval) -> None:
        revoke_signing_key(key=approval.signing_key, by=approval.identity, reason="new phone", now=LATER)
        assert ask_gate().outcome == "allow"

    def test_that_was_revoked_by_then_does(self, approval: Approval) -> None:
        SigningKey.objects.filter(pk=approval.signing_key_id).update(revoked_at=approval.signed_at)
        assert codes(ask_gate()) == ["signer.revoked"]

    @pytest.mark.parametrize(("since", "shut"), [(timedelta(0), ["signer.compromised"]), (timedelta(seconds=1), [])])
    def test_that_somebody_else_may_have_had(self, used: Approval, since: timedelta, shut: list[str]) -> None:
        SigningKey.objects.filter(pk=used.signing_key_id).update(compromised_from=used.signed_at + since, revoked_at=LATER)
        assert codes(ask_gate()) == shut
        let_go(used.identity)
        assert codes(ask_gate()) == shut

    def test_so_does_a_person_who_may_have_been_somebody_else(self, used: Approval) -> None:
        let_go(used.identity)
        Identity.objects.filter(pk=used.identity_id).update(compromised_from=used.signed_at)
        assert codes(ask_gate()) == ["signer.compromised"]


class TestWhileItDecides:
    """The gate has weighed everything, and before it writes its answer down somebody leaves."""

    @pytest.mark.parametrize("who", ["approver", "requester"])
    def test_what_ended_meanwhile_opens_nothing(self, approval: Approval, who: str) -> None:
        request = approval.revision.request
        question = Question(make.image(), "production")
        weighed, reasons, lenient = _weigh(question, by=cast.runner(), now=AFTER)
        assert (weighed, reasons, lenient) == (request, [], None)
        let_go(approval.identity if who == "approver" else request.requester)
        decision = _record(question, weighed, reasons, lenient=lenient, by=cast.runner(), now=AFTER)
        expected = "approval.ended" if who == "approver" else "requester.suspended"
        assert (decision.outcome, codes(decision)) == ("deny", [expected])


def test_a_run_of_what_was_promoted_before_uses_no_newer_approval(used: Approval) -> None:
    """Evidence changed, the request is asked about anew, and one of two has answered; what runs meanwhile runs on the earlier revision."""
    request = used.revision.request
    make.send_lie(make.Stage(make.Instance(make.NOW - timedelta(days=1)), used.revision.policy), now=LATER)
    make.refresh(now=LATER)
    newest = request.revisions.latest("number")
    assert newest.number == 2
    passkey, key = make_statements.passkey_of(used.identity)
    fresh = make.complete(make.begin(request, used.identity, key, now=LATER), passkey, now=LATER)
    run = decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=AFTER, purpose="run")
    assert run.outcome == "allow"
    deactivate_person(identity=used.identity, reason="Left.", by=None, now=AFTER)
    assert (hasattr(used, "kept"), ApprovalEnd.objects.get().approval) == (True, fresh)


@pytest.mark.parametrize("on_which", ["the same request", "another request"])
@pytest.mark.parametrize("purpose", ["promote", "run"])
def test_a_no_that_was_there_before_the_answer_is_not_passed_over(used: Approval, on_which: str, purpose: str) -> None:
    """Somebody rejects while a gate weighs what was promoted before."""
    question = Question(make.image(), "production", purpose=Decision.Purpose(purpose))
    weighed, reasons, _ = _weigh(question, by=cast.runner(), now=AFTER)
    assert (weighed, reasons) == (used.revision.request, [])
    request = used.revision.request if on_which == "the same request" else make.ask(now=LATER)
    kim = cast.person("kim", "Kim Osei", "approver:release")
    passkey, key = make_statements.passkey_of(kim)
    make.complete(make.begin(request, kim, key, decision="reject", reason="It loses data.", now=LATER), passkey, now=LATER)
    decision = _record(question, weighed, reasons, lenient=None, by=cast.runner(), now=AFTER)
    assert (decision.outcome, codes(decision)) == ("deny", ["approval.decision"])
