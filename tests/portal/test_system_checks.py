"""Contradictions between settings are explained, and development stand-ins refused where they do not belong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage
from django.db import connection

from portal import system_checks as checks

SAFE = {
    "ORIGIN": "https://countersign.example.com",
    "RP_ID": "countersign.example.com",
    "ALLOWED_HOSTS": ["countersign.example.com"],
    "DEMO": False,
}


@pytest.fixture
def public(settings: Any) -> Any:
    for name, value in SAFE.items():
        setattr(settings, name, value)
    return settings


def ids(messages: list[CheckMessage]) -> list[str | None]:
    assert all(message.hint for message in messages)
    return [message.id for message in messages]


def test_nothing_is_said_about_good_settings(public: Any) -> None:
    every = [checks.check_origin, checks.check_stand_ins, checks.check_log_origin, checks.check_secret, checks.check_backends]
    assert [message for check in every for message in check()] == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ORIGIN": "https://192.0.2.7", "RP_ID": "192.0.2.7", "ALLOWED_HOSTS": ["192.0.2.7"]}, "portal.E001"),
        ({"ORIGIN": "http://countersign.example.com"}, "portal.E002"),
        ({"RP_ID": "example.org"}, "portal.E003"),
        ({"RP_ID": "sign.example.com"}, "portal.E003"),
        ({"ALLOWED_HOSTS": ["other.example.com"]}, "portal.E004"),
    ],
)
def test_explains_an_address_passkeys_do_not_work_on(public: Any, changes: dict[str, Any], expected: str) -> None:
    for name, value in changes.items():
        setattr(public, name, value)
    assert ids(checks.check_origin()) == [expected]


def test_takes_a_parent_domain_and_localhost(public: Any) -> None:
    public.RP_ID = "example.com"
    assert checks.check_origin() == []
    public.ORIGIN, public.RP_ID, public.ALLOWED_HOSTS = "http://localhost:8000", "localhost", ["localhost"]
    assert checks.check_origin() == []


@pytest.mark.parametrize(("name", "expected"), [("DEMO", "portal.E005"), ("DEBUG", "portal.E006")])
def test_keeps_stand_ins_off_public_addresses(public: Any, name: str, expected: str) -> None:
    setattr(public, name, True)
    assert ids(checks.check_stand_ins()) == [expected]


@pytest.mark.parametrize("name", ["", "my log", "a+b", "https://a.example/log", "log "])
def test_refuses_a_log_name_that_does_not_fit_a_checkpoint(settings: Any, name: str) -> None:
    settings.LOG_ORIGIN = name
    assert ids(checks.check_log_origin()) == ["portal.E008"]


def test_refuses_keys_everybody_can_read(settings: Any, tmp_path: Path) -> None:
    settings.RECORDER_KEY_FILE, settings.LOG_KEY_FILE = tmp_path / "recorder.pem", tmp_path / "log.pem"
    (tmp_path / "recorder.pem").touch(0o600)
    assert checks.check_key_files() == []
    (tmp_path / "recorder.pem").chmod(0o644)
    assert ids(checks.check_key_files()) == ["portal.E009"]


def test_refuses_one_key_for_two_duties(settings: Any, tmp_path: Path) -> None:
    settings.RECORDER_KEY_FILE = settings.LOG_KEY_FILE = tmp_path / "key.pem"
    assert ids(checks.check_key_files()) == ["portal.E010"]


def test_refuses_a_short_secret_key(settings: Any) -> None:
    settings.SECRET_KEY = "short"
    assert ids(checks.check_secret()) == ["portal.E011"]


@pytest.mark.django_db
def test_the_database_keeps_what_it_acknowledged() -> None:
    assert checks.check_durability(databases=["default"]) == []


@pytest.mark.django_db
@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="a setting of SQLite")
def test_sqlite_must_not_let_replace_past_the_triggers() -> None:
    assert checks.check_durability(databases=["default"]) == []
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA recursive_triggers=OFF")
    try:
        assert ids(checks.check_durability(databases=["default"])) == ["portal.E016"]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA recursive_triggers=ON")
