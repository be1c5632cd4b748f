"""What a change touches is verified again: trust roots, signers, the verifier; history stays, and nothing slips between."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now
from django.utils import timezone

from attestations import reverify, verify
from attestations.claim import claim_jobs
from attestations.drain import drain
from attestations.models import Attestation, Reverification, TrustRoot, Verdict, VerificationJob
from attestations.queries import latest_verdict, pending_about, verdict_document
from attestations.reverify import ask_reverification, spread_reverifications
from attestations.trust.roots import add_trust_root, remove_trust_root_alone
from attestations.verify import OtherVerifier, TrustChanged, verify_attestation
from identities.models import EvidenceSigner, Identity
from identities.register import register_nonhuman, register_signer
from identities.revoke_signer import revoke_signer
from ledger.models import Entry
from portal.demo.instance import Instance, build_provenance
from proofs.errors import Malformed, NotFound
from tests import cast
from tests.make_attestations import (
    NOW,
    artifact_digest,
    make_attestation,
    make_signer,
    make_statement,
    register_key,
    runner_workload,
    trust_instance,
    verify_now,
)
from tests.make_ledger import use_own_keys

pytestmark = pytest.mark.django_db
State = VerificationJob.State
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def portal_keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


def work_it_off() -> None:
    """What the worker does, until nothing waits."""
    while spread_reverifications(now=timezone.now()) or drain(clock=timezone.now, limit=100):
        pass


def results(attestation: Attestation) -> list[tuple[str, str]]:
    """Result and reason for looking of every verdict, the first first."""
    return [(verdict.result, verdict.because) for verdict in attestation.verdicts.order_by("number")]


def signed_bundle(instance: Instance, name: str = "payments-api.tar") -> Attestation:
    statement = build_provenance(runner_workload(), [(name, artifact_digest(name))])
    return make_attestation(instance.sign_as(runner_workload(), statement, at=NOW))


class TestTrustRoots:
    def test_what_had_no_trust_root_is_verified_once_there_is_one(self) -> None:
        instance = Instance(NOW)
        bundle = signed_bundle(instance)
        assert verify_now(bundle).code == "trust_root.missing"
        root = add_trust_root(name="Factory", document=instance.trusted_root(), profile=None, by=None, now=NOW)
        work_it_off()
        assert results(bundle) == [("rejected", ""), ("verified", f"A trust root was added: {root.digest}")]

    def test_another_root_leaves_alone_what_is_verified(self) -> None:
        bundle = signed_bundle(trust_instance())
        verify_now(bundle)
        add_trust_root(name="Other", document=Instance(NOW).trusted_root(), profile=None, by=None, now=NOW)
        work_it_off()
        assert results(bundle) == [("verified", "")]

    def test_a_removed_root_takes_what_rested_on_it_and_nothing_else(self) -> None:
        ours, others = trust_instance(), Instance(NOW)
        add_trust_root(name="Other", document=others.trusted_root(), profile=None, by=None, now=NOW)
        mine, theirs = signed_bundle(ours, "mine"), signed_bundle(others, "theirs")
        verify_now(mine)
        root = TrustRoot.objects.get(name="Factory")
        remove_trust_root_alone(digest=f"sha256:{root.digest}", reason="its log was found to lie", by=None, now=NOW)
        work_it_off()
        assert [result for result, _ in results(mine)] == ["verified", "rejected"]
        assert [result for result, _ in results(theirs)] == ["verified"]
        assert Entry.objects.filter(event="trust.root_removed").count() == 1

    def test_removing_twice_is_removing_once(self) -> None:
        trust_instance()
        root = TrustRoot.objects.get()
        for _ in range(2):
            removed = remove_trust_root_alone(digest=root.digest, reason="x", by=None, now=NOW)
            assert removed.removed_at == NOW
        assert Reverification.objects.filter(kind="root_removed").count() == 1

    def test_an_unknown_root_and_no_reason_are_refused(self) -> None:
        trust_instance()
        with pytest.raises(NotFound) as unknown:
            remove_trust_root_alone(digest="ab" * 32, reason="x", by=None, now=NOW)
        with pytest.raises(Malformed) as silent:
            remove_trust_root_alone(digest=TrustRoot.objects.get().digest, reason=" ", by=None, now=NOW)
        assert (unknown.value.code, silent.value.code) == ("trust.unknown_root", "trust.reason")
        assert TrustRoot.objects.get().removed_at is None

    def test_the_verdict_names_the_thresholds_it_was_reached_under(self) -> None:
        verdict = verify_now(signed_bundle(trust_instance()))
        root = TrustRoot.objects.get()
        assert verdict_document(verdict)["trust"]["trustRoots"] == [{"digest": root.digest, "profile": {"tlog": 1, "tsa": 0, "sct": 1}}]
        assert (verdict.trust_root, verdict.signer_issuer) == (root.digest, cast.GITHUB_ISSUER)
        assert verdict.signer_name.startswith(cast.WORKFLOW)


class TestKeys:
    def test_a_key_registered_later_makes_good_what_it_signed(self) -> None:
        signer = make_signer()
        early = make_attestation(signer.sign(make_statement()), now=NOW)
        assert verify_now(early).code == "dsse.key_unknown"
        register_key(signer, now=NOW + DAY)
        work_it_off()
        assert [result for result, _ in results(early)] == ["rejected", "verified"]
        # Judged as of the verdict, because at receipt the key was not registered.
        document = verdict_document(newest(early))
        assert document["asOf"] == document["verifiedAt"]

    def test_a_stolen_key_spoils_what_came_in_since_and_nothing_before(self) -> None:
        signer = make_signer()
        identity = register_key(signer, now=NOW)
        before = make_attestation(signer.sign(make_statement("before")), now=NOW + DAY)
        after = make_attestation(signer.sign(make_statement("after")), now=NOW + 3 * DAY)
        verify_now(before)
        revoke(identity, NOW + 2 * DAY)
        work_it_off()
        assert [result for result, _ in results(before)] == ["verified", "verified"]
        assert [result for result, _ in results(after)] == ["verified", "rejected"]
        assert newest(after).code == "key.revoked"
        assert verdict_document(newest(before))["asOf"] == "2026-03-03T10:00:00Z"
        assert newest(before).signer == identity

    def test_a_window_that_ran_out_spoils_nothing_that_came_in_within_it(self) -> None:
        signer = make_signer()
        identity = register_nonhuman(
            kind="service", name="scan", issuer="https://ci", subject="s", owner=cast.bob(), team=cast.payments(), by=None, now=NOW
        )
        register_signer(identity=identity, public_key_pem=signer.pem, valid_until=NOW + DAY, by=None, now=NOW)
        within, beyond = (make_attestation(signer.sign(make_statement(name)), now=at) for name, at in (("a", NOW), ("b", NOW + 2 * DAY)))
        verify_now(within)
        ask_reverification(attestation_id="", by=None, now=timezone.now())
        work_it_off()
        assert [result for result, _ in results(within)] == ["verified", "verified"]
        assert [result for result, _ in results(beyond)] == ["rejected", "rejected"]
        assert newest(beyond).code == "key.not_valid"

    def test_another_keys_revocation_touches_nothing(self) -> None:
        mine, other = make_signer(), make_signer()
        register_key(mine, now=NOW)
        identity = register_key(other, name="another service", now=NOW)
        evidence = make_attestation(mine.sign(make_statement()), now=NOW + DAY)
        verify_now(evidence)
        revoke(identity, NOW)
        work_it_off()
        assert results(evidence) == [("verified", "")]


class TestSeveralKeys:
    def test_a_further_key_counts_once_it_is_registered_and_no_longer_once_it_was_stolen(self) -> None:
        first, second = make_signer(), make_signer()
        envelope = json.loads(first.sign(make_statement()))
        envelope["signatures"] += json.loads(second.sign(make_statement()))["signatures"]
        register_key(first, now=NOW)
        row = make_attestation(json.dumps(envelope).encode(), now=NOW + DAY)
        assert verify_now(row).other_signatures == 1
        assert any(words.startswith("1 further signatures") for words in verdict_document(newest(row))["notChecked"])
        identity = register_key(second, name="second service", now=NOW)
        work_it_off()
        assert (newest(row).other_signatures, len(newest(row).co_signer_names.split())) == (0, 1)
        revoke(identity, NOW)
        work_it_off()
        assert (newest(row).result, newest(row).other_signatures, newest(row).co_signer_names) == ("verified", 1, "")


class TestCertificates:
    def test_a_registration_names_the_signer_of_what_was_verified_before(self) -> None:
        instance = trust_instance()
        bundle = signed_bundle(instance)
        sender = Identity.objects.get(pk=bundle.submissions.get().identity_id)
        registered = EvidenceSigner.objects.filter(identity=sender).first()
        assert registered is not None
        assert verify_now(bundle).signer == sender
        revoke_signer(signer=registered, revoked_from=NOW - DAY, reason="wrong workflow", by=None, now=timezone.now())
        work_it_off()
        assert newest(bundle).signer is None
        assert [result for result, _ in results(bundle)] == ["verified", "verified"]

    def test_a_name_that_was_stolen_and_is_registered_again_makes_nothing_good(self) -> None:
        instance, runner = trust_instance(), cast.runner()
        stolen_from = EvidenceSigner.objects.get(identity=runner)
        revoke_signer(signer=stolen_from, revoked_from=NOW - DAY, reason="workflow taken over", by=None, now=NOW)
        sent_then = signed_bundle(instance)
        assert verify_now(sent_then).signer is None
        register_signer(
            identity=runner,
            certificate_issuer=stolen_from.certificate_issuer,
            certificate_identity=stolen_from.certificate_identity,
            any_ref=True,
            by=None,
            now=NOW + 10 * DAY,
        )
        work_it_off()
        statement = build_provenance(runner_workload(), [("held back", artifact_digest("held back"))])
        held_back = make_attestation(instance.sign_as(runner_workload(), statement, at=NOW), now=NOW + 11 * DAY)
        verify_now(held_back)
        assert (newest(sent_then).signer, newest(held_back).signer) == (None, None)
        assert newest(held_back).findings.get(check_name="signer").code == "signer.revoked"

    def test_another_issuers_name_touches_nothing(self) -> None:
        bundle = signed_bundle(trust_instance())
        verify_now(bundle)
        identity = register_key(make_signer())
        register_signer(
            identity=identity,
            certificate_issuer="https://other.example",
            certificate_identity=cast.WORKFLOW,
            any_ref=True,
            by=None,
            now=NOW,
        )
        work_it_off()
        assert results(bundle) == [("verified", "")]


class TestVerifier:
    def test_what_an_older_verifier_judged_is_judged_again_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        bundle = signed_bundle(trust_instance())
        verify_now(bundle)
        self.run_version("99", monkeypatch)
        work_it_off()
        work_it_off()
        assert results(bundle) == [("verified", ""), ("verified", "The verifier changed: 99")]
        assert Reverification.objects.filter(kind="verifier").count() == 1

    def test_a_worker_that_was_not_updated_keeps_nothing_and_loses_nothing(self, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
        settings.MAX_ATTEMPTS = 2
        self.run_version("99", monkeypatch)
        work_it_off()
        self.run_version("98", monkeypatch)
        bundle = signed_bundle(trust_instance())
        for _ in range(4):
            VerificationJob.objects.update(next_try_at=Now())
            assert drain(clock=timezone.now, limit=10) == 0
        assert not bundle.verdicts.exists()
        self.run_version("99", monkeypatch)
        VerificationJob.objects.update(next_try_at=Now())
        work_it_off()
        assert (newest(bundle).result, newest(bundle).verifier) == ("verified", "99")

    def test_one_that_held_a_claim_while_another_came_into_force_keeps_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        bundle = signed_bundle(trust_instance())
        claim = claim_jobs(limit=1, lease_seconds=60)[0]
        own = verify.VERIFIER_VERSION
        self.run_version("99", monkeypatch)
        while spread_reverifications(now=NOW):
            pass
        self.run_version(own, monkeypatch)
        with pytest.raises(OtherVerifier):
            verify_attestation(claim=claim, now=timezone.now())
        assert not bundle.verdicts.exists()

    def test_going_back_to_an_older_one_is_said_by_command(self, monkeypatch: pytest.MonkeyPatch) -> None:
        bundle = signed_bundle(trust_instance())
        for version in ("99", "98"):
            self.run_version(version, monkeypatch)
            work_it_off()
        assert newest(bundle).verifier == "99"
        run("reverify", "--verifier")
        with pytest.raises(CommandError, match=r"verifier\.order_open"):
            run("reverify", "--verifier")
        work_it_off()
        assert newest(bundle).verifier == "98"

    @staticmethod
    def run_version(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in (reverify, verify):
            monkeypatch.setattr(module, "VERIFIER_VERSION", version)

    def test_nothing_is_verified_again_while_everything_is_of_this_version(self) -> None:
        bundle = signed_bundle(trust_instance())
        verify_now(bundle)
        work_it_off()
        assert results(bundle) == [("verified", "")]


class TestOrders:
    def test_many_are_spread_a_batch_at_a_time_and_each_once(self) -> None:
        signer = make_signer()
        register_key(signer)
        rows = [make_attestation(signer.sign(make_statement(str(number)))) for number in range(5)]
        verify_now(rows[0])
        order = ask_reverification(attestation_id="", by=None, now=NOW)
        while spread_reverifications(now=NOW, limit=2):
            pass
        order.refresh_from_db()
        assert (order.touched, order.done_at) == (5, NOW)
        drain(clock=timezone.now, limit=100)
        assert [row.verdicts.count() for row in rows] == [2] * 5

    def test_what_waits_already_is_left_waiting(self) -> None:
        signer = make_signer()
        register_key(signer)
        row = make_attestation(signer.sign(make_statement()))
        verify_now(row)
        for _ in range(2):
            ask_reverification(attestation_id=row.pk, by=None, now=NOW)
        while spread_reverifications(now=NOW):
            pass
        assert sorted(Reverification.objects.filter(kind="asked").values_list("touched", flat=True)) == [0, 1]

    def test_attempts_of_earlier_verdicts_do_not_count_against_later_ones(self, settings: Any) -> None:
        settings.MAX_ATTEMPTS = 2
        signer = make_signer()
        register_key(signer)
        row = make_attestation(signer.sign(make_statement()))
        verify_now(row)
        for _ in range(4):
            ask_reverification(attestation_id=row.pk, by=None, now=NOW)
            work_it_off()
        assert [result for result, _ in results(row)] == ["verified"] * 5
        assert VerificationJob.objects.get(pk=row.pk).attempts == 5

    def test_a_gate_waits_for_what_is_being_verified_again(self) -> None:
        signer = make_signer()
        register_key(signer)
        row = make_attestation(signer.sign(make_statement("a")))
        verify_now(row)
        digest = f"sha256:{artifact_digest('a')}"
        assert pending_about(digest, team=cast.payments()) == []
        ask_reverification(attestation_id=row.pk, by=None, now=NOW)
        while spread_reverifications(now=NOW):
            pass
        assert pending_about(digest, team=cast.payments()) == [row]
        assert pending_about(f"sha256:{artifact_digest('b')}", team=cast.payments()) == []


class TestChangeDuringVerification:
    """A verdict must never outlive what it rested on without anybody noticing."""

    def test_a_root_removed_while_a_worker_judges_is_noticed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        bundle = signed_bundle(trust_instance())
        judge = verify.assess_evidence

        def judge_slowly(*args: Any, **options: Any) -> Any:
            answer = judge(*args, **options)
            remove_trust_root_alone(digest=TrustRoot.objects.get().digest, reason="x", by=None, now=NOW)
            return answer

        monkeypatch.setattr(verify, "assess_evidence", judge_slowly)
        claim = claim_jobs(limit=1, lease_seconds=60)[0]
        with pytest.raises(TrustChanged):
            verify_attestation(claim=claim, now=timezone.now())
        assert not bundle.verdicts.exists()
        monkeypatch.undo()
        VerificationJob.objects.update(state=State.WAITING)
        work_it_off()
        assert newest(bundle).result == "rejected"

    def test_the_drain_puts_it_back_at_once_and_comes_to_the_new_verdict(self, monkeypatch: pytest.MonkeyPatch) -> None:
        signer = make_signer()
        row = make_attestation(signer.sign(make_statement()))
        judge = verify.assess_evidence
        seen: list[str] = []

        def register_meanwhile(*args: Any, **options: Any) -> Any:
            answer = judge(*args, **options)
            seen.append(answer.code)
            if len(seen) == 1:
                register_key(signer, now=NOW)
            return answer

        monkeypatch.setattr(verify, "assess_evidence", register_meanwhile)
        assert drain(clock=timezone.now, limit=10) == 0
        assert VerificationJob.objects.get(pk=row.pk).state == State.WAITING
        assert drain(clock=timezone.now, limit=10) == 1
        assert [result for result, _ in results(row)] == ["verified"]


class TestCommands:
    def test_revoke_a_signer_by_its_key_id(self) -> None:
        signer = make_signer()
        register_key(signer, now=NOW)
        key_id = EvidenceSigner.objects.get(method="public_key").key_id
        said = run("revoke_signer", key_id, "--from", "2026-03-04T00:00:00Z", "--reason", "laptop stolen")
        assert "is revoked from 2026-03-04T00:00:00Z on" in said
        with pytest.raises(CommandError, match=r"signer\.unknown"):
            run("revoke_signer", "SHA256:nobody", "--reason", "x")
        with pytest.raises(CommandError, match="expected a time such as"):
            run("revoke_signer", key_id, "--from", "yesterday", "--reason", "x")

    def test_remove_a_trust_root(self) -> None:
        trust_instance()
        said = run("remove_trust_root", TrustRoot.objects.get().digest, "--reason", "retired")
        assert "no longer trusted" in said
        with pytest.raises(CommandError, match=r"trust\.unknown_root"):
            run("remove_trust_root", "ab" * 32, "--reason", "retired")

    def test_ask_and_look_how_far_it_is(self) -> None:
        row = signed_bundle(trust_instance())
        verify_now(row)
        assert "open" in run("reverify", row.pk)
        work_it_off()
        assert "1 touched  Somebody asked for it" in run("reverify", "--status")
        assert len(results(row)) == 2
        with pytest.raises(CommandError, match=r"attestation\.unknown"):
            run("reverify", "att_nobody")
        with pytest.raises(CommandError):
            run("reverify")

    def test_a_key_that_signed_before_it_was_registered(self, tmp_path: Path) -> None:
        signer = make_signer()
        identity = register_key(make_signer(), now=NOW)
        pem = tmp_path / "key.pem"
        pem.write_bytes(signer.pem)
        run("add_signer", identity.pk, "--public-key", str(pem), "--from", "2025-01-01T00:00:00Z")
        row = EvidenceSigner.objects.order_by("pk").last()
        assert row is not None
        assert row.valid_from.year == 2025


class TestPages:
    def test_the_page_tells_the_history(self, client: Any) -> None:
        signer = make_signer()
        row = make_attestation(signer.sign(make_statement()))
        verify_now(row)
        register_key(signer)
        client.force_login(cast.account_of(cast.alice()))
        while spread_reverifications(now=NOW):
            pass
        page = client.get(f"/attestations/{row.pk}").content.decode()
        assert "It is being verified again" in page
        work_it_off()
        page = client.get(f"/attestations/{row.pk}").content.decode()
        assert "Verdicts so far" in page
        assert "When it came in" in page
        assert "What the register says of a signing key changed" in page

    def test_the_api_tells_the_history(self, client: Any) -> None:
        signer = make_signer()
        row = make_attestation(signer.sign(make_statement()))
        verify_now(row)
        register_key(signer)
        work_it_off()
        token = cast.token_of(cast.runner(), "read")
        told = client.get(f"/api/v1/attestations/{row.pk}", headers={"Authorization": f"Bearer {token}"}).json()["verdicts"]
        assert [(item["number"], item["result"]) for item in told] == [(2, "verified"), (1, "rejected")]
        assert told[0]["because"].startswith("What the register says of a signing key changed: SHA256:")
        assert told[1]["because"] == ""


def revoke(identity: Identity, since: datetime) -> EvidenceSigner:
    signer = EvidenceSigner.objects.get(identity=identity)
    return revoke_signer(signer=signer, revoked_from=since, reason="stolen", by=None, now=timezone.now())


def newest(attestation: Attestation) -> Verdict:
    verdict = latest_verdict(attestation)
    assert verdict is not None
    return verdict


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()
