"""A rule can be waived for a while, and a waiver ended before its time."""

import django.db.models.deletion
from django.db import migrations, models

from ledger.append_only import ForbidChange
from ledger.guard_rows import ForbidReplacement


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0050_who_made_it"),
        ("attestations", "0011_verdict_signers"),
        ("identities", "0020_who_set_up_a_provider"),
        ("ledger", "0003_no_replacement"),
    ]

    operations = [
        migrations.CreateModel(
            name="Waiver",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("policy_id", models.CharField(max_length=80)),
                ("rule_id", models.CharField(max_length=80)),
                ("until", models.DateTimeField()),
                ("agreed_under", models.CharField(max_length=64)),
                ("statement", models.BinaryField()),
                ("granted_at", models.DateTimeField()),
                ("document", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="attestations.blob")),
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
                (
                    "environment",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="waivers", to="identities.environment"),
                ),
                ("owner", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="waivers", to="identities.identity")),
                (
                    "project",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="waivers", to="identities.project"),
                ),
                (
                    "request",
                    models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="waiver", to="approvals.request"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="WaiverEnd",
            fields=[
                (
                    "waiver",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="end",
                        serialize=False,
                        to="approvals.waiver",
                    ),
                ),
                ("reason", models.CharField(max_length=400)),
                ("ended_at", models.DateTimeField()),
                ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.identity")),
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddIndex(
            model_name="waiver",
            index=models.Index(fields=["project", "environment", "until"], name="waiver_place"),
        ),
        ForbidChange("approvals", "Waiver"),
        ForbidReplacement("approvals", "Waiver"),
        ForbidChange("approvals", "WaiverEnd"),
        ForbidReplacement("approvals", "WaiverEnd"),
    ]
