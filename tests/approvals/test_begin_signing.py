"""A ceremony offers one person one exact statement, or says why not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from approvals.models import Request
from approvals.policies.versions import activate_policy, store_policy
from approvals.requests.open_request import AskedArtifact, open_request
from identities.keys.enrol import revoke_signing_key
from identities.models import Identity
from identities.people.roles import grant_role
from ledger.models import Checkpoint
from proofs.approval.human_approval import parse_human_approval
from proofs.digest import sha256_hex
from proofs.errors import Refusal
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db


def ready() -> tuple[make.Stage, Request]:
    stage = make.set_stage()
    make.send_provenance(stage)
    return stage, make.ask()


def refused_code(*arguments: Any, **changes: Any) -> str:
    with pytest.raises(Refusal) as refused:
        make.begin(*arguments, **changes)
    return refused.value.code


class TestBeginSigning:
    def test_offers_a_statement_that_names_everything_that_was_shown(self) -> None:
        _, request = ready()
        _, key = make.enrol(cast.alice())
        ceremony = make.begin(request, cast.alice(), key)
        statement = parse_human_approval(bytes(ceremony.payload))
        revision = request.revisions.get()
        item = revision.evidence.get()
        assert ceremony.payload_digest == sha256_hex(bytes(ceremony.payload))
        assert [str(digest) for artifact in statement.artifacts for digest in artifact.digests] == [make.image()]
        assert (statement.environment.name, statement.environment.id) == ("production", cast.production().pk)
        assert (statement.request.id, statement.request.revision, statement.request.digest) == (request.pk, 1, revision.digest)
        assert (statement.policy.digest, statement.policy.input_digest) == (revision.policy_id, revision.policy_input_id)
        assert (statement.policy.result_digest, statement.policy.result) == (revision.policy_result_id, "pass")
        assert [(e.digest, e.verdict_digest) for e in statement.evidence] == [(item.attestation.blob_id, item.verdict.document_id)]
        assert statement.review.snapshot_digest == revision.snapshot_id
        assert (statement.approver.issuer, statement.approver.subject) == (cast.alice().issuer, cast.alice().subject)
        assert [role.name for role in statement.approver.roles] == ["approver:release"]
        assert [(who.subject, who.because) for who in statement.separation_of_duties.excluded] == [(cast.bob().subject, ("requester",))]
        head = Checkpoint.objects.latest("size")
        assert (statement.ceremony.log_head.size, statement.ceremony.log_head.root) == (head.size, bytes(head.root))
        assert statement.validity.not_after == make.NOW + timedelta(hours=72)
        assert "payments/api:1.4.2" in statement.review.summary
        assert "for Production" in statement.review.summary

    def test_says_in_which_team_or_project_a_role_is_held(self) -> None:
        _, request = ready()
        grant_role(
            identity=cast.alice(), role="approver:security", team=cast.payments(), project=cast.payments_api(), by=None, now=make.NOW
        )
        _, key = make.enrol(cast.alice())
        statement = parse_human_approval(bytes(make.begin(request, cast.alice(), key).payload))
        assert {role.scope for role in statement.approver.roles} == {"team:payments", "project:payments-api"}

    def test_names_the_owner_of_the_program_that_asks_in_what_is_signed(self) -> None:
        ready()
        cast.person("frank", "Frank Adler", "requester")
        request = open_request(
            project=cast.payments_api(),
            environment=cast.production(),
            title="by a program",
            artifacts=[AskedArtifact(make.image())],
            by=cast.runner(),
            on_behalf_of="frank",
            now=make.NOW,
        )
        _, key = make.enrol(cast.alice())
        duties = parse_human_approval(bytes(make.begin(request, cast.alice(), key).payload)).separation_of_duties
        assert duties.requester.owner == (cast.bob().issuer, cast.bob().subject)
        assert (cast.bob().subject, ("owner",)) in [(who.subject, who.because) for who in duties.excluded]

    def test_refuses_whoever_took_the_program_over_since(self) -> None:
        ready()
        request = make.ask(by=cast.runner())
        heir = cast.person("grace", "Grace Ng", "approver:release")
        Identity.objects.filter(pk=cast.runner().pk).update(owner=heir)
        _, key = make.enrol(heir)
        assert refused_code(Request.objects.get(pk=request.pk), heir, key) == "sod.violation"

    def test_offers_no_statement_that_rests_on_something_later(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage, now=make.NOW + timedelta(minutes=1))
        request = make.ask(now=make.NOW)
        _, key = make.enrol(cast.alice())
        assert refused_code(request, cast.alice(), key) == "time.issued_too_early"

    def test_refuses_the_requester(self) -> None:
        _, request = ready()
        both = cast.person("grace", "Grace Ng", "requester", "approver:release")
        own = make.ask(by=both)
        _, key = make.enrol(both)
        assert refused_code(own, both, key) == "sod.violation"
        assert make.begin(request, both, key).identity == both

    def test_refuses_the_person_a_program_asked_for_and_the_owner_who_answers_for_it(self) -> None:
        ready()
        frank = cast.person("frank", "Frank Adler", "requester", "approver:release")
        owner = cast.runner().owner
        assert isinstance(owner, Identity)
        grant_role(identity=owner, role="approver:release", team=cast.payments(), by=None, now=make.NOW)
        request = open_request(
            project=cast.payments_api(),
            environment=cast.production(),
            title="by a program",
            artifacts=[AskedArtifact(make.image())],
            by=cast.runner(),
            on_behalf_of=cast.account_of(frank).username,
            now=make.NOW,
        )
        for person in (frank, owner):
            _, key = make.enrol(person)
            assert refused_code(request, person, key) == "sod.violation"

    @pytest.mark.parametrize("who", [cast.bob, cast.carol, cast.dave, cast.mallory])
    def test_refuses_people_whose_role_does_not_decide(self, who: Any) -> None:
        _, request = ready()
        _, key = make.enrol(cast.alice())
        assert refused_code(request, who(), key) == "permission.missing"

    def test_refuses_an_approver_whose_role_the_policy_does_not_count(self) -> None:
        _, request = ready()
        heidi = cast.person("heidi", "Heidi Baum", "approver:security")
        _, key = make.enrol(heidi)
        assert refused_code(request, heidi, key) == "approval.wrong_role"

    def test_refuses_another_snapshot_than_the_newest(self) -> None:
        stage, request = ready()
        _, key = make.enrol(cast.alice())
        assert refused_code(request, cast.alice(), key, shown="0" * 64) == "request.stale_snapshot"
        make.send_tests(stage)  # verified, but not in a revision yet
        assert refused_code(request, cast.alice(), key) == "request.stale_snapshot"

    def test_refuses_under_a_policy_that_is_no_longer_in_force(self) -> None:
        _, request = ready()
        _, key = make.enrol(cast.alice())
        stricter = store_policy(source=make.POLICY.format(version=2, count=2), by=make.erin(), now=make.NOW)
        activate_policy(policy=stricter, project=cast.payments_api(), environment=cast.production(), by=make.erin(), now=make.NOW)
        assert refused_code(request, cast.alice(), key) == "request.stale_snapshot"

    def test_refuses_to_approve_what_the_policy_does_not_pass_but_lets_it_be_rejected(self) -> None:
        make.set_stage()
        request = make.ask(tag="9.9.9")
        _, key = make.enrol(cast.alice())
        assert refused_code(request, cast.alice(), key) == "request.blocked"
        assert make.begin(request, cast.alice(), key, decision="reject", reason="No evidence.").decision == "reject"

    def test_refuses_a_rejection_without_a_reason_and_words_that_are_no_decision(self) -> None:
        _, request = ready()
        _, key = make.enrol(cast.alice())
        assert refused_code(request, cast.alice(), key, decision="reject") == "approval.reason_missing"
        assert refused_code(request, cast.alice(), key, decision="request_changes", reason="  ") == "approval.reason_missing"
        assert refused_code(request, cast.alice(), key, decision="maybe") == "approval.decision"

    def test_refuses_keys_of_others_and_revoked_ones(self) -> None:
        _, request = ready()
        _, theirs = make.enrol(cast.bob())
        assert refused_code(request, cast.alice(), theirs) == "signer.unknown"
        _, key = make.enrol(cast.alice())
        revoke_signing_key(key=key, by=cast.alice(), reason="lost", now=make.NOW)
        key.refresh_from_db()
        assert refused_code(request, cast.alice(), key) == "signer.revoked"

    def test_refuses_a_key_of_another_host(self, settings: Any) -> None:
        _, request = ready()
        _, key = make.enrol(cast.alice())
        settings.RP_ID = "elsewhere.example"
        assert refused_code(request, cast.alice(), key) == "signer.other_portal"

    def test_refuses_before_the_ledger_has_a_published_head(self) -> None:
        stage = make.set_stage(publish=False)
        make.send_provenance(stage)
        _, key = make.enrol(cast.alice())
        assert refused_code(make.ask(), cast.alice(), key) == "log.pending"

    def test_refuses_once_the_approvals_have_run_out(self) -> None:
        stage = make.set_stage(count=2)
        make.send_provenance(stage)
        request = make.ask()
        make.approve(request, cast.alice())
        ivan = cast.person("ivan", "Ivan Petrov", "approver:release")
        _, key = make.enrol(ivan)
        late = make.NOW + timedelta(hours=72)
        assert refused_code(request, ivan, key, now=late) == "request.closed"
        assert make.begin(request, ivan, key, now=late - timedelta(seconds=1)).identity == ivan

    def test_refuses_a_second_answer_and_answers_to_closed_requests(self) -> None:
        _, request = ready()
        passkey, key = make.enrol(cast.alice())
        make.complete(make.begin(request, cast.alice(), key, decision="reject", reason="Not today."), passkey)
        assert refused_code(request, cast.alice(), key) == "approval.already_answered"
        other = cast.person("ivan", "Ivan Petrov", "approver:release")
        _, other_key = make.enrol(other)
        assert refused_code(request, other, other_key) == "request.closed"
