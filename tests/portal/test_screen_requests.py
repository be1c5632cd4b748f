"""What no door could read is refused at the front, with the status of a refusal and not of a bug."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from allauth.core.context import request_context
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils.module_loading import import_string

from identities.models import SigningKey
from portal.screen_requests import ScreenRequestsMiddleware
from tests import cast
from tests.live import live_portal

pytestmark = pytest.mark.django_db
DEEP = "[" * 200_000
DIGEST = "sha256:" + "0" * 64


def browser(identity: object | None = None) -> Client:
    """A client that gets the portal's own 500 page, as the world does."""
    client = Client(raise_request_exception=False)
    if identity is not None:
        client.force_login(cast.account_of(identity))
    return client


def bearer() -> dict[str, str]:
    return {"Authorization": f"Bearer {cast.token_of(cast.runner())}"}


class TestNul:
    @pytest.mark.parametrize(
        "address",
        [
            "/identities/%00",
            "/records/%00",
            "/policies/%00",
            "/requests/x%00/pack.zip",
            "/artifacts?q=%00",
            "/artifacts?q=abc%00def",
            "/gates/decisions?%00=1",
            "/queue?show=%00",
            "/accounts/password/reset/key/x-%00/",
            "/nowhere/%00",
        ],
    )
    def test_is_refused_on_every_page(self, address: str) -> None:
        response = browser(cast.carol()).get(address, headers={"Accept": "text/html"})
        assert response.status_code == 400
        assert "request.malformed" in response.content.decode()
        assert response["X-Request-ID"] and "default-src 'none'" in response["Content-Security-Policy"]

    @pytest.mark.parametrize("address", ["/api/v1/requests/%00", "/api/v1/attestations/%00", "/api/v1/artifacts/%00"])
    def test_is_a_problem_for_programs(self, address: str) -> None:
        response = browser().get(address, headers=bearer())
        assert (response.status_code, response.json()["code"]) == (400, "request.malformed")

    def test_in_a_cookie_is_refused(self) -> None:
        # The quoted form of a cookie may spell any byte in octal.
        response = browser().get("/queue", headers={"Cookie": 'session="abcdefgh\\000ijkl"', "Accept": "text/html"})
        assert response.status_code == 400

    @pytest.mark.parametrize("field", ["login", "password"])
    def test_in_a_form_is_an_error_of_the_field(self, field: str) -> None:
        response = browser().post("/accounts/login/", {"login": "alice", "password": "x", field: "a\0b"})
        assert response.status_code == 200
        assert "Null characters are not allowed" in response.content.decode()

    @pytest.mark.parametrize("act", ["snooze", "unsnooze", "comment", "withdraw"])
    def test_in_what_was_ticked_is_refused(self, act: str) -> None:
        sent = {"requests": ["req_none", "req\0"], "until": "tomorrow", "text": "Why today?", "reason": "Not now."}
        response = browser(cast.alice()).post(f"/queue/{act}", sent, headers={"Accept": "text/html"})
        assert response.status_code == 400
        assert "queue.selection" in response.content.decode()

    @pytest.mark.parametrize("field", ["project", "environment", "title", "artifacts"])
    def test_in_what_is_asked_for_is_refused(self, field: str) -> None:
        sent = {"project": cast.payments_api().pk, "environment": cast.production().pk, "title": "A", "artifacts": DIGEST, field: "a\0b"}
        assert browser(cast.bob()).post("/requests/new", sent).status_code == 400

    @pytest.mark.parametrize("text", ['"\\u0000"', '"\\ud800"'])
    def test_in_json_is_refused(self, text: str) -> None:
        body = f'{{"digest": "{DIGEST}", "environment": {text}}}'
        assert browser().post("/api/v1/gate/decisions", body, content_type="application/json", headers=bearer()).status_code == 400

    def test_double_escaped_it_is_only_text(self) -> None:
        assert browser(cast.carol()).get("/artifacts?q=%2500").status_code == 200


@pytest.mark.parametrize("address", ["/api/v1/gate/decisions", "/api/v1/requests", "/api/v1/attestations"])
class TestJsonForPrograms:
    def test_too_deep(self, address: str) -> None:
        response = browser().post(address, DEEP, content_type="application/json", headers=bearer())
        assert (response.status_code, response.json()["code"]) == (413, "json.too_deep")

    def test_the_same_key_twice(self, address: str) -> None:
        response = browser().post(address, '{"a": 1, "a": 2}', content_type="application/json", headers=bearer())
        assert (response.status_code, response.json()["code"]) == (400, "json.duplicate_key")


class TestJsonInForms:
    @pytest.mark.parametrize(
        "answer",
        [
            DEEP,
            "{}",
            "[]",
            "1",
            '"x"',
            '{"id": "x"}',
            '{"id": "\\ud800"}',
            '{"id": "x", "id": "y"}',
            '{"id": "AA", "rawId": "AA", "type": "public-key", "response": 1}',
            '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "AA", "authenticatorData": "AA", "signature": "AA"}}',
            '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "e30", "authenticatorData": "'
            + "A" * 60
            + '", "signature": "AA", "userHandle": "/w"}}',
        ],
        ids=lambda answer: answer[-40:],
    )
    def test_a_passkey_answer_nobody_can_read_is_a_failed_sign_in(self, answer: str) -> None:
        client = browser()
        client.get("/accounts/2fa/webauthn/login/", headers={"Accept": "application/json"})
        response = client.post("/accounts/2fa/webauthn/login/", {"credential": answer})
        assert (response.status_code, response["Location"]) == (302, "/accounts/login/")
        assert "_auth_user_id" not in client.session

    @pytest.mark.parametrize("answer", [DEEP, '{"id": "x", "id": "y"}', '{"id": "\\ud800"}'], ids=["deep", "twice", "half"])
    def test_a_new_key_nobody_can_read_is_not_enrolled(self, answer: str) -> None:
        client = browser()
        cast.alice()
        client.post("/accounts/login/", {"login": "alice", "password": cast.PASSWORD})
        client.get("/settings/keys/add")
        response = client.post("/settings/keys/add", {"label": "Laptop", "credential": answer})
        assert response.status_code == 200
        assert not SigningKey.objects.exists()

    @pytest.mark.parametrize("name", ["add_webauthn", "authenticate_webauthn", "reauthenticate_webauthn"])
    @pytest.mark.parametrize("answer", [DEEP, '{"id": "x"}', "[1]"], ids=["deep", "short", "list"])
    def test_the_sign_in_library_s_other_forms_say_no_too(self, client: Client, name: str, answer: str) -> None:
        request = RequestFactory().post("/")
        request.session = client.session
        with request_context(request):
            form = import_string(settings.MFA_FORMS[name])(data={"credential": answer}, user=cast.account_of(cast.alice()))
            assert not form.is_valid()
            assert form.as_p()


class TestSizes:
    @pytest.mark.parametrize("address", ["/accounts/login/", "/settings/keys/add", "/nowhere"])
    @pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/plain"])
    def test_a_body_no_page_reads_is_refused_unread(self, address: str, content_type: str) -> None:
        response = browser().generic("POST", address, b"x" * 2_000_000, content_type, headers={"Accept": "text/html"})
        assert response.status_code == 413
        assert "request.too_large" in response.content.decode()

    @pytest.mark.parametrize("address", ["/api/v1/gate/decisions", "/api/v1/requests"])
    def test_nor_do_programs_get_one_in(self, address: str) -> None:
        response = browser().post(address, f'{{"pad": "{"x" * 2_000_000}"}}', content_type="application/json", headers=bearer())
        assert (response.status_code, response.json()["code"]) == (413, "request.too_large")

    def test_a_file_sent_with_a_form_is_thrown_away(self) -> None:
        cast.alice()
        file = SimpleUploadedFile("x", b"x" * 500_000)
        response = browser().post("/accounts/login/", {"login": "alice", "password": cast.PASSWORD, "file": file})
        assert response.status_code == 302
        assert not response.wsgi_request.FILES

    @pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/plain", ""])
    def test_evidence_keeps_its_own_limit_whatever_it_is_called(self, settings: Any, content_type: str) -> None:
        settings.MAX_EVIDENCE_BYTES = 2_000_000
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2_100_000
        client, headers = browser(), bearer()

        def send(size: int) -> tuple[int, str]:
            response = client.generic("POST", "/api/v1/attestations", b"x" * size, content_type, headers=headers)
            return response.status_code, response.json()["code"]

        assert send(1_500_000) == (400, "json.invalid")
        assert send(2_050_000) == (413, "evidence.too_large")
        assert send(3_000_000) == (413, "request.too_large")

    @pytest.mark.parametrize("length", ["-1", "ten", "9" * 20])
    def test_a_length_that_is_none(self, length: str) -> None:
        assert browser().post("/accounts/login/", CONTENT_LENGTH=length).status_code == 400

    def test_a_body_in_chunks_is_asked_for_its_length(self) -> None:
        request = RequestFactory().get("/api/v1/attestations", headers={"Transfer-Encoding": "chunked"})
        request.META.pop("CONTENT_LENGTH", None)
        response = ScreenRequestsMiddleware(lambda request: HttpResponse())(request)
        assert response.status_code == 411
        assert b"request.length_missing" in response.content


@pytest.mark.slow
@pytest.mark.once
def test_the_web_server_passes_on_what_is_looked_at(tmp_path: Path) -> None:
    with live_portal(tmp_path) as portal:
        portal.start()
        port = int(portal.url.rsplit(":", 1)[1])

        def answer_to(request: str) -> str:
            with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
                connection.sendall(request.replace("\n", "\r\n").encode())
                return connection.recv(4096).decode().split("\r\n")[0]

        start = f"HTTP/1.1\nHost: localhost:{port}\n"
        assert answer_to(f"GET /artifacts/%00 {start}\n").startswith("HTTP/1.1 400")
        assert answer_to(f"GET /artifacts?q=%00 {start}\n").startswith("HTTP/1.1 400")
        assert answer_to(f"POST /api/v1/attestations {start}Transfer-Encoding: chunked\n\n2\n{{}}\n0\n\n").startswith("HTTP/1.1 411")
        assert answer_to(f"POST /accounts/login/ {start}Content-Length: 90000000\n\n").startswith("HTTP/1.1 413")
        assert answer_to(f"GET /healthz {start}\n").startswith("HTTP/1.1 200")
