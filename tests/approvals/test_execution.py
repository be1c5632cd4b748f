"""What became of an approved action: reported once by the program that a gate let do it, or noted as unknown."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from approvals.carried_out.report_execution import note_missing_reports, report_execution
from approvals.models import ApprovalUse, Execution, Request
from approvals.requests.open_request import open_request
from gates.decide import decide
from identities.models import Identity
from ledger.models import Entry
from ledger.recorder import recorder_key
from portal.models import Notice
from portal.notices.follow_ledger import follow_ledger
from proofs.approval.execution import ExecutionStatement, build_execution, parse_execution, verify_execution
from proofs.approval.subjects import build_rotation
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.errors import Refusal
from proofs.keys import load_pem
from tests import cast
from tests import make_approvals as make
from tests.gates.test_one_use import LATER, approved_action, ask_gate, codes
from tests.make_ledger import use_own_keys

AFTER = LATER + timedelta(minutes=5)
OVERDUE = LATER + timedelta(minutes=60)
NOTE = ExecutionStatement("a" * 64, "req_1", "dec_1", "https://agents.example", "fixer", "executed", LATER, AFTER, "b" * 64, "3 replicas")


@pytest.fixture(autouse=True)
def portal_keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


def claimed() -> Request:
    request, _ = approved_action()
    assert ask_gate(request).outcome == "allow"
    return request


def report(request: Request, outcome: str = "executed", *, by: Identity | None = None, now: datetime = AFTER, **words: str) -> Execution:
    return report_execution(request=request, outcome=outcome, by=by or cast.runner(), now=now, **words)


def code_of(call: Any) -> str:
    with pytest.raises(Refusal) as refused:
        call()
    return refused.value.code


class TestStatement:
    def test_it_says_what_was_said(self) -> None:
        assert parse_execution(build_execution(NOTE)) == NOTE

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"outcome": "fine"}, "execution.malformed"),
            ({"outcome": "outcome_unknown"}, "execution.malformed"),
            ({"at": "2020-01-01T00:00:00Z"}, "execution.malformed"),
            ({"result": {"sha256": "x"}}, "execution.malformed"),
            ({"more": 1}, "execution.malformed"),
            ({"detail": "-----BEGIN PRIVATE KEY-----"}, "subject.secret"),
        ],
    )
    def test_refuses_what_is_none(self, change: dict[str, Any], code: str) -> None:
        whole = parse_canonical(build_execution(NOTE))
        whole["predicate"] |= change
        assert code_of(lambda: parse_execution(canonical_bytes(whole))) == code


@pytest.mark.django_db
class TestReport:
    def test_it_is_signed_and_in_the_ledger_and_the_same_again_changes_nothing(self) -> None:
        request = claimed()
        row = report(request, result="b" * 64, detail="3 replicas")
        assert report(request, result="b" * 64, detail="3 replicas", now=OVERDUE) == row
        assert Entry.objects.filter(event="execution").count() == 1
        use = ApprovalUse.objects.get()
        said = verify_execution(bytes(row.envelope), key=load_pem(recorder_key().pem))
        assert (said.document, said.decision, said.outcome, said.executor_subject) == (
            request.subject_id,
            use.decision_id,
            "executed",
            cast.runner().subject,
        )
        forged = json.loads(bytes(row.envelope))
        forged["payload"] = json.loads(bytes(row.envelope))["payload"][::-1]
        assert code_of(lambda: verify_execution(forged, key=load_pem(recorder_key().pem)))

    def test_refuses_what_is_not_to_be_reported(self) -> None:
        request, fixer = approved_action()
        assert code_of(lambda: report(request)) == "execution.not_claimed"
        ask_gate(request)
        assert code_of(lambda: report(request, by=fixer)) == "execution.not_yours"
        assert code_of(lambda: report(request, "outcome_unknown")) == "execution.malformed"
        assert code_of(lambda: report(request, detail="-----BEGIN PRIVATE KEY-----")) == "subject.secret"
        assert not Execution.objects.exists()
        report(request)
        assert code_of(lambda: report(request, "failed")) == "execution.reported"
        second = {"outcome": "failed", "is_reported": True, "envelope": b"{}", "at": AFTER}
        with pytest.raises(IntegrityError), transaction.atomic():
            Execution.objects.create(use=ApprovalUse.objects.get(), entry=Entry.objects.earliest("pk"), **second)

    def test_without_a_report_it_is_unknown_once_and_a_late_report_still_counts(self) -> None:
        request = claimed()
        assert note_missing_reports(now=OVERDUE - timedelta(seconds=1)) == 0
        assert (note_missing_reports(now=OVERDUE), note_missing_reports(now=OVERDUE)) == (1, 0)
        assert Execution.objects.get().outcome == "outcome_unknown"
        report(request, "failed", now=OVERDUE, detail="The node was gone")
        follow_ledger(now=OVERDUE)
        told = Notice.objects.filter(kind="request.execution", identity=cast.alice()).order_by("entry")
        assert [("has not reported" in notice.sentence, "failed" in notice.sentence) for notice in told] == [(True, False), (False, True)]

    def test_what_was_reported_is_never_noted_as_unknown(self) -> None:
        report(claimed())
        assert note_missing_reports(now=OVERDUE) == 0
        follow_ledger(now=OVERDUE)
        assert not Notice.objects.filter(kind="request.execution").exists()

    def test_a_rotation_is_let_through_once_to_its_executor_and_reported(self) -> None:
        make.set_stage(source=make.NO_EVIDENCE)
        bob, runner = cast.bob(), cast.runner()
        parties = {name: {"issuer": who.issuer, "subject": who.subject} for name, who in (("initiator", bob), ("executor", runner))}
        subject = build_rotation(what="The release key", old_keys=["k1"], new_keys=["k2"], **parties)  # type: ignore[arg-type]
        request = open_rotation(subject)
        first = decide(digest=request.artifacts.get().artifact_id, environment_slug="production", by=runner, now=LATER)
        assert (first.outcome, codes(ask_gate(request))) == ("allow", ["approval.used"])
        assert report(request).outcome == "executed"


def open_rotation(subject: bytes) -> Request:
    where = {"project": cast.payments_api(), "environment": cast.production()}
    request = open_request(title="Rotate", artifacts=[], kind="rotation", subject=subject, by=cast.bob(), now=LATER, **where)  # type: ignore[arg-type]
    make.approve(request, cast.alice(), now=LATER)
    return request


@pytest.mark.django_db
def test_the_door_takes_it_and_the_page_shows_it(client: Client) -> None:
    request = claimed()
    url = reverse("approvals:api_execution", args=[request.pk])
    client.force_login(cast.alice().user)
    page = reverse("approvals:request", args=[request.pk])
    assert "no report yet" in client.get(page).content.decode()
    headers = {"Authorization": f"Bearer {cast.token_of(cast.runner())}"}
    answer = Client().post(url, {"outcome": "failed", "detail": "No <b>node</b>"}, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()["state"], answer.json()["detail"]) == (200, "failed", "No <b>node</b>")
    shown = client.get(page).content.decode()
    assert "reported" in shown and "No &lt;b&gt;node&lt;/b&gt;" in shown
    bad = Client().post(url, {"outcome": "maybe"}, content_type="application/json", headers=headers)
    assert bad.status_code == 400
