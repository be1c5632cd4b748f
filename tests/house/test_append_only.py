"""Every table that must not change is guarded by the database itself, whichever database it is."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection, models

from ledger.append_only import AppendOnly, AppendOnlyError, AppendOnlyQuerySet

MODELS = [model for model in apps.get_models() if issubclass(model, AppendOnly)]
pytestmark = pytest.mark.django_db


def triggers_on(table: str) -> set[str]:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT event_manipulation FROM information_schema.triggers WHERE event_object_table = %s AND action_timing = 'BEFORE'"
                " UNION SELECT 'TRUNCATE' FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
                " WHERE c.relname = %s AND NOT t.tgisinternal AND t.tgenabled = 'O' AND (t.tgtype & 32) <> 0",
                [table, table],
            )
            return {str(row[0]) for row in cursor.fetchall()}
        cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table])
        return {
            event for (sql,) in cursor.fetchall() for event in ("UPDATE", "DELETE") if f"BEFORE {event} ON" in sql and "RAISE(ABORT" in sql
        }


def test_there_are_such_tables() -> None:
    assert len(MODELS) >= 10


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
class TestEveryAppendOnlyTable:
    def test_the_database_refuses_changes(self, model: type[models.Model]) -> None:
        expected = {"UPDATE", "DELETE", "TRUNCATE"} if connection.vendor == "postgresql" else {"UPDATE", "DELETE"}
        assert triggers_on(model._meta.db_table) == expected

    def test_the_model_refuses_changes(self, model: type[models.Model]) -> None:
        assert isinstance(model._default_manager.all(), AppendOnlyQuerySet)
        for change in (lambda: model._default_manager.all().delete(), lambda: model._default_manager.update(pk=None)):
            with pytest.raises(AppendOnlyError):
                change()

    def test_nothing_above_takes_it_along(self, model: type[models.Model]) -> None:
        """A cascade would delete rows the triggers then refuse, at a moment nobody expects it."""
        for field in model._meta.get_fields():
            if isinstance(field, models.ForeignKey):
                assert field.remote_field.on_delete is models.PROTECT, field.name
