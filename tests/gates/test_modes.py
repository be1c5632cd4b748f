"""Under a policy that is only observed or warned of, a gate lets through and says what it would have said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from approvals.policies.versions import activate_policy
from gates.decide import decide
from gates.models import Decision
from gates.queries import list_used
from identities.models import Environment, Team
from proofs.canonical import parse_canonical
from proofs.errors import Malformed
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db


def ask_gate(environment: str = "production", project: str = "") -> Decision:
    return decide(
        digest=make.image(), environment_slug=environment, project_slug=project, by=cast.runner(), now=make.NOW + timedelta(minutes=2)
    )


def switch(stage: make.Stage, mode: str, *, minutes: int = 0) -> None:
    at = make.NOW + timedelta(minutes=minutes)
    activate_policy(policy=stage.policy, project=cast.payments_api(), environment=cast.production(), by=make.erin(), now=at, mode=mode)


@pytest.mark.parametrize("mode", ["observe", "warn"])
class TestWhereNothingIsEnforced:
    def test_allows_and_says_what_it_would_have_said(self, mode: str) -> None:
        switch(make.set_stage(), mode)
        request = make.ask()
        decision = ask_gate()
        assert (decision.outcome, decision.enforced, decision.reasons) == ("allow", False, [])
        assert [reason["code"] for reason in decision.would] == ["approval.missing"]
        assert decision.would[0]["request"] == request.pk
        document = parse_canonical(bytes(decision.document))
        assert (document["enforced"], document["mode"], document["would"]) == (False, mode, decision.would)

    def test_an_allow_is_a_plain_one(self, mode: str) -> None:
        stage = make.set_stage()
        switch(stage, mode)
        make.send_provenance(stage)
        make.approve(make.ask(), cast.alice())
        decision = ask_gate()
        assert (decision.outcome, decision.enforced, decision.would) == ("allow", None, None)
        assert "enforced" not in parse_canonical(bytes(decision.document))

    def test_what_is_unknown_stays_a_deny(self, mode: str) -> None:
        switch(make.set_stage(), mode)
        Environment.objects.create(slug="staging", name="Staging", tier=2, team=cast.payments())
        Environment.objects.create(slug="theirs", name="Theirs", tier=2, team=Team.objects.create(slug="other", name="Other"))
        for environment, project, code in (
            ("staging", "", "policy.missing"),
            ("theirs", "", "scope.environment"),
            ("nowhere", "", "scope.environment"),
            ("production", "unknown", "policy.missing"),
        ):
            decision = ask_gate(environment, project)
            assert (decision.outcome, decision.enforced) == ("deny", None)
            assert [reason["code"] for reason in decision.reasons] == [code]

    def test_a_question_without_a_digest_is_refused(self, mode: str) -> None:
        switch(make.set_stage(), mode)
        with pytest.raises(Malformed, match="^digest.malformed"):
            decide(digest="payments/api:latest", environment_slug="production", by=cast.runner(), now=make.NOW)

    def test_the_newest_activation_counts(self, mode: str) -> None:
        stage = make.set_stage()
        switch(stage, mode)
        switch(stage, "enforce", minutes=1)
        assert (ask_gate().outcome, ask_gate().enforced) == ("deny", None)

    def test_what_was_only_let_through_used_no_approval(self, mode: str) -> None:
        stage = make.set_stage(count=2)
        switch(stage, mode)
        make.send_provenance(stage)
        approval = make.approve(make.ask(), cast.alice())
        assert ask_gate().enforced is False
        assert list_used(None, approvals=[approval]) == frozenset()

    def test_the_door_and_the_page_say_it_in_words(self, mode: str, client: Client) -> None:
        switch(make.set_stage(), mode)
        make.ask()
        headers = {"Authorization": f"Bearer {cast.token_of(cast.runner(), now=datetime.now(UTC))}"}
        body = client.post(
            "/api/v1/gate/decisions",
            {"digest": make.image(), "environment": "production"},
            content_type="application/json",
            headers=headers,
        ).json()
        assert (body["decision"], body["enforced"], body["reasons"]) == ("allow", False, [])
        assert body["would"][0]["code"] == "approval.missing"
        cast.let_in(client, cast.alice())
        page = client.get("/gates/decisions").content.decode()
        assert "Allowed, not enforced" in page
        assert "would have been denied" in page


def test_a_mode_there_is_not_is_refused() -> None:
    stage = make.set_stage()
    with pytest.raises(Malformed, match="^policy.mode"):
        switch(stage, "off")
