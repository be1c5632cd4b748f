"""The portal keeps what it said came of a decision: statements for other tools."""

import django.db.models.deletion
from django.db import migrations, models

from ledger.append_only import ForbidChange
from ledger.guard_rows import ForbidReplacement


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0071_dry_runs_stay_what_was_asked"),
        ("ledger", "0003_no_replacement"),
    ]

    operations = [
        migrations.CreateModel(
            name="OutcomeStatement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("about", models.CharField(blank=True, max_length=64)),
                ("type", models.CharField(choices=[("svr", "Simple verification result"), ("vsa", "Verification summary")], max_length=8)),
                ("envelope", models.BinaryField()),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("signed_at", models.DateTimeField()),
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
                (
                    "revision",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="outcomes", to="approvals.revision"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("about", ""), ("revision__isnull", False)),
                            models.Q(("revision__isnull", True), models.Q(("about", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="outcome_of_revision_or_break_glass",
                    )
                ],
            },
        ),
        ForbidChange("approvals", "OutcomeStatement"),
        ForbidReplacement("approvals", "OutcomeStatement"),
    ]
