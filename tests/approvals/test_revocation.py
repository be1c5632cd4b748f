"""Approvals are taken back by whom gave them, or by two who answer for security; nothing opens by it."""

from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from approvals.models import Approval, ApprovalEnd, ApprovalRevocation, Request, SignedStatement, StatementCeremony
from approvals.requests.status import compute_standing
from gates.decide import decide
from identities.models import Identity
from ledger.models import Entry
from proofs.approval.enrollment import parse_enrollment
from proofs.approval.human_approval import approval_signed_bytes
from proofs.approval.person_statement import Revocation
from proofs.approval.record import mirror_of, parse_record
from proofs.approval.sshsig import NAMESPACE, principal_of
from proofs.canonical import parse_canonical
from proofs.digest import sha256_hex
from proofs.dsse import parse_envelope
from proofs.errors import Refusal
from proofs.pack.build import build_allowed_signers
from proofs.pack.verify_person_statement import verify_person_statement
from tests import cast, make_statements
from tests import make_approvals as make
from tests.passkey import Lie

pytestmark = pytest.mark.django_db
NOW = make.NOW


@pytest.fixture
def approval() -> Approval:
    stage = make.set_stage()
    make.send_provenance(stage)
    return make.approve(make.ask(), cast.alice())


def sally() -> Identity:
    return cast.person("sally", "Sally Wu", "approver:security")


def sven() -> Identity:
    return cast.person("sven", "Sven Berg", "approver:security")


def gate() -> Any:
    return decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=NOW)


def again(approval: Approval) -> Approval:
    return Approval.objects.get(pk=approval.pk)


def code_of(call: Any) -> str:
    with pytest.raises(Refusal) as caught:
        call()
    return caught.value.code


class TestByItsApprover:
    def test_it_counts_no_more_and_the_gate_shuts(self, approval: Approval) -> None:
        assert gate().outcome == "allow"
        signed = make_statements.revoke(approval, cast.alice())
        end = ApprovalEnd.objects.get()
        assert (end.approval_id, end.code) == (approval.pk, "approval.revoked")
        assert signed.revocation.reason == "artifact_bad"
        assert Entry.objects.filter(event="approval.revoked").count() == 1
        decision = gate()
        assert (decision.outcome, [reason["code"] for reason in decision.reasons]) == ("deny", ["approval.revoked"])

    def test_the_request_shows_that_it_is_not_approved(self, approval: Approval) -> None:
        make_statements.revoke(approval, cast.alice())
        assert compute_standing(Request.objects.get(), now=NOW).status in ("revoked", "in_review")

    def test_it_may_after_the_approval_has_run_out(self, approval: Approval) -> None:
        later = NOW + timedelta(days=30)
        make_statements.revoke(approval, cast.alice(), now=later)
        assert ApprovalEnd.objects.get().ended_at == later


class TestBySecurity:
    def test_the_first_signature_changes_nothing_and_the_second_ends_it(self, approval: Approval) -> None:
        make_statements.revoke(approval, sally())
        assert not ApprovalEnd.objects.exists()
        assert gate().outcome == "allow"
        make_statements.revoke(again(approval), sven())
        assert ApprovalEnd.objects.get().code == "approval.revoked"
        assert gate().outcome == "deny"

    def test_one_person_twice_is_one_person(self, approval: Approval) -> None:
        make_statements.revoke(approval, sally())
        assert code_of(lambda: make_statements.begin(again(approval), sally())) == "revocation.already_signed"

    def test_two_ceremonies_begun_at_once_by_one_person_count_once(self, approval: Approval) -> None:
        first, second = make_statements.begin(approval, sally()), make_statements.begin(approval, sally())
        make_statements.complete(first)
        assert code_of(lambda: make_statements.complete(second)) == "revocation.already_signed"
        assert ApprovalRevocation.objects.count() == 1
        assert StatementCeremony.objects.get(pk=second.pk).refused_code == "revocation.already_signed"

    def test_who_signs_third_finds_it_ended(self, approval: Approval) -> None:
        ceremony = make_statements.begin(approval, sally())
        make_statements.revoke(again(approval), cast.alice())
        assert code_of(lambda: make_statements.complete(ceremony)) == "revocation.ended"


class TestRefuses:
    def test_another_approver_alone(self, approval: Approval) -> None:
        ivan = cast.person("ivan", "Ivan Petrov", "approver:release")
        assert code_of(lambda: make_statements.begin(approval, ivan)) == "revocation.not_yours"

    @pytest.mark.parametrize("who", ["dave", "carol", "bob", "mallory"])
    def test_whoever_holds_no_approving_role(self, approval: Approval, who: str) -> None:
        person = getattr(cast, who)()
        assert code_of(lambda: make_statements.begin(approval, person)) == "permission.missing"

    def test_a_no_is_not_revoked(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        passkey, key = make.enrol(cast.alice())
        no = make.complete(make.begin(make.ask(), cast.alice(), key, decision="reject", reason="Not tested."), passkey)
        assert code_of(lambda: make_statements.begin(no, cast.alice())) == "revocation.not_an_approval"

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"reason": "because"}, "revocation.reason"),
            ({"why": "  "}, "statement.reason_missing"),
            ({"why": "hid\u202eden"}, "statement.malformed"),
        ],
    )
    def test_a_statement_that_says_nothing(self, approval: Approval, changes: dict[str, str], code: str) -> None:
        assert code_of(lambda: make_statements.begin(approval, cast.alice(), **changes)) == code

    def test_that_somebody_else_withdraws(self, approval: Approval) -> None:
        assert code_of(lambda: make_statements.begin(approval, sally(), reason="approver_withdrew")) == "revocation.reason"

    @pytest.mark.parametrize(
        ("lie", "code"),
        [
            (Lie(origin="https://elsewhere.example"), "webauthn.origin"),
            (Lie(challenge=b"another challenge"), "webauthn.challenge"),
            (Lie(tamper_signature=True), "webauthn.signature"),
        ],
    )
    def test_a_lie_uses_the_ceremony_up_and_ends_nothing(self, approval: Approval, lie: Lie, code: str) -> None:
        ceremony = make_statements.begin(approval, cast.alice())
        assert code_of(lambda: make_statements.complete(ceremony, lie=lie)) == code
        ceremony.refresh_from_db()
        assert ceremony.refused_code == code
        assert not SignedStatement.objects.exists()
        assert not ApprovalEnd.objects.exists()
        assert code_of(lambda: make_statements.complete(ceremony)) == "ceremony.used"

    def test_somebody_elses_ceremony_and_a_late_one(self, approval: Approval) -> None:
        ceremony = make_statements.begin(approval, cast.alice())
        assert code_of(lambda: make_statements.complete(ceremony, by=sally())) == "ceremony.not_yours"
        assert code_of(lambda: make_statements.complete(ceremony, now=NOW + timedelta(minutes=6))) == "ceremony.expired"


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs OpenSSH")
def test_stock_openssh_and_the_offline_code_verify_it(approval: Approval, tmp_path: Path) -> None:
    signed = make_statements.revoke(approval, cast.alice())
    key, payload = signed.signing_key, bytes(signed.payload)
    enrollment = parse_envelope(bytes(key.enrollment)).payload
    record = parse_record(parse_envelope(bytes(signed.envelope)).payload)
    offline = {"rp_id": settings.RP_ID, "origins": (settings.ORIGIN,), "checked_at": record.checked_at}
    about = {"enrollment": parse_enrollment(enrollment), "enrollment_digest": sha256_hex(enrollment), **offline}
    verified = verify_person_statement(payload=record.payload, assertion=record.assertion, **about)
    assert verified.statement.body == Revocation((approval.payload_digest,), "artifact_bad")
    assert record.mirrored == mirror_of(parse_canonical(payload))
    with pytest.raises(Refusal) as caught:
        verify_person_statement(payload=payload.replace(b"artifact_bad", b"policy_error"), assertion=record.assertion, **about)
    assert caught.value.code == "webauthn.challenge"
    (tmp_path / "allowed_signers").write_bytes(build_allowed_signers([parse_enrollment(enrollment)], []))
    (tmp_path / "human.sshsig").write_text(signed.sshsig or "")
    principal = principal_of(signed.identity.issuer, signed.identity.subject)
    command = ["ssh-keygen", "-Y", "verify", "-f", "allowed_signers", "-I", principal, "-n", NAMESPACE, "-s", "human.sshsig"]
    for content, code in ((payload, 0), (payload + b" ", 255)):
        run = subprocess.run(command, input=approval_signed_bytes(content), cwd=tmp_path, capture_output=True, check=False)
        assert run.returncode == code, run.stderr
