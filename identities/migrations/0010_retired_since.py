"""When an identity was retired: what it signed before counts, and it stays retired."""

from django.db import migrations, models

from ledger.guard_rows import SetOnce


class Migration(migrations.Migration):
    dependencies = [("identities", "0009_workload_tokens_stay")]

    operations = [
        migrations.AddField(model_name="identity", name="retired_at", field=models.DateTimeField(blank=True, null=True)),
        SetOnce("identities", "Identity", ["retired_at"]),
    ]
