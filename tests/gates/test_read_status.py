"""The status a gate elsewhere asks for says what this gate would say, signed and for a short time."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from approvals.models import Request
from gates.read_status import read_status
from ledger.recorder import recorder_key
from proofs.approval.status_statement import RequestStatus, check_status, parse_status
from proofs.dsse import parse_envelope
from proofs.errors import Refusal
from proofs.keys import load_spki
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
