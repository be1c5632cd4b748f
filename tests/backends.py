"""Real PostgreSQL and Redis for the tests: what is named, else what answers on the usual loopback port, else the installed binaries.

Never touches data that is there: PostgreSQL tests make databases of their own, and a Redis that answers is used only through an empty
numbered database of it.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import redis

ROOT = Path(__file__).resolve().parent.parent
APT_LINE = "apt-get install -y postgresql redis-server"
START_SECONDS = 30
PORTS = {"postgresql": 5432, "redis": 6379}


class Missing(Exception):
    """A backend is neither running nor installed; the message names the apt line."""


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """Yield the URL of a server on which databases may be created."""
    if named := os.environ.get("COUNTERSIGN_TEST_DATABASE_URL"):
        yield named
    elif running := _running_postgresql():
        yield running
    else:
        with _started_postgresql() as url:
            yield url


@contextlib.contextmanager
def broker() -> Iterator[str]:
    """Yield the URL of an empty Redis database; it is empty again afterwards."""
    if named := os.environ.get("COUNTERSIGN_TEST_BROKER_URL"):
        yield named
    elif running := _running_redis():
        try:
            yield running
        finally:
            with redis.Redis.from_url(running) as client:
                client.flushdb()
    else:
        with _started_redis() as url:
            yield url


@contextlib.contextmanager
def template(server: str) -> Iterator[str]:
    """Yield the name of a new database on the server with every table and no row, to be copied by name; it is dropped afterwards."""
    name = f"countersign_template_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            migrate({"COUNTERSIGN_DATABASE_URL": f"{server.rpartition('/')[0]}/{name}"})
            yield name
        finally:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def migrate(chosen: dict[str, str]) -> None:
    """Make the tables in the database that these COUNTERSIGN_* values name."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
    with tempfile.TemporaryDirectory(prefix="countersign-migrate-") as folder:
        environment = inherited | {"COUNTERSIGN_VAR_DIR": folder} | chosen
        command = [sys.executable, str(ROOT / "manage.py"), "migrate", "-v0", "--skip-checks"]
        subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def _running_postgresql() -> str | None:
    for user in dict.fromkeys(("postgres", pwd.getpwuid(os.geteuid()).pw_name)):
        url = f"postgresql://{user}@127.0.0.1:{PORTS['postgresql']}/postgres"
        with contextlib.suppress(psycopg.Error), psycopg.connect(url, connect_timeout=3) as connection:
            row = connection.execute("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
            if row and row[0] and connection.info.server_version >= 150000:
                return url
    return None


def _running_redis() -> str | None:
    address = f"redis://127.0.0.1:{PORTS['redis']}"
    for number in range(15, 0, -1):
        with contextlib.suppress(redis.RedisError), redis.Redis.from_url(f"{address}/{number}", socket_timeout=3) as client:
            if client.dbsize() == 0:
                return f"{address}/{number}"
    return None


@contextlib.contextmanager
def _started_postgresql() -> Iterator[str]:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    found = str(folders[-1]) if folders else os.path.dirname(shutil.which("initdb") or "")
    if not found:
        raise Missing(f"PostgreSQL does not answer on port {PORTS['postgresql']} and is not installed: {APT_LINE}")
    folder, port, prefix = tempfile.mkdtemp(prefix="countersign-postgresql-"), _free_port(), []
    if os.geteuid() == 0:
        # The server refuses to run as root.
        shutil.chown(folder, "postgres")
        prefix = ["runuser", "-u", "postgres", "--"]

    def run(*command: str) -> None:
        subprocess.run([*prefix, *command], check=True, stdout=subprocess.DEVNULL, cwd="/")

    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c fsync=off -c full_page_writes=off"
    try:
        run(f"{found}/initdb", "-D", f"{folder}/data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync", "--no-instructions")
        run(f"{found}/pg_ctl", "-D", f"{folder}/data", "-w", "-l", f"{folder}/log", "-o", options, "start")
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            run(f"{found}/pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _started_redis() -> Iterator[str]:
    binary = shutil.which("redis-server")
    if binary is None:
        raise Missing(f"Redis does not answer on port {PORTS['redis']} and is not installed: {APT_LINE}")
    port = _free_port()
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with tempfile.TemporaryDirectory(prefix="countersign-redis-") as folder:
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
        try:
            _wait_for(port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()
            process.wait(10)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
            return
        time.sleep(0.05)
    raise Missing(f"nothing answers on port {port} after {START_SECONDS} seconds")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
