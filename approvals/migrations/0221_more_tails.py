"""A ceremony at the highest tier keeps what was typed of each artifact's digest."""

from django.db import migrations, models

from ledger.append_only import FreezeColumns


class Migration(migrations.Migration):
    dependencies = [("approvals", "0220_ground")]

    operations = [
        migrations.AddField("ceremony", "more_tails", models.CharField(blank=True, max_length=40, null=True)),
        FreezeColumns("approvals", "Ceremony", ["more_tails"], "frozen_more_tails"),
    ]
