"""Evidence that is worth less today than when people signed shuts a gate where a rule fails without it, and nowhere else."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from approvals.models import Request
from attestations.blobs import store_blob
from attestations.drain import drain
from attestations.models import Attestation, Blob, Reverification, Verdict, VerdictSubject
from attestations.queries import verdict_document
from attestations.reverify import MAX_ORDERS, ask_reverification, spread_reverifications, unsettled_about
from gates.decide import decide
from gates.models import Decision
from identities.lifecycle.change_owner import change_owner
from identities.lifecycle.change_status import resume_identity, retire_identity, suspend_identity
from identities.models import EvidenceSigner, Identity
from identities.register import register_signer
from identities.revoke_signer import revoke_signer
from proofs.assess import BEFORE_GRANTS
from proofs.canonical import canonical_bytes
from proofs.keys import key_id_of
from proofs.statement import STATEMENT_V1
from tests import cast
from tests import make_approvals as make
from tests.make_attestations import Signer, make_signer, register_key

pytestmark = pytest.mark.django_db

SUBJECT = [{"name": "payments/api:1.4.2", "digest": {"sha256": make.image().partition(":")[2]}}]
NOBODY = Q(pk__in=[])
NOBODY_ASKS_FOR_IT = "https://example.test/check/v1"
SECOND_WORKFLOW = cast.WORKFLOW.replace("release.yml", "release-2.yml")
TWO_WORKFLOWS = make.POLICY.replace(
    f"        workflow: {cast.WORKFLOW}\n",
    f"        workflow: {cast.WORKFLOW}\n      - issuer: {cast.GITHUB_ISSUER}\n        workflow: {SECOND_WORKFLOW}\n",
)
NO_EVIDENCE = make.POLICY[: make.POLICY.index("  - id: provenance")] + make.POLICY[make.POLICY.index("  - id: approval\n") :]


def later(minutes: float) -> datetime:
    return make.NOW + timedelta(minutes=minutes)


def results_by(*signers: Signer, predicate_type: str = make.TEST_RESULT, result: str = "PASSED") -> bytes:
    statement = {"_type": STATEMENT_V1, "subject": SUBJECT, "predicateType": predicate_type, "predicate": {"result": result}}
    envelopes = [json.loads(signer.sign(json.dumps(statement).encode())) for signer in signers]
    return json.dumps({**envelopes[0], "signatures": [envelope["signatures"][0] for envelope in envelopes]}).encode()


def asking_for_tests(*signers: Signer, count: int = 1) -> str:
    """The usual policy with one more rule: tests passed, signed with these keys."""
    builders = "".join(f"      - keyId: {key_id_of(signer.spki)}\n" for signer in signers)
    rule = f'  - id: tests\n    kind: evidence\n    title: Tests passed\n    predicateTypes: ["{make.TEST_RESULT}"]\n    signers: {count}\n'
    return make.POLICY.replace("  - id: approval\n", f"{rule}    builders:\n{builders}  - id: approval\n")


def settle(now: datetime) -> None:
    while spread_reverifications(now=now):
        pass
    while drain(clock=lambda: now, limit=50):
        pass
    make.refresh(now=now)


def ask_gate(at: datetime) -> Decision:
    caller = cast.person("olaf", "Olaf Lund", "auditor")
    return decide(digest=make.image(), environment_slug="production", by=caller, now=at)


def codes(at: datetime) -> list[str]:
    decision = ask_gate(at)
    assert (decision.outcome == "allow") == (not decision.reasons)
    return [reason["code"] for reason in decision.reasons]


def approved_anew(at: datetime) -> Request:
    request = make.ask(now=at)
    make.approve(request, cast.person("kim", "Kim Osei", "approver:release", now=at), now=at)
    return request


def revoke(identity: Identity, *, at: datetime) -> None:
    revoke_signer(signer=EvidenceSigner.objects.get(identity=identity), revoked_from=at, reason="rotated", by=None, now=at)
    settle(at)


def reach(attestation: Attestation, *, document: Blob, **changes: object) -> None:
    """Let the newest verdict be another, as if the verifier had come to it."""
    verdict = attestation.verdicts.get()
    fields = {field.attname: getattr(verdict, field.attname) for field in Verdict._meta.concrete_fields if field.name != "id"}
    reached = Verdict.objects.create(**{**fields, "number": 2, "document_id": document.digest, **changes})
    VerdictSubject.objects.bulk_create(
        VerdictSubject(verdict=reached, artifact_id=each.artifact_id, name=each.name, claimed=each.claimed)
        for each in verdict.subjects.all()
    )


class TestWhatAnotherTeamSigned:
    @pytest.fixture(params=["suspended", "revoked"])
    def ended(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    def end(self, how: str) -> None:
        if how == "suspended":
            suspend_identity(identity=make.other_teams_bot(), reason="leaked", by=None, now=later(2))
        else:
            signer = EvidenceSigner.objects.get(identity=make.other_teams_bot())
            revoke_signer(signer=signer, revoked_from=later(2), reason="rotated", by=None, now=later(2))

    @pytest.mark.parametrize("source", [make.POLICY, NO_EVIDENCE], ids=["a rule asks for other evidence", "no rule asks for any"])
    def test_shuts_nothing_when_they_end_their_own_signer(self, source: str, ended: str) -> None:
        stage = make.set_stage(source=source)
        make.send_provenance(stage)
        make.register_stranger()
        theirs = make.send_of_a_stranger(stage, by=make.other_teams_bot())
        request = make.ask()
        make.approve(request, cast.alice())
        assert request.revisions.get().evidence.filter(attestation=theirs).exists()
        self.end(ended)
        assert codes(later(3)) == []
        settle(later(4))
        assert (codes(later(5)), request.revisions.count()) == ([], 1)
        approved_anew(later(6))
        assert codes(later(7)) == []


class TestASignerWhoIsEnded:
    def test_shuts_nothing_where_no_rule_counted_what_it_signed(self) -> None:
        scanner = make_signer()
        service = register_key(scanner)
        make.send_provenance(make.set_stage())
        make.send(results_by(scanner, predicate_type=NOBODY_ASKS_FOR_IT))
        make.approve(make.ask(), cast.alice())
        revoke(service, at=later(2))
        assert codes(later(3)) == []

    def test_shuts_it_where_the_policy_asks_for_no_evidence_at_all(self) -> None:
        make.send_provenance(make.set_stage(source=NO_EVIDENCE))
        make.approve(make.ask(), cast.alice())
        assert codes(later(1)) == []
        revoke(cast.runner(), at=later(2))
        assert codes(later(3)) == ["evidence.signer_revoked"]

    def test_leaves_the_gate_open_for_what_somebody_else_signed_as_well(self) -> None:
        stage = make.set_stage(source=TWO_WORKFLOWS)
        first = make.send_provenance(stage)
        old = make.ask()
        make.approve(old, cast.alice())
        revoke(cast.runner(), at=later(2))
        (reason,) = ask_gate(later(3)).reasons
        assert reason["code"] == "evidence.signer_revoked"
        assert first.pk in reason["sentence"]
        second = cast.register_nonhuman(
            kind="workflow",
            name="second",
            issuer=cast.GITHUB_ISSUER,
            subject="second",
            owner=cast.bob(),
            team=cast.payments(),
            by=None,
            now=make.NOW,
        )
        cast.register_signer(
            identity=second,
            certificate_issuer=cast.GITHUB_ISSUER,
            certificate_identity=SECOND_WORKFLOW,
            any_ref=True,
            by=None,
            now=make.NOW,
        )
        cast.let_attest(second, now=make.NOW)
        make.send_provenance(stage, identity=f"{SECOND_WORKFLOW}@refs/tags/v1.4.2", now=later(4))
        settle(later(5))
        assert codes(later(6)) == ["evidence.signer_revoked"]
        new = approved_anew(later(7))
        assert new.revisions.get().evidence.count() == 2
        assert codes(later(8)) == []

    @pytest.mark.parametrize("which", [0, 1])
    def test_shuts_it_where_several_had_to_sign_together(self, which: int) -> None:
        pair = [make_signer(), make_signer()]
        services = [register_key(signer, name=f"service {number}") for number, signer in enumerate(pair)]
        make.send_provenance(make.set_stage(source=asking_for_tests(*pair, count=2)))
        make.send(results_by(*pair))
        make.approve(make.ask(), cast.alice())
        assert codes(later(1)) == []
        revoke(services[which], at=later(2))
        assert codes(later(3)) == ["evidence.signer_revoked"]

    @pytest.mark.parametrize("how", ["suspended", "revoked"])
    @pytest.mark.parametrize("which", [0, 1])
    def test_leaves_it_open_for_another_signer_of_the_same_envelope_whichever_comes_first(self, which: int, how: str) -> None:
        pair = sorted([make_signer(), make_signer()], key=lambda signer: key_id_of(signer.spki))
        services = [register_key(signer, name=f"service {number}") for number, signer in enumerate(pair)]
        make.send_provenance(make.set_stage(source=asking_for_tests(*pair)))
        make.send(results_by(*pair))
        make.approve(make.ask(), cast.alice())
        assert codes(later(1)) == []
        shut = f"evidence.signer_{how}"
        for number, service in enumerate((services[which], services[1 - which])):
            if how == "suspended":
                suspend_identity(identity=service, reason="leaked", by=None, now=later(2))
            else:
                signer = EvidenceSigner.objects.get(identity=service)
                revoke_signer(signer=signer, revoked_from=later(2), reason="rotated", by=None, now=later(2))
            assert set(codes(later(2))) - {"evidence.pending"} == ({shut} if number else set())

    @pytest.mark.parametrize("which", [0, 1])
    def test_shuts_out_no_new_request_that_the_other_signer_carries(self, which: int) -> None:
        pair = sorted([make_signer(), make_signer()], key=lambda signer: key_id_of(signer.spki))
        services = [register_key(signer, name=f"service {number}") for number, signer in enumerate(pair)]
        make.send_provenance(make.set_stage(source=asking_for_tests(*pair)))
        make.send(results_by(*pair))
        suspend_identity(identity=services[which], reason="leaked", by=None, now=later(2))
        settle(later(3))
        approved_anew(later(3))
        assert codes(later(4)) == []

    def test_counts_no_more_where_it_signed_beside_others_before_there_were_grants(self) -> None:
        pair = sorted([make_signer(), make_signer()], key=lambda signer: key_id_of(signer.spki))
        services = [register_key(signer, name=f"service {number}") for number, signer in enumerate(pair)]
        source = asking_for_tests(pair[1]).replace("    signers: 1\n", "    registeredSigner: false\n")
        make.send_provenance(make.set_stage(source=source))
        sent = make.send(results_by(*pair))
        old = verdict_document(sent.verdicts.get())
        old["verifier"]["version"] = BEFORE_GRANTS[-1]
        reach(sent, document=store_blob(canonical_bytes(old), make.NOW))
        make.approve(make.ask(), cast.alice())
        assert codes(later(1)) == []
        suspend_identity(identity=services[1], reason="leaked", by=None, now=later(2))
        assert codes(later(2))[0] == "evidence.signer_suspended"


class TestAFailure:
    @pytest.mark.parametrize("how", ["suspended", "orphaned"])
    def test_still_shuts_it_when_its_signer_no_longer_answers(self, how: str) -> None:
        passing, failing = make_signer(), make_signer()
        register_key(passing, name="scan a")
        service = register_key(failing, name="scan b")
        change_owner(identity=service, owner=cast.carol(), reason="hers", by=None, now=make.NOW)
        make.send_provenance(make.set_stage(source=asking_for_tests(passing, failing)))
        make.send(results_by(passing))
        make.send(results_by(failing, result="FAILED"))
        request = make.ask()
        assert request.revisions.get().result == "fail"
        if how == "suspended":
            suspend_identity(identity=service, reason="leaked", by=None, now=later(2))
        else:
            retire_identity(identity=cast.carol(), reason="left", by=None, now=later(2))
        settle(later(3))
        newest = request.revisions.latest("number")
        assert (newest.number > 1, newest.result) == (True, "fail")


class TestAVerdictThatIsAnotherToday:
    def test_shuts_it_where_a_rule_counted_the_one_that_was_shown(self) -> None:
        sent = make.send_provenance(make.set_stage())
        make.approve(make.ask(), cast.alice())
        rejected = make.send_lie(make.set_stage(), tag="9").verdicts.get().document
        reach(sent, result="rejected", document=rejected)
        assert "evidence.verdict_changed" in codes(later(1))


class TestAnOrderThatWasNotSpreadYet:
    def approve_beside_an_unread_failure(self) -> tuple[Signer, Attestation]:
        known, unknown = make_signer(), make_signer()
        register_key(known, name="scan a")
        make.send_provenance(make.set_stage(source=asking_for_tests(known, unknown)))
        make.send(results_by(known))
        failed = make.send(results_by(unknown, result="FAILED"))
        settle(make.NOW)
        make.approve(make.ask(), cast.alice())
        assert codes(later(1)) == []
        return unknown, failed

    def test_is_waited_for_from_the_change_until_the_new_verdict(self) -> None:
        unknown, failed = self.approve_beside_an_unread_failure()
        register_key(unknown, name="scan b", now=later(2))
        assert codes(later(3)) == ["evidence.pending"]
        while spread_reverifications(now=later(3)):
            assert codes(later(3)) == ["evidence.pending"]
        while drain(clock=lambda: later(4), limit=50):
            pass
        assert failed.verdicts.count() == 2
        assert codes(later(5)) == ["evidence.verdict_changed"]

    def test_is_not_where_it_touches_only_what_others_sent(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        make.register_stranger()
        make.send_of_a_stranger(stage, by=make.other_teams_bot())
        settle(make.NOW)
        make.approve(make.ask(), cast.alice())
        suspend_identity(identity=make.other_teams_bot(), reason="leaked", by=None, now=later(2))
        resume_identity(identity=make.other_teams_bot(), reason="rotated", by=None, now=later(2))
        assert codes(later(3)) == []

    def test_costs_one_query_however_many_there_are(self) -> None:
        sent, team = make.send_provenance(make.set_stage()), cast.payments()
        for number in (1, 30):
            for _ in range(number):
                ask_reverification(attestation_id=sent.pk, by=None, now=make.NOW)
            with CaptureQueriesContext(connection) as asked:
                assert [row.attestation_id for row in unsettled_about(make.image(), team=team, named=NOBODY)[:9]] == [sent.pk]
            # The first is whether anybody else sent something; the third what every page of verdicts reads along: their subjects.
            assert len(asked) == 3

    def test_is_not_where_another_team_has_many_keys_and_ends_them_all(self) -> None:
        make.send_provenance(make.set_stage())
        make.approve(make.ask(), cast.alice())
        bot = make.other_teams_bot()
        for _ in range(MAX_ORDERS + 1):
            register_signer(identity=bot, public_key_pem=make_signer().pem, by=None, now=make.NOW)
        settle(make.NOW)
        suspend_identity(identity=bot, reason="leaked", by=None, now=later(2))
        assert Reverification.objects.filter(done_at__isnull=True).count() == MAX_ORDERS + 1
        assert codes(later(2)) == []
        for left in (1, 0):
            assert spread_reverifications(now=later(3)) == (MAX_ORDERS if left else 1)
            assert Reverification.objects.filter(done_at__isnull=True).count() == left
