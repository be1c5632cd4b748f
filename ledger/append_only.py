"""Tables whose rows never change: refused by the model, and by triggers in both databases.

The triggers are put there by the migration operations `ForbidChange` (whole row) and `FreezeColumns` (named columns), and by those
in `ledger.guard_rows`. On SQLite, INSERT OR REPLACE removes a row without asking the DELETE trigger unless the connection has
recursive_triggers on, which ours have; `ForbidReplacement` refuses it on any other. A database superuser can drop a trigger; the Merkle log is what makes that visible.
"""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from ledger.on_table import OnTable


class AppendOnlyError(RuntimeError):
    """Our own code tried to change what must not change: a bug, never a user's mistake."""


class AppendOnlyQuerySet(models.QuerySet):
    """A QuerySet that can read and create, and nothing else."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError(f"{self.model.__name__} is append-only")

    def delete(self) -> NoReturn:
        raise AppendOnlyError(f"{self.model.__name__} is append-only")

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError(f"{self.model.__name__} is append-only")


class AppendOnly(models.Model):
    """Base of the tables that hold evidence, signatures and decisions."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError(f"{type(self).__name__} is append-only")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError(f"{type(self).__name__} is append-only")


class ForbidChange(OnTable):
    """Migration operation: the database itself refuses UPDATE, DELETE and TRUNCATE on a model's table."""

    def __init__(self, app_label: str, model: str) -> None:
        self.app_label, self.model = app_label, model
        super().__init__(self._install, self._remove)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.app_label, self.model], {}

    def _install(self, apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        table = apps.get_model(self.app_label, self.model)._meta.db_table
        if editor.connection.vendor == "postgresql":
            install_postgres_function(editor)
            for event, level in (("UPDATE", "ROW"), ("DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
                editor.execute(
                    f'CREATE TRIGGER "{table}_no_{event.lower()}" BEFORE {event} ON "{table}" '
                    f"FOR EACH {level} EXECUTE FUNCTION countersign_append_only()"
                )
            return
        for event in ("UPDATE", "DELETE"):
            editor.execute(
                f'CREATE TRIGGER "{table}_no_{event.lower()}" BEFORE {event} ON "{table}" '
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )

    def _remove(self, apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        table = apps.get_model(self.app_label, self.model)._meta.db_table
        events = ("update", "delete", "truncate") if editor.connection.vendor == "postgresql" else ("update", "delete")
        for event in events:
            on_table = f' ON "{table}"' if editor.connection.vendor == "postgresql" else ""
            editor.execute(f'DROP TRIGGER IF EXISTS "{table}_no_{event}"{on_table}')


class FreezeColumns(OnTable):
    """Migration operation: the database refuses an UPDATE that changes one of the named columns."""

    def __init__(self, app_label: str, model: str, columns: list[str], trigger: str = "frozen") -> None:
        # A table that is given a second list gets a second trigger: the first stays as it was installed.
        self.app_label, self.model, self.columns, self.trigger = app_label, model, columns, trigger
        super().__init__(self._install, self._remove)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.app_label, self.model, self.columns, self.trigger], {}

    def _install(self, apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        table = apps.get_model(self.app_label, self.model)._meta.db_table
        names = ", ".join(f'"{column}"' for column in self.columns)
        postgres = editor.connection.vendor == "postgresql"
        differs = " OR ".join(
            f'OLD."{column}" IS DISTINCT FROM NEW."{column}"' if postgres else f'OLD."{column}" IS NOT NEW."{column}"'
            for column in self.columns
        )
        if postgres:
            install_postgres_function(editor)
            editor.execute(
                f'CREATE TRIGGER "{table}_{self.trigger}" BEFORE UPDATE OF {names} ON "{table}" '
                f"FOR EACH ROW WHEN ({differs}) EXECUTE FUNCTION countersign_append_only()"
            )
            return
        editor.execute(
            f'CREATE TRIGGER "{table}_{self.trigger}" BEFORE UPDATE OF {names} ON "{table}" WHEN {differs} '
            f"BEGIN SELECT RAISE(ABORT, '{table}: this column never changes'); END"
        )

    def _remove(self, apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        table = apps.get_model(self.app_label, self.model)._meta.db_table
        on_table = f' ON "{table}"' if editor.connection.vendor == "postgresql" else ""
        editor.execute(f'DROP TRIGGER IF EXISTS "{table}_{self.trigger}"{on_table}')


def install_postgres_function(editor: BaseDatabaseSchemaEditor) -> None:
    """Put the function there that every trigger on PostgreSQL calls; again changes nothing."""
    editor.execute(
        "CREATE OR REPLACE FUNCTION countersign_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$",
        # Without parameters the percent sign is PL/pgSQL's, not the driver's.
        params=None,
    )
