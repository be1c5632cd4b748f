"""A gate is asked about a promotion that begins, or about what was promoted and starts again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gates", "0040_broken_glass"),
    ]

    operations = [
        migrations.AddField(
            model_name="decision",
            name="purpose",
            field=models.CharField(blank=True, choices=[("promote", "Promote"), ("run", "Run")], max_length=8, null=True),
        ),
        migrations.AddField(
            model_name="decision",
            name="valid_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
