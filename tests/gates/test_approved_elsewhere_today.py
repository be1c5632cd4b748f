"""What was approved in staging opens a gate to production only as long as it would carry a run there: people, signatures and evidence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from approvals.exceptions.withdraw_waiver import withdraw_waiver
from approvals.models import Approval, ApprovalEnd, Request, RequestState, Revision
from approvals.policies.versions import activate_policy, store_policy
from approvals.requests.delta import since_signed
from approvals.requests.open_request import AskedArtifact, open_request
from approvals.requests.people import Named
from attestations.drain import drain
from attestations.reverify import spread_reverifications
from gates.decide import decide, weigh_requests
from gates.models import Decision
from gates.read_status import read_status
from gates.revoke_invalid import revoke_invalid
from identities.keys.enrol import revoke_signing_key
from identities.lifecycle.change_status import resume_identity, suspend_identity
from identities.models import EvidenceSigner, Identity, LinkedAccount
from identities.people.accounts.link_account import end_account, link_account
from identities.people.deactivate import deactivate_person
from identities.revoke_signer import revoke_signer
from ledger.publish import publish_checkpoint
from proofs.approval.status_statement import parse_status
from proofs.canonical import parse_canonical
from proofs.dsse import parse_envelope
from tests import cast, make_changes, make_delegations, make_statements
from tests import make_approvals as make

pytestmark = pytest.mark.django_db
NOW = make.NOW
HOUR = timedelta(hours=1)
FIRST = make.NO_EVIDENCE + "  - {{id: staging, kind: approved-in, title: A day in staging, environment: staging, minimumHours: 24}}\n"
TESTED = """\
  - id: tested
    kind: evidence
    title: Tested by the release workflow
    predicateTypes: ["https://in-toto.io/attestation/test-result/v0.1"]
    builders:
      - issuer: https://token.actions.githubusercontent.com
        workflow: https://github.com/payments/api/.github/workflows/release.yml
"""
MISSING = ["policy.not_approved_before"]


def ivan() -> Identity:
    return cast.person("ivan", "Ivan Petrov", "approver:release")


def sara() -> Identity:
    return cast.person("sara", "Sara Lind", "approver:release")


def kim() -> Identity:
    return cast.person("kim", "Kim Osei", "requester")


def ask_staging(*, now: datetime = NOW) -> Request:
    return make.ask(environment=make.staging(), by=kim(), now=now)


def change_staging(more: str) -> None:
    """Put a policy into force in staging that has a rule more."""
    policy = store_policy(source=make.TO_STAGING.format(version=2, count=1) + more, by=make.erin(), now=NOW)
    activate_policy(policy=policy, project=cast.payments_api(), environment=make.staging(), by=make.erin(), now=NOW)


def against(now: datetime) -> list[str]:
    """The codes with which the gate to production would answer; none where it would open. It promotes nothing."""
    publish_checkpoint(now=now)
    _, reasons = weigh_requests(make.image(), project=cast.payments_api(), environment=cast.production(), now=now)
    return [reason.code for reason in reasons]


def ask_gate(now: datetime, purpose: str = "promote") -> Decision:
    publish_checkpoint(now=now)
    return decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=now, purpose=purpose)


def staging_rule(request: Request) -> str:
    rules = parse_canonical(bytes(request.revisions.latest("number").policy_result.content))["rules"]
    return next(str(rule["code"]) for rule in rules if rule["id"] == "staging")


def sentence_of(revision: Revision) -> str:
    """What the page that was signed said of the rule."""
    rules = parse_canonical(bytes(revision.snapshot.content))["policy"]["rules"]
    return next(str(rule["sentence"]) for rule in rules if rule["id"] == "staging")


def status(request: Request) -> str:
    return RequestState.objects.get(request_id=request.pk).status


@pytest.fixture
def waiting() -> Request:
    make.set_stage(source=FIRST)
    make.staging()
    return make.ask()


def by_ivan(request: Request) -> Approval:
    return make.approve(request, ivan(), now=NOW)


def in_his_stead(request: Request) -> Approval:
    return make_delegations.answer(request, make_delegations.give(ivan(), make_delegations.dana()), now=NOW)


def rest_on(waiting: Request, answer: Callable[[Request], Approval] = by_ivan) -> Approval:
    """Let staging approve by `answer`, production by Alice a day later, and return what staging answered."""
    given = answer(ask_staging())
    make.refresh(now=NOW + 24 * HOUR)
    make.approve(waiting, cast.alice(), now=NOW + 24 * HOUR)
    assert against(NOW + 25 * HOUR) == []
    return given


def suspend(person: Identity) -> None:
    suspend_identity(identity=person, reason="Looks odd.", by=None, now=NOW + 26 * HOUR)


def lose_key_of_delegator(given: Approval) -> None:
    key = given.in_stead.delegation.signed.signing_key
    revoke_signing_key(key=key, reason="lost", by=key.identity, now=NOW + 26 * HOUR, compromised_from=NOW)


class TestWhoIsSuspected:
    def test_an_approver_there_shuts_it_until_it_was_nothing(self, waiting: Request) -> None:
        rest_on(waiting)
        suspend(ivan())
        assert against(NOW + 26 * HOUR) == MISSING
        resume_identity(identity=ivan(), reason="It was nothing.", by=None, now=NOW + 27 * HOUR)
        assert against(NOW + 27 * HOUR) == []

    def test_whoever_asked_there_shuts_it(self, waiting: Request) -> None:
        rest_on(waiting)
        suspend(kim())
        assert against(NOW + 26 * HOUR) == MISSING

    def test_whoever_let_another_approve_there_shuts_it(self, waiting: Request) -> None:
        rest_on(waiting, in_his_stead)
        suspend(ivan())
        assert against(NOW + 26 * HOUR) == MISSING

    def test_a_delegation_that_somebody_else_may_have_signed_shuts_it_before_the_worker_comes_by(self, waiting: Request) -> None:
        lose_key_of_delegator(rest_on(waiting, in_his_stead))
        assert against(NOW + 26 * HOUR) == MISSING

    def test_another_approval_there_stands_beside_that_of_somebody_suspected(self, waiting: Request) -> None:
        rest_on(waiting)
        make.approve(ask_staging(now=NOW + HOUR), sara(), now=NOW + HOUR)
        suspend(ivan())
        make.refresh(now=NOW + 27 * HOUR)
        assert (staging_rule(waiting), status(waiting)) == ("", "stale")


def test_who_is_found_to_have_made_what_they_approved_there_shuts_it(waiting: Request) -> None:
    change_staging("  - {id: authors, kind: separation-of-duties, title: Not who wrote it, exclude: [commit-authors]}\n")
    link_account(identity=sara(), provider="github", account="12345", by=None, now=NOW)
    author = Named("commit-author", "github", "12345")
    artifacts = [AskedArtifact(make.image(), "payments/api:1.4.2")]
    given: dict[str, Any] = {"project": cast.payments_api(), "environment": make.staging(), "by": kim(), "people": [author], "now": NOW}
    by_ivan(open_request(title="payments/api 1.4.2", artifacts=artifacts, **given))
    make.refresh(now=NOW + 80 * HOUR)
    make.approve(waiting, cast.alice(), now=NOW + 80 * HOUR)
    assert against(NOW + 81 * HOUR) == []
    end_account(account=LinkedAccount.objects.get(), by=None, now=NOW + 81 * HOUR)
    link_account(identity=ivan(), provider="github", account="12345", by=None, now=NOW + 82 * HOUR)
    assert against(NOW + 82 * HOUR) == MISSING


@pytest.mark.parametrize("who", [ivan, kim])
def test_somebody_who_merely_left_after_it_had_lapsed_takes_nothing_back(who: Callable[[], Identity], waiting: Request) -> None:
    by_ivan(ask_staging())
    make.refresh(now=NOW + 80 * HOUR)
    make.approve(waiting, cast.alice(), now=NOW + 80 * HOUR)
    deactivate_person(identity=who(), reason="Left the company.", by=None, now=NOW + 81 * HOUR)
    assert against(NOW + 81 * HOUR) == []


def test_a_row_that_nobody_signed_opens_nothing(waiting: Request) -> None:
    """Somebody who can write to the database makes an answer of a ceremony that its person never finished."""
    first, (_, key) = ask_staging(), make_statements.passkey_of(ivan())
    begun = make.begin(first, ivan(), key)
    signed: dict[str, Any] = {"credential_id": b"x", "authenticator_data": b"x", "client_data_json": b"x", "signature": b"x"}
    Approval.objects.create(
        ceremony=begun,
        revision=first.revisions.get(),
        identity=ivan(),
        signing_key=key,
        decision="approve",
        payload=begun.payload,
        payload_digest="0" * 64,
        level="H2",
        not_after=NOW + 72 * HOUR,
        signed_at=NOW,
        **signed,
    )
    make.refresh(now=NOW + 24 * HOUR)
    make.approve(waiting, cast.alice(), now=NOW + 24 * HOUR)
    assert ask_gate(NOW + 25 * HOUR).outcome == "deny"


@pytest.mark.parametrize("hours", [71, 80])
def test_evidence_there_that_fell_for_good_takes_it_back_also_after_it_had_lapsed(hours: int) -> None:
    stage, at = make.set_stage(source=FIRST), NOW + hours * HOUR
    change_staging(TESTED)
    make.send_tests(stage)
    waiting, first = make.ask(), ask_staging()
    by_ivan(first)
    make.refresh(now=NOW + 24 * HOUR)
    make.approve(waiting, cast.alice(), now=NOW + 70 * HOUR)
    assert against(NOW + 70 * HOUR) == []
    make.refresh(now=at)
    revoke_signer(signer=EvidenceSigner.objects.get(), revoked_from=NOW - HOUR, reason="Stolen.", by=None, now=at)
    assert against(at) == MISSING
    while spread_reverifications(now=at) or drain(clock=lambda: at, limit=20):
        pass
    revoke_invalid(now=at)
    make.refresh(now=at)
    assert ApprovalEnd.objects.get(approval__revision__request=first).code == "approval.revoked"
    assert (staging_rule(waiting), status(waiting)) == (MISSING[0], "blocked")


def revoke_before(sql: str, given: Approval) -> Any:
    """Let the approver in staging revoke in the moment before the first statement that begins so."""
    done: list[bool] = []

    def meanwhile(execute: Any, statement: str, params: Any, many: bool, context: Any) -> Any:
        if statement.startswith(sql) and not done:
            done.append(True)
            make_statements.revoke(given, ivan(), now=NOW + 26 * HOUR)
        return execute(statement, params, many, context)

    return connection.execute_wrapper(meanwhile)


def test_what_is_revoked_there_while_a_gate_weighs_is_not_used_a_moment_later(waiting: Request) -> None:
    given = rest_on(waiting)
    make_statements.passkey_of(ivan(), now=NOW + 26 * HOUR)
    publish_checkpoint(now=NOW + 26 * HOUR)
    # All is weighed by then; what follows writes the answer down.
    with revoke_before("SAVEPOINT", given):
        decision = decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=NOW + 26 * HOUR)
    assert Approval.objects.get(pk=given.pk).end.code == "approval.revoked"
    assert [reason["code"] for reason in decision.reasons] == MISSING


def test_a_waiver_of_the_rule_opens_it_until_it_is_withdrawn() -> None:
    make.set_stage(source=FIRST.replace("rules:\n", make_changes.WAIVERS + "rules:\n", 1))
    make.staging()
    waiting = make.ask()
    waiver = make_changes.waive(waiting, rule="staging")
    make.refresh()
    make.approve(waiting, cast.alice(), now=NOW)
    assert against(NOW + HOUR) == []
    withdraw_waiver(waiver=waiver, reason="Enough.", by=make.erin(), now=NOW + 2 * HOUR)
    assert against(NOW + 2 * HOUR) == ["waiver.ended"]


class TestWhatIsSaid:
    def test_the_signed_status_says_that_it_is_stale(self, waiting: Request) -> None:
        make_statements.revoke(rest_on(waiting), ivan(), now=NOW + 26 * HOUR)
        said = parse_status(parse_envelope(read_status(waiting, now=NOW + 26 * HOUR)).payload)
        assert (said.state, [each.verdict for each in said.approvals]) == ("stale", ["stale"])

    def test_who_signed_reads_which_approval_counts_in_place_of_the_one_they_saw(self, waiting: Request) -> None:
        given = rest_on(waiting)
        again = make.approve(ask_staging(now=NOW + HOUR), sara(), now=NOW + HOUR).revision.request
        make_statements.revoke(given, ivan(), now=NOW + 26 * HOUR)
        make.refresh(now=NOW + 26 * HOUR)
        said = since_signed(waiting.revisions.latest("number"), cast.alice())
        assert said is not None
        assert [change.code for change in said.changes] == ["comparison.baseline", "rule.rests_on"]
        assert again.pk in said.changes[1].sentence
        assert given.revision.request_id in sentence_of(said.signed)

    def test_what_was_promoted_waits_for_another_look_and_goes_on_running(self, waiting: Request) -> None:
        given = rest_on(waiting)
        assert ask_gate(NOW + 25 * HOUR).outcome == "allow"
        make.approve(ask_staging(now=NOW + HOUR), sara(), now=NOW + HOUR)
        make_statements.revoke(given, ivan(), now=NOW + 26 * HOUR)
        make.refresh(now=NOW + 26 * HOUR)
        assert status(waiting) == "stale"
        assert ask_gate(NOW + 26 * HOUR).outcome == "deny"
        assert ask_gate(NOW + 26 * HOUR, "run").outcome == "allow"
