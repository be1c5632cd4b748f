"""Migration operations for rows that live: what is set once stays, what identifies stays, and no row is removed or replaced.

Each puts triggers on one table, in SQLite and in PostgreSQL. A migration that rebuilds a table on SQLite drops them and must put
them back (`while_lifted` does); tests/house names the tables without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from ledger.append_only import ForbidChange, install_postgres_function
from ledger.on_table import OnTable


class ForbidRemoval(OnTable):
    """The database refuses DELETE and TRUNCATE on a model's table."""

    def __init__(self, app_label: str, model: str) -> None:
        self.app_label, self.model = app_label, model
        super().__init__(self._install, self._remove)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.app_label, self.model], {}

    def _install(self, apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        table = apps.get_model(self.app_label, self.model)._meta.db_table
        if editor.connection.vendor == "postgresql":
            install_postgres_function(editor)
            for event, level in (("DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
                editor.execute(
                    f'CREATE TRIGGER "{table}_no_{event.lower()}" BEFORE {event} ON "{table}" '
                    f"FOR EACH {level} EXECUTE FUNCTION countersign_append_only()"
                )
            return
        editor.execute(
            f'CREATE TRIGGER "{table}_no_delete" BEFORE DELETE ON "{table}" BEGIN SELECT RAISE(ABORT, \'{table}: rows are kept\'); END'
        )

    def _remove(self, apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        table = apps.get_model(self.app_label, self.model)._meta.db_table
        for event in ("delete", "truncate"):
            _drop(editor, table, f"no_{event}")


class SetOnce(OnTable):
    """The database refuses an UPDATE that changes or clears one of the named columns once it holds something."""

    def __init__(self, app_label: str, model: str, columns: list[str]) -> None:
        self.app_label, self.model, self.columns = app_label, model, columns
        super().__init__(self._install, self._remove)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.app_label, self.model, self.columns], {}

    def _install(self, apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        table = apps.get_model(self.app_label, self.model)._meta.db_table
        postgres = editor.connection.vendor == "postgresql"
        differs = "IS DISTINCT FROM" if postgres else "IS NOT"
        # Text that is not set is empty here, never null.
        changed = " OR ".join(
            f'(OLD."{column}" IS NOT NULL AND CAST(OLD."{column}" AS TEXT) <> \'\' AND OLD."{column}" {differs} NEW."{column}")'
            for column in self.columns
        )
        names = ", ".join(f'"{column}"' for column in self.columns)
        if postgres:
            install_postgres_function(editor)
            editor.execute(
                f'CREATE TRIGGER "{table}_set_once" BEFORE UPDATE OF {names} ON "{table}" '
                f"FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION countersign_append_only()"
            )
            return
        editor.execute(
            f'CREATE TRIGGER "{table}_set_once" BEFORE UPDATE OF {names} ON "{table}" WHEN {changed} '
            f"BEGIN SELECT RAISE(ABORT, '{table}: what was filled in stays'); END"
        )

    def _remove(self, apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        _drop(editor, apps.get_model(self.app_label, self.model)._meta.db_table, "set_once")


class ForbidReplacement(OnTable):
    """SQLite refuses an INSERT whose key is taken, also INSERT OR REPLACE on a connection without recursive_triggers.

    Not for tables that our acts fill with INSERT OR IGNORE, which this would refuse too. PostgreSQL has no such statement.
    """

    def __init__(self, app_label: str, model: str) -> None:
        self.app_label, self.model = app_label, model
        super().__init__(self._install, self._remove)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.app_label, self.model], {}

    def _install(self, apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor != "sqlite":
            return
        meta = apps.get_model(self.app_label, self.model)._meta
        taken = key_taken(editor.connection, meta.db_table, meta.pk.column)
        editor.execute(
            f'CREATE TRIGGER "{meta.db_table}_no_replace" BEFORE INSERT ON "{meta.db_table}" WHEN {taken} '
            f"BEGIN SELECT RAISE(ABORT, '{meta.db_table}: this key is taken'); END"
        )

    def _remove(self, apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "sqlite":
            _drop(editor, apps.get_model(self.app_label, self.model)._meta.db_table, "no_replace")


class AllowChange(ForbidChange):
    """Take the triggers of `ForbidChange` away again."""

    def __init__(self, app_label: str, model: str) -> None:
        super().__init__(app_label, model)
        OnTable.__init__(self, self._remove, self._install)


class Lift(OnTable):
    """Take a guard away: one of the operations of this module, or `ForbidChange` or `FreezeColumns`. Going back puts it there again."""

    def __init__(self, guard: Any) -> None:
        self.guard = guard
        super().__init__(guard.reverse_code, guard.code)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.guard], {}


def while_lifted(guards: Sequence[Any], operations: Sequence[Any]) -> list[Any]:
    """Return `operations` on guarded tables between the operations that lift the guards and those that put them back."""
    return [*(Lift(guard) for guard in reversed(guards)), *operations, *guards]


def key_taken(connection: BaseDatabaseWrapper, table: str, pk: str) -> str:
    """Return the SQLite condition under which a NEW row would push an old one out: its primary key or any unique index."""
    keys = [([pk], "")]
    with connection.cursor() as cursor:
        cursor.execute(f'PRAGMA index_list("{table}")')
        indexes = sorted(str(row[1]) for row in cursor.fetchall() if row[2])
        for index in indexes:
            cursor.execute(f'PRAGMA index_info("{index}")')
            columns = [str(row[2]) for row in cursor.fetchall()]
            cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [index])
            _, _, condition = (cursor.fetchone()[0] or "").partition(" WHERE ")
            if (columns, condition) not in keys:
                keys.append((columns, condition))
    tests = []
    for columns, condition in keys:
        same = " AND ".join(f'"{column}" = NEW."{column}"' for column in columns)
        tests.append(f'EXISTS (SELECT 1 FROM "{table}" WHERE {same}{f" AND ({condition})" if condition else ""})')  # noqa: S608
    return " OR ".join(tests)


def _drop(editor: BaseDatabaseSchemaEditor, table: str, suffix: str) -> None:
    on_table = f' ON "{table}"' if editor.connection.vendor == "postgresql" else ""
    editor.execute(f'DROP TRIGGER IF EXISTS "{table}_{suffix}"{on_table}')
