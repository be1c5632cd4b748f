"""The portal revokes by itself what somebody else may have signed, and what rests on evidence that does not hold; once, and for good."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from approvals.models import Approval, ApprovalEnd, AutomaticRevocation, Request
from approvals.revocation.revoke_by_portal import revoke_compromised
from attestations.blobs import store_blob
from attestations.models import Attestation, Verdict
from attestations.queries import verdict_document
from gates.decide import decide
from gates.revoke_invalid import revoke_invalid
from identities.keys.enrol import revoke_signing_key
from identities.lifecycle.change_status import suspend_identity
from identities.models import EvidenceSigner, Identity
from identities.revoke_signer import revoke_signer
from ledger.models import Entry
from ledger.recorder import recorder_key
from portal.models import Notice
from portal.notices.follow_ledger import follow_ledger
from proofs.approval.person_statement import parse_person_statement
from proofs.approval.portal_revocation import verify_portal_revocation
from proofs.canonical import canonical_bytes
from proofs.dsse import parse_envelope
from proofs.errors import Refusal
from proofs.keys import load_spki
from tests import cast
from tests import make_approvals as make
from tests.gates.test_evidence_today import reach, settle

pytestmark = pytest.mark.django_db


def later(minutes: float) -> datetime:
    return make.NOW + timedelta(minutes=minutes)


@pytest.fixture
def evidence() -> Attestation:
    return make.send_provenance(make.set_stage())


@pytest.fixture
def approval(evidence: Attestation) -> Approval:
    return make.approve(make.ask(), cast.alice())


def lose_key(approval: Approval, *, since: datetime) -> None:
    assert approval.signing_key is not None
    revoke_signing_key(key=approval.signing_key, by=approval.identity, reason="stolen", now=later(2), compromised_from=since)


def codes(at: datetime) -> list[str]:
    decision = decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=at)
    assert (decision.outcome == "allow") == (not decision.reasons)
    return [reason["code"] for reason in decision.reasons]


def told(person: Identity) -> list[str]:
    while follow_ledger(now=later(9)):
        pass
    return list(Notice.objects.filter(identity=person).values_list("kind", flat=True))


class TestALostKey:
    def test_what_was_signed_since_is_revoked_once_and_says_that_nobody_signed_it(self, approval: Approval) -> None:
        lose_key(approval, since=approval.signed_at)
        assert codes(later(3)) != []
        with transaction.atomic():
            assert revoke_compromised(now=later(3)) == 1
            transaction.set_rollback(True)  # Killed before the commit.
        assert not AutomaticRevocation.objects.exists()
        assert not ApprovalEnd.objects.exists()
        assert [revoke_compromised(now=later(4)), revoke_compromised(now=later(5))] == [1, 0]
        row, end = AutomaticRevocation.objects.get(), ApprovalEnd.objects.get()
        assert (row.reason, end.code, row.entry.event, end.entry.event) == (
            "key_compromise",
            "approval.revoked",
            "revocation",
            "approval.revoked",
        )
        assert row.entry_id < end.entry_id
        assert Entry.objects.filter(event="revocation").count() == 1
        said = verify_portal_revocation(bytes(row.envelope), keys=[load_spki(recorder_key().spki)])
        assert (said.approval, said.reason, said.at) == (approval.payload_digest, "key_compromise", later(4))
        with pytest.raises(Refusal):
            parse_person_statement(parse_envelope(bytes(row.envelope)).payload)
        assert codes(later(6)) == ["approval.revoked"]
        assert Request.objects.get().state.status == "revoked"

    def test_pages_show_it_and_whoever_it_concerns_is_told(self, approval: Approval) -> None:
        request = Request.objects.get()
        lose_key(approval, since=approval.signed_at)
        revoke_compromised(now=later(4))
        assert "approval.revoked" in told(cast.alice())
        assert "approval.ended" in told(request.requester.owner or request.requester)
        client = Client()
        client.force_login(cast.alice().user)
        for page in (reverse("approvals:request", args=[request.pk]), reverse("approvals:record", args=[approval.record.digest])):
            text = client.get(page).content.decode()
            assert "the portal revoked it by itself" in text, page
        assert "no person signed it" in text

    def test_what_was_signed_before_stays(self, approval: Approval) -> None:
        lose_key(approval, since=later(1))
        assert revoke_compromised(now=later(3)) == 0
        assert codes(later(4)) == []


class TestEvidence:
    def test_of_a_revoked_signer_ends_it_for_good(self, approval: Approval) -> None:
        assert revoke_invalid(now=later(1)) == 0
        signer = EvidenceSigner.objects.get(identity=cast.runner())
        revoke_signer(signer=signer, revoked_from=make.NOW - timedelta(hours=1), reason="leaked", by=None, now=later(2))
        assert revoke_invalid(now=later(2)) == 0  # It is about to be verified again.
        settle(later(3))
        assert [revoke_invalid(now=later(3)), revoke_invalid(now=later(4))] == [1, 0]
        assert AutomaticRevocation.objects.get().reason == "evidence_invalid"
        make.refresh(now=later(5))
        assert "approval.revoked" in codes(later(6))

    def test_that_is_rejected_now_ends_it_and_later_good_news_changes_nothing(self, approval: Approval, evidence: Attestation) -> None:
        good = evidence.verdicts.get()
        document = verdict_document(good)
        bad = store_blob(canonical_bytes({**document, "result": "rejected", "code": "sigstore.log"}), later(1))
        reach(evidence, document=bad, result="rejected", code="sigstore.log")
        assert revoke_invalid(now=later(2)) == 1
        fields = {field.attname: getattr(good, field.attname) for field in Verdict._meta.concrete_fields if field.name != "id"}
        Verdict.objects.create(**{**fields, "number": 3})
        assert revoke_invalid(now=later(3)) == 0
        assert codes(later(4)) == ["approval.revoked"]

    @pytest.mark.parametrize("result", ["error", "unsupported"])
    def test_that_cannot_be_judged_just_now_ends_nothing(self, approval: Approval, evidence: Attestation, result: str) -> None:
        document = store_blob(canonical_bytes({**verdict_document(evidence.verdicts.get()), "result": result}), later(1))
        reach(evidence, document=document, result=result)
        assert revoke_invalid(now=later(2)) == 0
        assert codes(later(2)) == ["evidence.verdict_changed"]

    def test_that_cannot_be_judged_just_now_ends_nothing_beside_a_rejection_that_no_rule_asks_about(self) -> None:
        stage = make.set_stage()
        evidence, results = make.send_provenance(stage), make.send_tests(stage)
        make.approve(make.ask(), cast.alice())
        for item, result in ((results, "rejected"), (evidence, "error")):
            document = store_blob(canonical_bytes({**verdict_document(item.verdicts.get()), "result": result}), later(1))
            reach(item, document=document, result=result, code="sigstore.log")
        assert codes(later(2)) == ["evidence.verdict_changed"]
        assert revoke_invalid(now=later(2)) == 0
        assert not ApprovalEnd.objects.exists()

    def test_that_only_grew_old_ends_nothing_beside_a_rejection_that_no_rule_asks_about(self) -> None:
        aged = make.POLICY.replace("    registeredSigner: true\n", "    registeredSigner: true\n    maxAgeHours: 1\n")
        stage = make.set_stage(source=aged)
        make.send_provenance(stage)
        results = make.send_tests(stage)
        make.approve(make.ask(), cast.alice())
        document = store_blob(canonical_bytes({**verdict_document(results.verdicts.get()), "result": "rejected"}), later(1))
        reach(results, document=document, result="rejected", code="sigstore.log")
        assert codes(later(90)) != []
        assert revoke_invalid(now=later(90)) == 0

    def test_of_a_suspended_signer_ends_nothing(self, approval: Approval) -> None:
        suspend_identity(identity=cast.runner(), reason="looked into", by=None, now=later(2))
        settle(later(3))
        assert revoke_invalid(now=later(3)) == 0
        assert not ApprovalEnd.objects.exists()

    def test_of_an_approval_that_ran_out_is_left(self, approval: Approval, evidence: Attestation) -> None:
        document = store_blob(canonical_bytes({**verdict_document(evidence.verdicts.get()), "result": "rejected"}), later(1))
        reach(evidence, document=document, result="rejected", code="sigstore.log")
        assert revoke_invalid(now=approval.not_after) == 0


def test_the_offline_reader_takes_no_other_signature_and_no_other_words(approval: Approval) -> None:
    lose_key(approval, since=approval.signed_at)
    revoke_compromised(now=later(4))
    envelope = bytes(AutomaticRevocation.objects.get().envelope)
    keys = [load_spki(recorder_key().spki)]
    payload = json.loads(parse_envelope(envelope).payload)
    changed = [
        {**payload, "predicate": {**payload["predicate"], "body": {**payload["predicate"]["body"], "reason": "artifact_bad"}}},
        {**payload, "subject": [{"name": "approval", "digest": {"sha256": "0" * 64}}]},
        {**payload, "predicate": {**payload["predicate"], "person": {}}},
        {**payload, "predicateType": "urn:countersign:delegation:v1"},
    ]
    found = []
    for wrong, trusted in [(envelope, []), *((recorder_key().sign(canonical_bytes(each)), keys) for each in changed)]:
        with pytest.raises(Refusal) as caught:
            verify_portal_revocation(wrong, keys=trusted)
        found.append(caught.value.code)
    assert found == ["revocation.signature"] + ["revocation.malformed"] * 4
