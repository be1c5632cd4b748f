"""The database itself refuses what must not change."""

from django.db import migrations

from ledger.append_only import ForbidChange


class Migration(migrations.Migration):
    dependencies = [("gates", "0002_initial")]

    operations = [
        ForbidChange("gates", "Decision"),
    ]
