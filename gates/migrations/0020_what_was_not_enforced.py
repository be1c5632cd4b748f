"""A gate says what it would have said where its policy is not enforced yet."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gates", "0004_no_replacement"),
    ]

    operations = [
        migrations.AddField(
            model_name="decision",
            name="enforced",
            field=models.BooleanField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="decision",
            name="would",
            field=models.JSONField(blank=True, null=True),
        ),
    ]
