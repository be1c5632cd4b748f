"""What is written about requests, and what never is. Read from the real handler, as an operator reads it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.core import mail
from django.test import Client

from tests import cast

pytestmark = pytest.mark.django_db
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Everything on the log's own handler from here on, at level INFO."""
    loggers = [logging.getLogger(name) for name in ("", "django", "django.request")]
    levels = [logger.level for logger in loggers]
    handler = next(handler for handler in loggers[0].handlers if handler.name == "out")
    assert isinstance(handler, logging.StreamHandler)
    written = StringIO()
    before = handler.setStream(written)
    for logger in loggers:
        logger.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    handler.setStream(before)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture
def reset_link(settings: Any) -> str:
    """The path of a link that was mailed to somebody who forgot a password."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    cast.alice()
    Client().post("/accounts/password/reset/", {"email": "alice@payments.example"})
    found = re.search(r"https?://[^/]+(/accounts/password/reset/key/\S+)", mail.outbox[0].body)
    assert found is not None
    return found.group(1)


def key_of(link: str) -> str:
    return link.strip("/").rsplit("-", 1)[-1]


class TestPasswordResetLinks:
    @pytest.mark.parametrize("accept", ["text/html", "application/json"])
    def test_following_one_does_not_write_its_key_down(self, lines: Lines, reset_link: str, accept: str) -> None:
        assert Client().get(reset_link, headers={"Accept": accept}).status_code in (200, 302)
        written = lines()
        assert [line["path"] for line in written if line["event"] == "request"][-1] == "/accounts/<account_reset_password_from_key>"
        assert key_of(reset_link) not in str(written)

    def test_a_form_that_is_not_ours_does_not_either(self, lines: Lines, reset_link: str) -> None:
        response = Client(enforce_csrf_checks=True).post(reset_link, headers={"Accept": "application/json"})
        assert response.status_code == 403
        assert response.json()["instance"] == "/accounts/<account_reset_password_from_key>"
        assert any("Forbidden" in line["event"] for line in lines())
        assert key_of(reset_link) not in str(lines())

    def test_nor_does_one_that_breaks(self, lines: Lines, reset_link: str, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*arguments: object) -> bool:
            raise RuntimeError("broken")

        monkeypatch.setattr(type(default_token_generator), "check_token", broken)
        assert Client(raise_request_exception=False).get(reset_link).status_code == 500
        assert any("Internal Server Error" in line["event"] for line in lines())
        assert key_of(reset_link) not in str(lines())

    def test_nor_does_one_that_is_refused(self, lines: Lines, reset_link: str) -> None:
        assert Client().get(reset_link.rstrip("/") + "%00/").status_code == 400
        assert any(line["event"] == "refused" for line in lines())
        assert key_of(reset_link) not in str(lines())

    def test_nor_does_one_that_leads_nowhere(self, lines: Lines, reset_link: str) -> None:
        assert Client().get(reset_link.replace("/key/", "/keys/")).status_code == 404
        assert any("Not Found" in line["event"] for line in lines())
        assert key_of(reset_link) not in str(lines())


class TestOtherAddresses:
    def test_stand_in_the_log_without_their_query(self, lines: Lines) -> None:
        Client().get("/log/checkpoint?token=secret")
        (line,) = [line for line in lines() if line["event"] == "request"]
        assert (line["method"], line["path"]) == ("GET", "/log/checkpoint")
        assert "secret" not in str(lines())

    def test_django_s_own_lines_name_them(self, lines: Lines) -> None:
        Client().get("/nowhere")
        assert any("/nowhere" in line["event"] for line in lines())

    def test_probes_are_not_written_down(self, lines: Lines) -> None:
        Client().get("/healthz")
        assert not lines()
