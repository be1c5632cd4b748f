"""The pages on which an approval is taken back: what they show is what is signed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from approvals.models import Approval, ApprovalEnd, StatementCeremony
from tests import cast, make_statements
from tests import make_approvals as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def approval() -> Approval:
    now = timezone.now()
    stage = make.set_stage(now=now)
    make.send_provenance(stage, now=now)
    return make.approve(make.ask(now=now), cast.alice(now=now), now=now)


def test_an_approver_revokes_from_the_record_page_to_the_signature(client: Client, approval: Approval) -> None:
    cast.let_in(client, cast.alice())
    record = reverse("approvals:record", args=[approval.record.digest])
    link = reverse("approvals:revoke", args=[approval.pk])
    assert link in client.get(record).content.decode()
    assert "Your signature alone" in client.get(link).content.decode()
    asked = reverse("approvals:request", args=[approval.revision.request_id])
    assert link in client.get(asked).content.decode()
    key = approval.signing_key
    assert key is not None
    began = client.post(link, {"reason": "approver_withdrew", "justification": "I looked again.", "key": key.pk})
    ceremony = StatementCeremony.objects.get()
    assert began["Location"] == reverse("approvals:statement", args=[ceremony.pk])
    page = client.get(began["Location"]).content.decode()
    for shown in ("Revoke an approval", "I looked again.", f"sha256:{approval.payload_digest}", "ceremony-offer"):
        assert shown in page
    assertion = make.posted(make_statements.passkey_of(cast.alice())[0], bytes(ceremony.payload))
    done = client.post(reverse("approvals:statement_complete", args=[ceremony.pk]), {"assertion": assertion})
    assert done["Location"] == record
    assert ApprovalEnd.objects.get().code == "approval.revoked"
    again = client.get(record).content.decode()
    assert "signed" in again
    assert link not in again


def test_the_summary_on_the_page_is_the_one_in_the_statement(approval: Approval) -> None:
    """The script refuses to sign where they differ."""
    ceremony = make_statements.begin(approval, cast.alice(), now=timezone.now())
    statement: Any = json.loads(bytes(ceremony.payload))
    assert statement["predicate"]["review"]["display"]["summary"].startswith("Revoke the approval that Alice Chen gave")


def test_nobody_else_opens_the_ceremony_and_others_see_no_button(client: Client, approval: Approval) -> None:
    ceremony = make_statements.begin(approval, cast.alice(), now=timezone.now())
    cast.let_in(client, cast.bob())
    assert client.get(reverse("approvals:statement", args=[ceremony.pk])).status_code == 404
    record = client.get(reverse("approvals:record", args=[approval.record.digest])).content.decode()
    assert reverse("approvals:revoke", args=[approval.pk]) not in record
    assert client.post(reverse("approvals:revoke", args=[approval.pk])).status_code == 403
