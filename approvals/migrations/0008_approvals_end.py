"""Approvals end with the person who gave them, unless a gate has acted on them: those are kept."""

import django.db.models.deletion
from django.db import migrations, models

from ledger.append_only import ForbidChange
from ledger.guard_rows import ForbidReplacement


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0007_expectations"),
        ("ledger", "0003_no_replacement"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApprovalEnd",
            fields=[
                (
                    "approval",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="end",
                        serialize=False,
                        to="approvals.approval",
                    ),
                ),
                ("code", models.CharField(max_length=80)),
                ("sentence", models.CharField(max_length=400)),
                ("ended_at", models.DateTimeField()),
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="KeptApproval",
            fields=[
                (
                    "approval",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="kept",
                        serialize=False,
                        to="approvals.approval",
                    ),
                ),
                ("roles", models.JSONField()),
                ("kept_at", models.DateTimeField()),
            ],
            options={
                "abstract": False,
            },
        ),
        ForbidChange("approvals", "ApprovalEnd"),
        ForbidReplacement("approvals", "ApprovalEnd"),
        ForbidChange("approvals", "KeptApproval"),
        ForbidReplacement("approvals", "KeptApproval"),
    ]
