"""The portal keeps its own revocations of approvals: what no person signed."""

import django.db.models.deletion
from django.db import migrations, models

from ledger.append_only import ForbidChange
from ledger.guard_rows import ForbidReplacement


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0100_break_glass"),
        ("ledger", "0003_no_replacement"),
    ]

    operations = [
        migrations.CreateModel(
            name="AutomaticRevocation",
            fields=[
                (
                    "approval",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="automatic_revocation",
                        serialize=False,
                        to="approvals.approval",
                    ),
                ),
                ("reason", models.CharField(max_length=40)),
                ("envelope", models.BinaryField()),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("signed_at", models.DateTimeField()),
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
            ],
            options={"abstract": False},
        ),
        ForbidChange("approvals", "AutomaticRevocation"),
        ForbidReplacement("approvals", "AutomaticRevocation"),
    ]
