"""What no door could read is refused at the front, with the status of a refusal and not of a bug."""

from __future__ import annotations

import pytest
from allauth.core.context import request_context
from django.conf import settings
from django.test import Client, RequestFactory
from django.utils.module_loading import import_string

from identities.models import SigningKey
from tests import cast

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
