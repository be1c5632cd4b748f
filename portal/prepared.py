"""Answers whether there is a portal behind these settings: a database with every migration.

Only reads, and makes no SQLite file where there is none. Does not look at keys.
"""

from __future__ import annotations

from pathlib import Path

from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def count_missing_migrations() -> int:
    """Return how many migrations the database lacks. Raises Django's DatabaseError when it does not answer."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def has_no_database_file() -> bool:
    """Return whether the database is a SQLite file that is not there: connecting would make an empty one."""
    if connection.vendor != "sqlite":
        return False
    name = str(connection.settings_dict["NAME"])
    return name != ":memory:" and not name.startswith("file:") and not Path(name).exists()
