"""What another team makes of evidence that it did not sign: signatures added to it, signers that fell, and signers of its own that come and go."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from itertools import combinations

import pytest

from approvals.models import Request, RequestState
from approvals.requests import revise
from approvals.requests.refresh import OVERLAP, is_outdated, list_behind
from attestations.models import Attestation
from attestations.queries import latest_verdict
from attestations.receive import receive_attestation
from attestations.trust.roots import add_trust_root
from identities.grants.grant_right import end_grant
from identities.lifecycle.change_status import resume_identity, suspend_identity
from identities.models import EvidenceSigner, Grant, Identity
from identities.register import register_nonhuman, register_signer
from identities.revoke_signer import revoke_signer
from identities.signers.block_signer import block_signer
from portal.demo.instance import Workload
from proofs.keys import key_id_of
from proofs.statement import STATEMENT_V1
from tests import cast
from tests import make_approvals as make
from tests.gates.test_evidence_today import (
    NO_EVIDENCE,
    SECOND_WORKFLOW,
    SUBJECT,
    TWO_WORKFLOWS,
    asking_for_tests,
    codes,
    later,
    results_by,
    settle,
)
from tests.make_attestations import Signer, make_signer, register_key
from tests.proofs.formats import KINDS, Formats

pytestmark = pytest.mark.django_db

SPDX = "https://spdx.dev/Document"


def added(envelope: bytes, *signers: Signer) -> bytes:
    """Return the envelope with one signature more by each of these keys."""
    value = json.loads(envelope)
    payload = base64.b64decode(value["payload"])
    more = [json.loads(signer.sign(payload))["signatures"][0] for signer in signers]
    return json.dumps({**value, "signatures": [*value["signatures"], *more]}).encode()


def their_key(*, before: Signer | None = None, after: Signer | None = None, granted: bool = True) -> Signer:
    """Register a key for another team's program, with an id that sorts before or after that of another: the first by id is `signer`."""
    signer = make_signer()
    while (before and key_id_of(signer.spki) > key_id_of(before.spki)) or (after and key_id_of(signer.spki) < key_id_of(after.spki)):
        signer = make_signer()
    bot = make.other_teams_bot()
    register_signer(identity=bot, public_key_pem=signer.pem, by=None, now=make.NOW)
    if granted:
        cast.let_attest(bot, now=make.NOW)
    return signer


def state_of(request: Request) -> tuple[int, str]:
    return request.revisions.count(), RequestState.objects.get(request=request).status


def code_of_signer(attestation: Attestation) -> str:
    verdict = latest_verdict(attestation)
    assert verdict is not None
    return verdict.findings.get(check_name="signer").code


def approved(at: float = 0) -> Request:
    request = make.ask(now=later(at))
    make.approve(request, cast.alice(), now=later(at))
    assert codes(later(at)) == []
    return request


class TestASignatureAddedToOurEvidence:
    @pytest.mark.parametrize("granted", [True, False], ids=["granted", "without a grant"])
    @pytest.mark.parametrize("order", ["before", "after"])
    @pytest.mark.parametrize("asks", [True, False], ids=["a rule asks for it", "no rule does"])
    def test_leaves_the_approval_standing_whatever_becomes_of_who_added_it(self, granted: bool, order: str, asks: bool) -> None:
        scanner = make_signer()
        register_key(scanner)
        make.send_provenance(make.set_stage(source=asking_for_tests(scanner) if asks else make.POLICY))
        make.send(results_by(scanner))
        theirs = their_key(before=scanner if order == "before" else None, after=scanner if order == "after" else None, granted=granted)
        request = approved()
        sent = make.send(added(results_by(scanner), theirs), by=make.other_teams_bot(), now=later(1))
        assert sent.verdicts.get().signers.count() == 2
        settle(later(1))
        assert (codes(later(1)), state_of(request)) == ([], (1, "promoted"))
        suspend_identity(identity=make.other_teams_bot(), reason="leaked", by=None, now=later(2))
        assert codes(later(2)) == []
        settle(later(3))
        assert (codes(later(3)), state_of(request)) == ([], (1, "promoted"))

    def test_shuts_no_gate_without_evidence_rules_either(self) -> None:
        scanner = make_signer()
        register_key(scanner)
        make.send_provenance(make.set_stage(source=NO_EVIDENCE))
        make.send(results_by(scanner))
        make.send(added(results_by(scanner), their_key()), by=make.other_teams_bot())
        request = approved()
        suspend_identity(identity=make.other_teams_bot(), reason="leaked", by=None, now=later(2))
        assert codes(later(2)) == []
        settle(later(3))
        assert (codes(later(3)), state_of(request)) == ([], (1, "promoted"))

    def test_fills_up_nothing_however_many_there_are(self, monkeypatch: pytest.MonkeyPatch) -> None:
        scanner = make_signer()
        register_key(scanner)
        make.send_provenance(make.set_stage(source=asking_for_tests(scanner)))
        make.send(results_by(scanner))
        request = approved()
        keys = [their_key() for _ in range(4)]
        for some in (some for count in (1, 2, 3, 4) for some in combinations(keys, count)):
            receive_attestation(content=added(results_by(scanner), *some), by=make.other_teams_bot(), now=later(1))
        settle(later(1))
        monkeypatch.setattr(revise, "MAX_EVIDENCE", 3)
        assert (codes(later(2)), state_of(request)) == ([], (1, "promoted"))
        assert make.ask(now=later(2)).revisions.get().evidence.count() == 2

    def test_is_left_out_where_our_team_sent_none_and_what_we_signed_alone_counts(self) -> None:
        scanner = make_signer()
        register_key(scanner)
        make.send_provenance(make.set_stage(source=asking_for_tests(scanner)))
        make.send(added(results_by(scanner), their_key(after=scanner)), by=make.other_teams_bot())
        assert make.ask(now=later(1)).revisions.get().result == "fail"
        alone = make.send(results_by(scanner), by=make.other_teams_bot(), now=later(1))
        request = approved(2)
        assert request.revisions.get().evidence.filter(attestation=alone).exists()
        assert request.revisions.get().evidence.count() == 2
        suspend_identity(identity=make.other_teams_bot(), reason="leaked", by=None, now=later(3))
        settle(later(3))
        assert state_of(request) == (1, "promoted")
        assert not is_outdated(request.revisions.get(), now=make.NOW)

    def test_makes_no_failure_stand_again_that_a_later_pass_overruled(self) -> None:
        formats = Formats(make.NOW - timedelta(days=1))
        old, scan = Signer(formats.key), cast.WORKFLOW.replace("release.yml", "scan.yml")
        register_key(old, name="old scanner")
        named = f"      - keyId: {key_id_of(old.spki)}\n"
        source = asking_for_tests(old).replace(named, f"{named}      - issuer: {cast.GITHUB_ISSUER}\n        workflow: {scan}\n")
        stage = make.set_stage(source=source)
        add_trust_root(name="formats", document=formats.document(), profile=None, by=None, now=make.NOW)
        register_certificate("scan", scan)
        make.send_provenance(stage)
        statement = {"_type": STATEMENT_V1, "subject": SUBJECT, "predicateType": make.TEST_RESULT, "predicate": {"result": "FAILED"}}
        bundle = formats.make(KINDS["key-envelope-dsse"], statement, stage.workload, make.NOW)
        make.send(bundle)
        assert make.ask(now=later(1)).revisions.get().result == "fail"
        statement["predicate"] = {"result": "PASSED"}
        workload = Workload(**{**make._fields(stage.workload), "identity": f"{scan}@refs/tags/v1.4.2"})
        make.send(stage.instance.sign_as(workload, statement, at=later(5)), now=later(5))
        request = approved(6)
        envelope = json.dumps(json.loads(bundle)["dsseEnvelope"]).encode()
        for content in (envelope, added(envelope, their_key())):
            make.send(content, by=make.other_teams_bot(), now=later(7))
        settle(later(8))
        assert (codes(later(8)), state_of(request)) == ([], (1, "promoted"))
        assert make.ask(now=later(8)).revisions.get().result == "pass"


class TestAnotherNamedSignerOfTheSameContent:
    def test_counts_whoever_sent_it(self) -> None:
        first, second = make_signer(), make_signer()
        for number, signer in enumerate((first, second)):
            register_key(signer, name=f"scanner {number}")
        make.send_provenance(make.set_stage(source=asking_for_tests(first, second, count=2)))
        make.send(results_by(first))
        assert make.ask().revisions.get().result == "fail"
        make.send(added(results_by(first), second), by=make.other_teams_bot(), now=later(1))
        assert make.ask(now=later(1)).revisions.get().result == "pass"


def register_certificate(name: str, workflow: str) -> Identity:
    service = register_nonhuman(
        kind="workflow", name=name, issuer="https://ci.example", subject=name, owner=cast.bob(), team=cast.payments(), by=None, now=make.NOW
    )
    register_signer(
        identity=service, certificate_issuer=cast.GITHUB_ISSUER, certificate_identity=workflow, any_ref=True, by=None, now=make.NOW
    )
    cast.let_attest(service)
    return service


def signed_by_runner(stage: make.Stage, predicate_type: str, *, at: float, number: int = 0) -> Attestation:
    """Another team's program sends what the runner's workflow signed about our artifact."""
    statement = {"_type": STATEMENT_V1, "subject": SUBJECT, "predicateType": predicate_type, "predicate": {"number": number}}
    content = stage.instance.sign_as(stage.workload, statement, at=later(at))
    return make.send(content, by=make.other_teams_bot(), now=later(at))


class TestANamedSignerWhoFell:
    @pytest.mark.parametrize("how", ["revoked", "suspended"])
    @pytest.mark.parametrize("predicate_type", [SPDX, make.TEST_RESULT])
    def test_ends_nothing_and_fills_up_nothing_with_what_others_send(
        self, how: str, predicate_type: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stage, runner = make.set_stage(source=TWO_WORKFLOWS), cast.runner()
        register_certificate("second release workflow", SECOND_WORKFLOW)
        make.send_provenance(stage, identity=f"{SECOND_WORKFLOW}@refs/tags/v1.4.2")
        if how == "revoked":
            signer = EvidenceSigner.objects.get(identity=runner)
            revoke_signer(signer=signer, revoked_from=later(1), reason="stolen", by=None, now=later(1))
        else:
            suspend_identity(identity=runner, reason="stolen", by=None, now=later(1))
        settle(later(1))
        request = approved(2)
        monkeypatch.setattr(revise, "MAX_EVIDENCE", 4)
        sent = [signed_by_runner(stage, predicate_type, at=3, number=number) for number in range(5)]
        assert {code_of_signer(each) for each in sent} == {f"signer.{how}"}
        settle(later(4))
        assert (codes(later(4)), state_of(request)) == ([], (1, "promoted"))
        # Of a signer who was suspended, a result is heard all the same, for it may be a no.
        heard = 5 if (how, predicate_type) == ("suspended", make.TEST_RESULT) else 0
        assert make.ask(now=later(5)).revisions.get().evidence.count() == 1 + heard

    def test_ends_nothing_where_it_had_no_grant(self) -> None:
        stage, runner = make.set_stage(), cast.runner()
        cast.let_attest(runner, make.SLSA)
        end_grant(grant=Grant.objects.get(identity=runner, object="*"), reason="least", by=None, now=make.NOW)
        make.send_provenance(stage, now=later(1))
        request = approved(1)
        sent = signed_by_runner(stage, SPDX, at=2)
        assert code_of_signer(sent) == "signer.not_granted"
        settle(later(3))
        assert (codes(later(3)), state_of(request)) == ([], (1, "promoted"))


class TestAStranger:
    def test_is_not_admitted_by_being_blocked(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        theirs = make.send_of_a_stranger(stage, by=make.other_teams_bot())
        verdict = theirs.verdicts.get()
        block_signer(issuer=verdict.signer_issuer, name=verdict.signer_name, team=cast.payments(), reason="unknown", by=None, now=later(1))
        settle(later(1))
        assert code_of_signer(theirs) == "signer.blocked"
        assert make.ask(now=later(2)).revisions.get().evidence.count() == 1

    def test_interrupts_nobody_who_is_about_to_sign_by_coming_and_going(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        make.register_stranger()
        make.send_of_a_stranger(stage, by=make.other_teams_bot())
        request = make.ask()
        passkey, key = make.enrol(cast.alice())
        for minute, act in enumerate((suspend_identity, resume_identity, suspend_identity), start=1):
            ceremony = make.begin(request, cast.alice(), key, now=later(minute))
            act(identity=make.other_teams_bot(), reason="playing", by=None, now=later(minute))
            settle(later(minute))
            assert (request.revisions.count(), is_outdated(request.revisions.get(), now=make.NOW)) == (1, False)
        make.complete(ceremony, passkey, now=later(3))
        assert state_of(request) == (1, "approved")

    def test_keeps_no_request_behind_once_somebody_has_looked(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        make.register_stranger()
        request = make.ask()
        theirs = make.send_of_a_stranger(stage, by=make.other_teams_bot(), now=later(1))
        assert list_behind().exists()
        looked = later(2) + OVERLAP
        make.refresh(now=looked)
        assert (request.revisions.count(), list_behind().exists()) == (1, False)
        # With the next revision it is taken in.
        make.send_tests(stage, now=looked)
        make.refresh(now=looked)
        assert request.revisions.get(number=2).evidence.filter(attestation=theirs).exists()
