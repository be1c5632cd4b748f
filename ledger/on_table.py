"""A migration operation on one table, which reads the table's name and key from the state of the migrations alone.

Django's own `RunPython` builds every model of the portal anew each time, in case somebody asks for rows. With a guard on nearly every table that
was half the time a new portal took to prepare. Not for what reads or writes rows.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from django.db import migrations, router
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.state import ProjectState
from django.db.models import ForeignKey


class OnTable(migrations.RunPython):
    """Base of the operations that put a guard on a table or take it away."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if router.allow_migrate(schema_editor.connection.alias, app_label, **self.hints):
            self.code(cast(Any, Tables(from_state)), schema_editor)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if self.reverse_code is None:
            raise IrreversibleError(f"{self} cannot be taken back")
        if router.allow_migrate(schema_editor.connection.alias, app_label, **self.hints):
            self.reverse_code(cast(Any, Tables(from_state)), schema_editor)


class Tables:
    """Stands where `RunPython` gives all models: of one it tells `_meta.db_table` and `_meta.pk.column`, and nothing else."""

    def __init__(self, state: ProjectState) -> None:
        self._state = state

    def get_model(self, app_label: str, model: str) -> Any:
        """Return the names of a model's table and key. Raises KeyError where there is no such model yet."""
        known = self._state.models[app_label, model.lower()]
        table = known.options.get("db_table") or f"{app_label}_{model.lower()}"
        column = "id"
        for name, field in known.fields.items():
            if field.primary_key:
                column = field.db_column or (f"{name}_id" if isinstance(field, ForeignKey) else name)
        return SimpleNamespace(_meta=SimpleNamespace(db_table=table, pk=SimpleNamespace(column=column)))
