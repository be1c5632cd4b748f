"""Rows of the tests' database as they are stored: read, compared, and put back. For `tests.retell`."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from django.db import connection

Row = tuple[Any, ...]
Rows = tuple[Row, ...]
Tables = dict[str, Rows]
# When somebody signed in stands beside every story.
UNREAD = frozenset({("identities_user", "last_login")})


@dataclass(frozen=True)
class Change:
    """What happened to one table: rows that are new, columns of rows that are otherwise now, and keys of rows that went."""

    table: str
    added: tuple[Row, ...]
    changed: tuple[tuple[tuple[str, ...], Row], ...]
    removed: tuple[Any, ...]


@dataclass(frozen=True)
class Columns:
    """A table's columns with their types, and the place of its primary key among them."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    key: int


def table_names() -> list[str]:
    """Return every table that models and migrations made."""
    with connection.cursor() as cursor:
        return sorted(connection.introspection.table_names(cursor))


def count_rows(tables: Tables) -> tuple[int, ...]:
    """Return how many rows each of these tables holds."""
    return tuple(_ask("SELECT " + ", ".join(f'(SELECT count(*) FROM "{name}")' for name in tables))[0])


def read_rows(table: str, known: Rows = ()) -> Rows:
    """Return a table's rows as they are stored, in the order they were written; those that are in `known` are not held twice."""
    same = {row: row for row in known}
    columns = _columns(table)
    # What is no plain column comes as it is stored: SQLite's adapter leaves it alone, PostgreSQL writes it as text.
    asked = ", ".join(
        "NULL" if (table, name) in UNREAD else f'"{name}"::text' if _on_postgresql() else f'+"{name}"' for name in columns.names
    )
    rows = _ask(f'SELECT {asked} FROM "{table}" ORDER BY {"ctid" if _on_postgresql() else "rowid"}')
    return tuple(same.get(row, row) for row in rows)


def difference(table: str, before: Rows, after: Rows) -> Change | None:
    """Return what leads from one to the other, or None when that is nothing."""
    columns = _columns(table)
    old, new = ({row[columns.key]: row for row in rows} for rows in (before, after))
    changed = []
    for key, row in new.items():
        if key in old and row != old[key]:
            places = [place for place in range(len(row)) if row[place] != old[key][place]]
            changed.append((tuple(columns.names[place] for place in places), (*(row[place] for place in places), key)))
    added = tuple(row for key, row in new.items() if key not in old)
    removed = tuple(key for key in old if key not in new)
    return Change(table, added, tuple(changed), removed) if added or changed or removed else None


def put_back(changes: list[Change]) -> None:
    """Make these changes, past Django: nobody who watches statements sees them."""
    with connection.connection.cursor() if _on_postgresql() else _Plain(connection.connection) as cursor:
        for change in changes:
            columns = _columns(change.table)
            type_of = dict(zip(columns.names, columns.types, strict=True))
            key = columns.names[columns.key]
            if change.added:
                one = "(" + ", ".join(_place(each) for each in columns.types) + ")"
                names = ", ".join(f'"{name}"' for name in columns.names)
                # SQLite takes so many values in one statement, and no more.
                at_once = max(1, 30_000 // len(columns.names))
                for first in range(0, len(change.added), at_once):
                    rows = change.added[first : first + at_once]
                    values = ", ".join([one] * len(rows))
                    cursor.execute(f'INSERT INTO "{change.table}" ({names}) VALUES {values}', [value for row in rows for value in row])
            for names_changed, row in change.changed:
                set_to = ", ".join(f'"{name}" = {_place(type_of[name])}' for name in names_changed)
                cursor.execute(f'UPDATE "{change.table}" SET {set_to} WHERE "{key}" = {_place(type_of[key])}', row)
            for gone in change.removed:
                cursor.execute(f'DELETE FROM "{change.table}" WHERE "{key}" = {_place(type_of[key])}', [gone])


class _Plain:
    """SQLite's own cursor, closed at the end."""

    def __init__(self, driver: Any) -> None:
        self.cursor = driver.cursor()

    def __enter__(self) -> Any:
        return self.cursor

    def __exit__(self, *_: object) -> None:
        self.cursor.close()


def _ask(sql: str) -> list[Row]:
    with connection.connection.cursor() if _on_postgresql() else _Plain(connection.connection) as cursor:
        return [tuple(row) for row in cursor.execute(sql).fetchall()]


@functools.cache
def _columns(table: str) -> Columns:
    if _on_postgresql():
        found = _ask(
            "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), "
            "EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY (i.indkey)) "
            f"FROM pg_attribute a WHERE a.attrelid = '\"{table}\"'::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum"
        )
    else:
        found = [(row[1], row[2], row[5] == 1) for row in _ask(f'PRAGMA table_info("{table}")')]
    keys = [place for place, row in enumerate(found) if row[2]]
    assert len(keys) == 1, f"{table} has {len(keys)} primary key columns, expected one"
    return Columns(tuple(row[0] for row in found), tuple(row[1] for row in found), keys[0])


def _place(type_name: str) -> str:
    return f"%s::{type_name}" if _on_postgresql() else "?"


def _on_postgresql() -> bool:
    return connection.vendor == "postgresql"
