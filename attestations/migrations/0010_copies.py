"""A verdict names what all copies of its evidence share. Whatever was verified before is verified again and gets it with its new verdict."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("attestations", "0009_trust_proposal"),
    ]

    operations = [
        migrations.AddField(
            model_name="verdict",
            name="copy_key",
            field=models.CharField(blank=True, db_index=True, max_length=64, null=True),
        ),
    ]
