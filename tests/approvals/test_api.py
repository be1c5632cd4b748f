"""Programs open requests and read them; they have no way to approve."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from approvals.models import Request
from identities.models import Environment, Project
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db


def body(**changes: Any) -> dict[str, Any]:
    asked = {
        "project": "payments-api",
        "environment": "production",
        "title": "payments/api 1.4.2",
        "artifacts": [{"digest": make.image(), "name": "payments/api:1.4.2"}],
    }
    return {**asked, **changes}


def post(value: dict[str, Any], *scopes: str) -> Any:
    headers = {"authorization": f"Bearer {cast.token_of(cast.runner(), *scopes)}"}
    return Client().post(reverse("approvals:api_requests"), value, content_type="application/json", headers=headers)


class TestOpen:
    def test_opens_a_request_in_the_name_of_a_person(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        response = post(body(onBehalfOf="bob"), "requests:write")
        assert response.status_code == 201, response.content
        answer = response.json()
        request = Request.objects.get()
        assert (request.requester, request.on_behalf_of) == (cast.runner(), cast.bob())
        assert (answer["id"], answer["status"], answer["revision"], answer["result"]) == (request.pk, "ready", 1, "pass")
        assert answer["snapshot"] == request.revisions.get().snapshot_id
        assert response.headers["Location"].endswith(f"/requests/{request.pk}")

    @pytest.mark.parametrize(
        ("changes", "status", "code"),
        [
            ({"project": "nobody"}, 404, "project.unknown"),
            ({"environment": "nowhere"}, 404, "environment.unknown"),
            ({"onBehalfOf": "nobody"}, 400, "request.on_behalf_of"),
            ({"onBehalfOf": "mallory"}, 400, "request.on_behalf_of"),
            ({"artifacts": []}, 400, "request.no_artifact"),
            ({"artifacts": [{"digest": "payments/api:latest"}]}, 400, "digest.malformed"),
            ({"title": ""}, 400, "request.invalid"),
        ],
    )
    def test_refuses_with_a_problem_document(self, changes: dict[str, Any], status: int, code: str) -> None:
        make.set_stage()
        cast.mallory()
        response = post(body(**changes))
        assert (response.status_code, response.json()["code"]) == (status, code)
        assert response.headers["Content-Type"] == "application/problem+json"
        assert not Request.objects.exists()

    def test_another_teams_project_and_environment_are_not_there(self) -> None:
        make.set_stage()
        team = make.other_teams_bot().team
        Project.objects.create(slug="theirs", name="Theirs", team=team)
        Environment.objects.create(slug="their-place", name="Theirs", team=team)
        for changes, code in (({"project": "theirs"}, "project.unknown"), ({"environment": "their-place"}, "environment.unknown")):
            response = post(body(**changes))
            assert (response.status_code, response.json()["code"]) == (404, code)

    def test_does_not_tell_which_accounts_there_are(self) -> None:
        make.set_stage()
        cast.mallory()
        unfit, unknown = (post(body(onBehalfOf=name)).json() for name in ("mallory", "no-such"))
        assert {**unfit, "detail": unfit["detail"].replace("mallory", ""), "instance": ""} == {
            **unknown,
            "detail": unknown["detail"].replace("no-such", ""),
            "instance": "",
        }
        token = cast.token_of(make.other_teams_bot(), "requests:write")
        for name in ("bob", "mallory", "no-such"):
            response = Client().post(
                reverse("approvals:api_requests"),
                body(onBehalfOf=name),
                content_type="application/json",
                headers={"authorization": f"Bearer {token}"},
            )
            assert (response.status_code, response.json()["code"]) == (404, "project.unknown")

    def test_needs_the_scope(self) -> None:
        make.set_stage()
        response = post(body(), "attestations:write", "read")
        assert (response.status_code, response.json()["code"]) == (403, "permission.scope")
        assert Client().post(reverse("approvals:api_requests"), body(), content_type="application/json").status_code == 401


class TestRead:
    def test_tells_how_it_stands_and_why_it_is_not_approved(self) -> None:
        make.set_stage()
        request = make.ask()
        headers = {"authorization": f"Bearer {cast.token_of(cast.runner(), 'requests:write')}"}
        answer = Client().get(reverse("approvals:api_request", args=[request.pk]), headers=headers).json()
        assert (answer["status"], answer["approvalsRequired"], answer["approvals"]) == ("collecting", 1, [])
        assert any("is missing" in reason for reason in answer["reasons"])

    def test_lists_signed_answers(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        request = make.ask()
        approval = make.approve(request, cast.alice())
        client = Client()
        client.force_login(cast.account_of(cast.carol()))
        answer = client.get(reverse("approvals:api_request", args=[request.pk])).json()
        # The stage is set in the past; seen from today the approval has run out.
        assert answer["approvals"][0]["record"] == approval.record.digest
        assert (answer["approvals"][0]["by"], answer["approvals"][0]["level"]) == ("Alice Chen", "H2")

    def test_other_teams_programs_may_not_read_it(self) -> None:
        make.set_stage()
        request = make.ask()
        other = cast.Team.objects.create(slug="other", name="Other")
        owner = cast.person("zoe", "Zoe Park", "requester", team=other)
        robot = cast.register_nonhuman(
            kind="bot", name="their bot", issuer="https://ci.other.example", subject="bot", owner=owner, team=other, by=None, now=make.NOW
        )
        headers = {"authorization": f"Bearer {cast.token_of(robot)}"}
        hidden, absent = (Client().get(reverse("approvals:api_request", args=[pk]), headers=headers) for pk in (request.pk, "req_none"))
        assert (hidden.status_code, hidden.json()["code"]) == (absent.status_code, absent.json()["code"]) == (404, absent.json()["code"])


class TestApprove:
    def test_is_refused_for_tokens_and_for_people_without_a_passkey_ceremony(self) -> None:
        make.set_stage()
        request = make.ask()
        url = reverse("approvals:api_approvals", args=[request.pk])
        headers = {"authorization": f"Bearer {cast.token_of(cast.runner())}"}
        response = Client().post(url, {}, content_type="application/json", headers=headers)
        assert (response.status_code, response.json()["code"]) == (403, "approval.human_required")
        client = Client()
        client.force_login(cast.account_of(cast.alice()))
        response = client.post(url, {}, content_type="application/json")
        assert (response.status_code, response.json()["code"]) == (403, "approval.human_required")
