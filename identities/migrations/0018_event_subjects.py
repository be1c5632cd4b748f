"""Whom an entry of the ledger is about, until they were told."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("identities", "0017_operator_stands_in_for_an_officer"),
        ("ledger", "0003_no_replacement"),
    ]

    operations = [
        migrations.CreateModel(
            name="EventSubject",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("about", models.CharField(blank=True, max_length=80)),
                ("entry", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
                ("identity", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.identity")),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("entry", "identity"), name="event_subject_once")],
            },
        ),
    ]
