"""How administrators left the steps of setting up."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("identities", "0015_people_stay"),
        ("portal", "0002_notices"),
    ]

    operations = [
        migrations.CreateModel(
            name="SetUpAnswer",
            fields=[
                ("step", models.CharField(max_length=24, primary_key=True, serialize=False)),
                ("answer", models.CharField(choices=[("done", "Done"), ("skipped", "Skipped")], max_length=8)),
                ("answered_at", models.DateTimeField()),
                ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.identity")),
            ],
        ),
    ]
