"""What became of what a gate let through is reported once, and the database keeps it so."""

import django.db.models.deletion
from django.db import migrations, models

from ledger.append_only import ForbidChange
from ledger.guard_rows import ForbidReplacement


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0110_automatic_revocations"),
        ("ledger", "0003_no_replacement"),
    ]

    operations = [
        migrations.CreateModel(
            name="Execution",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "outcome",
                    models.CharField(
                        choices=[("executed", "Executed"), ("failed", "Failed"), ("outcome_unknown", "Outcome unknown")], max_length=20
                    ),
                ),
                ("is_reported", models.BooleanField()),
                ("result", models.CharField(blank=True, max_length=64)),
                ("detail", models.CharField(blank=True, max_length=1000)),
                ("envelope", models.BinaryField()),
                ("at", models.DateTimeField()),
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
                (
                    "use",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="executions", to="approvals.approvaluse"),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("use", "is_reported"), name="one_report_on_a_use"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("is_reported", True), ("outcome__in", ["executed", "failed"])),
                            models.Q(("is_reported", False), ("outcome", "outcome_unknown")),
                            _connector="OR",
                        ),
                        name="execution_reported_or_unknown",
                    ),
                ],
            },
        ),
        ForbidChange("approvals", "Execution"),
        ForbidReplacement("approvals", "Execution"),
    ]
