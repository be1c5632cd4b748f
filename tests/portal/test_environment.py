"""Settings readers take what is right and refuse the rest with a sentence that says how to mend it."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings

from portal import environment as env
from portal.environment import BadSetting


def given(**values: str) -> dict[str, str]:
    return {f"COUNTERSIGN_{name}": value for name, value in values.items()}


class TestBool:
    @pytest.mark.parametrize(("word", "meant"), [("yes", True), ("TRUE", True), ("1", True), ("off", False), ("No", False), ("0", False)])
    def test_knows_the_usual_words(self, word: str, meant: bool) -> None:
        assert env.env_bool("DEBUG", not meant, environ=given(DEBUG=word)) is meant

    def test_is_the_default_when_unset_or_empty(self) -> None:
        assert env.env_bool("DEBUG", True, environ={}) is True
        assert env.env_bool("DEBUG", True, environ=given(DEBUG="")) is True

    def test_refuses_a_typing_error(self) -> None:
        with pytest.raises(BadSetting, match="COUNTERSIGN_DEBUG is 'flase'; write one of 1, true"):
            env.env_bool("DEBUG", True, environ=given(DEBUG="flase"))


class TestInt:
    def test_reads_a_number(self) -> None:
        assert env.env_int("BATCH_SIZE", 20, least=1, most=100, environ=given(BATCH_SIZE="7")) == 7

    @pytest.mark.parametrize("word", ["0", "101", "-1", "1.5", "many", "٣", "9" * 5000])
    def test_refuses_what_is_no_number_in_range(self, word: str) -> None:
        with pytest.raises(BadSetting, match="write a whole number from 1 to 100"):
            env.env_int("BATCH_SIZE", 20, least=1, most=100, environ=given(BATCH_SIZE=word))


class TestSecret:
    def test_reads_the_file(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_text("hush\n")
        assert env.env_secret("SECRET_KEY", "", environ=given(SECRET_KEY_FILE=str(tmp_path / "key"))) == "hush"

    def test_refuses_both_the_value_and_the_file(self, tmp_path: Path) -> None:
        with pytest.raises(BadSetting, match="are both set; keep one"):
            env.env_secret("SECRET_KEY", "", environ=given(SECRET_KEY="a", SECRET_KEY_FILE=str(tmp_path)))

    def test_refuses_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(BadSetting, match="cannot be read"):
            env.env_secret("SECRET_KEY", "", environ=given(SECRET_KEY_FILE=str(tmp_path / "absent")))

    def test_refuses_an_empty_file(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_text(" \n")
        with pytest.raises(BadSetting, match="is empty"):
            env.env_secret("SECRET_KEY", "", environ=given(SECRET_KEY_FILE=str(tmp_path / "key")))


class TestOrigin:
    @pytest.mark.parametrize("origin", ["http://localhost:8000", "https://countersign.example.com", "https://a.example:8443"])
    def test_takes_scheme_host_and_port(self, origin: str) -> None:
        assert env.env_origin("ORIGIN", "", environ=given(ORIGIN=origin)) == origin

    @pytest.mark.parametrize(
        "origin",
        ["countersign.example.com", "https://a.example/", "https://a.example/x", "ftp://a.example", "https://", "https://A.example"]
        + ["https://u@a.example", "https://a.example:0", "https://a.example:99999", "https://a.example:x", "https://a.example?q"],
    )
    def test_refuses_everything_else(self, origin: str) -> None:
        with pytest.raises(BadSetting, match="COUNTERSIGN_ORIGIN is .*write scheme and host"):
            env.env_origin("ORIGIN", "", environ=given(ORIGIN=origin))


class TestPathAndUrl:
    def test_refuses_a_relative_path(self) -> None:
        with pytest.raises(BadSetting, match="write an absolute path"):
            env.env_path("VAR_DIR", Path("/srv"), environ=given(VAR_DIR="var"))

    def test_refuses_another_scheme_without_repeating_the_password(self) -> None:
        with pytest.raises(BadSetting) as refused:
            env.env_url("BROKER_URL", "", schemes=("redis",), environ=given(BROKER_URL="amqp://me:hush@mq/"))
        assert "must start with one of redis://" in str(refused.value)
        assert "hush" not in str(refused.value)


class TestDatabaseUrl:
    def test_reads_postgresql(self) -> None:
        found = env.parse_database_url("postgresql://me:p%40ss@db:5433/portal?sslmode=verify-full")
        assert (found["ENGINE"], found["NAME"], found["USER"], found["PASSWORD"]) == (
            "django.db.backends.postgresql",
            "portal",
            "me",
            "p@ss",
        )
        assert (found["HOST"], found["PORT"]) == ("db", "5433")
        assert found["OPTIONS"] == {"connect_timeout": 10, "options": "-c synchronous_commit=on", "sslmode": "verify-full"}

    def test_takes_the_password_from_its_own_setting(self) -> None:
        assert env.parse_database_url("postgresql://me@db/portal", password="hush")["PASSWORD"] == "hush"

    def test_reads_sqlite_with_locks_taken_early_and_every_commit_synced(self) -> None:
        found = env.parse_database_url("sqlite:////srv/portal.sqlite3")
        assert found["NAME"] == "/srv/portal.sqlite3"
        assert found["OPTIONS"]["transaction_mode"] == "IMMEDIATE"  # type: ignore[index]
        assert "synchronous=FULL" in found["OPTIONS"]["init_command"]  # type: ignore[index]

    @pytest.mark.parametrize(
        "url", ["postgresql://db/", "postgresql://db/a/b", "postgresql://db:port/a", "sqlite://srv/x", "sqlite:///", "mysql://db/a"]
    )
    def test_refuses_what_names_no_database(self, url: str) -> None:
        with pytest.raises(BadSetting, match="COUNTERSIGN_DATABASE_URL"):
            env.parse_database_url(url)


class TestLocalSecret:
    def test_is_made_once_and_only_for_us(self, tmp_path: Path) -> None:
        first = env.local_secret(tmp_path / "var" / "secret_key")
        assert len(first) >= 48
        assert env.local_secret(tmp_path / "var" / "secret_key") == first
        assert (tmp_path / "var" / "secret_key").stat().st_mode & 0o077 == 0

    def test_processes_that_start_together_agree(self, tmp_path: Path) -> None:
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda _: env.local_secret(tmp_path / "secret_key"), range(32)))
        assert len(set(made)) == 1
        assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("COUNTERSIGN_DEBUG", "perhaps", "COUNTERSIGN_DEBUG is 'perhaps'"),
        ("COUNTERSIGN_LEASE_SECONDS", "soon", "write a whole number from 1 to 3600"),
        ("COUNTERSIGN_LOG_LEVEL", "LOUD", "write one of DEBUG, INFO, WARNING, ERROR"),
        ("COUNTERSIGN_DATABASE_URL", "oracle://x", "it must start with one of sqlite://"),
    ],
)
def test_a_wrong_value_stops_the_start_with_a_sentence(tmp_path: Path, name: str, value: str, sentence: str) -> None:
    environment = {**os.environ, "COUNTERSIGN_VAR_DIR": str(tmp_path), name: value}
    started = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False
    )
    assert started.returncode == 1
    assert sentence in started.stderr
    assert "Traceback" not in started.stderr
