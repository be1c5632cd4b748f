"""An entry, once written, is not pushed out by another of the same number either."""

from django.db import migrations

from ledger.guard_rows import ForbidReplacement


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_append_only")]

    operations = [
        ForbidReplacement("ledger", "Entry"),
        ForbidReplacement("ledger", "Node"),
        ForbidReplacement("ledger", "Checkpoint"),
    ]
