"""The gate's door for programs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from identities.issue import issue_credential
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db

URL = "/api/v1/gate/decisions"


def post(client: Client, body: object, token: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return client.post(URL, body, content_type="application/json", headers=headers)


class TestGateDecisions:
    def test_it_answers_allow_with_the_ledger_index(self, client: Client) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        now = datetime.now(UTC)  # The door reads the real clock, so this story happens now.
        request = make.ask(now=now)
        make.approve(request, cast.alice(), now=now)
        answer = post(client, {"digest": make.image(), "environment": "production"}, cast.token_of(cast.runner()))
        assert answer.status_code == 200
        body = answer.json()
        assert (body["decision"], body["reasons"], body["request"]) == ("allow", [], request.pk)
        assert isinstance(body["ledgerIndex"], int)

    def test_it_answers_deny_with_reasons_and_the_page_to_go_to(self, client: Client) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        request = make.ask()
        body = post(client, {"digest": make.image(), "environment": "production"}, cast.token_of(cast.runner())).json()
        assert body["decision"] == "deny"
        assert body["reasons"][0]["code"] == "approval.missing"
        assert body["requestUrl"].endswith(f"/requests/{request.pk}")

    def test_refuses_without_a_credential(self, client: Client) -> None:
        answer = post(client, {"digest": make.image(), "environment": "production"})
        assert answer.status_code == 401
        assert answer.headers["Content-Type"] == "application/problem+json"

    def test_refuses_a_credential_without_the_scope(self, client: Client) -> None:
        _, token = issue_credential(
            identity=cast.runner(), scopes=["read"], expires_at=make.NOW.replace(year=2027, month=1), by=None, now=make.NOW
        )
        answer = post(client, {"digest": make.image(), "environment": "production"}, token)
        assert answer.status_code == 403

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"digest": "payments/api:1.4.2", "environment": "production"}, 400),
            ({"environment": "production"}, 400),
            ("not json", 400),
        ],
    )
    def test_refuses_what_it_cannot_read(self, client: Client, body: object, status: int) -> None:
        answer = post(client, body, cast.token_of(cast.runner()))
        assert answer.status_code == status
        assert answer.json()["code"]
