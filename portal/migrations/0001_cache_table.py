"""The table of the database cache, which sign-in limits count in where there is no Redis."""

from typing import Any

from django.core.management import call_command
from django.db import migrations

TABLE = "portal_cache"


def make_table(apps: Any, editor: Any) -> None:
    call_command("createcachetable", TABLE, database=editor.connection.alias, verbosity=0)


def drop_table(apps: Any, editor: Any) -> None:
    editor.execute(f'DROP TABLE IF EXISTS "{TABLE}"')


class Migration(migrations.Migration):
    dependencies: list[tuple[str, str]] = []

    operations = [migrations.RunPython(make_table, drop_table)]
