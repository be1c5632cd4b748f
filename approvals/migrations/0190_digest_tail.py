"""A ceremony at the highest tier keeps what was typed of the artifact's digest."""

from django.db import migrations, models

from ledger.append_only import FreezeColumns


class Migration(migrations.Migration):
    dependencies = [("approvals", "0152_find_on_the_desk")]

    operations = [
        migrations.AddField("ceremony", "digest_tail", models.CharField(blank=True, max_length=8, null=True)),
        FreezeColumns("approvals", "Ceremony", ["digest_tail"], "frozen_tail"),
    ]
