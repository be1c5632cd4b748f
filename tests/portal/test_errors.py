"""Refusals become the right page or problem document, with the status of their kind."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal import urls
from portal.errors import STATUS
from proofs import errors
from proofs.errors import Malformed, Refusal

pytestmark = pytest.mark.django_db
KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Refusal) and kind is not Refusal]


def refuse_page(request: HttpRequest, kind: str) -> HttpResponse:
    raise getattr(errors, kind)("test.refused", "got <b>this</b>, expected that")


def forbid_page(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def break_page(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("the secret inside")


def form_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("sent")


class RefusingApi(APIView):
    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]

    def get(self, request: Request, kind: str) -> Response:
        if kind == "Broken":
            raise RuntimeError("the secret inside")
        if kind == "TooBig":
            raise RequestDataTooBig
        raise getattr(errors, kind)("test.refused", "got this, expected that")

    def post(self, request: Request, kind: str) -> Response:
        return Response(request.data)


@pytest.fixture(autouse=True)
def doors_that_refuse(settings: Any) -> None:
    made = ModuleType("urls_that_refuse")
    mine = [
        path("refuse/<kind>", refuse_page),
        path("forbid", forbid_page),
        path("break", break_page),
        path("form", form_page),
        path("api/v1/refuse/<kind>", RefusingApi.as_view()),
    ]
    made.urlpatterns = [*mine, *urls.urlpatterns]  # type: ignore[attr-defined]
    for name in ("handler400", "handler403", "handler404", "handler500"):
        setattr(made, name, getattr(urls, name))
    settings.ROOT_URLCONF = made


def assert_problem(response: Any, *, status: int, code: str) -> None:
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    document = response.json()
    assert set(document) == {"type", "title", "status", "detail", "code", "instance"}
    assert (document["status"], document["code"], document["type"]) == (status, code, f"urn:countersign:problem:{code}")
    assert document["title"] and document["detail"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
class TestEveryKindOfRefusal:
    def test_is_a_page_for_people(self, client: Client, kind: type[Refusal]) -> None:
        response = client.get(f"/refuse/{kind.__name__}", headers={"Accept": "text/html"})
        assert response.status_code == STATUS[kind.kind]
        page = response.content.decode()
        assert "test.refused" in page
        assert "Got &lt;b&gt;this&lt;/b&gt;, expected that." in page

    def test_is_a_problem_for_programs(self, client: Client, kind: type[Refusal]) -> None:
        response = client.get(f"/api/v1/refuse/{kind.__name__}")
        assert_problem(response, status=STATUS[kind.kind], code="test.refused")
        assert response.json()["detail"] == "got this, expected that"
        assert response.json()["instance"] == f"/api/v1/refuse/{kind.__name__}"


def test_a_page_is_a_problem_for_who_asks_for_json(client: Client) -> None:
    response = client.get("/refuse/Malformed", headers={"Accept": "application/json"})
    assert_problem(response, status=400, code="test.refused")
    assert "Accept" in response["Vary"]


class TestWhatIsNoRefusal:
    def test_unknown_page(self, client: Client) -> None:
        assert client.get("/nowhere", headers={"Accept": "text/html"}).status_code == 404
        assert_problem(client.get("/api/v1/nowhere"), status=404, code="url.not_found")

    def test_forbidden_page(self, client: Client) -> None:
        response = client.get("/forbid", headers={"Accept": "text/html"})
        assert response.status_code == 403
        assert "permission.missing" in response.content.decode()

    @pytest.mark.parametrize("address", ["/break", "/api/v1/refuse/Broken"])
    def test_a_bug_says_nothing_of_the_inside(self, client: Client, address: str) -> None:
        client.raise_request_exception = False
        response = client.get(address)
        assert response.status_code == 500
        assert "secret inside" not in response.content.decode()
        assert "portal.broken" in response.content.decode()

    def test_a_form_without_its_token(self) -> None:
        response = Client(enforce_csrf_checks=True).post("/form", headers={"Accept": "text/html"})
        assert response.status_code == 403
        assert "form.not_ours" in response.content.decode()

    def test_a_host_that_is_not_ours(self, client: Client) -> None:
        assert client.get("/healthz", headers={"Host": "attacker.example"}).status_code == 400


class TestRestFramework:
    def test_unreadable_json(self, client: Client) -> None:
        response = client.post("/api/v1/refuse/x", "{", content_type="application/json")
        assert_problem(response, status=400, code="json.invalid")

    def test_wrong_method(self, client: Client) -> None:
        assert_problem(client.put("/api/v1/refuse/x"), status=405, code="method.not_allowed")

    def test_wrong_content_type(self, client: Client) -> None:
        assert_problem(client.post("/api/v1/refuse/x", "a", content_type="text/plain"), status=415, code="content_type.unsupported")

    def test_too_large(self, client: Client) -> None:
        assert_problem(client.get("/api/v1/refuse/TooBig"), status=413, code="request.too_large")

    def test_no_credential(self, client: Client) -> None:
        response = client.post("/api/v1/attestations", "{}", content_type="application/json")
        assert_problem(response, status=401, code="credential.missing")
        assert "WWW-Authenticate" in response

    def test_a_wrong_credential_keeps_its_own_code(self, client: Client) -> None:
        response = client.get("/api/v1/requests", headers={"Authorization": "Bearer csk_no_no", "Accept": "application/json"})
        assert_problem(response, status=401, code="credential.invalid")


def test_every_kind_has_a_status() -> None:
    assert {kind.kind for kind in KINDS} == set(STATUS)
    assert STATUS[Malformed.kind] == 400


class TestProbes:
    def test_healthz_answers(self, client: Client) -> None:
        assert client.get("/healthz").json() == {"status": "ok"}

    def test_readyz_answers_when_every_migration_is_there(self, client: Client) -> None:
        assert client.get("/readyz").json() == {"status": "ok"}


class TestHeaders:
    def test_every_answer_is_locked_down(self, client: Client) -> None:
        response = client.get("/accounts/login/")
        assert response["X-Frame-Options"] == "DENY"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Referrer-Policy"] == "same-origin"
        assert "publickey-credentials-get=(self)" in response["Permissions-Policy"]
        policy = response["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy

    def test_a_request_id_comes_back_and_a_strange_one_does_not(self, client: Client) -> None:
        assert client.get("/healthz", headers={"X-Request-ID": "proxy-12345678"})["X-Request-ID"] == "proxy-12345678"
        assert client.get("/healthz", headers={"X-Request-ID": "a b\tc<script>"})["X-Request-ID"] != "a b\tc<script>"
