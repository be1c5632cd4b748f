"""A database of its own for a test that needs several processes: SQLite in the test's folder, or PostgreSQL created and dropped.

Append-only tables cannot be emptied between tests, and what a test's own transaction holds no other process can see. Which of the
two it is, the lane says that the tests run in.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import secrets
from collections.abc import Iterator

import psycopg

from tests.backends import template


@contextlib.contextmanager
def throwaway_database() -> Iterator[str]:
    """Yield the URL of a database of this lane's kind with every table and no row; "" is the embedded default."""
    server = os.environ.get("COUNTERSIGN_TEST_DATABASE_URL", "")
    if not server.startswith("postgres"):
        yield ""
        return
    name = _new_name()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{_migrated(server)}"')
        try:
            yield _url(server, name)
        finally:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@functools.cache
def _migrated(server: str) -> str:
    """Return the name of a database with every table and no row: the lane's, else one that is made once in a test process."""
    if named := os.environ.get("COUNTERSIGN_TEST_TEMPLATE"):
        return named
    making = contextlib.ExitStack()
    atexit.register(making.close)
    return making.enter_context(template(server))


def _new_name() -> str:
    return f"countersign_throwaway_{secrets.token_hex(6)}"


def _url(server: str, name: str) -> str:
    return f"{server.rpartition('/')[0]}/{name}"
