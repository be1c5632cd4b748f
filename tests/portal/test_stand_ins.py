"""Without demo and DEBUG, a development stand-in anywhere in the settings stops the start; and the compose file's settings pass every check."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings as django_settings

from portal.stand_ins import STAND_INS, check_no_stand_in_is_set
from tests.live import ROOT

STRONG = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", "django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def production(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings.DEMO = settings.DEBUG = False
    settings.PASSWORD_HASHERS = STRONG
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.SECRET_KEY = "a key that somebody made for this portal alone"
    monkeypatch.delenv("OAUTHLIB_INSECURE_TRANSPORT", raising=False)
    return settings


def found() -> list[str]:
    messages = check_no_stand_in_is_set()
    assert all(message.hint and message.id == "portal.E007" for message in messages)
    return [str(message.msg) for message in messages]


def test_nothing_is_said_about_good_settings(production: Any) -> None:
    assert found() == []


@pytest.mark.parametrize("stand_in", sorted(STAND_INS))
def test_finds_each_however_deep_it_stands(production: Any, stand_in: str) -> None:
    production.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "OPTIONS": {"inner": [{"x": (stand_in,)}]}}}
    assert [sentence for sentence in found() if stand_in in sentence and "CACHES" in sentence]


def test_finds_classes_that_say_so_by_their_name(production: Any) -> None:
    production.MIDDLEWARE = [*django_settings.MIDDLEWARE, "somewhere.InsecureEverybodyIsAlice"]
    assert len(found()) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN", True), ("ACCOUNT_RATE_LIMITS", False), ("SESSION_COOKIE_HTTPONLY", False)],
)
def test_finds_switches_that_take_a_check_away(production: Any, name: str, value: bool) -> None:
    setattr(production, name, value)
    assert len(found()) == 1


def test_finds_a_weak_hasher_only_where_it_makes_new_passwords(production: Any) -> None:
    production.PASSWORD_HASHERS = STRONG[::-1]
    assert len(found()) == 1


def test_finds_what_the_environment_switches(production: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    assert len(found()) == 1


def test_finds_a_secret_key_made_for_development(production: Any) -> None:
    production.SECRET_KEY = "django-insecure-" + "x" * 40
    assert len(found()) == 1


@pytest.mark.parametrize("name", ["DEMO", "DEBUG"])
def test_demo_and_debug_may_have_them(production: Any, name: str) -> None:
    setattr(production, name, True)
    production.MIDDLEWARE = [*django_settings.MIDDLEWARE, "somewhere.InsecureEverybodyIsAlice"]
    assert found() == []


def environment(folder: Path, **more: str) -> dict[str, str]:
    """The web service's environment from the compose file, with its files in this folder."""
    given = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["web"]["environment"]
    (folder / "secret_key").write_text("a secret key for this test, as long as the one that the manual makes, and longer\n")
    (folder / "database_password").write_text("not asked for here\n")
    filled = {name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(value)).replace("/run/secrets", str(folder)) for name, value in given.items()}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COUNTERSIGN_", "DJANGO_"))}
    chosen = {"COUNTERSIGN_ORIGIN": "https://countersign.example.com", "COUNTERSIGN_VAR_DIR": str(folder / "var")}
    return {**kept, **filled, **chosen, **more}


def manage(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, capture_output=True, text=True, check=False, **more)


@pytest.mark.once
def test_the_compose_settings_pass_the_deployment_check(tmp_path: Path) -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING", env=environment(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.once
@pytest.mark.parametrize("process", ["web", "worker"])
def test_no_process_starts_with_a_stand_in(tmp_path: Path, process: str) -> None:
    done = manage("run", process, env=environment(tmp_path, OAUTHLIB_INSECURE_TRANSPORT="1"), timeout=60)
    assert done.returncode != 0
    assert "portal.E007" in done.stderr
