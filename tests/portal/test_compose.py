"""The compose file, without a container engine: its promises are read, and each service's command is started and probed here.

Not shown by this: that the image builds, and that the official database images start with the users and read-only file systems named.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from portal import processes
from portal.demo.instance import Instance
from portal.demo.small_sample import POLICY_FILE
from portal.management.commands.bootstrap import EXAMPLE
from tests.live import ROOT, free_port

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("web", "worker", "beat", "checkpointd")
START_SECONDS = 90


class TestPromises:
    def test_every_process_of_the_portal_has_its_service(self) -> None:
        assert set(SERVICES) == {*processes.NAMES, "prepare", "db", "redis"}

    @pytest.mark.parametrize("name", sorted(SERVICES))
    def test_no_service_runs_as_root_or_writes_its_own_files(self, name: str) -> None:
        service = SERVICES[name]
        assert service["user"] not in ("root", "0", "0:0")
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
        assert "privileged" not in service

    @pytest.mark.parametrize("name", sorted(set(SERVICES) - {"prepare"}))
    def test_every_lasting_service_has_a_health_check_and_is_restarted(self, name: str) -> None:
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
        assert SERVICES[name]["restart"] == "unless-stopped"

    def test_secrets_come_from_files_only(self) -> None:
        assert {secret["file"] for secret in COMPOSE["secrets"].values()} == {"./secrets/secret_key", "./secrets/database_password"}
        for service in SERVICES.values():
            for variable, value in service.get("environment", {}).items():
                assert variable.endswith("_FILE") or not re.search("SECRET|PASSWORD", variable), variable
                assert not re.search(r"://[^/]*:[^/]*@", str(value)), variable
        for name in OURS:
            assert {"secret_key", "database_password"} <= set(SERVICES[name]["secrets"])

    def test_only_the_signer_reaches_the_log_key(self) -> None:
        reaching = {
            name for name, service in SERVICES.items() if any(volume.startswith("log-keys:") for volume in service.get("volumes", []))
        }
        assert reaching == {"checkpointd", "prepare"}

    def test_only_web_can_be_reached_from_outside(self) -> None:
        assert {name for name, service in SERVICES.items() if service.get("ports")} == {"web"}
        assert SERVICES["web"]["ports"] == ["127.0.0.1:8000:8000"]
        assert COMPOSE["networks"]["inside"]["internal"] is True
        assert {name for name, service in SERVICES.items() if "outside" in service["networks"]} == {"web"}

    def test_everything_waits_for_the_tables(self) -> None:
        for name in OURS:
            assert SERVICES[name]["depends_on"]["prepare"]["condition"] == "service_completed_successfully"
            assert SERVICES[name]["depends_on"]["db"]["condition"] == "service_healthy"

    def test_nothing_starts_without_the_address(self) -> None:
        assert SERVICES["web"]["environment"]["COUNTERSIGN_ORIGIN"].startswith("${COUNTERSIGN_ORIGIN:?")
        assert ".env" in (ROOT / "docker-compose.yml").read_text().split("name:")[0]

    def test_the_settings_it_gives_exist(self) -> None:
        documented = set(re.findall(r"COUNTERSIGN_[A-Z_]+", (ROOT / "docs" / "settings.md").read_text()))
        given = {name for name in SERVICES["web"]["environment"] if name.startswith("COUNTERSIGN_")}
        given |= set(re.findall(r"COUNTERSIGN_[A-Z_]+", (ROOT / "Dockerfile").read_text()))
        assert {name.removesuffix("_FILE") if name not in documented else name for name in given} <= documented

    def test_the_image_runs_as_a_user_of_its_own_from_hashed_packages(self) -> None:
        dockerfile = (ROOT / "Dockerfile").read_text()
        assert re.findall(r"^USER (.*)$", dockerfile, re.MULTILINE) == ["10001:10001"]
        assert "--require-hashes" in dockerfile
        assert "secrets" in (ROOT / ".dockerignore").read_text().splitlines()


@pytest.fixture
def stack(tmp_path: Path) -> Any:
    """Yield the web service's environment, with its host names mapped to what answers on loopback and its files to this test's folder."""
    server, broker = os.environ.get("COUNTERSIGN_TEST_DATABASE_URL"), os.environ.get("COUNTERSIGN_TEST_BROKER_URL")
    if not server or not broker:
        pytest.skip("needs PostgreSQL and Redis; the second lane of `manage.py test` has them")
    database = f"countersign_compose_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{database}"')
    (tmp_path / "secret_key").write_text("a secret key for this test, long enough\n")
    (tmp_path / "database_password").write_text("not asked for on loopback\n")
    image = dict(re.findall(r"(COUNTERSIGN_[A-Z_]+)=(/(?:keys|log-keys|tmp)/\S*)", (ROOT / "Dockerfile").read_text()))
    given = {**image, **{name: str(value) for name, value in SERVICES["web"]["environment"].items()}}
    port = free_port()
    mapped = {name: value.replace("/run/secrets", str(tmp_path)) for name, value in given.items()}
    mapped |= {
        name: str(tmp_path) + value
        for name, value in mapped.items()
        if value.startswith(("/keys", "/log-keys", "/tmp/countersign", "/tmp/heart"))
    }
    mapped |= {
        "COUNTERSIGN_ORIGIN": f"http://localhost:{port}",
        "COUNTERSIGN_PORT": str(port),
        "COUNTERSIGN_DATABASE_URL": server.rsplit("/", 1)[0] + f"/{database}",
        "COUNTERSIGN_BROKER_URL": broker,
        "COUNTERSIGN_STATIC_DIR": str(tmp_path / "collected"),
        "COUNTERSIGN_TRUSTED_PROXIES": "1",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("COUNTERSIGN_", "DJANGO_"))}
    yield {**inherited, **mapped}
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{database}" WITH (FORCE)')


def run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(here(command), cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def here(command: list[str]) -> list[str]:
    assert command[0] == "python"
    return [sys.executable, *("127.0.0.1" if word == "0.0.0.0" else word for word in command[1:])]


@pytest.mark.slow
def test_every_command_starts_and_its_health_check_agrees(stack: dict[str, str], tmp_path: Path) -> None:
    run(["python", "manage.py", "collectstatic", "--no-input", "-v0"], stack)
    prepared = run(SERVICES["prepare"]["command"], stack)
    assert prepared.returncode == 0, prepared.stderr
    begin_as_documented(stack, tmp_path)
    with contextlib.ExitStack() as started:
        for name in OURS:
            health = SERVICES[name]["healthcheck"]["test"][1:]
            assert run(health, stack).returncode == 1, f"{name} is not running yet"
            log = started.enter_context((tmp_path / f"{name}.log").open("wb"))
            process = subprocess.Popen(here(SERVICES[name]["command"]), cwd=ROOT, env=stack, stdout=log, stderr=log, start_new_session=True)
            started.callback(end, process)
            deadline = time.monotonic() + START_SECONDS
            while (checked := run(health, stack)).returncode:
                said = (tmp_path / f"{name}.log").read_text()
                assert process.poll() is None, f"{name} ended: {said}"
                assert time.monotonic() < deadline, f"{name}: {checked.stderr}\n{said}"
                time.sleep(0.5)


def begin_as_documented(environment: dict[str, str], folder: Path) -> None:
    """Run the manual's bootstrap line: its service has the volumes with the keys, its mount everything that setup.yaml names."""
    line = next(line for line in (ROOT / "docs" / "operators.md").read_text().splitlines() if "docker compose run" in line)
    words = shlex.split(line.strip())
    source, target, mode = words[words.index("-v") + 1].split(":")
    service, command = words[words.index("-v") + 2], words[words.index("-v") + 3 :]
    assert mode == "ro"
    assert {"keys:/keys", "log-keys:/log-keys"} <= set(SERVICES[service]["volumes"])
    setup = folder / Path(source).name
    setup.mkdir()
    (setup / "policy.yaml").write_text(POLICY_FILE.read_text())
    (setup / "trusted_root.json").write_bytes(Instance(datetime.now(UTC)).trusted_root())
    (setup / "dave.password").write_text("a password for this test only\n")
    (setup / "setup.yaml").write_text(EXAMPLE.split("\n", 2)[2].split("\nWithout")[0])
    done = run([word.replace(target, str(setup), 1) if word.startswith(target) else word for word in command], environment)
    assert done.returncode == 0, done.stderr
    assert "is in force for" in done.stdout


def end(process: subprocess.Popen[bytes]) -> None:
    """End a service as its container engine would; what does not go is killed, with all it started."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
