"""The gate: one way to open it, and every way it stays shut."""

from __future__ import annotations

from datetime import timedelta

import pytest

from approvals.models import Request
from approvals.policies.versions import activate_policy, store_policy
from gates.decide import decide
from gates.models import Decision
from identities.keys.enrol import revoke_signing_key
from identities.models import Environment, Identity, RoleAssignment, Team
from identities.people.roles import end_role
from ledger.publish import publish_checkpoint
from proofs.canonical import parse_canonical
from proofs.digest import sha256_hex
from proofs.errors import Malformed
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db


def ask_gate(digest: str | None = None, environment: str = "production", *, minutes: int = 1) -> Decision:
    return decide(digest=digest or make.image(), environment_slug=environment, by=cast.runner(), now=make.NOW + timedelta(minutes=minutes))


def codes(decision: Decision) -> list[str]:
    return [reason["code"] for reason in decision.reasons]


@pytest.fixture
def approved() -> Request:
    """A request for the image, with true provenance, approved by alice and recorded."""
    stage = make.set_stage()
    make.send_provenance(stage)
    request = make.ask()
    make.approve(request, cast.alice())
    return request


class TestDecide:
    def test_allows_what_was_validly_approved(self, approved: Request) -> None:
        decision = ask_gate()
        assert (decision.outcome, decision.reasons, decision.request) == ("allow", [], approved)

    def test_writes_every_answer_into_the_ledger(self, approved: Request) -> None:
        decision = ask_gate()
        assert decision.entry.event == "gate.decision"
        assert decision.entry.ref_digest == sha256_hex(bytes(decision.document))
        document = parse_canonical(bytes(decision.document))
        assert (document["artifact"], document["outcome"], document["id"]) == (make.image(), "allow", decision.pk)
        denied = ask_gate(make.image("never built"))
        assert denied.entry_id == decision.entry_id + 1

    def test_denies_a_digest_never_seen(self, approved: Request) -> None:
        assert codes(ask_gate(make.image("never built"))) == ["scope.artifact"]

    def test_refuses_a_tag(self, approved: Request) -> None:
        with pytest.raises(Malformed) as refused:
            ask_gate("payments/api:1.4.2")
        assert refused.value.code == "digest.malformed"

    def test_denies_an_unknown_environment(self, approved: Request) -> None:
        assert codes(ask_gate(environment="mars")) == ["scope.environment"]

    def test_denies_another_teams_environment_as_if_it_were_unknown(self, approved: Request) -> None:
        Environment.objects.create(slug="theirs", name="Theirs", tier=1, team=Team.objects.create(slug="others", name="Others"))
        assert codes(ask_gate(environment="theirs")) == ["scope.environment"]

    def test_denies_another_environment_of_the_team(self, approved: Request) -> None:
        Environment.objects.create(slug="staging", name="Staging", tier=1, team=cast.payments())
        assert codes(ask_gate(environment="staging")) == ["policy.missing"]

    def test_denies_before_anybody_approved(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        request = make.ask()
        decision = ask_gate()
        assert (codes(decision), decision.reasons[0]["request"]) == (["approval.missing"], request.pk)

    def test_denies_when_too_few_approved(self) -> None:
        stage = make.set_stage(count=2)
        make.send_provenance(stage)
        make.approve(make.ask(), cast.alice())
        assert codes(ask_gate()) == ["approval.insufficient"]

    def test_denies_until_a_published_head_covers_the_record(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        request = make.ask()
        passkey, key = make.enrol(cast.alice())
        publish_checkpoint(now=make.NOW)
        make.complete(make.begin(request, cast.alice(), key), passkey)
        assert codes(ask_gate()) == ["log.pending"]
        publish_checkpoint(now=make.NOW)
        assert ask_gate().outcome == "allow"

    def test_denies_after_the_validity(self, approved: Request) -> None:
        assert codes(ask_gate(minutes=72 * 60 + 1)) == ["validity.window"]

    def test_denies_after_a_rejection(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        make.approve(make.ask(), cast.alice())
        assert ask_gate().outcome == "allow"
        later = make.NOW + timedelta(seconds=30)
        again = make.ask(now=later)
        kim = cast.person("kim", "Kim Osei", "approver:release")
        passkey, key = make.enrol(kim)
        publish_checkpoint(now=later)
        make.complete(make.begin(again, kim, key, decision="reject", reason="The rollback fails.", now=later), passkey, now=later)
        publish_checkpoint(now=make.NOW)
        assert codes(ask_gate()) == ["approval.decision"]

    def test_a_key_that_was_removed_afterwards_breaks_nothing(self, approved: Request) -> None:
        key = cast.alice().signing_keys.get()
        revoke_signing_key(key=key, reason="not needed any more", by=cast.alice(), now=make.NOW + timedelta(seconds=30))
        assert codes(ask_gate()) == []

    def test_denies_when_somebody_else_may_have_had_the_key(self, approved: Request) -> None:
        key, since = cast.alice().signing_keys.get(), make.NOW
        revoke_signing_key(key=key, reason="lost", by=cast.alice(), now=make.NOW + timedelta(seconds=30), compromised_from=since)
        assert codes(ask_gate()) == ["signer.compromised"]

    def test_denies_when_the_approver_was_suspended(self, approved: Request) -> None:
        Identity.objects.filter(pk=cast.alice().pk).update(status=Identity.Status.SUSPENDED)
        assert codes(ask_gate()) == ["signer.inactive"]

    def test_denies_when_the_approver_lost_the_role(self, approved: Request) -> None:
        role = RoleAssignment.objects.get(identity=cast.alice())
        end_role(assignment=role, by=None, now=make.NOW + timedelta(seconds=30))
        assert codes(ask_gate()) == ["signer.role_lost"]

    def test_denies_when_the_policy_changed(self, approved: Request) -> None:
        stricter = store_policy(source=make.POLICY.format(version=2, count=2), by=make.erin(), now=make.NOW)
        activate_policy(
            policy=stricter, project=cast.payments_api(), environment=cast.production(), by=make.erin(), now=make.NOW + timedelta(seconds=5)
        )
        assert codes(ask_gate()) == ["policy.mismatch"]

    def test_denies_when_later_evidence_contradicts(self, approved: Request) -> None:
        assert ask_gate().outcome == "allow"
        stage = make.Stage(make.Instance(make.NOW - timedelta(days=1)), approved.revisions.get().policy)
        make.send_lie(stage)
        assert codes(ask_gate()) == ["evidence.changed"]

    def test_denies_when_the_workflow_that_signed_was_suspended(self, approved: Request) -> None:
        runner = cast.runner()
        Identity.objects.filter(pk=runner.pk).update(status=Identity.Status.SUSPENDED)
        assert "evidence.signer_suspended" in codes(ask_gate())

    def test_denies_and_says_so_when_the_gate_itself_breaks(self, approved: Request, settings: object) -> None:
        # A recorder key that cannot be read stands for whatever breaks inside: the answer is no, not an error page.
        settings.LOG_VKEY_FILE = "/nowhere/log.vkey"  # type: ignore[attr-defined]
        decision = ask_gate()
        assert decision.outcome == "deny"
        assert decision.reasons
