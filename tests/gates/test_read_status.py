"""The status a gate elsewhere asks for says what this gate would say, signed and for a short time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from approvals.models import Request
from approvals.trust import current_trust
from countersign.__main__ import main
from gates.decide import decide
from gates.read_status import read_record_status, read_status
from identities.places.change_status_age import change_status_age
from ledger.models import Entry
from ledger.publish import publish_checkpoint
from ledger.recorder import recorder_key
from proofs.approval.status_statement import RequestStatus, check_record_status, check_status, parse_status
from proofs.dsse import parse_envelope
from proofs.errors import Refusal
from proofs.keys import load_spki
from proofs.pack.trust import build_trust
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db
LATER = make.NOW + timedelta(minutes=1)


@pytest.fixture
def approved() -> Request:
    stage = make.set_stage()
    make.send_provenance(stage)
    request = make.ask()
    make.approve(request, cast.alice())
    return request


def status_of(request: Request, *, now: datetime = LATER) -> RequestStatus:
    return parse_status(parse_envelope(read_status(request, now=now)).payload)


def test_an_approved_request_is_valid_and_a_gate_elsewhere_takes_it(approved: Request) -> None:
    approval = approved.revisions.get().approvals.get()
    asked = {"keys": [load_spki(recorder_key().spki)], "request": approved.pk, "payloads": {approval.payload_digest}}
    status = check_status(read_status(approved, now=LATER), now=LATER, **asked)  # type: ignore[arg-type]
    assert status.not_after == LATER + timedelta(minutes=10)


def test_after_the_validity_it_is_expired(approved: Request) -> None:
    status = status_of(approved, now=make.NOW + timedelta(hours=73))
    assert (status.state, [item.verdict for item in status.approvals]) == ("expired", ["expired"])


def test_what_this_gate_denies_because_of_another_request_is_not_valid_elsewhere(approved: Request) -> None:
    again, kim = make.ask(now=LATER), cast.person("kim", "Kim Osei", "approver:release")
    passkey, key = make.enrol(kim)
    publish_checkpoint(now=LATER)
    make.complete(make.begin(again, kim, key, decision="reject", reason="It loses data.", now=LATER), passkey, now=LATER)
    publish_checkpoint(now=LATER)
    decision = decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=LATER)
    assert [reason["code"] for reason in decision.reasons] == ["approval.decision"]
    status = status_of(approved)
    assert (status.state, [item.verdict for item in status.approvals]) == ("unknown", ["unknown"])
    record = read_record_status(approved.revisions.get().approvals.get().record, now=LATER)
    assert parse_status(parse_envelope(record).payload).state == "unknown"


def test_nobody_approved_is_unknown() -> None:
    stage = make.set_stage()
    make.send_provenance(stage)
    request = make.ask()
    assert status_of(request).state == "unknown"
    with pytest.raises(Refusal, match="does not name"):
        check_status(read_status(request, now=LATER), keys=[load_spki(recorder_key().spki)], request=request.pk, payloads=set(), now=LATER)


def test_the_api_answers_the_envelope(approved: Request) -> None:
    headers = {"authorization": f"Bearer {cast.token_of(cast.runner(), 'read')}"}
    answer = Client().get(reverse("gates:api_status", args=[approved.pk]), headers=headers)
    assert answer.status_code == 200, answer.content
    assert parse_status(parse_envelope(answer.content).payload).request == approved.pk


def test_of_one_record_the_api_answers_that_approval_alone_and_the_command_line_takes_it(
    approved: Request, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    approval = approved.revisions.get().approvals.get()
    headers = {"authorization": f"Bearer {cast.token_of(cast.runner(), 'read')}"}
    client = Client()
    assert client.get(reverse("gates:api_record_status", args=["0" * 64]), headers=headers).status_code == 404
    record, key = approval.record.digest, load_spki(recorder_key().spki)
    envelope = read_record_status(approval.record, now=datetime.now(UTC))
    status = parse_status(parse_envelope(envelope).payload)
    assert [item.record for item in status.approvals] == [record]
    answer = client.get(reverse("gates:api_record_status", args=[record]), headers=headers)
    assert parse_status(parse_envelope(answer.content).payload).approvals[0].record == record
    valid = read_record_status(approval.record, now=LATER)
    assert check_record_status(valid, keys=[key], record=record, now=LATER).state == "valid"
    trust = tmp_path / "trust.json"
    trust.write_bytes(build_trust(current_trust()))
    (tmp_path / "status.json").write_text(json.dumps(answer.json()))
    asked = ["status", f"sha256:{record}", "--trust", str(trust), "--file"]
    # What people signed in the tests' present ran out long before today.
    said = [main([*asked, str(tmp_path / name)]) for name in ("status.json", "none.json")]
    told = capsys.readouterr().out
    assert said == [1, 1]
    assert "REFUSED" in told.splitlines()[0] and "status.missing" in told.splitlines()[1]
    assert main(["status", "latest", "--trust", str(trust), "--file", str(tmp_path / "status.json")]) == 1
    assert main(["status", record, "--trust", str(trust), "--portal", "http://portal.example.com"]) == 1
    told = capsys.readouterr().out
    assert "status.record" in told and "status.portal" in told


def test_an_environment_says_for_how_long_and_without_it_its_tier_does(approved: Request) -> None:
    environment = cast.production()
    expected = {3: 10, 2: 240, 1: 1440}
    for tier in (1, 2, 3):
        environment.tier = tier
        environment.save(update_fields=["tier"])
        status = status_of(Request.objects.get(pk=approved.pk))
        assert status.not_after - status.at == timedelta(minutes=expected[tier])
    for wrong in (0, 1441, -1):
        with pytest.raises(Refusal) as refused:
            change_status_age(environment=environment, minutes=wrong, by=None, now=LATER)
        assert refused.value.code == "place.status_age"
    with pytest.raises(Refusal) as refused:
        change_status_age(environment=environment, minutes=5, by=cast.alice(), now=LATER)
    assert refused.value.code == "permission.missing"
    for _ in range(2):
        change_status_age(environment=environment, minutes=5, by=None, now=LATER)
    assert Entry.objects.filter(event="environment.status_age").count() == 1
    assert status_of(Request.objects.get(pk=approved.pk)).not_after == LATER + timedelta(minutes=5)
    change_status_age(environment=environment, minutes=None, by=None, now=LATER)
    assert status_of(Request.objects.get(pk=approved.pk)).not_after == LATER + timedelta(minutes=10)
