"""What the portal says once enough people have approved, in the two formats that other tools read."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from django.urls import reverse

from approvals.models import OutcomeStatement, Request
from approvals.outcome.read_outcome import newest_outcome
from approvals.outcome.sign_outcome import sign_break_glass_outcome
from approvals.packs.build import build_pack
from approvals.trust import current_trust
from ledger.recorder import recorder_key
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.dsse import parse_envelope
from proofs.errors import Refusal
from proofs.pack.layout import INDEX, OUTCOME_SIMPLE, OUTCOME_SUMMARY, build_index
from proofs.pack.verify import verify_pack
from proofs.predicates.summary import SummaryExpectations, check_summary
from proofs.predicates.verdicts import read_simple_verification
from proofs.statement import parse_statement
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db


def ask(*, count: int = 1) -> Request:
    stage = make.set_stage(count=count)
    make.send_provenance(stage)
    return make.ask()


def ivan() -> Any:
    return cast.person("ivan", "Ivan Petrov", "approver:release")


def payload_of(row: OutcomeStatement) -> dict[str, Any]:
    value: dict[str, Any] = parse_canonical(parse_envelope(parse_canonical(bytes(row.envelope))).payload)
    return value


class TestSignOutcome:
    def test_is_signed_with_the_answer_that_made_it_fully_approved_and_not_before(self) -> None:
        request = ask(count=2)
        make.approve(request, cast.alice())
        assert not OutcomeStatement.objects.exists()
        last = make.approve(request, ivan())
        said = list(OutcomeStatement.objects.order_by("entry_id"))
        assert [row.type for row in said] == ["svr", "vsa"]
        assert [row.entry_id for row in said] == [last.record.entry_id + 1, last.record.entry_id + 2]
        assert {row.entry.event for row in said} == {"outcome"}

    def test_two_requests_that_come_to_the_same_in_one_second_share_the_simple_result(self) -> None:
        first = ask()
        second = make.ask()
        make.approve(first, cast.alice())
        make.approve(second, ivan())
        (simple, summary), (same, other) = newest_outcome(first), newest_outcome(second)
        assert (simple, summary == other) == (same, False)
        assert [summary.revision.request, other.revision.request] == [first, second]
        for request in (first, second):
            files = build_pack(request=request, now=make.NOW, with_private=True)
            assert {OUTCOME_SIMPLE, OUTCOME_SUMMARY} <= set(files)
            verify_pack(files, trust=current_trust(), digest=make.image(), environment="production", at=make.NOW)

    def test_the_simple_result_counts_people_and_names_the_environment_and_the_policy(self) -> None:
        request = ask(count=2)
        make.approve(request, cast.alice())
        make.approve(request, ivan())
        value = payload_of(OutcomeStatement.objects.get(type="svr"))
        assert value["predicateType"] == "https://in-toto.io/attestation/svr/v0.2"
        expected = ["COUNTERSIGN_HUMAN_APPROVED_1", "COUNTERSIGN_HUMAN_APPROVED_2", "COUNTERSIGN_ENVIRONMENT_PRODUCTION"]
        assert read_simple_verification(value["predicate"])["properties"] == expected
        policy = request.revisions.get().policy_id
        assert [item["digest"] for item in value["predicate"]["verifier"]["policies"]] == [{"sha256": policy}]

    def test_the_summary_is_one_that_our_reader_accepts_and_names_records_and_evidence(self) -> None:
        request = ask()
        approval = make.approve(request, cast.alice())
        row = OutcomeStatement.objects.get(type="vsa")
        statement = parse_statement(parse_envelope(parse_canonical(bytes(row.envelope))).payload)
        origin = current_trust().origin
        check_summary(
            statement,
            SummaryExpectations(
                verifier_id=origin,
                resource_uri=f"{origin}/environments/{cast.production().pk}",
                levels=("COUNTERSIGN_HUMAN_APPROVED_1",),
                subject=(("sha256", make.image().partition(":")[2]),),
            ),
        )
        inputs = {item["digest"]["sha256"] for item in statement.predicate["inputAttestations"]}
        assert inputs == {approval.record.digest, *request.revisions.get().evidence.values_list("attestation__blob_id", flat=True)}

    def test_a_stock_check_of_the_envelope_needs_nothing_of_ours(self) -> None:
        make.approve(ask(), cast.alice())
        envelope = parse_canonical(bytes(OutcomeStatement.objects.get(type="svr").envelope))
        payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"]
        signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
        key = serialization.load_pem_public_key(recorder_key().pem)
        assert isinstance(key, ec.EllipticCurvePublicKey)
        key.verify(base64.b64decode(envelope["signatures"][0]["sig"]), signed, ec.ECDSA(hashes.SHA256()))

    def test_a_later_approval_gets_a_pair_over_all(self) -> None:
        request = ask()
        make.approve(request, cast.alice())
        make.approve(request, ivan(), now=make.NOW + timedelta(seconds=5))
        newest = OutcomeStatement.objects.filter(type="svr").latest("entry_id")
        assert "COUNTERSIGN_HUMAN_APPROVED_2" in payload_of(newest)["predicate"]["properties"]
        assert OutcomeStatement.objects.count() == 4

    def test_broken_glass_never_says_that_people_approved(self) -> None:
        make.set_stage()
        subject = [{"name": "payments/api", "digest": {"sha256": "a" * 64}}]
        said = sign_break_glass_outcome(
            statement_digest="b" * 64, subject=subject, environment_slug="production", policy_digest="c" * 64, now=make.NOW
        )
        assert payload_of(said)["predicate"]["properties"] == ["COUNTERSIGN_BREAK_GLASS", "COUNTERSIGN_ENVIRONMENT_PRODUCTION"]
        assert (said.revision, said.about) == (None, "b" * 64)


def verify(files: dict[str, bytes]) -> str:
    report = verify_pack(files, trust=current_trust(), digest=make.image(), environment="production", at=make.NOW)
    return report.steps[-1].words


def altered(files: dict[str, bytes], path: str, content: bytes) -> dict[str, bytes]:
    changed = {**files, path: content}
    return {**changed, INDEX: build_index(changed)}


class TestInThePack:
    def test_22_the_pack_holds_what_the_portal_said_and_it_follows_from_the_records(self) -> None:
        request = ask()
        make.approve(request, cast.alice())
        files = build_pack(request=request, now=make.NOW)
        assert {OUTCOME_SIMPLE, OUTCOME_SUMMARY} <= set(files)
        assert verify(files).endswith("over the same records and evidence.")

    def test_22_a_result_of_another_request_is_no_result_of_this_one(self) -> None:
        request = ask()
        make.approve(request, cast.alice())
        files = build_pack(request=request, now=make.NOW)
        value = parse_canonical(parse_envelope(parse_canonical(files[OUTCOME_SUMMARY])).payload)
        value["predicate"]["inputAttestations"] = value["predicate"]["inputAttestations"][:1]
        other = canonical_bytes(recorder_key().sign(canonical_bytes(value)))
        with pytest.raises(Refusal) as refused:
            verify(altered(files, OUTCOME_SUMMARY, other))
        assert refused.value.code == "outcome.mismatch"

    def test_22_a_result_that_the_portal_did_not_sign_is_refused(self) -> None:
        request = ask()
        make.approve(request, cast.alice())
        files = build_pack(request=request, now=make.NOW)
        envelope = parse_canonical(files[OUTCOME_SIMPLE])
        envelope["signatures"] = parse_canonical(files[OUTCOME_SUMMARY])["signatures"]
        with pytest.raises(Refusal) as refused:
            verify(altered(files, OUTCOME_SIMPLE, canonical_bytes(envelope)))
        assert refused.value.code == "outcome.signature"


class TestRead:
    def test_the_api_answers_both_statements(self) -> None:
        request = ask()
        make.approve(request, cast.alice())
        headers = {"authorization": f"Bearer {cast.token_of(cast.runner(), 'read')}"}
        answer = Client().get(reverse("approvals:api_outcome", args=[request.pk]), headers=headers)
        assert answer.status_code == 200, answer.content
        assert [item["type"] for item in answer.json()["statements"]] == ["svr", "vsa"]

    def test_before_it_is_approved_there_is_none(self) -> None:
        request = ask()
        headers = {"authorization": f"Bearer {cast.token_of(cast.runner(), 'read')}"}
        answer = Client().get(reverse("approvals:api_outcome", args=[request.pk]), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "outcome.missing")

    def test_the_page_sends_one_envelope_a_line(self, client: Client) -> None:
        request = ask()
        make.approve(request, cast.alice())
        client.force_login(cast.account_of(cast.bob()))
        answer = client.get(reverse("approvals:outcome", args=[request.pk]))
        assert len(answer.content.splitlines()) == 2
