"""The database itself refuses what must not change."""

from django.db import migrations

from ledger.append_only import ForbidChange


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [
        ForbidChange("ledger", "Entry"),
        ForbidChange("ledger", "Node"),
        ForbidChange("ledger", "Checkpoint"),
    ]
