"""A database of its own for a test that needs several processes: SQLite in the test's folder, or PostgreSQL created and dropped.

Append-only tables cannot be emptied between tests, and what a test's own transaction holds no other process can see.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator

import psycopg
import pytest

BACKENDS = ("sqlite", "postgresql")
APT_LINE = "apt-get install postgresql"


def server_url() -> str:
    """Return the address of a PostgreSQL server: the configured one, or the standard port of this machine."""
    configured = os.environ.get("COUNTERSIGN_DATABASE_URL", "")
    return (
        configured
        if configured.startswith("postgres")
        else os.environ.get(
            "COUNTERSIGN_TEST_POSTGRESQL",
            "postgresql://postgres@127.0.0.1:5432/postgres",
        )
    )


@contextlib.contextmanager
def throwaway_database(backend: str) -> Iterator[str]:
    """Yield a database URL ("" for the embedded default); skip, or in CI fail, when there is no PostgreSQL."""
    if backend == "sqlite":
        yield ""
        return
    server = server_url()
    try:
        connection = psycopg.connect(server, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        message = f"PostgreSQL does not answer ({str(error).strip().splitlines()[0]}); install it with: {APT_LINE}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message if not shutil.which("pg_ctl") else f"{message} (it is installed but not running)")
    name = f"countersign_throwaway_{secrets.token_hex(6)}"
    with connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{server.rpartition('/')[0]}/{name}"
        finally:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
