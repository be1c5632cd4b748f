"""A name only the requester gave is marked as one, on the page and in the sentence that is signed."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse

from approvals.models import Request
from approvals.requests.open_request import AskedArtifact, open_request
from attestations.blobs import bytes_of
from proofs.approval.human_approval import parse_human_approval
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db
MARK = "name not checked"


def ask_as(name: str) -> Request:
    stage = make.set_stage()
    make.send_provenance(stage)
    return open_request(
        project=cast.payments_api(),
        environment=cast.production(),
        title="A release",
        artifacts=[AskedArtifact(make.image(), name)],
        by=cast.bob(),
        now=make.NOW,
    )


def read(request: Request) -> tuple[bool, str, str]:
    """Return what the snapshot says about the name, the page, and the sentence that is signed."""
    snapshot = json.loads(bytes_of(request.revisions.get().snapshot))
    client = Client()
    client.force_login(cast.account_of(cast.carol()))
    page = client.get(reverse("approvals:request", args=[request.pk])).content.decode()
    _, key = make.enrol(cast.alice())
    statement = parse_human_approval(bytes(make.begin(request, cast.alice(), key).payload))
    assert [artifact.name for artifact in statement.artifacts] == [item["name"] for item in snapshot["artifacts"]]
    return snapshot["artifacts"][0]["nameChecked"], page, statement.review.summary


class TestNames:
    def test_the_requesters_own_is_marked_as_unchecked(self) -> None:
        checked, page, summary = read(ask_as("totally-harmless:1"))
        assert not checked
        assert MARK in page
        assert f"totally-harmless:1 ({MARK}, sha256:" in summary

    def test_one_that_a_verified_statement_gives_is_not(self) -> None:
        checked, page, summary = read(ask_as("payments/api:1.4.2"))
        assert checked
        assert MARK not in page + summary
        assert "payments/api:1.4.2 (sha256:" in summary

    def test_a_missing_one_is_taken_from_verified_evidence(self) -> None:
        checked, page, summary = read(ask_as(""))
        assert checked
        assert MARK not in page + summary
        assert "payments/api:1.4.2 (sha256:" in summary
