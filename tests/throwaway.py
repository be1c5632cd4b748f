"""A database of its own for a test that needs several processes: SQLite in the test's folder, or PostgreSQL created and dropped.

Append-only tables cannot be emptied between tests, and what a test's own transaction holds no other process can see. Which of the
two it is, the lane says that the tests run in.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator

import psycopg


@contextlib.contextmanager
def throwaway_database() -> Iterator[str]:
    """Yield the URL of an empty database of this lane's kind; "" is the embedded default."""
    server = os.environ.get("COUNTERSIGN_TEST_DATABASE_URL", "")
    if not server.startswith("postgres"):
        yield ""
        return
    name = f"countersign_throwaway_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{server.rpartition('/')[0]}/{name}"
        finally:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
