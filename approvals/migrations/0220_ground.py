"""When it was last looked whether what a waiting request is compared with still holds."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("approvals", "0210_signals_seen")]

    operations = [
        migrations.AddField("requeststate", "ground_at", models.DateTimeField(blank=True, null=True)),
    ]
