"""A decision, once given, is not pushed out by another of the same id either."""

from django.db import migrations

from ledger.guard_rows import ForbidReplacement


class Migration(migrations.Migration):
    dependencies = [("gates", "0003_append_only")]

    operations = [
        ForbidReplacement("gates", "Decision"),
    ]
