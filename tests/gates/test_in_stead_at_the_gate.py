"""What an approval in another's stead is worth at the gate after something became known about the delegation or the delegate."""

from __future__ import annotations

from datetime import timedelta

import pytest

from approvals.delegation.take_back import take_back
from approvals.models import Approval, ApprovalEnd, AutomaticRevocation, Request
from approvals.requests import standing_in
from approvals.revocation.revoke_by_portal import revoke_compromised
from gates.decide import decide
from gates.models import Decision
from identities.keys.enrol import revoke_signing_key
from identities.models import Identity, RoleAssignment
from identities.people.deactivate import deactivate_person
from identities.people.roles import end_role
from ledger.recorder import recorder_key
from proofs.approval.portal_revocation import verify_portal_revocation
from proofs.errors import Refusal
from proofs.keys import load_spki
from tests import cast, make_delegations
from tests import make_approvals as make

pytestmark = pytest.mark.django_db

SOON = make.NOW + timedelta(minutes=1)
LATER = make.NOW + timedelta(hours=1)
LATE = make.NOW + timedelta(days=9)


def ask(purpose: str, *, now: object = LATER) -> Decision:
    return decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=now, purpose=purpose)  # type: ignore[arg-type]


def codes(decision: Decision) -> list[str]:
    return [reason["code"] for reason in decision.reasons]


def asked() -> Request:
    stage = make.set_stage(source=make_delegations.ALLOWED)
    make.send_provenance(stage)
    return make.ask()


@pytest.fixture
def approval() -> Approval:
    request, row = asked(), make_delegations.give(cast.alice(), make_delegations.dana())
    return make_delegations.answer(request, row, now=SOON)


def lose_key_of_delegator(approval: Approval) -> None:
    """Somebody else may have signed the delegation; the delegate's own key was theirs all along."""
    key = approval.in_stead.delegation.signed.signing_key
    revoke_signing_key(key=key, reason="lost", by=key.identity, now=LATER, compromised_from=make.NOW)


class TestADelegationThatSomebodyElseMayHaveSigned:
    def test_stops_what_runs_on_it(self, approval: Approval) -> None:
        assert ask("promote").outcome == "allow"
        assert ask("run", now=LATE).outcome == "allow"
        lose_key_of_delegator(approval)
        assert codes(ask("promote")) == ["delegation.delegator"]
        assert codes(ask("run", now=LATE)) == ["delegation.delegator"]

    def test_stops_what_runs_when_its_person_is_suspended(self, approval: Approval) -> None:
        assert ask("promote").outcome == "allow"
        Identity.objects.filter(pk=approval.in_stead.person_id).update(status=Identity.Status.SUSPENDED)
        assert codes(ask("run", now=LATE)) == ["delegation.delegator"]

    def test_is_revoked_for_good_with_what_rests_on_it(self, approval: Approval) -> None:
        lose_key_of_delegator(approval)
        assert [revoke_compromised(now=LATER), revoke_compromised(now=LATER)] == [1, 0]
        assert (AutomaticRevocation.objects.get().reason, ApprovalEnd.objects.get().code) == ("key_compromise", "approval.revoked")
        assert codes(ask("promote")) == ["approval.revoked"]
        envelope = bytes(AutomaticRevocation.objects.get().envelope)
        said = verify_portal_revocation(envelope, keys=[load_spki(recorder_key().spki)])
        assert "The delegation it rests on was signed at" in said.because


def test_the_delegate_has_to_be_an_approver_there_until_the_gate_is_asked(approval: Approval) -> None:
    assert ask("promote").outcome == "allow"
    end_role(assignment=RoleAssignment.objects.get(identity=approval.identity), by=None, now=LATER)
    (reason,) = ask("promote").reasons
    assert (reason["code"], "Dana Okafor approved in another's stead, and is no approver here any more" in reason["sentence"]) == (
        "signer.role_lost",
        True,
    )


def test_taking_it_back_after_a_promotion_keeps_the_approval_and_no_role_that_is_lost(approval: Approval) -> None:
    assert ask("promote").outcome == "allow"
    take_back(delegation=approval.in_stead.delegation, reason="I am back.", by=approval.in_stead.person, now=LATER)
    assert ask("promote").outcome == "allow"
    end_role(assignment=RoleAssignment.objects.get(identity=approval.in_stead.person), by=None, now=LATER)
    assert codes(ask("promote")) == ["signer.role_lost"]


def test_a_person_who_left_after_a_promotion_is_kept_with_the_role(approval: Approval) -> None:
    assert ask("promote").outcome == "allow"
    deactivate_person(identity=approval.in_stead.person, reason="Left", by=None, now=LATER)
    deactivate_person(identity=approval.identity, reason="Left", by=None, now=LATER)
    assert ask("promote").outcome == "allow"


class TestANewKey:
    """A key that is too new to approve at tier 3 approves nothing there by lending the role to an older key."""

    def test_of_the_delegator_has_to_wait_as_well(self, settings: object) -> None:
        request, dana = asked(), make_delegations.dana()
        settings.KEY_COOLING_HOURS = 24  # type: ignore[attr-defined]
        row = make_delegations.give(cast.alice(), dana, until=make.NOW + timedelta(days=3))
        key = row.signed.signing_key
        with pytest.raises(Refusal) as refused:
            make.begin(request, cast.alice(), key, now=LATER)
        assert refused.value.code == "signer.cooling_off"
        with pytest.raises(Refusal) as refused:
            make_delegations.answer(request, row, now=LATER)
        assert refused.value.code == "signer.cooling_off"
        assert make_delegations.answer(request, row, now=key.matures_at).in_stead.person == cast.alice()
        assert ask("promote", now=key.matures_at).outcome == "allow"

    def test_is_known_to_an_auditor_by_what_was_enrolled(self, settings: object, monkeypatch: pytest.MonkeyPatch) -> None:
        request, dana = asked(), make_delegations.dana()
        settings.KEY_COOLING_HOURS = 24  # type: ignore[attr-defined]
        row = make_delegations.give(cast.alice(), dana)
        # A portal that does not ask lets nobody through: the enrolment says it, signed.
        monkeypatch.setattr(standing_in, "HIGHEST_TIER", 9)
        make_delegations.answer(request, row, now=LATER)
        assert codes(ask("promote")) == ["signer.cooling_off"]
